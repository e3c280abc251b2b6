"""Rules of trunks for headers and numbers on the wire, over TLS and UDP, both ways: folds, 8-bit, compact
and repeated headers stay where no rule names them; Contact with the zone's FQDN; Identity only with what it
signs; emergency numbers as they were dialled; what apply says of rules that may not be."""
import os
import re

from lib import rawsip
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PSTN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal

PBX_RULES = '''        reuse: inbound
        contact: fqdn
        verstat: pass
        headers: {{in: ["remove Alert-Info"], out: ["add X-Account: {{account}}", "replace X-Name: {{zone}}"]}}
        rewrite: {{in: ["called 81 -> +1", "calling 0001 -> +15557770001"], out: ["called +1555777 ->"]}}
        numbers: ["{number}"]
'''
GW_RULES = '''  - id: gw1
    headers: {{in: ["remove X-Secret"], out: ["replace Subject: to {{called}}", "remove P-Asserted-Identity"]}}
    rewrite: {{in: ["calling 7 -> +1"], out: ["called +1 -> 9", "calling +1 ->"]}}
    verstat: pass
'''
RULED = ACCOUNTS.replace('        numbers: ["{number}"]\n', PBX_RULES).replace('  - id: gw1\n', GW_RULES)
SIGNED = 'Identity: eyJh.e30.c2ln;info=<https://c.example.test/a.pem>;alg=ES256'


def invite(number, caller, headers, call_id):
    """An INVITE of the gateway."""
    lines = [f'INVITE sip:{number}@{CARRIER_SIDE} SIP/2.0',
             f'Via: SIP/2.0/UDP {GATEWAY}:5080;branch=z9hG4bK{call_id}', 'Max-Forwards: 70',
             f'From: <sip:{caller}@{GATEWAY}>;tag=gw', f'To: <sip:{number}@{CARRIER_SIDE}>',
             f'Call-ID: {call_id}', 'CSeq: 1 INVITE', f'Contact: <sip:gw@{GATEWAY}:5080>', *headers,
             'Content-Type: application/sdp']
    body = rawsip.offer(40000, 'RTP/AVP', (), GATEWAY)
    text = '\r\n'.join(lines) + f'\r\nContent-Length: {len(body)}\r\n\r\n{body}'
    return text.encode('utf-8', 'surrogateescape')


def next_invite(pbx):
    while m := pbx.read(4):
        if m.method == 'INVITE':
            return m
    raise AssertionError('no INVITE at the PBX')


def play_on_the_wire(place):
    p = Postern(place, accounts=RULED).start()
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))

    # TLS to UDP: an access digit, an extension, folds and the rest
    call = rawsip.Call('81' + PSTN[2:], '0001')
    pbx.send(rawsip.request('INVITE', call, rawsip.offer(), (
        'Alert-Info: <http://x>', 'Subject: one\r\n  two', 's: \udcff', 'User-to-User: a\r\n\tb',
        'User-to-User: \udcfc', 'X-Of-The-PBX: 1')))
    m = pbx.final(call)
    equal(m and m.status, 200, 'the call')
    equal(m.get('contact'), '<sip:sbc.example.test:5061;transport=tls>', 'our Contact to the PBX')
    call.learn(m)
    pbx.send(rawsip.request('ACK', call))
    seen = gw.wait('INVITE')
    check(seen.line.startswith(f'INVITE sip:9{PSTN[2:]}@'), seen.line)
    check(f'<sip:{NUMBER[2:]}@' in seen.get('from'), seen.get('from'))
    equal(seen.all('subject'), [f'to 9{PSTN[2:]}'], 'Subject')
    for part in (b'\r\nUser-to-User: a\r\n\tb\r\n', b'\r\nUser-to-User: \xfc\r\n'):
        check(part in seen.data, f'{part!r} in {seen.data!r}')
    check(not seen.names() & {'alert-info', 's', 'x-of-the-pbx', 'p-asserted-identity', 'x-account'},
          seen.names())
    check(seen.get('contact').startswith(f'<sip:{CARRIER_SIDE}'), seen.get('contact'))
    equal(call.target, 'sip:sbc.example.test:5061;transport=tls', 'where the PBX sends its BYE')
    equal(pbx.bye(call), 200, 'BYE to the FQDN')
    p.wait_cdrs(1)

    # UDP to TLS: numbers that rules of one trunk or both change, and what was signed with them
    for n, caller in enumerate(('+15559998888', '75559998888')):
        asserted = f'P-Asserted-Identity: "Q" <sip:{caller};verstat=TN-Validation-Passed@{GATEWAY}>'
        gw.send(invite(NUMBER, f'{caller};verstat=TN-Validation-Passed', (
            SIGNED, 'Date: Sun, 22 Nov 2026 08:00:00 GMT', asserted, 'X-Secret: 1', 'X-Name: a',
            'X-Name: b', 'X-Folded: \udcff\r\n 2'), f'down{n}'), (CARRIER_SIDE, 5060))
        m = next_invite(pbx)
        check(m.line.startswith('INVITE sip:0001@'), m.line)
        check('<sip:+15559998888;verstat=TN-Validation-Passed@' in m.get('from'), m.get('from'))
        equal(m.all('p-asserted-identity'),
              [f'"Q" <sip:+15559998888;verstat=TN-Validation-Passed@{GATEWAY}>'], 'P-Asserted-Identity')
        equal((m.all('x-name'), m.get('x-account')), (['sbc.example.test'], 'acme'), 'headers of ours')
        check(b'\r\nX-Folded: \xff\r\n 2\r\n' in m.data and b'X-Secret' not in m.data, m.data)
        equal(bool(m.get('identity')), False, 'Identity, where the called number is changed')
        pbx.send(rawsip.reply(m, 486, contact='sip:pbx@pbx.example.test'))
        equal(p.wait_cdrs(n + 2)[-1]['identity'], 'dropped: the called number was changed', 'the CDR')
    p.wait_idle()


