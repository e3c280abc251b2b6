"""The mirror: two posterns. The first is a customer's encryption gateway: a plain PBX behind it, the
carrier before it, reached over TLS and SRTP by the SRV records of the second one's zone (nsd), of
whose two targets the first is dead. The second is the carrier's: the first is its customer.

   PBX .22 -- UDP, RTP -- .21 first .20 -- TLS, SRTP -- .30 second .31 -- UDP, RTP -- gateway .9
   namespace 2            namespace 0                    namespace 1           here, with nsd .53
"""
import os
import time

from lib import agents, tone
from lib.lan import lan
from lib.place import NUMBER, PSTN
from lib.postern import Postern
from lib.proc import check, equal, run, wait_for
from lib.rtpend import RtpEnd

NET = '198.51.100'
GATEWAY, DNS, DEAD = f'{NET}.9', f'{NET}.53', f'{NET}.39'
FIRST, FIRST_INSIDE, PBX = f'{NET}.20', f'{NET}.21', f'{NET}.22'
SECOND, SECOND_INSIDE = f'{NET}.30', f'{NET}.31'

CONF = '''node: {{name: {node}, id: {id}, run_dir: {dir}/run}}
stop_timeout: 5s
log: {{level: debug}}
store: {dir}/store.db
cdr: {dir}/cdr.jsonl
control: {dir}/control.sock
limits: {{calls: 100}}
zones:
  - {{fqdn: {zone}, certificate: {dir}/zone.pem, key: {dir}/zone.key, trust: [{ca}/trust.pem]}}
listeners:
  - {{name: outside, transport: tls, bind: "{tls}", side: {tls_side}, zone: {zone}}}
  - {{name: inside, transport: udp, bind: "{udp}", side: {udp_side}}}{more}
media:
  addresses: [{{name: outside, bind: {media_out}}}, {{name: inside, bind: {media_in}}}]
  ports: 30000-30999
  {tls_side}: outside
  {udp_side}: inside
dns: [%s]
''' % DNS

FIRST_ACCOUNTS = '''accounts:
  - id: office
    name: Our own PBX
    trunks:
      - {{id: pbx, fqdn: {pbx}, port: 5060, transport: udp, security: refused, numbers: ["{number}"],
          emergency: yes}}
carriers:
  - {{id: carrier, host: sbc.carrier.test, transport: tls, security: required}}
  - {{id: local, host: {gateway}, port: 5086, priority: 50, emergency: yes}}
'''

SECOND_ACCOUNTS = '''accounts:
  - id: office
    name: A customer
    tls_srtp: on
    override: "test"
    trunks:
      - {{id: office-gw, fqdn: gw.office.test, numbers: ["{number}"]}}
carriers:
  - {{id: gw1, host: {gateway}, port: 5080, transport: udp, security: refused, sources: [{gateway}]}}
'''


def zone_files(p, ca, cert):
    """The certificate of its zone as files of its own, to be renewed."""
    for source, name in ((f'{cert}-chain.pem', 'zone.pem'), (f'{cert}.key', 'zone.key')):
        with open(ca.path(source), encoding='ascii') as f:
            os.chmod(p.write(name, f.read()), 0o600)


def start(place, name, space, cert, accounts, **words):
    p = Postern(place, name, conf=CONF, accounts=accounts, space=space, node=name, pbx=PBX, **words)
    zone_files(p, place.ca, cert)
    return p.start()


def bed(place):
    lan([f'{GATEWAY}/24', f'{DNS}/24'],
        {place.spaces[0]: [f'{x}/24' for x in (FIRST, FIRST_INSIDE)],
         place.spaces[2]: [f'{PBX}/24'],
         place.spaces[1]: [f'{x}/24' for x in (SECOND, SECOND_INSIDE)]})
    tag = os.path.basename(place.dir)           # plays share the authority's folder
    place.ca.leaf(tag + '-carrier', 'sbc.carrier.test')
    place.ca.leaf(tag + '-office', 'gw.office.test')
    agents.Nsd(place, DNS, {
        'carrier.test': ['_sips._tcp.sbc SRV 10 100 5061 dead', '_sips._tcp.sbc SRV 20 100 5061 sbc1',
                         f'dead A {DEAD}', f'sbc1 A {SECOND}'],
        'office.test': [f'gw A {FIRST}']})
    first = start(place, 'first', place.spaces[0], tag + '-office', FIRST_ACCOUNTS, id=1,
                  zone='gw.office.test', tls=f'{FIRST}:5061', udp=f'{FIRST_INSIDE}:5060',
                  tls_side='carrier', udp_side='customer', media_out=FIRST, media_in=FIRST_INSIDE, gateway=GATEWAY,
                  more=f'\n  - {{name: local, transport: udp, bind: "{FIRST}:5060", side: carrier}}')
    second = start(place, 'second', place.spaces[1], tag + '-carrier', SECOND_ACCOUNTS, id=2,
                   zone='sbc.carrier.test', tls=f'{SECOND}:5061', udp=f'{SECOND_INSIDE}:5060',
                   tls_side='customer', udp_side='carrier', media_out=SECOND,
                   media_in=SECOND_INSIDE, gateway=GATEWAY, more='')
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, space=place.spaces[2], dns=DNS)
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    return first, second, pbx, end


