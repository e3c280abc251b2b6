"""A call from the gateway (UDP, RTP) to the PBX (TLS, SRTP): sound both ways, one CDR."""
import socket

from lib import agents, tone
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, STRANGER
from lib.postern import Postern
from lib.proc import check, equal
from lib.rtpend import RtpEnd


def play_gateway_to_pbx(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_calls.xml', GATEWAY, 5080, f'{CARRIER_SIDE}:5060',
                     hold_ms=4000, service=NUMBER, keys={'rtp_port': 40000})
    pbx.wait_event('CALL_ESTABLISHED')
    gw.wait(15)
    pbx.quit()
    for who, samples, hz in (('gateway', end.samples(), 440), ('PBX', pbx.heard(), 1000)):
        seconds, share = tone.measure(samples, hz)
        check(seconds > 3 and share > 0.9, f'the {who} heard {seconds:.1f} s, {share:.2f} at {hz}')
    equal(end.lost(), 0, 'packets lost towards the gateway')
    c = p.wait_cdrs(1)[0]
    equal((c['account'], c['encrypted'], c['sip_status']), ('acme', 'b', 200),
          'CDR: account, encrypted leg, status')
    equal((c['b']['tls_version'], c['b']['tls_suite']), ('TLS 1.2', 'AES128-SHA'), 'CDR: TLS')
    p.wait_idle()


def play_number_of_nobody(place):
    """A number that no trunk serves is refused with 404."""
    p = Postern(place).start()
    gw = agents.Sipp(place, 'gw', 'gateway_calls_refused.xml', GATEWAY, 5080,
                     f'{CARRIER_SIDE}:5060', service='+15550000000', keys={'rtp_port': 40000})
    gw.wait(10)
    check(p.proc.alive(), 'postern ended')


def play_stranger_gets_silence(place):
    """UDP from an address of no trunk is dropped without an answer (A8)."""
    p = Postern(place).start()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((STRANGER, 5080))
    s.settimeout(2)
    for method in ('INVITE', 'OPTIONS', 'REGISTER'):
        s.sendto(f'{method} sip:{NUMBER}@{CARRIER_SIDE} SIP/2.0\r\n'
                 f'Via: SIP/2.0/UDP {STRANGER}:5080;branch=z9hG4bK{method}\r\n'
                 f'From: <sip:x@{STRANGER}>;tag=1\r\nTo: <sip:{NUMBER}@{CARRIER_SIDE}>\r\n'
                 f'Call-ID: {method}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n'
                 'Content-Length: 0\r\n\r\n'.encode(), (CARRIER_SIDE, 5060))
    try:
        answer = s.recv(2000)
    except TimeoutError:
        answer = None
    check(answer is None, f'a stranger was answered: {answer!r}')
    equal(p.cdrs(), [], 'CDRs of a stranger')
    check(p.stat('sip_unknown_source') >= 3, 'the datagrams of the stranger were not counted')
