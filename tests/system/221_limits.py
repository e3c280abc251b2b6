"""Limits under racing connections (A5), the length of a call, money and minutes of the day over a
kill of signaling, and who may call as whom (A3)."""
import os
import threading
import time

from lib import agents, rawsip
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, POSTERN, PSTN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import offer, request

GUARDS = ['A3', 'A5']
CONNECTIONS = 16
RATES = '''rates:
  - {{prefix: "+1", price: "0.60", increment: 60}}
  - {{prefix: "+44", price: "1.20", increment: 1}}
'''


def bed(place, words, script=None):
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77', 'pbx.branch.firm.test': '127.0.0.77'})
    accounts = ACCOUNTS.replace('name: Acme Test\n', f'name: Acme Test\n{words}', 1) + RATES
    return Postern(place, accounts=accounts).start(), place.keep(rawsip.Gateway(script))


def race(place, each, number=PSTN):
    """16 connections that make `each` calls at once; [(connection, call)] of those answered, and
    the statuses of the others."""
    pbxs = [place.keep(rawsip.Customer(place.ca)) for _ in range(CONNECTIONS)]
    go, up, refused = threading.Barrier(CONNECTIONS), [], []

    def work(pbx):
        calls = [rawsip.Call(number) for _ in range(each)]
        go.wait(10)
        pbx.send(b''.join(request('INVITE', c, offer()) for c in calls))
        left = {c.id: c for c in calls}
        while left and (m := pbx.final(seconds=20)):
            c = left.pop(m.get('call-id'), None)
            if c and m.status == 200:
                c.learn(m)
                pbx.send(request('ACK', c))
                up.append((pbx, c))
            elif c:
                refused.append((m.status, m.get('warning')))
                pbx.send(request('ACK', c, branch=c.branch))
        refused.extend((None, 'no answer') for _ in left)
    threads = [threading.Thread(target=work, args=(p,)) for p in pbxs]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    return up, refused


def hang_up(up):
    for pbx, c in up:
        equal(pbx.bye(c), 200, 'BYE')


def play_racing_calls(place):
    """A5: 16 connections, 32 calls at once, 7 allowed: 7 go through, 25 get the account's status;
    seven again when those are over."""
    p, gw = bed(place, '    max_calls: 7\n    limit_status: 486\n')
    for turn in range(2):
        up, refused = race(place, 2)
        equal(len(up), 7, 'calls that went through')
        equal({s for s, _ in refused}, {486}, 'what the others were told')
        check('as many calls as it may have' in refused[0][1], f'Warning: {refused[0][1]}')
        equal(len(gw.requests('INVITE')), 7 * (turn + 1), 'INVITEs at the gateway')
        hang_up(up)
        wait_for('no call is left', 8, lambda: p.stat('calls') == 0, 0.1)


def play_racing_money(place):
    """A5: 16 connections, 48 calls at once over 6.00 a day at 0.60 a step: ten go through. After a
    kill of signaling nothing is forgotten: not one more. CDRs say what each cost."""
    p, gw = bed(place, '    max_spend: "6.00"\n')
    up, refused = race(place, 3)
    equal(len(up), 10, 'calls that went through')
    equal({s for s, _ in refused}, {480}, 'what the others were told')
    hang_up(up[:4])
    p.wait_cdrs(42)     # the four are settled, six are running
    p.kill('signaling')
    wait_for('signaling serves again', 15, p.serves)
    again = place.keep(rawsip.Customer(place.ca))
    c = rawsip.Call()
    again.send(request('INVITE', c, offer()))
    m = again.final(c)
    check(m and m.status == 480 and 'spent' in m.get('warning'), f'after the kill: {m and m.line}')
    again.send(request('ACK', c, branch=c.branch))
    for _, c in up[4:]:
        equal(again.bye(c), 200, 'BYE after the kill')
    cdrs = [c for c in p.wait_cdrs(49) if c['sip_status'] == 200]
    equal({(c['cost'], c['price'], c['increment'], c['minutes']) for c in cdrs},
          {('0.600000', '0.600000', 60, 1.0)}, 'what each cost')
    equal({c['refusal'] for c in p.cdrs() if c['sip_status'] == 480}, {'SPEND'}, 'why refused')
    equal(len(gw.requests('INVITE')), 10, 'INVITEs at the gateway')


def play_money_over_stop(place):
    """The day's money is not given again by a stop and a start: 1.20 at 0.60 a minute are two calls,
    one settled, one ended by SIGTERM; the next is refused by the next life of the node."""
    p, gw = bed(place, '    max_spend: "1.20"\n')
    pbx = place.keep(rawsip.Customer(place.ca))
    equal(pbx.bye(pbx.call()), 200, 'BYE')
    pbx.call()
    p.stop()
    usage = os.path.join(p.dir, 'store.db.usage')
    p.start()
    p.ended = False
    again = place.keep(rawsip.Customer(place.ca))
    c = rawsip.Call()
    again.send(request('INVITE', c, offer()))
    m = again.final(c)
    check(m and m.status == 480 and 'spent' in m.get('warning'), f'after the stop: {m and m.line}')
    again.send(request('ACK', c, branch=c.branch))
    equal(len(gw.requests('INVITE')), 2, 'INVITEs at the gateway')
    equal(os.stat(usage).st_mode & 0o7777, 0o600, 'mode of the file')


