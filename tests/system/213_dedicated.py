"""One account with two trunks: TLS and SRTP over the Internet, and a dedicated connection: plain SIP
and RTP over an interface and addresses of its own. Calls both ways over both; what comes from elsewhere
is nobody's.

   this namespace                             postern's namespace
   PBX 198.51.100.2, gateway 10.1.0.9   m0 -- p0   198.51.100.1 TLS, 10.1.0.3 carriers
   PBX on the line 10.9.0.2             m1 -- p1   10.9.0.1 (device p1)
"""
import socket

from lib import agents
from lib.place import PSTN
from lib.postern import BASE, Postern
from lib.proc import check, equal, run, wait_for
from lib.rawsip import At, Call, Customer, Gateway, offer

PBX, GATEWAY, LINE_PBX = '198.51.100.2', '10.1.0.9', '10.9.0.2'
TLS, CARRIERS, LINE = '198.51.100.1', '10.1.0.3', '10.9.0.1'
LINE_NUMBER = '+15557770009'

CONF = BASE.replace('media:\n', f'''  - {{{{name: line, transport: udp, bind: "{LINE}:5060", device: p1, side: customer}}}}
  - {{{{name: plain, transport: udp, bind: "{TLS}:5060", side: customer}}}}
media:
''').replace('  ports:', f'    - {{{{name: line, bind: {LINE}}}}}\n  ports:')

ACCOUNTS = f'''accounts:
  - id: acme
    tls_srtp: on
    override: a test
    trunks:
      - id: acme-pbx
        fqdn: pbx.example.test
        numbers: ["+15557770001"]
      - id: acme-line
        fqdn: {LINE_PBX}
        transport: udp
        security: dedicated
        listener: line
        media: line
        numbers: ["{LINE_NUMBER}"]
carriers:
  - {{{{id: gw1, host: {GATEWAY}, port: 5080}}}}
'''


def network(inner):
    def ip(*words, space=None):
        run(['ip', *(['-n', space] if space else []), *words])
    for near, far in (('m0', 'p0'), ('m1', 'p1')):
        ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', inner)
        ip('link', 'set', near, 'up')
        ip('link', 'set', far, 'up', space=inner)
    for address, dev, space in ((PBX, 'm0', None), (GATEWAY, 'm0', None), (LINE_PBX, 'm1', None),
                                (TLS, 'p0', inner), (CARRIERS, 'p0', inner), (LINE, 'p1', inner)):
        ip('addr', 'add', f'{address}/24', 'dev', dev, space=space)


def bed(place):
    inner = place.spaces[0]
    network(inner)
    agents.dnsmasq(place, {'pbx.example.test': PBX}, space=inner)
    p = Postern(place, space=inner, conf=CONF, accounts=ACCOUNTS, tls=f'{TLS}:5061',
                udp=f'{CARRIERS}:5060', media_out=TLS, media_in=CARRIERS, gateway=GATEWAY).start()
    return p, place.keep(At(host=GATEWAY)), place.keep(At(host=LINE_PBX, port=5060))


def plain_invite(call, to, source):
    body = offer(43000, 'RTP/AVP', (), LINE_PBX)
    return (f'INVITE sip:{PSTN}@{to} SIP/2.0\r\n'
            f'Via: SIP/2.0/UDP {source};branch={call.branch}\r\n'
            f'From: <sip:{LINE_NUMBER}@{source}>;tag={call.tag}\r\nTo: <sip:{PSTN}@{to}>\r\n'
            f'Call-ID: {call.id}\r\nCSeq: 1 INVITE\r\nContact: <sip:{LINE_NUMBER}@{source}>\r\n'
            f'Max-Forwards: 70\r\nContent-Type: application/sdp\r\n'
            f'Content-Length: {len(body)}\r\n\r\n{body}').encode()


def plain_request(method, call, invite_answer, to, cseq):
    to_header = invite_answer.get('to')
    return (f'{method} sip:{PSTN}@{to} SIP/2.0\r\n'
            f'Via: SIP/2.0/UDP {LINE_PBX}:5060;branch={call.branch}{method}\r\n'
            f'From: <sip:{LINE_NUMBER}@{LINE_PBX}:5060>;tag={call.tag}\r\nTo: {to_header}\r\n'
            f'Call-ID: {call.id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n'
            f'Content-Length: 0\r\n\r\n').encode()


