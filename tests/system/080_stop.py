"""SIGTERM: no new calls, BYE on both legs, a CDR each; a second SIGTERM ends at once."""
import os
import signal
import time

from lib import agents
from lib.place import GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd

CALLS = 3


def talking(place, calls=CALLS, scenario='gateway_answers.xml'):
    """postern with calls that are up; the PBX holds all of them."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', scenario, GATEWAY, 5080, calls=calls,
                     keys={'rtp_port': 40000})
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    for n in range(calls):
        pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
        pbx.wait_event('CALL_ESTABLISHED', count=n + 1)
    return p, gw, pbx


def play_byes_on_both_legs(place):
    p, gw, pbx = talking(place)
    began = time.monotonic()
    equal(p.stop(8), 0, 'exit status')
    check(time.monotonic() - began < 6, 'more than stop_timeout of 5 s')
    gw.wait(5)                                  # SIPp got a BYE for each call
    pbx.wait_event('CALL_CLOSED', count=CALLS)
    p.wait_cdrs(CALLS)
    pbx.quit()


def play_second_sigterm(place):
    """A gateway that never answers BYE: the first SIGTERM would wait, the second does not."""
    p, _, pbx = talking(place, 1, 'gateway_ignores_bye.xml')
    p.proc.signal(signal.SIGTERM)
    time.sleep(0.7)
    check(p.proc.alive(), 'ended before BYE was answered, and before stop_timeout')
    began = time.monotonic()
    p.proc.signal(signal.SIGTERM)
    p.proc.wait(2)
    p.ended = True
    check(time.monotonic() - began < 1.5, 'a second SIGTERM must end at once')
    pbx.quit()


def play_nothing_left_behind(place):
    """After the end no process of ours is there."""
    p, gw, pbx = talking(place, 1)
    pids = list(p.roles().values())
    equal(p.stop(8), 0, 'exit status')
    gw.wait(5)
    pbx.quit()

    def gone():
        return not [x for x in pids if os.path.exists(f'/proc/{x}')]
    wait_for('roles gone', 3, gone)
