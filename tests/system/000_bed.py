"""The test bed itself, without postern: what the plays lean on works on this machine."""
import time

from lib import agents, tone
from lib.place import GATEWAY, NUMBER, PBX, PSTN
from lib.proc import check
from lib.rtpend import RtpEnd


def play_tone_both_ways(place):
    """baresip and SIPp with our RTP end, directly: each hears the other's tone and no other."""
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080,
                     keys={'rtp_port': 40000})
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER)
    pbx.dial(f'sip:{PSTN}@{GATEWAY}:5080')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(3)
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    heard_s, heard = tone.measure(end.samples(), 440)
    check(heard_s > 2 and heard > 0.9, f'gateway heard {heard_s:.1f} s, {heard:.2f} at 440 Hz')
    heard_s, heard = tone.measure(pbx.heard(), 1000)
    check(heard_s > 2 and heard > 0.9, f'PBX heard {heard_s:.1f} s, {heard:.2f} at 1000 Hz')
    check(tone.measure(pbx.heard(), 440)[1] < 0.1, 'the PBX heard itself')
    check(end.lost() == 0, f'{end.lost()} packets lost on loopback')


def play_tls_pair(place):
    """baresip to baresip over TLS 1.2 with AES128-SHA and SDES, by FQDN through dnsmasq."""
    agents.dnsmasq(place, {'sbc.example.test': '127.0.0.1'})
    svc = agents.Baresip(place, 'svc', '127.0.0.1', 5060, 1000, 'svc', cert='sbc', ctrl=4445,
                         rtp='20200-20299')
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    pbx.dial('sip:svc@sbc.example.test:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(2.5)
    pbx.hangup()
    pbx.quit()
    svc.quit()
    for who, hz in ((svc, 440), (pbx, 1000)):
        seconds, share = tone.measure(who.heard(), hz)
        check(seconds > 1.5 and share > 0.9, f'{who.name} heard {seconds:.1f} s, {share:.2f}')
    check('SRTP is Enabled' in pbx.proc.text(), 'no SRTP between the two')
