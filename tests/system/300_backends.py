"""Each back end of packet I/O, over Ethernet to another namespace: a call with sound both ways, and
kill -9 of media under load. Short: `steer` and `sockets`; full: all, and R5 (200 calls, 20 kills).

   postern 198.51.100.1 and .8 (other namespace) --- PBX .2, gateway .9, name server .53

In the full form POSTERN_IO=steer takes that one alone.
"""
import os
import time

from lib import agents, tone
from lib.lan import lan
from lib.load import Traffic
from lib.place import NUMBER, PSTN
from lib.postern import BASE, Postern
from lib.proc import check, equal, run
from lib.rtpend import RtpEnd

ALONE = True
ALL = os.environ.get('POSTERN_IO', 'sockets steer packet').split()
POSTERN, CARRIER_SIDE, PBX, GATEWAY, DNS = (f'198.51.100.{n}' for n in (1, 8, 2, 9, 53))
CAPS_OFF = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']


def net(place):
    lan([f'{a}/24' for a in (PBX, GATEWAY, DNS)],
        {place.spaces[0]: [f'{POSTERN}/24', f'{CARRIER_SIDE}/24']})
    agents.Nsd(place, DNS, {'example.test': [f'pbx A {PBX}', f'sbc A {POSTERN}']})


def node(place, io, name='postern', **more):
    conf = BASE.replace('127.0.0.53', DNS).replace('  customer: outside',
                                                   f'  io: {io}\n  customer: outside')
    return Postern(place, name, conf=conf, space=place.spaces[0], tls=f'{POSTERN}:5061',
                   udp=f'{CARRIER_SIDE}:5060', media_out=POSTERN, media_in=CARRIER_SIDE,
                   gateway=GATEWAY, **more)


def call(place, io):
    p = node(place, io, io).start()
    equal(p.stat('media_io'), io, 'the back end')
    end = RtpEnd(GATEWAY, 40000, 1000)
    gw = agents.Sipp(place, 'gw-' + io, 'gateway_answers.xml', GATEWAY, 5080,
                     keys={'rtp_port': 40000})
    pbx = agents.Baresip(place, 'pbx-' + io, PBX, 5060, 440, NUMBER, cert='pbx', dns=DNS)
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(3)
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    end.stop()
    for what, samples, hz in (('gateway', end.samples(), 440), ('PBX', pbx.heard(), 1000)):
        seconds, share = tone.measure(samples, hz)
        check(seconds >= 2 and share > 0.9, f'{io}: the {what} heard {seconds:.1f} s, {share:.2f}')
    equal(end.lost(), 0, f'{io}: packets lost towards the gateway')
    leg = p.wait_cdrs(1)[0]['a']['media']
    check(leg['in_packets'] > 100 and leg['out_packets'] > 100, f'{io}: {leg}')
    if io in ('packet', 'xdp'):     # the first ones, until the next hop is known, and a probe now and then
        check(p.stat('tx_slow') < leg['in_packets'] / 2, f'{p.stat("tx_slow")} took the slow way')
    for name in ('rx_full', 'rx_strange', 'tx_busy', 'tx_refused'):
        equal(p.stat(name), 0, f'{io}: {name}')
    p.wait_idle()
    p.stop()


def play_call(place):
    net(place)
    for io in ALL if place.full else ('steer',):
        call(place, io)


def play_without_privileges(place):
    """What was asked for by name is an error in words; auto takes sockets and says why."""
    net(place)
    inside = ['ip', 'netns', 'exec', place.spaces[0], *CAPS_OFF, place.binary()]
    for io in ('steer', 'packet', 'xdp'):
        p = node(place, io, 'no-' + io)
        place.posterns.remove(p)
        rc, said = run([*inside, 'run', '-c', p.conf], may_fail=True)
        check(rc == 1 and f'media I/O {io}: ' in said and 'CAP_NET_RAW' in said, said)
        rc, said = run([*inside, 'check', '-c', p.conf], may_fail=True)
        check(f'media: io: {io} cannot be had here by this user' in said, said)
    p = node(place, 'auto', wrap=CAPS_OFF)
    check('media I/O for this user: steer\n' in p.command('check', '-c', p.conf), 'as root')
    _, said = run([*inside, 'check', '-c', p.conf], may_fail=True)
    check('media I/O for this user: sockets; raw socket: ' in said, said)
    p.start()
    equal(p.stat('media_io'), 'sockets', 'the back end without privileges')
    check(any('not steer: ' in e['msg'] for e in p.events('keeper.io')), 'no word why')


def kill(place, io, calls, kills, apart_s):
    p = node(place, io, 'kill-' + io).start()
    media_s = 3 + int(kills * apart_s) + 3
    t = Traffic(place, calls, 20, (media_s + 4 + calls // 20) * 1000, calls, media_s=media_s,
                seconds=media_s + 60, tag='-' + io, hosts=(PBX, POSTERN, GATEWAY))
    t.wait_up(40)
    time.sleep(2)
    for n in range(kills):
        p.kill('media')
        time.sleep(apart_s + (n * 7 % 20) / 1000)       # somewhere else in the 20 ms each time
    t.wait(media_s + 60)
    stats = t.judge(least_packets=media_s * 50 - 10 - kills, lost=kills)
    lost = sum(s['lost'] for s in stats.values())
    gap = max(s['max_gap_ms'] for s in stats.values())
    print(f'# {io}: {calls} calls, {kills} kills of media: {lost} packets lost in {len(stats)} '
          f'streams, at most {max(s["lost"] for s in stats.values())} in one; longest gap {gap} ms')
    equal(len(p.wait_cdrs(calls, 20)), calls, f'{io}: calls kept')
    p.wait_idle(15)
    p.stop()


def play_kill(place):
    net(place)
    if place.full:
        for io in ALL:
            kill(place, io, 200, 20, 6)
    else:
        kill(place, 'sockets', 10, 1, 1)


play_call.spaces = play_without_privileges.spaces = play_kill.spaces = 1
play_kill.limit = 700
