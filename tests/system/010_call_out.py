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


def judge_cdr(c):
    """What the record of an answered call from the PBX must say."""
    leg = c['a']
    for what, got, want in (
            ('account', c['account'], 'acme'), ('trunk', c['trunk'], 'acme-pbx'),
            ('who ended it', c['ended_by'], 'caller'), ('status', c['sip_status'], 200),
            ('encrypted', c['encrypted'], 'a'), ('TLS version', leg['tls_version'], 'TLS 1.2'),
            ('TLS suite', leg['tls_suite'], 'AES128-SHA'), ('codec', leg['codec'], 'PCMA'),
            ('SRTP in', leg['srtp_in'], 'AES_CM_128_HMAC_SHA1_80'),
            ('SRTP out', leg['srtp_out'], 'AES_CM_128_HMAC_SHA1_80'),
            ('target', [t['trunk'] for t in c['targets']], ['gw1']),
            ('its status', [t['status'] for t in c['targets']], [200]),
            ('called number', c['to_sent'], PSTN), ('lost', leg['media']['in_lost'], 0)):
        equal(got, want, f'CDR: {what}')
    check('pbx.example.test' in c['peer'], f'CDR: peer is {c["peer"]}')
    check(c['invite'] <= c['ringing'] <= c['answer'] <= c['end'], f'CDR: order of times {c}')
    check(leg['media']['in_packets'] > 150 and leg['media']['out_packets'] > 150,
          f'CDR: packets {leg["media"]}')


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
    judge_cdr(p.wait_cdrs(1)[0])
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
    c = p.wait_cdrs(1)[0]
    equal((c['sip_status'], c['q850'], c['answer']), (486, 17, None), 'CDR: status, cause, answer')
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
    c = p.wait_cdrs(1)[0]
    equal((c['sip_status'], c['ended_by'], c['answer']), (487, 'caller', None), 'CDR')


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
