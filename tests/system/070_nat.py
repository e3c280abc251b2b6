"""postern behind address translation: DNAT in, SNAT out, advertised addresses set. A call in each
direction, with sound; nothing that the outside sees names a private address.

   PBX 198.51.100.2 \\                    / DNAT, SNAT \\
                     this namespace -- router           postern 10.0.0.2 and 10.0.0.3
   gateway 10.1.0.9 /                    \\ 203.0.113.5 and 10.1.0.1 outside
"""
import time

from lib import agents, oracle, tone
from lib.place import NUMBER, PSTN
from lib.postern import Postern
from lib.proc import check, equal, run
from lib.rtpend import RtpEnd

PBX, GATEWAY = '198.51.100.2', '10.1.0.9'
PUBLIC, TO_CARRIER = '203.0.113.5', '10.1.0.1'
INSIDE, INSIDE_CARRIER = '10.0.0.2', '10.0.0.3'


def network(router, inner):
    """Addresses, routes and translation."""
    def ip(*words, space=None):
        run(['ip', *(['-n', space] if space else []), *words])
    for near, space, far, other in (('m0', None, 'r0', router), ('r1', router, 'p0', inner)):
        ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', other, space=space)
        ip('link', 'set', near, 'up', space=space)
        ip('link', 'set', far, 'up', space=other)
    for address, dev, space in ((f'{PBX}/24', 'm0', None), (f'{GATEWAY}/24', 'm0', None),
                                ('198.51.100.1/24', 'r0', router), (f'{PUBLIC}/32', 'r0', router),
                                (f'{TO_CARRIER}/24', 'r0', router), ('10.0.0.1/24', 'r1', router),
                                (f'{INSIDE}/24', 'p0', inner), (f'{INSIDE_CARRIER}/24', 'p0', inner)):
        ip('addr', 'add', address, 'dev', dev, space=space)
    ip('route', 'add', 'default', 'via', '198.51.100.1')
    ip('route', 'add', 'default', 'via', '10.0.0.1', space=inner)
    inside = ['ip', 'netns', 'exec', router]
    run([*inside, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    for outer, inner_ip in ((PUBLIC, INSIDE), (TO_CARRIER, INSIDE_CARRIER)):
        run([*inside, 'iptables', '-t', 'nat', '-A', 'PREROUTING', '-i', 'r0', '-d', outer, '-j',
             'DNAT', '--to-destination', inner_ip])
        run([*inside, 'iptables', '-t', 'nat', '-A', 'POSTROUTING', '-o', 'r0', '-s', inner_ip,
             '-j', 'SNAT', '--to-source', outer])


def bed(place):
    router, inner = place.spaces
    network(router, inner)
    agents.dnsmasq(place, {'pbx.example.test': PBX}, space=inner)
    p = Postern(place, space=inner, tls=f'{INSIDE}:5061', udp=f'{INSIDE_CARRIER}:5060',
                media_out=INSIDE, media_in=INSIDE_CARRIER, gateway=GATEWAY,
                tls_adv=f', advertised: "{PUBLIC}:5061"',
                udp_adv=f', advertised: "{TO_CARRIER}:5060"',
                out_adv=f', advertised: {PUBLIC}', in_adv=f', advertised: {TO_CARRIER}').start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    cap = agents.Capture(place, 'outside', 'udp or port 5061', 'm0')
    return p, pbx, end, cap


def judge(p, pbx, end, cap, gw, place):
    gw.wait(15)
    pbx.quit()
    for who, samples, hz in (('gateway', end.samples(), 440), ('PBX', pbx.heard(), 1000)):
        seconds, share = tone.measure(samples, hz)
        check(seconds > 2 and share > 0.9, f'the {who} heard {seconds:.1f} s, {share:.2f} at {hz}')
    p.wait_cdrs(1)
    pcap = cap.stop()
    for _, body in oracle.sdp_bodies(pcap, place.ca):
        check(body.host in (PBX, PUBLIC), f'the PBX is told to send media to {body.host}')
    for _, proto, src, _, dst, _, payload in oracle.packets(pcap):
        if proto == 'udp' and b'SIP/2.0' in payload:
            check(b'10.0.0.' not in payload, f'a private address in SIP {src} > {dst}: '
                  f'{payload[:600]!r}')
    equal({s for _, pr, s, _, d, _, _ in oracle.packets(pcap) if pr == 'udp' and d == GATEWAY},
          {TO_CARRIER}, 'where the gateway hears us from')


def play_out(place):
    p, pbx, end, cap = bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    pbx.dial(f'sip:{PSTN}@{PUBLIC}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(3)
    pbx.hangup()
    judge(p, pbx, end, cap, gw, place)


def play_in(place):
    p, pbx, end, cap = bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_calls.xml', GATEWAY, 5080, f'{TO_CARRIER}:5060',
                     hold_ms=3000, service=NUMBER, keys={'rtp_port': 40000})
    pbx.wait_event('CALL_ESTABLISHED')
    judge(p, pbx, end, cap, gw, place)


play_out.spaces = play_in.spaces = 2
