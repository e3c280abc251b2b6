"""Video beside the audio of a call (issue 5): relayed both ways between an encrypted and a plain leg, with a
decoder's wish for a whole picture; where the gateway's trunk does not relay it the call stands with audio."""
import re
import socket
import struct
import threading
import time

from pylibsrtp import Error

from lib import rawsip
from lib.place import CARRIER_SIDE, GATEWAY, PBX, POSTERN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import KEY, SUITE, offer
from lib.rtpend import RtpEnd

VIDEO_KEY = KEY[1:] + KEY[0]
MAPS = ['a=rtpmap:99 H264/90000', 'a=fmtp:99 profile-level-id=42801F', 'a=rtcp-fb:99 nack pli']
OFFER = offer(extra=['a=sendrecv', 'm=video 41002 RTP/SAVPF 99', 'b=AS:512', *MAPS,
                     f'a=crypto:4 {SUITE} inline:{VIDEO_KEY}'])
ANSWER = offer(40000, 'RTP/AVP', (), GATEWAY,
               extra=['a=sendrecv', 'm=video 40002 RTP/AVPF 99', 'b=AS:384', *MAPS])
RELAYED = ACCOUNTS.replace('        numbers: ["{number}"]\n',
                           '        numbers: ["{number}"]\n        video: relay\n')
PAST = ACCOUNTS.replace('security: required', 'security: refused\n        other_media: pass', 1) \
    .replace('    sources: [{gateway}]\n', '    sources: [{gateway}]\n    other_media: pass\n')
TEXT = ('m=text 41020 RTP/AVP 98', f'c=IN IP4 {PBX}', 'a=rtpmap:98 t140/1000')
BOTH = RELAYED.replace('    sources: [{gateway}]\n', '    sources: [{gateway}]\n    video: relay\n')
PICTURE = b'picture'


def section(body, media):
    """The lines of an m-line."""
    m = re.search(rf'^m={media} .*?(?=^m=|\Z)', body, re.M | re.S)
    check(m, f'no m={media} in {body}')
    return m.group(0)


def port_of(text):
    return int(re.match(r'm=\w+ (\d+)', text).group(1))


class Where:
    """What a Srtp has to know of the call: of its video."""

    def __init__(self, body):
        text = section(body, 'video')
        self.told = (POSTERN, port_of(text), re.search(r'inline:([A-Za-z0-9+/]+)', text).group(1))

    def where(self):
        return self.told


class Camera(rawsip.Srtp):
    """The customer's video: pictures of 1,100 bytes under its key; hears, and keeps the RTCP that comes."""

    def __init__(self, where):
        self.wishes = []
        self.control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.control.bind((PBX, 41003))
        self.control.settimeout(0.1)
        self.opener = rawsip.session(where.where()[2], rawsip.IN)   # a session is one thread's
        super().__init__(where, 41002, mine=VIDEO_KEY)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def plain(self, payload, seq=None, pt=99):
        return struct.pack('!BBHII', 0x80, pt, self.seq if seq is None else seq, self.n * 1800,
                           self.ssrc) + payload.ljust(1100, b'.')

    def listen(self):
        while not self.over.is_set():
            try:
                self.wishes.append(self.opener.unprotect_rtcp(self.control.recv(2048)))
            except (OSError, Error):
                continue

    def stop(self, *_):
        super().stop()
        self.listener.join(2)
        self.control.close()


class Screen:
    """The gateway's video in clear: what it hears, and a picture of its own for each."""

    def __init__(self):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((GATEWAY, 40002))
        self.s.settimeout(0.1)
        self.control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.control.bind((GATEWAY, 40003))
        self.heard, self.src, self.ssrc = [], None, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        n = 0
        while not self.over.is_set():
            try:
                data, self.src = self.s.recvfrom(4096)
            except OSError:
                continue
            self.heard.append((data[1] & 127, data[12:]))
            self.ssrc = struct.unpack('!I', data[8:12])[0]
            self.s.sendto(struct.pack('!BBHII', 0x80, 99, n, n * 1800, 0xbeef) +
                          PICTURE.ljust(1200, b'!'), self.src)
            n += 1

    def wish(self):
        """A PLI behind an empty report, about the source that it sees (RFC 4585 6.3.1)."""
        self.control.sendto(struct.pack('!BBHI', 0x80, 201, 1, 0xbeef) +
                            struct.pack('!BBHII', 0x81, 206, 2, 0xbeef, self.ssrc),
                            (self.src[0], self.src[1] + 1))

    def stop(self, *_):
        self.over.set()
        self.thread.join(2)
        self.s.close()
        self.control.close()