def answers(line, call):
    return [m for m in list(line.seen) if m.status and m.get('call-id') == call.id]


def play_calls_over_both(place):
    p, gw, line = bed(place)
    # from the PBX over TLS and SRTP
    pbx = place.keep(Customer(place.ca, source=PBX, address=(TLS, 5061)))
    c = pbx.call(caller='+15557770001')
    check('RTP/SAVP' in c.answer and f'c=IN IP4 {TLS}' in c.answer, c.answer)
    equal(pbx.bye(c), 200, 'BYE over TLS')
    # from the PBX over the line
    c = Call()
    line.script = lambda *_: None
    line.send(plain_invite(c, f'{LINE}:5060', f'{LINE_PBX}:5060'), (LINE, 5060))
    wait_for('an answer over the line', 5, lambda: [m for m in answers(line, c) if m.status >= 200])
    last = answers(line, c)[-1]
    equal(last.status, 200, 'a call over the line')
    check(f'c=IN IP4 {LINE}' in last.body.decode() and 'RTP/AVP' in last.body.decode() and
          'crypto' not in last.body.decode(), last.body)
    check(f'{LINE}:5060' in last.get('contact'), last.get('contact'))
    line.send(plain_request('ACK', c, last, f'{LINE}:5060', 1), (LINE, 5060))
    line.send(plain_request('BYE', c, last, f'{LINE}:5060', 2), (LINE, 5060))
    wait_for('200 to BYE', 5, lambda: [m for m in answers(line, c) if m.cseq()[1] == 'BYE'])
    # to the PBX over the line
    line.script = Gateway.answer
    c = Call()
    gw.send(plain_invite(c, f'{CARRIERS}:5060', f'{GATEWAY}:5080')
            .replace(f'INVITE sip:{PSTN}'.encode(), f'INVITE sip:{LINE_NUMBER}'.encode())
            .replace(LINE_PBX.encode(), GATEWAY.encode()), (CARRIERS, 5060))
    invite = line.wait('INVITE')
    check(f'c=IN IP4 {LINE}' in invite.body.decode() and 'RTP/AVP' in invite.body.decode(), invite.body)
    wait_for('200 at the gateway', 5, lambda: [m for m in answers(gw, c) if m.status == 200])
    gw.send(plain_request('ACK', c, answers(gw, c)[-1], f'{CARRIERS}:5060', 1)
            .replace(LINE_PBX.encode(), GATEWAY.encode()), (CARRIERS, 5060))
    line.send(line.bye(invite), (LINE, 5060))
    cdrs = p.wait_cdrs(3)
    equal(sorted((x['trunk'], x['a']['transport'], x['b']['transport'], x['encrypted']) for x in cdrs),
          [('acme-line', 'udp', 'udp', 'none'), ('acme-line', 'udp', 'udp', 'none'),
           ('acme-pbx', 'tls', 'udp', 'a')], 'the calls')
    equal({x['account'] for x in cdrs}, {'acme'}, 'whose')


def play_only_on_its_line(place):
    """A4: the line's address over another interface, or at another listener, gets no word."""
    p, gw, line = bed(place)
    run(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.m0.rp_filter=0'])
    for name in ('all', 'p0', 'p1'):
        run(['ip', 'netns', 'exec', place.spaces[0], 'sysctl', '-qw',
             f'net.ipv4.conf.{name}.rp_filter=0'])
    spoof = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    spoof.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'm0')
    run(['ip', 'route', 'add', f'{LINE}/32', 'via', TLS, 'dev', 'm0', 'metric', '5', 'table', '100'])
    run(['ip', 'rule', 'add', 'oif', 'm0', 'table', '100'])
    spoof.bind((LINE_PBX, 5066))
    before = p.stat('sip_rx')
    strangers = p.stat('sip_unknown_source')
    c, d = Call(), Call()
    spoof.sendto(plain_invite(c, f'{LINE}:5060', f'{LINE_PBX}:5066'), (LINE, 5060))
    line.send(plain_invite(d, f'{TLS}:5060', f'{LINE_PBX}:5060'), (TLS, 5060))
    wait_for('the stranger', 5, lambda: p.stat('sip_unknown_source') > strangers)
    equal(p.stat('sip_rx'), before, 'messages that were read')
    equal(answers(line, d), [], 'answers')
    equal(gw.requests(), [], 'calls at the gateway')
    spoof.close()


play_calls_over_both.spaces = play_only_on_its_line.spaces = 1
