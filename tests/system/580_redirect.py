"""Redirections (RFC 3261 8.1.3.4): a carrier's to another carrier, in the order of q and by the account's
rules; a PBX's, whose call it is from there on; one that the PBX gets itself."""
import re

from lib import agents, rawsip
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PSTN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for

FRIEND, ABROAD, MOBILE = '+15552224444', '+33123456789', '+15552225555'
TWO = ACCOUNTS.replace('transport: tls\n', 'transport: tls\n        reuse: inbound\n        redirect: follow\n', 1)\
    .replace('international]', 'international]\n    countries: ["44"]', 1) + '''    redirect: {policy}
  - {{id: far, host: 127.0.0.10, port: 5081, redirect: follow, priority: 500}}
'''


def begin(place, script, policy='follow'):
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77'})
    p = Postern(place, accounts=TWO.replace('{policy}', policy)).start()
    return p, place.keep(rawsip.Gateway(script)), place.keep(rawsip.Customer(place.ca))


def play_carrier(place):
    """Abroad is nothing that the account may call, the next contact is busy, the third answers."""
    where = [f'Contact: <sip:{MOBILE}@127.0.0.10:5081>;q=0.2', f'Contact: <sip:{ABROAD}@127.0.0.10:5081>',
             f'Contact: <sip:{FRIEND}@127.0.0.10:5081>;q=0.7']

    def away(gw, m, src):
        if m.method != 'INVITE':
            rawsip.Gateway.answer(gw, m, src)
            return
        gw.send(re.sub(rb'Contact: [^\r]*\r\n', '\r\n'.join(where + ['']).encode(), rawsip.reply(m, 302, gw.tag(m))),
                src)

    def far(gw, m, src):
        if m.method == 'INVITE' and FRIEND in m.line:
            gw.respond(m, 486, src)
        else:
            gw.answer(m, src)

    p, _, pbx = begin(place, away)
    other = place.keep(rawsip.At(far, '127.0.0.10', 5081, media=41500))
    call = pbx.call()
    equal(pbx.bye(call), 200, 'BYE')
    last = other.requests()[-1]
    check(f'sip:{MOBILE}@127.0.0.10:5081' in last.line, last.line)
    check(PSTN in last.get('diversion') and 'cause=302' in last.all('history-info')[-1], last.data)
    cdr = p.wait_cdrs(1)[0]
    equal([(t['trunk'], t['status'], t['number'], t.get('redirected', 0)) for t in cdr['targets']],
          [('gw1', 302, PSTN, 0), ('far', -1, ABROAD, 1), ('far', 486, FRIEND, 1), ('far', 200, MOBILE, 1)], 'targets')
    equal([t.get('addresses') for t in cdr['targets']],
          [[f'{GATEWAY}:5080'], None, ['127.0.0.10:5081'], ['127.0.0.10:5081']], 'addresses')
    check('countries' in cdr['targets'][1]['why'], cdr['targets'])
    said = p.command('explain', '-c', p.conf, cdr['id'])
    check(f'at 127.0.0.10:5081 for {FRIEND}, as the call was redirected, answered 486' in ' '.join(said.split()), said)
    p.wait_idle()


def play_forward(place):
    """The PBX sends a call that comes for it on to a mobile: back to the carrier, at its account's cost."""
    p, gw, pbx = begin(place, None)
    ping = rawsip.Call()                        # its connection is one that calls may go over
    pbx.send(rawsip.request('OPTIONS', ping))
    equal(pbx.final(ping).status, 200, 'OPTIONS')
    call, tag = rawsip.token(), rawsip.token(4)
    head = [f'INVITE sip:{NUMBER}@{CARRIER_SIDE} SIP/2.0', f'Via: SIP/2.0/UDP {GATEWAY}:5080;branch=z9hG4bK{call}',
            f'From: <sip:+15557778888@{GATEWAY}>;tag={tag}', f'To: <sip:{NUMBER}@{CARRIER_SIDE}>', f'Call-ID: {call}',
            'CSeq: 1 INVITE', f'Contact: <sip:gw@{GATEWAY}:5080>', 'Max-Forwards: 70', 'Content-Type: application/sdp']
    body = gw.sdp()
    gw.send('\r\n'.join(head + [f'Content-Length: {len(body)}', '', body]).encode(), (CARRIER_SIDE, 5060))
    while (m := pbx.read(5)) and m.method != 'INVITE':
        pass
    check(m, 'no INVITE at the PBX')
    pbx.send(rawsip.reply(m, 302, contact=f'sip:{MOBILE}@pbx.example.test'))
    onward = gw.wait('INVITE')
    check(MOBILE in onward.line and f'<sip:{NUMBER}@' in onward.get('diversion'), onward.data)
    check('+15557778888' in onward.get('from'), onward.get('from'))
    final = wait_for('the answer', 5, lambda: [x for x in gw.seen if x.status == 200 and x.get('call-id') == call])[0]
    target = re.search(r'<([^>]+)>', final.get('contact')).group(1)
    for n, method in ((1, 'ACK'), (2, 'BYE')):
        if method == 'BYE':
            gw.wait('ACK')
        lines = [f'{method} {target} SIP/2.0', f'Via: SIP/2.0/UDP {GATEWAY}:5080;branch=z9hG4bK{call}{n}', head[2],
                 f'To: {final.get("to")}', f'Call-ID: {call}', f'CSeq: {n} {method}', 'Max-Forwards: 70']
        gw.send(('\r\n'.join(lines) + '\r\nContent-Length: 0\r\n\r\n').encode(), (CARRIER_SIDE, 5060))
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['account'], cdr['trunk'], cdr['forwarded_by'], cdr['class'], cdr['sip_status']),
          ('acme', 'acme-pbx', 'acme-pbx', 'termination', 200), 'CDR')
    p.wait_idle()


def play_told(place):
    """The PBX is told where to call; that comes to us."""
    def away(gw, m, src):
        if m.method == 'INVITE' and PSTN in m.line:
            gw.send(re.sub(rb'Contact: [^\r]*', f'Contact: <sip:{MOBILE}@10.9.9.9>'.encode(),
                           rawsip.reply(m, 302, gw.tag(m))), src)
        else:
            rawsip.Gateway.answer(gw, m, src)

    p, _, pbx = begin(place, away, 'pass')
    call, m = pbx.ask()
    equal(m and m.status, 302, 'status')
    pbx.send(rawsip.request('ACK', call, branch=call.branch))
    contact = m.get('contact')
    check(contact.startswith(f'<sip:{MOBILE}@sbc.example.test;') and '10.9.9.9' not in m.data.decode(), contact)
    again = pbx.call(number=re.search(r'sip:([^@]+)@', contact).group(1))
    equal(pbx.bye(again), 200, 'BYE')
    equal(sorted(c['sip_status'] for c in p.wait_cdrs(2)), [200, 302], 'CDRs')
    p.wait_idle()