def shows(gw, m, src):
    """A gateway with video, where it is offered some."""
    if m.method == 'INVITE':
        gw.respond(m, 200, src, body=ANSWER if b'm=video' in m.body else gw.sdp())
    else:
        gw.answer(m, src)


def wishes_of(data):
    """Packet types of a compound with what feedback is about."""
    out = []
    while data:
        size = 4 * (struct.unpack('!H', data[2:4])[0] + 1)
        out.append((data[1], data[0] & 31, data[8:12]))
        data = data[size:]
    return out


def play_video_both_ways(place):
    p = Postern(place, accounts=BOTH).start()
    gw = place.keep(rawsip.Gateway(shows))
    sound, screen = place.keep(RtpEnd(GATEWAY, 40000, 1000)), place.keep(Screen())
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call(OFFER)
    asked, told = gw.requests()[0].body.decode(), section(c.answer, 'video')
    check(section(asked, 'video').startswith(
        f'm=video {port_of(section(asked, "video"))} RTP/AVPF 99\r\nb=AS:512\r\na=rtpmap:99 H264/90000'), asked)
    check('RTP/SAVPF 99\r\nb=AS:384' in told and 'a=crypto:4 ' in told, told)
    check('crypto' not in asked and PBX not in asked and GATEWAY not in c.answer, 'what must not cross')
    media = place.keep(rawsip.Srtp(c))
    camera = place.keep(Camera(Where(c.answer)))
    wait_for('audio both ways', 5, lambda: len(sound.heard) > 20 and len(media.heard) > 20)
    wait_for('video both ways', 5, lambda: len(screen.heard) > 50 and len(camera.heard) > 50)
    check(all(pt == 99 and x.startswith(camera.MARK) and len(x) == 1100 for pt, x in screen.heard), 'at the gateway')
    check(all(x.startswith(PICTURE) and len(x) == 1200 for x in camera.heard), 'at the PBX')
    equal((camera.refused, media.refused), (0, 0), 'packets under another key')
    mine = struct.pack('!I', camera.ssrc)

    def wished():
        screen.wish()
        time.sleep(0.1)
        return any((206, 1, mine) in wishes_of(w) for w in camera.wishes)
    wait_for('a wish for a whole picture', 5, wished)
    equal(pbx.bye(c), 200, 'BYE')
    cdr = p.wait_cdrs(1)[0]
    a, b = cdr['a']['video'], cdr['b']['video']
    check(a['in_packets'] >= len(screen.heard) and b['in_packets'] >= len(camera.heard), cdr)
    equal((a['srtp_in'], a['srtp_out'], b['srtp_in']), (SUITE, SUITE, None), 'suites of video')
    check(', video AES_CM_128_HMAC_SHA1_80 (' in p.command('explain', '-c', p.conf, cdr['id']), 'explain')


def play_video_refused(place):
    """The carrier's trunk does not relay it."""
    p = Postern(place, accounts=RELAYED).start()
    gw = place.keep(rawsip.Gateway(shows))
    sound = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call(OFFER)
    check('m=video' not in gw.requests()[0].body.decode(), 'offered to the gateway')
    check('m=video 0 RTP/SAVPF 99\r\n' in c.answer, c.answer)
    media = place.keep(rawsip.Srtp(c))
    wait_for('audio both ways', 5, lambda: len(sound.heard) > 20 and len(media.heard) > 20)
    equal(pbx.bye(c), 200, 'BYE')
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['a']['video'], cdr['b']['video'], cdr['sip_status']), (None, None, 200), 'CDR')


def play_text_past_us(place):
    """Real-time text between two ends in clear: each learns where the other one is, the CDR says so."""
    p = Postern(place, accounts=PAST).start()

    def texts(gw, m, src):
        if m.method == 'INVITE':
            gw.respond(m, 200, src, body=gw.sdp() + 'm=text 40020 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n')
        else:
            gw.answer(m, src)
    gw = place.keep(rawsip.Gateway(texts))
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call(offer(profile='RTP/AVP', crypto=(), extra=['a=sendrecv', *TEXT]))
    asked = gw.requests()[0].body.decode()
    check('\r\n'.join(TEXT) in asked and f'c=IN IP4 {CARRIER_SIDE}' in asked, asked)
    equal(section(c.answer, 'text'), f'm=text 40020 RTP/AVP 98\r\nc=IN IP4 {GATEWAY}\r\na=rtpmap:98 t140/1000\r\n',
          'what the caller is told')
    equal(pbx.bye(c), 200, 'BYE')
    cdr = p.wait_cdrs(1)[0]
    equal(cdr['past_us'], ['text'], 'in the CDR')
    said = p.command('explain', '-c', p.conf, cdr['id'])
    check('Media that went past postern, in clear and unseen: text.' in said, said)
