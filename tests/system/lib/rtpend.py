"""RTP ends in this process, plain or SRTP: they send a tone in 20 ms packets, and digits, and keep what
they hear."""
import os
import select
import socket
import struct
import threading
import time

from pylibsrtp import Error

from lib import tone
from lib.rawsip import IN, OUT, session


class RtpEnd:
    """Binds at once; sends to the source of the first packet heard, as gateways do, or to where
    start() says. heard: (sequence, payload type, payload, arrival) in order of arrival; digits: of
    telephone-event (RFC 4733) in the payload type `events`, each once, when its end was heard."""

    def __init__(self, host, port, hz, rtcp=True):
        self.host, self.port, self.hz = host, port, hz
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((host, port))
        self.rtcp = socket.socket(family, socket.SOCK_DGRAM)
        self.rtcp.bind((host, port + 1))
        self.with_rtcp = rtcp
        self.ssrc = int.from_bytes(os.urandom(4), 'big')
        self.heard, self.heard_rtcp, self.sent = [], [], 0
        self.events, self.digits, self.press, self.pressing, self.ended = 101, '', '', 0, set()
        self.sources = set()
        self.to = None
        self.mute = False
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def start(self, host, port):
        self.to = (host, port)

    def seal(self, data):
        return data

    def unseal(self, data):
        """What stands in an RTP packet; None: it does not open."""
        return data

    def receive(self):
        for s in select.select([self.sock, self.rtcp], [], [], 0.002)[0]:
            try:
                data, src = s.recvfrom(4096)
            except OSError:
                continue                        # an ICMP error of an earlier send
            if s is self.rtcp:
                self.heard_rtcp.append(data)
            elif len(data) >= 12 and data[0] >> 6 == 2 and (data := self.unseal(data)):
                self.sources.add(src)
                self.to = self.to or src
                start = 12 + 4 * (data[0] & 15)
                self.heard.append((struct.unpack('!H', data[2:4])[0], data[1] & 127,
                                   data[start:], time.monotonic()))
                if data[1] & 127 == self.events and len(data) > start + 3 and data[start + 1] & 0x80:
                    self.digit(data[4:8], data[start])

    def digit(self, when, event):
        """Its end comes three times, with one time stamp."""
        if when not in self.ended:
            self.ended.add(when)
            self.digits += '0123456789*#ABCD'[event]

    def report(self):
        ntp = int((time.time() + 2208988800) * 2 ** 32)
        text = b'end@' + self.host.encode()
        sdes = struct.pack('!IBB', self.ssrc, 1, len(text)) + text
        sdes += b'\0' * (4 - len(sdes) % 4)
        return struct.pack('!BBHIQIII', 0x80, 200, 6, self.ssrc, ntp, self.sent * 160, self.sent,
                           self.sent * 160) + struct.pack('!BBH', 0x81, 202, len(sdes) // 4) + sdes

    def work(self):
        due = time.monotonic()
        while not self.end.is_set():
            self.receive()
            if not self.to or self.mute:
                due = time.monotonic()
                continue
            if time.monotonic() < due:
                continue
            due += 0.02
            try:
                self.sock.sendto(self.seal(self.packet()), self.to)
                if self.with_rtcp and self.sent % 100 == 50:
                    self.rtcp.sendto(self.report(), (self.to[0], self.to[1] + 1))
            except OSError:
                pass
            self.sent += 1

    def packet(self):
        """The next one: of a digit while one of `press` is left (ten packets, the last three its
        end), else of the tone."""
        kind, mark, when, payload = 8, self.sent == 0, self.sent * 160, b''
        if self.press:
            n = self.pressing
            when -= n * 160
            payload = struct.pack('!BBH', '0123456789*#ABCD'.index(self.press[0]),
                                  10 | (0x80 if n > 6 else 0), 160 * min(n + 1, 8))
            kind, mark, self.pressing = self.events, n == 0, n + 1
            if n == 9:
                self.press, self.pressing = self.press[1:], 0
        head = struct.pack('!BBHII', 0x80, kind | mark << 7, (1000 + self.sent) & 65535,
                           when & 0xffffffff, self.ssrc)
        return head + (payload or tone.alaw_tone(self.hz, self.sent * 160))

    def stop(self):
        self.end.set()
        self.thread.join(2)
        self.sock.close()
        self.rtcp.close()

    def samples(self):
        out = []
        for _, pt, payload, _ in self.heard:
            if pt in (0, 8):
                out += tone.decode(payload, pt)
        return out

    def lost(self):
        """Sequence numbers missing between the first and the last one heard."""
        if not self.heard:
            return 0
        first, seen = self.heard[0][0], set()
        for seq, *_ in self.heard:
            seen.add((seq - first) & 0xffff)
        return max(seen) + 1 - len(seen) if max(seen) < 0x8000 else -1


class SecureEnd(RtpEnd):
    """The same under SRTP by libsrtp2. keys(): what it sends and what it takes from now on; refused:
    packets that did not open."""

    def __init__(self, host, port, hz):
        self.tx = self.rx = None
        self.refused = 0
        super().__init__(host, port, hz, rtcp=False)

    def keys(self, ours, theirs):
        self.tx, self.rx = session(ours, OUT), session(theirs, IN)

    def seal(self, data):
        return self.tx.protect(data)

    def unseal(self, data):
        if not self.rx:
            return None
        try:
            return self.rx.unprotect(data)
        except Error:
            self.refused += 1
            return None
