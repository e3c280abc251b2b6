"""Reliable provisional responses (RFC 3262) and session timers (RFC 4028), on each leg by itself (field.md
row 26): early media of a gateway (SIPp), a PBX that takes 100rel, and one that does not."""
import re

from lib import agents, rawsip
from lib.place import GATEWAY
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import offer
from lib.rtpend import RtpEnd

TIMER = ('Supported: timer', 'Session-Expires: 90;refresher=uac')


def gateway(place):
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    return end, agents.Sipp(place, 'gw', 'gateway_early.xml', GATEWAY, 5080, keys={'rtp_port': 40000})


def read(pbx, status, method='INVITE'):
    """The next response of this method, which has to have this status."""
    while (m := pbx.read(3)) and m.status == 100:
        pass
    check(m and m.status == status and m.cseq()[1] == method,
          f'wanted {status} to {method}: {m and m.line} {m and m.get("cseq")}')
    return m


def finish(p, gw, pbx, c):
    pbx.send(rawsip.request('UPDATE', c, headers=TIMER))
    m = read(pbx, 200, 'UPDATE')
    equal(m.get('session-expires'), '90;refresher=uac', 'Session-Expires of the UPDATE')
    equal(pbx.bye(c), 200, 'BYE')
    gw.wait(10)
    x = p.wait_cdrs(1)[0]
    equal((x['sip_status'], x['encrypted']), (200, 'a'), 'CDR')
    p.wait_idle()


def play_reliable(place):
    """Reliable on both legs: our 183 is repeated until PRACK, with the same answer as the 200; early
    media is heard before that."""
    p = Postern(place).start()
    far, gw = gateway(place)
    pbx = place.keep(rawsip.Customer(place.ca))
    c = rawsip.Call()
    pbx.send(rawsip.request('INVITE', c, offer(), ('Supported: 100rel, timer', TIMER[1])))
    m = read(pbx, 183)
    rseq = int(m.get('rseq'))
    check('100rel' in m.get('require') and m.body, f'{m.data}')
    c.learn(m)
    c.answer = m.body.decode()
    end = place.keep(rawsip.Srtp(c))
    read(pbx, 180)                              # beside it, an ordinary one
    again = read(pbx, 183)                      # half a second later: nobody acknowledged it
    equal((int(again.get('rseq')), again.body), (rseq, m.body), 'the copy')
    wait_for('early media', 3, lambda: len(end.heard) > 20)
    pbx.send(rawsip.request('PRACK', c, headers=(f'RAck: {rseq} 1 INVITE',)))
    equal(read(pbx, 200, 'PRACK').status, 200, 'PRACK')
    m = pbx.final(c, method='INVITE')
    check(m and m.status == 200 and m.body.decode() == c.answer, f'{m and m.data}')
    equal((m.get('session-expires'), m.get('require')), ('90;refresher=uac', 'timer'), '200')
    c.learn(m)
    pbx.send(rawsip.request('ACK', c, cseq=1))
    wait_for('a second of sound', 3, lambda: len(far.samples()) > 4000)
    equal(end.refused, 0, 'packets that do not open')
    finish(p, gw, pbx, c)


def play_one_side_only(place):
    """The PBX takes no 100rel: the gateway's are acknowledged by us, the PBX gets ordinary ones."""
    p = Postern(place).start()
    _, gw = gateway(place)
    pbx = place.keep(rawsip.Customer(place.ca))
    c = rawsip.Call()
    pbx.send(rawsip.request('INVITE', c, offer(), TIMER))
    m = read(pbx, 183)
    check(m.body and not m.get('rseq') and not m.get('require'), f'{m.data}')
    check(not re.search(b'rseq', read(pbx, 180).data, re.I), 'RSeq in the 180')
    m = read(pbx, 200)
    c.learn(m)
    pbx.send(rawsip.request('ACK', c, cseq=1))
    finish(p, gw, pbx, c)
