"""`postern trace`: the messages of a call on both legs, what was changed between them, without a secret;
after kill -9 of signaling and of admin; of refused requests; `trace: failed` and `off`."""
import base64
import glob
import json
import os

from lib import agents, rawsip
from lib.place import GATEWAY, PSTN
from lib.postern import BASE, Postern
from lib.proc import Failed, check, equal, wait_for
from lib.rawsip import offer


def bed(place, words='', script=None):
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77', 'pbx.branch.firm.test': '127.0.0.77'})
    return (Postern(place, conf=BASE + words).start(), place.keep(rawsip.Gateway(script)),
            place.keep(rawsip.Customer(place.ca)))


def trace(p, what, *words):
    return json.loads(p.command('trace', '-c', p.conf, '--json', what, *words))


def unknown(p, what):
    rc, text = p.command('trace', '-c', p.conf, what, may_fail=True)
    check(rc == 1 and 'no message of such a call' in text, text)


def kept_bytes(p):
    """The ring as it lies in memory, read through a descriptor that admin has."""
    for fd in glob.glob(f'/proc/{p.roles()["admin"]}/fd/*'):
        if 'memfd:postern-trace' in os.readlink(fd):
            with open(fd, 'rb') as f:
                return f.read()
    raise Failed('admin has no ring')


def steps(t):
    return [(m['leg'], 'out' if m['out'] else 'in', m['status'] or m['start'].split()[0], m['method'])
            for m in t['list'] if not m['again']]


LADDER = [('a', 'in', 'INVITE', 'INVITE'), ('b', 'out', 'INVITE', 'INVITE'),
          ('b', 'in', 180, 'INVITE'), ('a', 'out', 180, 'INVITE'), ('b', 'in', 200, 'INVITE'),
          ('a', 'out', 200, 'INVITE'), ('a', 'in', 'ACK', 'ACK'), ('b', 'out', 'ACK', 'ACK'),
          ('a', 'in', 'BYE', 'BYE'), ('b', 'out', 'BYE', 'BYE'), ('a', 'out', 200, 'BYE'),
          ('b', 'in', 200, 'BYE')]


def judge_call(p, c, cdr, gw):
    t = trace(p, cdr['id'], '--full', '--diff')
    equal(sorted(steps(t)), sorted(LADDER), 'the ladder')
    equal(steps(t)[0], LADDER[0], 'its first message')
    equal([(x['leg'], x['trunk']) for x in t['legs']], [('a', 'acme-pbx'), ('b', 'gw1')], 'legs')
    equal(t['legs'][0]['call_id'], c.id, 'Call-ID of A')
    equal(t['legs'][1]['call_id'], gw.seen[0].get('call-id'), 'Call-ID of B')
    sent = next(m for m in t['list'] if m['leg'] == 'b' and m['out'] and m['method'] == 'INVITE')
    equal((sent['transport'], sent['peer']), ('udp', f'{GATEWAY}:5080'), 'where it went')
    equal(t['list'][sent['from']]['leg'], 'a', 'what the INVITE of B came from')
    diff = {(d['part'], d['name'], 'was' in d, 'is' in d) for d in sent['diff']}
    for want in (('header', 'Via', True, True), ('header', 'Call-ID', True, True),
                 ('header', 'X-Secret', True, False), ('body', 'a=crypto:', True, False),
                 ('body', 'm=', True, True)):
        check(want in diff, f'{want} is not in {diff}')
    first = '\n'.join(t['list'][0]['lines'])
    check('Subject: caf\\xc3\\xa9 \\\\x41' in first, first)
    check('Authorization: Digest (hidden)' in first and 'inline:(hidden ' in first, first)
    equal(trace(p, c.id)['id'], cdr['id'], 'asked by a Call-ID')
    text = p.command('trace', '-c', p.conf, cdr['id'], '--full', '--diff')
    check('-- INVITE --' in text and '<- 180' in text and '\x1b' not in text, text)
    for line in text.splitlines():
        check(all(' ' <= ch <= '~' for ch in line), line)
    return t


def play_ladder(place):
    p, gw, pbx = bed(place)
    c = pbx.call(headers=('Subject: caf\u00e9 \\x41', 'X-Secret: x', 'Authorization: Digest username="u", '
                          'response="0123canary0123"'))
    ours = c.where()[2]
    equal(pbx.bye(c), 200, 'BYE')
    cdr = p.wait_cdrs(1)[0]
    wait_for('the last message', 3, lambda: {x[0] for x in steps(trace(p, cdr['id']))
                                             if x[2:] == (200, 'BYE')} == {'a', 'b'})
    before = judge_call(p, c, cdr, gw)
    kept = kept_bytes(p)
    check(c.id.encode() in kept, 'the ring does not hold the call')
    for canary in (rawsip.KEY, ours, base64.b64decode(rawsip.KEY).decode(), '0123canary0123'):
        check(canary.encode() not in kept, f'{canary} lies in the ring')
    bad = rawsip.Call(number='+15005550009')
    pbx.send(rawsip.request('INVITE', bad, offer(), ('Require: nothing',)))
    m = pbx.final(bad)
    pbx.send(rawsip.request('ACK', bad))
    refused = m.get('warning').split('id ')[1].strip(')"')
    equal([s[2] for s in steps(trace(p, refused))], ['INVITE', m.status, 'ACK'], 'a refused one')
    for role in ('signaling', 'admin'):
        p.kill(role)
        wait_for('all serve again', 15, p.serves)
        equal(judge_call(p, c, cdr, gw), before, f'after kill -9 of {role}')
    pbx = place.keep(rawsip.Customer(place.ca))
    again = pbx.call()
    equal(pbx.bye(again), 200, 'BYE')
    check(trace(p, p.wait_cdrs(3)[-1]['id'])['list'], 'a call of the next life')
    unknown(p, 'nosuchcall')


def play_failed_only(place):
    """trace: failed keeps a call that was refused, not one that went well; off keeps nothing; a reload
    is enough."""
    def script(gw, m, src):
        if m.method == 'INVITE' and PSTN not in m.line:
            gw.respond(m, 486, src)
        else:
            gw.answer(m, src)
    p, gw, pbx = bed(place, 'trace: failed\ntrace_size: 1\n', script)
    good = pbx.call()
    equal(pbx.bye(good), 200, 'BYE')
    p.wait_cdrs(1)
    busy = rawsip.Call(number='+15005550008')
    pbx.send(rawsip.request('INVITE', busy, offer()))
    equal(pbx.final(busy).status, 486, 'busy')
    pbx.send(rawsip.request('ACK', busy))
    ids = [x['id'] for x in p.wait_cdrs(2)]
    equal([s[2] for s in steps(trace(p, ids[1]))].count(486), 2, '486 on both legs')
    unknown(p, ids[0])
    check(b'\nCall-ID: ' + good.id.encode() not in kept_bytes(p), 'its messages')
    with open(p.conf, encoding='utf-8') as f:
        text = f.read()
    p.write('postern.yaml', text.replace('trace: failed', 'trace: off'))
    check('trace: changed' in p.command('reload', '-c', p.conf), 'reload')
    busy = rawsip.Call(number='+15005550008')
    pbx.send(rawsip.request('INVITE', busy, offer()))
    equal(pbx.final(busy).status, 486, 'busy')
    pbx.send(rawsip.request('ACK', busy))
    p.wait_cdrs(3)
    check(busy.id.encode() not in kept_bytes(p), 'kept though it is off')
