"""REGISTER outward: registered at Kamailio by digest, calls from there reach the customer over UDP and
over the connection that registered; a reload changes nothing, a killed signaling registers again, the
end of postern removes it; a registrar that refuses raises an alarm."""
import json
import os
import signal
import time

from lib import agents, rawsip
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import check, equal, wait_for

PROXY, REFUSES = '127.0.0.10', '127.0.0.12'
CONF = BASE.replace('side: carrier{udp_adv}}}\n', 'side: carrier{udp_adv}}}\n'
                    '  - {{name: tcp, transport: tcp, bind: "{udp}", side: carrier}}\n') + '''credentials:
  - {{name: east, realm: carrier.test, user: acme, password_file: "{dir}/east.pw"}}
'''
ASKED = ACCOUNTS.replace('  - id: gw1\n', '''  - id: kam
    host: 127.0.0.10
    port: 5080
    auth: east
    register: {{aor: "sip:acme@carrier.test", expires: 10m}}
  - id: kam-tcp
    host: 127.0.0.10
    port: 5080
    transport: tcp
    auth: east
    register: {{aor: "sip:line2@carrier.test", expires: 10m}}
  - id: no
    host: 127.0.0.12
    port: 5080
    register: {{aor: "sip:acme@carrier.test", registrar: other.test}}
  - id: gw1
''')


def play_registered(place):
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77'})
    gateway = place.keep(rawsip.Gateway(lambda g, m, src: None))
    place.keep(agents.Kamailio(place, 'kam', PROXY, 5080, (GATEWAY, 5080)).proc)
    refuses = place.keep(rawsip.Gateway(lambda g, m, src: g.respond(m, 403, src), REFUSES))
    p = Postern(place, accounts=ASKED, conf=CONF)
    p.write('east.pw', 'secret\n')
    os.chmod(os.path.join(p.dir, 'east.pw'), 0o600)
    p.start()
    pbx = place.keep(rawsip.Customer(place.ca))

    def known():
        rows = json.loads(p.command('gateways', '-c', p.conf, '--json'))['list']
        return {r['trunk']: r['registration'] for r in rows}

    def call_in(user):
        """From the network behind Kamailio to who is registered as user; the final status."""
        call_id = rawsip.token()
        gateway.send((f'INVITE sip:{user}@{PROXY}:5080 SIP/2.0\r\n'
                      f'Via: SIP/2.0/UDP {GATEWAY}:5080;branch=z9hG4bK{rawsip.token()}\r\n'
                      f'Max-Forwards: 20\r\nFrom: <sip:+15551234567@carrier.test>;tag=g\r\n'
                      f'To: <sip:{NUMBER}@carrier.test>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n'
                      f'Contact: <sip:gw@{GATEWAY}:5080>\r\nContent-Type: application/sdp\r\n'
                      f'Content-Length: {len(gateway.sdp())}\r\n\r\n{gateway.sdp()}').encode(),
                     (PROXY, 5080))

        def final():
            return [m.status for m in gateway.seen if m.get('call-id') == call_id and m.status >= 200]
        wait_for(f'an answer to the call for {user}', 5, final)
        return final()[0]

    wait_for('both to be registered', 6, lambda: known() == {
        'kam': 'registered', 'kam-tcp': 'registered', 'no': 'lost'})
    m = refuses.requests('REGISTER')[0]
    check(m.line.startswith('REGISTER sip:other.test ') and not m.faults, f'REGISTER: {m.data!r}')
    alarms = [(a['id'], a['object']) for a in
              json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']]
    equal([a for a in alarms if a[0] == 'registration-lost'], [('registration-lost', 'no')], 'alarms')

    # for the contact that we gave: the number stands in To; the PBX is not there: 480 of ours
    for user in ('acme', 'line2'):
        equal(call_in(user), 480, f'a call for {user}')
    cdrs = p.wait_cdrs(2)
    equal({(c['a']['trunk'], c['to_received'], c['b']['trunk']) for c in cdrs},
          {('kam', NUMBER, 'acme-pbx'), ('kam-tcp', NUMBER, 'acme-pbx')}, 'CDRs')
    equal(call_in('nobody'), 404, 'a call for who is not registered')

    # a reload leaves it alone; a killed signaling is there again soon
    before = len(p.events('register.state'))
    p.command('reload', '-c', p.conf)
    time.sleep(0.3)
    equal(len(p.events('register.state')), before, 'changes by a reload')
    p.kill('signaling', signal.SIGKILL)
    wait_for('both to be registered again', 8, lambda: known() == {
        'kam': 'registered', 'kam-tcp': 'registered', 'no': 'lost'})
    equal(call_in('line2'), 480, 'a call after a kill')
    pbx.raw.close()
    p.wait_cdrs(3)
    p.stop()
    for user in ('acme', 'line2'):
        equal(call_in(user), 404, f'a call for {user} after the end')
