"""INVITEs without an offer, both ways (field.md row 7): what postern offers on an encrypted leg is SRTP
and carries its key, the answer in ACK opens the call, sound goes both ways."""
import re

from lib import agents, rawsip, tone
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import SUITE, offer
from lib.rtpend import RtpEnd


def play_gateway_to_pbx(place):
    """SIPp calls without an offer, baresip offers SRTP, SIPp answers in its ACK."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_calls_late.xml', GATEWAY, 5080, f'{CARRIER_SIDE}:5060',
                     hold_ms=3000, service=NUMBER, keys={'rtp_port': 40000})
    pbx.wait_event('CALL_ESTABLISHED')
    gw.wait(15)
    pbx.quit()
    for who, samples, hz in (('gateway', end.samples(), 440), ('PBX', pbx.heard(), 1000)):
        seconds, share = tone.measure(samples, hz)
        check(seconds > 2 and share > 0.9, f'the {who} heard {seconds:.1f} s, {share:.2f} at {hz}')
    c = p.wait_cdrs(1)[0]
    equal((c['encrypted'], c['sip_status'], c['b']['srtp_in']), ('b', 200, SUITE), 'CDR')
    p.wait_idle()


def play_pbx_to_gateway(place):
    """A PBX calls without an offer: the gateway (SIPp) offers RTP, the PBX is offered
    SRTP and nothing else, and what it hears opens under the key of that offer."""
    p = Postern(place).start()
    far = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    pbx = place.keep(rawsip.Customer(place.ca))
    c = rawsip.Call()
    pbx.send(rawsip.request('INVITE', c))
    m = pbx.final(c)
    check(m and m.status == 200, f'{m and m.line}')
    sdp = m.body.decode()
    check('RTP/SAVP' in sdp and 'RTP/AVP' not in sdp, f'offered {sdp}')
    check(re.search(rf'a=crypto:1 {SUITE} inline:', sdp), f'offered {sdp}')
    c.learn(m)
    pbx.send(rawsip.request('ACK', c, offer(), cseq=1))
    end = place.keep(rawsip.Srtp(c))
    wait_for('a second of sound', 5, lambda: len(end.heard) > 50)
    check(len(far.samples()) > 4000, 'the gateway heard nothing')
    equal(end.refused, 0, 'packets that do not open')
    equal(pbx.bye(c), 200, 'BYE')
    x = p.wait_cdrs(1)[0]
    equal((x['encrypted'], x['sip_status'], x['ended_by']), ('a', 200, 'caller'), 'CDR')
    p.wait_idle()


def play_answer_refused(place):
    """The answer in ACK is in the clear, has another tag, or is missing: no media, BYE to both."""
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    for n, body in enumerate((offer(profile='RTP/AVP', crypto=()), '',
                              offer(crypto=(f'9 {SUITE} inline:{rawsip.KEY}',)))):
        c = rawsip.Call()
        pbx.send(rawsip.request('INVITE', c))
        m = pbx.final(c)
        check(m and m.status == 200, f'{m and m.line}')
        c.learn(m)
        pbx.send(rawsip.request('ACK', c, body, cseq=1))
        bye = pbx.read()
        equal(bye and bye.method, 'BYE', f'after ACK {n}')
        pbx.send(rawsip.reply(bye, 200))
        gw.wait('BYE', n + 1)
        acks = gw.of(gw.requests()[n].get('call-id'), 'ACK')
        check(acks and not acks[0].body, 'no ACK at the gateway, or one with a body')
    equal([x['refusal'] for x in p.wait_cdrs(3)], ['BAD_ACK'] * 3, 'CDRs')
    p.wait_idle()
