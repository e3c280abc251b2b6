"""A call from the PBX (TLS, SRTP) to the gateway (UDP, RTP): sound both ways, one CDR."""
import time

from lib import agents, tone
from lib.place import GATEWAY, NUMBER, PBX, PSTN, POSTERN
from lib.postern import Postern
from lib.proc import check, equal
from lib.rtpend import RtpEnd


def bed(place, **gateway):
    """postern, name server, gateway with an RTP end, PBX"""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place).start()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000},
                     **gateway)
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    return p, end, gw, pbx


def heard(what, samples, hz, least):
    seconds, share = tone.measure(samples, hz)
    check(seconds >= least and share > 0.9,
          f'{what} heard {seconds:.1f} s of sound, {share:.2f} of it at {hz} Hz '
          f'(wanted {least} s)')


def play_pbx_to_gateway(place):
    p, end, gw, pbx = bed(place)
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(4)
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    heard('the gateway', end.samples(), 440, 3)
    heard('the PBX', pbx.heard(), 1000, 3)
    equal(end.lost(), 0, 'packets lost towards the gateway')
    check('SRTP is Enabled' in pbx.proc.text(), 'the PBX says nothing of SRTP')
    cdr = p.wait_cdrs(1)[0]
    check(cdr, 'an empty CDR')
    p.wait_idle()


def play_busy(place):
    """The gateway refuses: the PBX gets a failure, and a CDR is written all the same."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    agents.Sipp(place, 'gw', 'gateway_busy.xml', GATEWAY, 5080)
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_CLOSED')
    check('486' in str(pbx.seen('CALL_CLOSED')[0]), f'wanted 486: {pbx.seen("CALL_CLOSED")}')
    p.wait_cdrs(1)
    pbx.quit()


def play_cancel(place):
    """The caller gives up while it rings: CANCEL goes through, one CDR."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    gw = agents.Sipp(place, 'gw', 'gateway_rings.xml', GATEWAY, 5080)
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_RINGING')
    time.sleep(0.5)
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    p.wait_cdrs(1)


def play_many_one_after_the_other(place):
    """Ten calls on one bed: ids and ports differ, everything is free again."""
    p, end, gw, pbx = bed(place, calls=10)
    for n in range(10):
        pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
        pbx.wait_event('CALL_ESTABLISHED', count=n + 1)
        time.sleep(0.2)
        pbx.hangup()
        pbx.wait_event('CALL_CLOSED', count=n + 1)
    gw.wait(20)
    pbx.quit()
    p.wait_cdrs(10)
    p.wait_idle()
    check(end.heard, 'nothing heard at the gateway')
