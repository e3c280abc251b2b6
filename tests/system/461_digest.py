"""Digest against Kamailio: a carrier that asks for it at each request gets calls, by MD5 and SHA-256;
one of another realm gets nothing; the password is nowhere but in its file."""
import glob
import os

from lib import agents, rawsip
from lib.place import GATEWAY, PSTN
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import check, equal, wait_for

PROXY, STRONG = '127.0.0.10', '127.0.0.11'
CONF = BASE + '''credentials:
  - {{name: east, realm: carrier.test, user: acme, password_file: "{dir}/east.pw"}}
'''
ASKED = ACCOUNTS.replace('  - id: gw1\n', '''  - {{id: kam, host: 127.0.0.10, port: 5080, auth: east, priority: 1}}
  - {{id: strong, host: 127.0.0.11, port: 5080, transport: tcp, auth: east}}
  - {{id: other, host: 127.0.0.12, port: 5080, auth: east}}
  - id: gw1
''') + '''routes:
  - {{id: kam, prefix: "+1555", to: [kam]}}
  - {{id: strong, prefix: "+44", to: [strong]}}
  - {{id: other, prefix: "+33", to: [other]}}
'''
LISTENERS = 'side: carrier{udp_adv}}}\n'
PASSWORD = 'a very secret 7 word'


def play_challenges(place):
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77'})
    gateway = place.keep(rawsip.Gateway())
    place.keep(agents.Kamailio(place, 'kam', PROXY, 5080, (GATEWAY, 5080), password=PASSWORD).proc)
    place.keep(agents.Kamailio(place, 'strong', STRONG, 5080, (GATEWAY, 5080), password=PASSWORD,
                               algorithm='SHA-256').proc)
    stranger = place.keep(rawsip.Gateway(ask, '127.0.0.12'))
    p = Postern(place, accounts=ASKED, conf=CONF.replace(
        LISTENERS, LISTENERS + '  - {{name: tcp, transport: tcp, bind: "{udp}", side: carrier}}\n'))
    p.write('east.pw', PASSWORD + '\n')
    os.chmod(os.path.join(p.dir, 'east.pw'), 0o600)
    p.start()
    pbx = place.keep(rawsip.Customer(place.ca))

    def call(number):
        c = rawsip.Call(number)
        pbx.send(rawsip.request('INVITE', c, rawsip.offer()))
        m = pbx.final(c, 5)
        if m.status == 200:
            c.learn(m)
            pbx.send(rawsip.request('ACK', c))
            gateway.wait('ACK', len(gateway.requests('INVITE')))
            equal(pbx.bye(c), 200, 'BYE')
            gateway.wait('BYE', len(gateway.requests('INVITE')))
        return m.status

    for n in range(2):
        equal(call(PSTN), 200, f'call {n} through Kamailio')
    equal(call('+442071838750'), 200, 'a call through Kamailio by SHA-256 over TCP')
    equal(len(gateway.requests('INVITE')), 3, 'INVITEs at the gateway')
    # Kamailio takes them out of an INVITE, and passes an ACK as it is (RFC 3261 22.1); what its Contact
    # leads past it, to the gateway itself, has none (A6)
    for m in gateway.requests('INVITE') + gateway.requests('ACK'):
        passed = m.method == 'ACK' and sum(name == 'via' for name, _ in m.headers) > 1
        equal('proxy-authorization' in m.names(), passed, f'credentials in {m.line}')
    check(any('proxy-authorization' in m.names() for m in gateway.requests('ACK')), 'no ACK had credentials')
    equal(p.events('call.target'), [], 'targets that failed')

    # another realm
    check(call('+33140000000') >= 400, 'a call to another realm was answered')
    check(stranger.seen and all(not m.names() & {'authorization', 'proxy-authorization'} for m in stranger.seen),
          'a stranger got credentials')
    wait_for('a line about it', 2, lambda: p.events('digest.refused'))
    p.wait_idle()
    p.wait_cdrs(4)
    p.stop()
    for path in glob.glob(os.path.join(p.dir, '**'), recursive=True):
        if os.path.isfile(path) and not path.endswith('east.pw'):
            with open(path, 'rb') as f:
                check(PASSWORD.encode() not in f.read(), f'the password stands in {path}')


def ask(gateway, m, src):
    if m.method == 'INVITE':
        gateway.respond(m, 401, src, extra=['WWW-Authenticate: Digest realm="evil.test", nonce="n", '
                                              'algorithm=MD5'])
