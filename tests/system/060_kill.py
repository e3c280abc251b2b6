"""kill -9 of a role during calls. Packets are counted, not timed: streams carry numbers of their own
(srtp_end), so loss is seen whatever happens to headers in between."""
import time

from lib import agents
from lib.load import GW_MEDIA, MediaEnds, Traffic, media_rows, media_words
from lib.place import GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import Postern
from lib.proc import check, equal, wait_for

ALONE = True
CALLS = 20


def bed(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    return Postern(place).start()


def play_media(place):
    """At most one packet a stream missing, none fails authentication, every call goes on."""
    p = bed(place)
    t = Traffic(place, CALLS, 20, 9000, CALLS, media_s=6)
    t.wait_up()
    time.sleep(2)
    p.kill('media')
    time.sleep(3)
    t.wait(40)
    t.judge(least_packets=6 * 50 - 10, lost=1)
    p.wait_cdrs(CALLS)
    p.wait_idle()


def play_admin(place):
    """Nothing is noticed, no CDR is lost or doubled."""
    p = bed(place)
    t = Traffic(place, CALLS, 20, 5000, CALLS, media_s=3)
    t.wait_up()
    p.kill('admin')
    time.sleep(2)
    t.wait(40)
    p.kill('admin')                             # once more while CDRs are written
    t.judge(least_packets=3 * 50 - 10)
    p.wait_cdrs(CALLS, 12)
    p.wait_idle()


def play_signaling(place):
    """Media goes on; the restarted role goes on with the calls from their records, or ends them with
    BYE on both legs and a CDR that says so. Either way both ends are told in the end."""
    p = bed(place)
    calls = 20 if place.full else 6
    gw = agents.Sipp(place, 'gw', 'gateway_many.xml', GATEWAY, 5080, calls=calls,
                     extra=media_words(GW_MEDIA))
    ends = MediaEnds(place)
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    for n in range(calls):
        pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
        pbx.wait_event('CALL_ESTABLISHED', count=n + 1)
        wait_for('media of the gateway', 5, lambda: len(media_rows(gw, GATEWAY, GW_MEDIA)) > n)
        ends.add(f'gw{n}', *media_rows(gw, GATEWAY, GW_MEDIA)[n], '-', '-', 1000, 440, 0)
    time.sleep(1)
    before = heard(ends)
    p.kill('signaling')
    time.sleep(0.3)
    after = heard(ends)
    check(all(after[k] > before[k] for k in before),
          f'media did not go on without signaling: {before} then {after}')
    time.sleep(3)
    for _ in range(calls - len(pbx.seen('CALL_CLOSED'))):
        closed = len(pbx.seen('CALL_CLOSED'))   # calls that go on: the PBX ends them
        pbx.hangup()
        pbx.wait_event('CALL_CLOSED', count=closed + 1)
    pbx.wait_event('CALL_CLOSED', seconds=20, count=calls)
    gw.wait(20)                                 # SIPp got a BYE for each call
    cdrs = p.wait_cdrs(calls, 15)
    check(all(c.get('refusal') == 'RESTARTED' or c.get('restored') for c in cdrs),
          f'a CDR does not say what the restart did to the call: {cdrs[0]}')
    p.wait_idle(15)
    stats = ends.finish()
    equal([s['lost'] for s in stats.values()], [0] * calls, 'packets lost towards the gateway')
    # and a new call goes through
    agents.Sipp(place, 'gw2', 'gateway_many.xml', GATEWAY, 5080, extra=('-mp', 22000))
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED', count=calls + 1)
    pbx.hangup()
    pbx.wait_event('CALL_CLOSED', count=calls + 1)
    pbx.quit()


def heard(ends):
    """{stream: packets received}"""
    n = len([x for x in ends.lines() if x.get('event') == 'stats'])
    ends.tell('stats all')
    want = n + len(ends.added)
    wait_for('figures of srtp_end', 3,
             lambda: len([x for x in ends.lines() if x.get('event') == 'stats']) >= want)
    return {x['id']: x['received'] for x in ends.lines()
            if x.get('event') == 'stats'}


play_media.limit = play_admin.limit = play_signaling.limit = 75
