"""What each leg of a call has for itself: SRTP where it is preferred (field 23), payload types and codecs
(29), a large SDP among other parts (31), which go on, too, and what nothing was heard from."""
import re
import struct
import time

from lib import rawsip
from lib.place import CARRIER_SIDE, GATEWAY
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import KEY, SUITE, offer
from lib.rtpend import RtpEnd

PREFERS = ACCOUNTS.replace('security: required', 'security: preferred', 1) \
    .replace('    sources: [{gateway}]\n', '    sources: [{gateway}]\n    codecs: [PCMA, G722]\n    parts: pass\n') \
    .replace('        numbers: ["{number}"]\n', '        numbers: ["{number}"]\n        parts: pass\n')
EVENT = 'a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n'
FORMATS = 'm=audio 41000 RTP/AVP 0 8 101\r\n' + EVENT % (101, 101)


def osrtp(lines=0):
    """RTP/AVP with a key, and so many lines more."""
    ice = [f'a=candidate:{n} 1 UDP {2130706431 - n} 192.0.2.{n % 250} {20000 + n} typ host'
           for n in range(lines)]
    return offer(profile='RTP/AVP', extra=ice).replace('m=audio 41000 RTP/AVP 8\r\n', FORMATS)


def in_parts(sdp):
    """(Content-Type, body): a location, then the SDP."""
    return 'multipart/mixed;boundary="x y"', \
        '--x y\r\nContent-Type: application/pidf+xml\r\nContent-ID: <l@h>\r\n\r\n<presence/>\r\n' \
        f'--x y\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--x y--\r\n'


def answer_96(gw, m, src):
    """A gateway that has its events under 96."""
    if m.method != 'INVITE':
        gw.answer(m, src)
        return
    body = gw.sdp().replace('RTP/AVP 8\r\n', 'RTP/AVP 8 96\r\n' + EVENT % (96, 96))
    kind, body = in_parts(body)
    gw.respond(m, 200, src, body=body, kind=kind)


def play_each_leg(place):
    p = Postern(place, accounts=PREFERS).start()
    gw = place.keep(rawsip.Gateway(answer_96))
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    ctype, body = in_parts(osrtp(90))
    check(len(body) > 5000, f'{len(body)} bytes of body')
    c = rawsip.Call()
    invite = rawsip.request('INVITE', c, body).replace(b'application/sdp\r\nContent-Length',
                                                       ctype.encode() + b'\r\nContent-Length', 1)
    pbx.send(invite)
    m = pbx.final(c)
    check(m and m.status == 200, f'{m and m.line}')
    c.learn(m)
    pbx.send(rawsip.request('ACK', c))
    asked = gw.requests()[0].body.decode()
    check('RTP/AVP 8 101\r\n' in asked and 'crypto' not in asked and 'candidate' not in asked, asked)
    check('Content-ID: <l@h>\r\n\r\n<presence/>\r\n--' in asked, asked)
    check('RTP/AVP 8 101\r\n' in c.answer and f'a=crypto:1 {SUITE}' in c.answer, c.answer)
    check('Content-ID: <l@h>\r\n\r\n<presence/>\r\n--' in c.answer, c.answer)
    media = place.keep(rawsip.Srtp(c))
    wait_for('sound both ways', 5, lambda: end.heard and media.heard)
    media.paused = end.mute = True
    time.sleep(0.1)
    media.s.sendto(media.tx.protect(media.plain(b'digit', pt=101)), media.to)
    media.seq += 1
    wait_for('the digit at the gateway', 3, lambda: any(h[2][:5] == b'digit' for h in end.heard))
    equal([h[1] for h in end.heard if h[2][:5] == b'digit'], [96], 'its payload type there')
    heard = []
    unprotect = media.rx.unprotect

    def note(data):
        clear = unprotect(data)
        heard.append(clear)
        return clear
    media.rx = type('Noting', (), {'unprotect': staticmethod(note)})
    end.sock.sendto(struct.pack('!BBHII', 0x80, 96, (1000 + end.sent) & 65535, end.sent * 160,
                                end.ssrc) + b'back', end.to)
    wait_for('the digit at the PBX', 3, lambda: any(d[12:16] == b'back' for d in heard))
    equal([d[1] & 127 for d in heard if d[12:16] == b'back'], [101], 'its payload type there')
    equal(pbx.bye(c), 200, 'BYE')
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['a']['security'], cdr['a']['fell'], cdr['a']['srtp_in']), ('preferred', None, SUITE),
          'leg a')
    equal(p.stat('legs_fell_clear'), 0, 'legs that fell')


def play_fallen_and_unheard(place):
    """The PBX offers no key: taken, and said; the gateway sends from somewhere else: named."""
    p = Postern(place, accounts=PREFERS).start()
    gw = place.keep(rawsip.Gateway())
    stray = place.keep(RtpEnd(GATEWAY, 40010, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call(offer(profile='RTP/AVP', crypto=()))
    check('crypto' not in c.answer and 'RTP/AVP 8' in c.answer, c.answer)
    port = int(re.search(r'^m=audio (\d+)', gw.requests()[0].body.decode(), re.M).group(1))
    stray.start(CARRIER_SIDE, port)
    time.sleep(3.4)
    equal(pbx.bye(c), 200, 'BYE')
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['a']['fell'], cdr['a']['srtp_in']), ('offered', None), 'leg a')
    equal((cdr['a']['audio'], cdr['b']['audio']), ('none', 'source'), 'what was heard')
    equal((p.stat('legs_fell_clear'), p.stat('calls_one_way')), (1, 1), 'counted')
    said = p.command('explain', '-c', p.conf, cdr['id'])
    for words in ('although the trunk prefers SRTP', 'Nothing was heard from this side: no packets',
                  'neither SDP nor a verified packet named'):
        check(words in said, f'{words}: {said}')
