"""SIP over TCP towards the carrier, in both directions; and accounts that change while calls are
made: `postern apply` reaches signaling without a restart, a disabled account gets no new call."""
import time

from lib import agents
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd

TCP_BASE = BASE.replace('transport: udp, bind: "{udp}"', 'transport: tcp, bind: "{udp}"')
TCP_ACCOUNTS = ACCOUNTS.replace('transport: udp', 'transport: tcp')


def tcp_bed(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place, conf=TCP_BASE, accounts=TCP_ACCOUNTS).start()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    return p, end, pbx


def judge(p, leg):
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['sip_status'], cdr[leg]['transport']), (200, 'tcp'), 'status, transport')
    check(cdr[leg]['media']['in_packets'] > 50, f'media of the carrier: {cdr[leg]["media"]}')


def play_out_over_tcp(place):
    p, _, pbx = tcp_bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, transport='t1',
                     keys={'rtp_port': 40000})
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(2)
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    judge(p, 'b')


def play_in_over_tcp(place):
    p, _, pbx = tcp_bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_calls.xml', GATEWAY, 5080, f'{CARRIER_SIDE}:5060', 't1',
                     hold_ms=2000, service=NUMBER, keys={'rtp_port': 40000})
    gw.wait(15)
    pbx.quit()
    judge(p, 'a')


def play_account_off_while_connected(place):
    """A10: the running call goes on, a new one on the same connection is refused within a second or
    two of `apply` (admin looks at the store once a second)."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    with open(p.accounts, encoding='utf-8') as f:
        off = f.read().replace('name: Acme Test\n', 'name: Acme Test\n    enabled: no\n')
    p.write('off.yaml', off)
    p.command('apply', '-c', p.conf, p.dir + '/off.yaml')
    wait_for('the new accounts', 3, lambda: len(p.events('accounts.swap')) >= 2)
    before = len(end.heard)
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_CLOSED')
    check('403' in str(pbx.seen('CALL_CLOSED')[0]), f'wanted 403: {pbx.seen("CALL_CLOSED")}')
    time.sleep(0.5)
    check(len(end.heard) > before + 10, 'the running call lost its media')
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    ended = [c for c in p.wait_cdrs(1) if c['sip_status'] == 200]
    equal(len(ended), 1, 'the running call ended as a good one')