def play_racing_attempts(place):
    """A5: five calls a second: of 48 at once five go through."""
    p, gw = bed(place, '    attempts: 5\n')
    began = time.monotonic()
    up, _ = race(place, 3)
    most = 5 + int((time.monotonic() - began) * 5) + 1
    check(5 <= len(up) <= most, f'{len(up)} calls went through, {most} at most')
    equal(len(gw.requests('INVITE')), len(up), 'INVITEs at the gateway')
    hang_up(up)


def ended_by_us(pbx, gw, c, least, most, began):
    m = None
    while time.monotonic() < began + most + 3 and not (m and m.method == 'BYE'):
        m = pbx.read(1)
    took = time.monotonic() - began
    check(m and m.method == 'BYE', 'no BYE came')
    pbx.send(rawsip.reply(m, 200))
    check(least <= took <= most, f'ended after {took:.2f} s, wanted {least} to {most}')
    gw.wait('BYE')


def play_length(place):
    """A call ends at its longest length, with BYE on both legs and a CDR that says why."""
    p, gw = bed(place, '    max_length: 2s\n')
    pbx = place.keep(rawsip.Customer(place.ca))
    began = time.monotonic()
    c = pbx.call()
    ended_by_us(pbx, gw, c, 1.9, 3, began)
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['refusal'], cdr['ended_by'], cdr['sip_status']), ('LENGTH', 'postern', 200), 'CDR')
    check(1950 <= cdr['duration_ms'] <= 2500, f'duration {cdr["duration_ms"]}')


def play_cut(place):
    """A call ends when the day's amount is reached: 0.06 at 0.02 a second are three seconds."""
    p, gw = bed(place, '    max_spend: "0.06"\n')
    pbx = place.keep(rawsip.Customer(place.ca))
    began = time.monotonic()
    c = pbx.call(number='+442071234567')
    ended_by_us(pbx, gw, c, 2.9, 4, began)
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['refusal'], cdr['class'], cdr['cost']), ('SPEND', 'international', '0.060000'), 'CDR')


def invite(pbx, from_uri, *headers):
    c = rawsip.Call()
    pbx.send(request('INVITE', c, offer(), headers, from_uri=from_uri))
    m = pbx.final(c)
    if m and m.status == 200:
        c.learn(m)
        pbx.send(request('ACK', c, from_uri=from_uri))
        pbx.send(request('BYE', c, from_uri=from_uri))
        pbx.final(c, method='BYE')
    elif m:
        pbx.send(request('ACK', c, branch=c.branch, from_uri=from_uri))
    return m.status if m else None


HERS = '+15557770002'
IDENTITIES = [f'P-Asserted-Identity: <sip:{HERS}@x>', f'P-Preferred-Identity: <sip:{HERS}@x>',
              f'Remote-Party-ID: <sip:{HERS}@x>;party=calling', f'Diversion: <sip:{HERS}@x>',
              f'History-Info: <sip:{HERS}@x>;index=1']


def play_identity(place):
    """A3: each identity header with a number of another account, and From with one of another's,
    nobody's and no number: 403 and nothing at the gateway; with `caller: replace` they are replaced
    by the account's own. What is withheld is withheld, and asserted to the carrier."""
    p, gw = bed(place, '')
    pbx, own = place.keep(rawsip.Customer(place.ca)), f'sip:{NUMBER}@pbx.example.test'
    for h in IDENTITIES:
        equal(invite(pbx, own, h), 403, h)
    for uri in (f'sip:{HERS}@x', 'sip:+12025550123@x', 'sip:1001@x', 'sip:ann@x', f'tel:{HERS}'):
        equal(invite(pbx, uri), 403, uri)
    equal(len(gw.requests('INVITE')), 0, 'INVITEs at the gateway')
    equal(invite(pbx, own), 200, 'its own number')
    equal(invite(pbx, 'sip:anonymous@anonymous.invalid', f'P-Asserted-Identity: <{own}>',
                 'Privacy: id'), 200, 'withheld')
    first, second = gw.requests('INVITE')
    check(NUMBER in first.get('from') and NUMBER in first.get('p-asserted-identity'), 'own')
    check('anonymous@anonymous.invalid' in second.get('from') and second.get('privacy') == 'id'
          and NUMBER in second.get('p-asserted-identity'), f'withheld: {second.headers}')
    with open(p.accounts, encoding='utf-8') as f:
        text = f.read().replace('name: Acme Test\n', 'name: Acme Test\n    caller: replace\n')
    p.write('next.yaml', text.replace('        numbers:', f'        caller: "{NUMBER}"\n        numbers:', 1))
    p.command('apply', '-c', p.conf, p.dir + '/next.yaml')
    wait_for('the new accounts', 5, lambda: len(p.events('accounts.swap')) >= 2, 0.05)
    for i, h in enumerate(IDENTITIES):
        equal(invite(pbx, f'sip:{HERS}@x' if i & 1 else own, h), 200, h)
    for m in gw.requests('INVITE')[2:]:
        check(HERS.encode() not in m.data and NUMBER in m.get('from'), f'replaced: {m.headers}')
    equal(len(gw.requests('INVITE')), 2 + len(IDENTITIES), 'INVITEs at the gateway')
