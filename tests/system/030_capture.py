"""What leaves postern towards the customer, as a capture shows it: SIP inside TLS 1.2 with
AES128-SHA and nowhere else; every media packet authenticated and encrypted, opened here by
libsrtp2 with the keys of the SDP. The same checks fail where protection is switched off."""
import time

from lib import agents, oracle, tone
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import ACCOUNTS, Postern
from lib.proc import Failed, check, equal
from lib.rtpend import RtpEnd

AES128_SHA = 0x002f
# On loopback the PBX's packets carry postern's own address (the kernel's choice for a socket that
# is bound to no address), so ports tell who speaks; only the customer side uses these ports.
OUR_PORTS, THEIR_PORTS = range(30000, 31000), '20000-20199'
CUSTOMER = f'port 5061 or (udp and portrange {THEIR_PORTS})'


def judge(place, pcap, packets_least):
    """All of it, or Failed."""
    facts = oracle.tls_facts(pcap)
    check(facts['count'] > 0, 'no TLS handshake in the capture')
    equal(facts['versions'], {'0x0303'}, 'TLS versions (0x0303 is 1.2)')
    equal(facts['suites'], {AES128_SHA}, 'TLS suites')
    equal(oracle.clear_sip(pcap), [], 'SIP that can be read without a key')
    messages = oracle.sip_messages(pcap, place.ca)
    check([m for m in messages if m['method'] == 'BYE'], f'no BYE inside TLS: {messages}')
    check(all(m['tls'] for m in messages), 'SIP outside TLS')
    bodies = [b for _, b in oracle.sdp_bodies(pcap, place.ca)]
    check(len(bodies) >= 2, f'{len(bodies)} session descriptions, wanted offer and answer')
    theirs = next((b for b in bodies if b.host == PBX), None)
    ours = next((b for b in bodies if b.host == POSTERN), None)
    check(theirs and ours, 'an offer and an answer, one of each side')
    for b in (theirs, ours):
        equal(b.profile, 'RTP/SAVP', f'profile of {b.host}')
        check(b.crypto, f'no a=crypto from {b.host}')
    _, suite, key = ours.crypto[0]
    media = oracle.open_media(pcap, ours.port, theirs.port, suite, key)
    check(media.rtp >= packets_least, f'{media.rtp} packets opened, wanted {packets_least}')
    equal(media.refused, 0, 'RTP packets from us that do not authenticate')
    equal(media.refused_rtcp, 0, 'RTCP packets from us that do not authenticate')
    equal(media.clear_rtcp, 0, 'RTCP packets from us without E=1')
    equal(media.reused, 0, 'indexes used twice under a key')
    other = [x for x in oracle.packets(pcap) if x[1] == 'udp' and x[3] in OUR_PORTS
             and x[5] not in (theirs.port, theirs.port + 1)]
    equal(len(other), 0, 'UDP packets from us to other ports of the PBX')
    seconds, share = tone.measure(media.samples, 1000)
    check(seconds > 3 and share > 0.9, f'decrypted: {seconds:.1f} s, {share:.2f} at 1000 Hz')
    check(tone.measure(media.raw, 1000)[1] < 0.1, 'the tone is there without decryption')
    return media


def record(place, accounts, cert_media):
    """A call of some seconds from the PBX; the capture of the customer side."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place, accounts=accounts).start()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx', media=cert_media)
    cap = agents.Capture(place, 'customer', CUSTOMER)
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(6)                       # long enough for an RTCP report each way
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    check(end.samples(), 'the gateway heard nothing')
    return cap.stop()


def play_all_protected(place):
    media = judge(place, record(place, ACCOUNTS, ';mediaenc=srtp-mand'), 250)
    check(media.rtcp > 0, 'no RTCP report in 6 s')


def play_inbound_protected(place):
    """The other way round: postern makes the offer, and the TLS connection."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    place.keep(RtpEnd(GATEWAY, 40000, 1000))
    cap = agents.Capture(place, 'customer', CUSTOMER)
    gw = agents.Sipp(place, 'gw', 'gateway_calls.xml', GATEWAY, 5080, f'{CARRIER_SIDE}:5060',
                     hold_ms=6000, service=NUMBER, keys={'rtp_port': 40000})
    pbx.wait_event('CALL_ESTABLISHED')
    gw.wait(15)
    pbx.quit()
    pcap = cap.stop()
    judge(place, pcap, 250)
    sni = {name for _, name in oracle.tls_facts(pcap)['sni']}
    equal(sni, {'pbx.example.test'}, 'names that our TLS client asks for')


def play_unprotected_is_seen(place):
    """Protection switched off for the trunk: the very same checks must fail."""
    off = ACCOUNTS.replace('security: required', 'security: refused\n        learn: yes')
    pcap = record(place, off, '')
    try:
        judge(place, pcap, 250)
    except Failed as e:
        check('profile' in str(e) or 'a=crypto' in str(e) or 'authenticate' in str(e),
              f'failed, but for another reason: {e}')
        return
    raise Failed('the checks hold on a call without protection: they show nothing')
