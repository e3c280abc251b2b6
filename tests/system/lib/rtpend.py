"""A plain RTP end in this process: sends a tone in 20 ms packets, keeps what it hears."""
import os
import select
import socket
import struct
import threading
import time

from lib import tone


class RtpEnd:
    """Binds at once; sends to the source of the first packet heard, as gateways do, or to where
    start() says. heard: (sequence, payload type, payload, arrival) in order of arrival."""

    def __init__(self, host, port, hz, rtcp=True):
        self.host, self.port, self.hz = host, port, hz
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, port))
        self.rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtcp.bind((host, port + 1))
        self.with_rtcp = rtcp
        self.ssrc = int.from_bytes(os.urandom(4), 'big')
        self.heard, self.heard_rtcp, self.sent = [], [], 0
        self.sources = set()
        self.to = None
        self.mute = False
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def start(self, host, port):
        self.to = (host, port)

    def receive(self):
        for s in select.select([self.sock, self.rtcp], [], [], 0.002)[0]:
            try:
                data, src = s.recvfrom(4096)
            except OSError:
                continue                        # an ICMP error of an earlier send
            if s is self.rtcp:
                self.heard_rtcp.append(data)
            elif len(data) >= 12 and data[0] >> 6 == 2:
                self.sources.add(src)
                self.to = self.to or src
                start = 12 + 4 * (data[0] & 15)
                self.heard.append((struct.unpack('!H', data[2:4])[0], data[1] & 127,
                                   data[start:], time.monotonic()))

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
            head = struct.pack('!BBHII', 0x80, 8 | (0x80 if self.sent == 0 else 0),
                               (1000 + self.sent) & 65535, self.sent * 160 & 0xffffffff, self.ssrc)
            try:
                self.sock.sendto(head + tone.alaw_tone(self.hz, self.sent * 160), self.to)
                if self.with_rtcp and self.sent % 100 == 50:
                    self.rtcp.sendto(self.report(), (self.to[0], self.to[1] + 1))
            except OSError:
                pass
            self.sent += 1

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
