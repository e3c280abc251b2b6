"""Sessions that change before the call is answered (RFC 3262 5, RFC 3311 5.1): a late offer in a 183,
answered in PRACK; an offer in PRACK, an UPDATE of either side; what is heard follows each."""
import re

from lib import rawsip
from lib.place import GATEWAY, PBX
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import SUITE, offer
from lib.rtpend import RtpEnd

ALLOW = 'Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE'
KEY2 = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'


def early(gw, m, src):
    """Rings with a reliable 183 and answers when it is told to."""
    if m.method == 'INVITE':
        gw.respond(m, 183, src, body=gw.sdp(), extra=(ALLOW, 'Require: 100rel', 'RSeq: 7'))
    elif m.method == 'UPDATE':
        gw.respond(m, 200, src, body=gw.sdp(), extra=(ALLOW,))
    else:
        rawsip.Gateway.answer(gw, m, src)


def begin(place):
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway(early))
    return p, gw, place.keep(rawsip.Customer(place.ca)), rawsip.Call()


def read(pbx, what):
    """The next message that is no 100, and no copy of the 183."""
    while (m := pbx.read(5)) and m.status in (100, 183) and str(m.status) != what:
        pass
    check(m and what in m.line, f'wanted {what}: {m and m.line} {m and m.get("warning")}')
    return m


def hears(place, c, port):
    """What the gateway's media port plays arrives at this port of the PBX, under the key we gave."""
    end = place.keep(rawsip.Srtp(c, port))
    wait_for(f'sound at port {port}', 5, lambda: len(end.heard) > 10)
    equal(end.refused, 0, 'packets that do not open')
    end.paused = True


def answer(p, gw, pbx, c, invite):
    gw.respond(invite, 200, body=gw.sdp())
    m = read(pbx, '200')
    equal((m.cseq()[1], m.body), ('INVITE', b''), 'the 200 says nothing of the session')
    pbx.send(rawsip.request('ACK', c, cseq=1))
    equal(pbx.bye(c), 200, 'BYE')
    x = p.wait_cdrs(1)[0]
    equal((x['sip_status'], x['encrypted'], x['ended_by']), (200, 'a', 'caller'), 'CDR')
    p.wait_idle()


def play_offers(place):
    """The PBX moves its media in PRACK and again in UPDATE; then the gateway asks."""
    p, gw, pbx, c = begin(place)
    place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx.send(rawsip.request('INVITE', c, offer(), ('Supported: 100rel', ALLOW)))
    m = read(pbx, '183')
    rseq = int(m.get('rseq'))
    c.learn(m)
    c.answer = m.body.decode()
    hears(place, c, 41000)
    pbx.send(rawsip.request('PRACK', c, offer(41010), (f'RAck: {rseq} 1 INVITE',)))
    m = read(pbx, '200')
    equal(m.cseq()[1], 'PRACK', 'the answer is the PRACK\'s')
    check('RTP/SAVP' in m.body.decode(), f'{m.body}')
    hears(place, c, 41010)
    pbx.send(rawsip.request('UPDATE', c, offer(41020)))
    equal(read(pbx, '200').cseq()[1], 'UPDATE', 'the answer')
    hears(place, c, 41020)
    invite = gw.wait('INVITE')
    gw.send(gw.bye(invite, 1, 'UPDATE', gw.sdp().replace('sendrecv', 'sendonly'), (ALLOW,)))
    m = read(pbx, 'UPDATE')
    check('a=sendonly' in m.body.decode() and 'RTP/SAVP' in m.body.decode(), f'{m.body}')
    pbx.send(rawsip.reply(m, 200, body=offer(41020, crypto=(f'1 {SUITE} inline:{KEY2}',)).replace(
        'sendrecv', 'recvonly'), contact=f'sip:pbx@{PBX}:5061;transport=tls'))
    wait_for('200 at the gateway', 5, lambda: any(s.status == 200 for s in gw.seen))
    check('a=recvonly' in next(s for s in gw.seen if s.status == 200).body.decode(), 'the answer')
    answer(p, gw, pbx, c, invite)


def play_late(place):
    """No offer: the gateway's 183 has one, the PBX answers it in PRACK, and ours goes to the gateway."""
    p, gw, pbx, c = begin(place)
    place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx.send(rawsip.request('INVITE', c, '', ('Supported: 100rel', ALLOW)))
    m = read(pbx, '183')
    rseq = int(m.get('rseq'))
    check('RTP/SAVP' in m.body.decode() and 'a=crypto:1' in m.body.decode(), f'{m.body}')
    c.learn(m)
    c.answer = m.body.decode()
    equal(len(gw.requests('PRACK')), 0, 'PRACK before there is an answer')
    pbx.send(rawsip.request('PRACK', c, offer(), (f'RAck: {rseq} 1 INVITE',)))
    equal(read(pbx, '200').cseq()[1], 'PRACK', 'PRACK')
    m = gw.wait('PRACK')
    equal(m.get('rack'), '7 1 INVITE', 'RAck')
    check(re.search(r'^m=audio \d+ RTP/AVP 8', m.body.decode(), re.M), f'{m.body}')
    hears(place, c, 41000)
    answer(p, gw, pbx, c, gw.wait('INVITE'))