def judge_sound(pbx, end):
    for who, samples, hz in (('gateway', end.samples(), 440), ('PBX', pbx.heard(), 1000)):
        seconds, share = tone.measure(samples, hz)
        check(seconds > 2 and share > 0.9, f'the {who} heard {seconds:.1f} s, {share:.2f} at {hz}')
    equal(end.lost(), 0, 'packets lost towards the gateway')


def judge_cdrs(first, second, first_leg, second_leg):
    """Between them TLS and SRTP, to either side in the clear."""
    for p, leg in ((first, first_leg), (second, second_leg)):
        c = p.wait_cdrs(1)[0]
        equal((c['sip_status'], c['encrypted'], c[leg]['tls_version'], c[leg]['srtp_in'][:6]),
              (200, leg, 'TLS 1.2', 'AES_CM'), f'CDR of the {p.name}: {c}')


def play_out(place):
    """The PBX calls; the dead target costs one dial, and only once."""
    first, second, pbx, end = bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    began = time.monotonic()
    pbx.dial(f'sip:{PSTN}@{FIRST_INSIDE}')
    pbx.wait_event('CALL_ESTABLISHED', 10)
    took = time.monotonic() - began
    check(took < 5, f'the dead target cost {took:.1f} s')
    check(any(DEAD in e['msg'] for e in first.events('target.down')), 'the dead one was not tried')
    time.sleep(3)
    pbx.hangup()
    gw.wait(10)
    judge_sound(pbx, end)
    judge_cdrs(first, second, 'b', 'a')
    gw = agents.Sipp(place, 'gw2', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    began = time.monotonic()
    pbx.dial(f'sip:{PSTN}@{FIRST_INSIDE}')
    pbx.wait_event('CALL_ESTABLISHED', 10, count=2)
    check(time.monotonic() - began < 2, 'the dead target was tried first again')
    pbx.hangup()
    gw.wait(10)
    pbx.quit()


def play_in(place):
    """The carrier calls: over a connection of its own to the gateway's A record, both certificates."""
    first, second, pbx, end = bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_calls.xml', GATEWAY, 5080, f'{SECOND_INSIDE}:5060',
                     hold_ms=4000, service=NUMBER, keys={'rtp_port': 40000})
    pbx.wait_event('CALL_ESTABLISHED', 10)
    gw.wait(15)
    pbx.quit()
    judge_sound(pbx, end)
    judge_cdrs(first, second, 'a', 'b')
    check(any('gw.office.test' in e['msg'] for e in second.events('tls.accepted')), 'the dial')


def play_emergency(place):
    """The first's 911 goes to its clear trunk, not over the carrier."""
    first, second, pbx, _ = bed(place)
    local = agents.Sipp(place, 'local', 'gateway_answers.xml', GATEWAY, 5086, keys={'rtp_port': 42000})
    end = place.keep(RtpEnd(GATEWAY, 42000, 1000))
    pbx.dial(f'sip:911@{FIRST_INSIDE}')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(1)
    pbx.hangup()
    local.wait(10)
    pbx.quit()
    check(len(end.heard) > 25, f'the PSAP heard {len(end.heard)} packets')
    c = first.wait_cdrs(1)[0]
    equal((c['class'], c['sip_status'], [t['trunk'] for t in c['targets']]),
          ('emergency', 200, ['local']), 'CDR')
    equal(second.cdrs(), [], 'CDRs of the carrier')


def serial_at(address):
    """Serial number of the certificate that a TLS listener shows."""
    out = run(['sh', '-c', f'openssl s_client -connect {address} -tls1_2 -cipher AES128-SHA:@SECLEVEL=0 '
               '</dev/null 2>/dev/null | openssl x509 -noout -serial'], may_fail=True)[1]
    return out.strip()


def play_renewed_in_mid_call(place):
    """Another certificate for the first: it shows it at once, and the call does not notice."""
    first, second, pbx, end = bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_calls.xml', GATEWAY, 5080, f'{SECOND_INSIDE}:5060',
                     hold_ms=6000, service=NUMBER, keys={'rtp_port': 40000})
    pbx.wait_event('CALL_ESTABLISHED', 10)
    old = serial_at(f'{FIRST}:5061')
    place.ca.leaf('mirror-renewed', 'gw.office.test')
    zone_files(first, place.ca, 'mirror-renewed')
    first.command('reload', '-c', first.conf)
    wait_for('the new certificate', 5, lambda: serial_at(f'{FIRST}:5061') not in ('', old))
    gw.wait(15)
    judge_sound(pbx, end)
    judge_cdrs(first, second, 'a', 'b')
    again = agents.Sipp(place, 'again', 'gateway_calls.xml', GATEWAY, 5081, f'{SECOND_INSIDE}:5060',
                        hold_ms=500, service=NUMBER, keys={'rtp_port': 40000})
    again.wait(15)
    pbx.quit()
    equal([c['sip_status'] for c in second.wait_cdrs(2)], [200, 200], 'calls of the second')


for _play in (play_out, play_in, play_emergency, play_renewed_in_mid_call):
    _play.spaces = 3