def play_refused_and_signed(place):
    """What apply says; a signed call without rules goes on with its Identity."""
    p = Postern(place, accounts=ACCOUNTS.replace('        numbers: ["{number}"]\n',
                                                 '        reuse: inbound\n        numbers: ["{number}"]\n'))
    p.start()
    for rule, says in (('remove Via', 'postern writes it for each leg'),
                       ('add X-A: a\\r\\nRoute: <sip:x>', 'control byte 0x0d'),
                       ('add Foo: x', 'must begin with X- or P-')):
        text = 'carriers: [{id: g, host: 192.0.2.1, headers: {in: ["%s"]}}]\n' % rule
        rc, out = p.command('apply', '-n', '-c', p.conf, p.write('bad.yaml', text), may_fail=True)
        check(rc == 1 and re.search(r'bad.yaml:1:\d+: headers.in: ', out) and says in out, out)
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    equal(pbx.bye(pbx.call()), 200, 'a call up, so that the connection is there')
    gw.send(invite(NUMBER, '+15559998888', (SIGNED, 'Date: Sun, 22 Nov 2026 08:00:00 GMT',
            f'P-Asserted-Identity: <sip:+15559998888;verstat=No-TN-Validation@{GATEWAY}>'), 'signed'),
            (CARRIER_SIDE, 5060))
    m = next_invite(pbx)
    check(f'\r\n{SIGNED}\r\n'.encode() in m.data and m.get('date'), m.data)
    check(b'verstat' not in m.data, m.data)
    pbx.send(rawsip.reply(m, 486, contact='sip:pbx@pbx.example.test'))
    check('passed' in [c['identity'] for c in p.wait_cdrs(2)], p.cdrs())

    # what a provider's profile sets, and what the trunk says itself
    text = '''carriers:
  - {{id: teams-1, host: sip.example.test, transport: tls, sources: [192.0.2.1], interop: {0}/teams.yaml}}
  - {{id: teams-2, host: sip2.example.test, transport: tls, sources: [192.0.2.2], interop: {0}/teams.yaml, roc: keep}}
'''.format(os.path.join(os.path.dirname(__file__), '../../conf/profiles'))
    p.command('apply', '-c', p.conf, p.write('teams.yaml', text))
    shown = [p.command('trunks', '-c', p.conf, f'teams-{n}') for n in (1, 2)]
    for line in ('interop: teams', 'contact: fqdn', 'mki: never', 'options.every: 60s', 'roc: reset'):
        check(line in shown[0] and (line in shown[1]) == (line != 'roc: reset'), f'{line} in {shown}')
    check('roc: keep' in shown[1] and re.search(r'interop_sets: .*\bmki\b', shown[1]), shown[1])
