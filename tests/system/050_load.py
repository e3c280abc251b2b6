"""Calls at 50 a second through SIPp behind stunnel, some with SRTP both ways; nothing fails, is
lost or leaks. Short: 60 calls held 3 s, 10 with media. Full: 1,000 held 10 s, 50 with media (200
under ASan and UBSan, where postern has less of a processor). Full and released: 20,000 at a time."""
from lib import agents
from lib.load import Traffic
from lib.place import PBX, POSTERN
from lib.postern import BASE, Postern
from lib.proc import check, equal, sanitized, wait_for

ALONE = True


def play_calls(place):
    calls, rate, hold, media = (60, 20, 3000, 10) if not place.full else \
        (200, 25, 10000, 50) if sanitized(place) else (1000, 50, 10000, 50)
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place, ports='30000-33999').start()
    base = p.resources()
    traffic(place, p, '', calls, rate, hold, media)
    once = p.resources()
    # pools are filled on first use and stay: what a second run adds would be a leak
    traffic(place, p, '-again', calls, rate, hold, 0)
    twice = p.resources()
    for role, was in base.items():
        equal(twice[role]['fds'], was['fds'], f'descriptors of {role} afterwards')
        if not sanitized(place):
            grown = twice[role]['rss'] - once[role]['rss']
            check(grown < 4096, f'memory of {role}: {was["rss"]} KiB at first, '
                  f'{once[role]["rss"]} after one run, {grown} more after another')


def traffic(place, p, tag, calls, rate, hold, media):
    had = len(p.cdrs())
    seconds = calls // rate + hold // 1000 + 60
    t = Traffic(place, calls, rate, hold, media, seconds=seconds, tag=tag)
    t.wait(seconds)
    if media:
        t.judge(least_packets=(hold // 1000 - 2) * 50 - 10)
    p.wait_cdrs(had + calls, 15)
    p.wait_idle(15)


def play_at_a_time(place):
    """As many calls up at a time as a node is made for, with sound in some of them to the end."""
    calls, rate, media = (40, 20, 4) if not place.full or sanitized(place) else (20000, 250, 20)
    # the last begins before the first ends
    hold = calls // rate * 1000 + (6000 if place.full else 2000)
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    most = calls * 8 // 7 + 1                   # of which one account may have seven of eight
    p = Postern(place, conf=BASE + f'limits: {{{{calls: {most}}}}}\n', ports='18000-60999').start()
    base = p.resources()
    seconds = 2 * hold // 1000 + 60
    t = Traffic(place, calls, rate, hold, media, seconds=seconds)
    wait_for('all calls up', hold // 1000 + 5, lambda: p.stat('calls') == calls)
    up = p.resources()
    t.wait(seconds)
    t.judge(least_packets=(hold // 1000 - 2) * 50 - 10)
    p.wait_cdrs(calls, 30)
    p.wait_idle(30)
    for role in base:
        print(f'# {role}: {base[role]["rss"]} KiB, {up[role]["rss"]} with {calls} calls')


play_calls.limit = play_at_a_time.limit = 180
