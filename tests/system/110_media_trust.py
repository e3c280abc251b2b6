"""Media from where it must not come, during calls (reliability M1 M2 M3 M4 M5 M8 D5): nothing of it is
relayed or answered, the call itself loses nothing, and the counters say why."""
import os
import socket
import struct
import threading
import time

from lib import rawsip
from lib.place import CARRIER_SIDE, GATEWAY, PBX, POSTERN, STRANGER
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd

PORTS = range(30000, 30100)
EVIL = b'EVIL'


class Bed:
    """postern, a gateway that answers, one call with sound both ways"""

    def __init__(self, place, before=None, seconds=0.5):
        self.p = Postern(place, ports=f'{PORTS[0]}-{PORTS[-1]}').start()
        self.gw = place.keep(rawsip.Gateway())
        self.end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
        self.pbx = place.keep(rawsip.Customer(place.ca))
        self.before = before and place.keep(before(self))
        self.call = self.pbx.call()
        self.media = place.keep(rawsip.Srtp(self.call))
        wait_for('sound both ways', 5, lambda: self.end.heard and self.media.heard)
        time.sleep(seconds)

    def inside(self):
        """host, port of our RTP towards the gateway"""
        return next(iter(self.end.sources))

    def finish(self):
        """What the gateway and the PBX heard: all that was sent, nothing else."""
        def numbers():
            return {int(p[5:11]) for _, _, p, _ in list(self.end.heard)
                    if p.startswith(rawsip.Srtp.MARK)}
        self.media.paused = self.end.mute = True
        time.sleep(0.3)                         # what must not come has time to
        sent = self.media.n
        wait_for(f'{sent} packets of the call at the gateway', 5, lambda: len(numbers()) >= sent)
        evil = [p for _, _, p, _ in self.end.heard if EVIL in p]
        evil += [p for p in self.media.heard if EVIL in p]
        equal(len(evil), 0, 'packets of the attacker that were relayed')
        equal(len(numbers()), sent, 'packets of the call at the gateway')
        check(len(self.media.heard) >= self.end.sent - 3,
              f'PBX heard {len(self.media.heard)} of {self.end.sent}')
        equal(self.media.refused, 0, 'packets that did not authenticate at the PBX')
        equal(self.pbx.bye(self.call), 200, 'BYE')
        self.p.wait_cdrs(1)

    def dropped(self):
        return self.p.stats()['media_dropped_why']


class Spray:
    """From an address, to every media port, at about `rate` packets a second; what comes back is
    counted. make(n) gives packet n."""

    def __init__(self, source, make, rate=1000, port=0, hosts=(POSTERN, CARRIER_SIDE)):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((source, port))
        self.s.setblocking(False)
        self.make, self.rate, self.hosts = make, rate, hosts
        self.sent, self.answers, self.over = 0, [], threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.over.is_set():
            for port in PORTS:
                for host in self.hosts:
                    try:
                        self.s.sendto(self.make(self.sent), (host, port))
                    except OSError:
                        pass                    # an ICMP error of an earlier one
                    self.sent += 1
                try:
                    self.answers.append(self.s.recv(2048))
                except OSError:
                    pass
                time.sleep(len(self.hosts) / self.rate)
                if self.over.is_set():
                    return

    def stop(self, *_):
        self.over.set()
        self.thread.join(2)


def rtp(ssrc, seq, pt=8, tag=b''):
    return struct.pack('!BBHII', 0x80, pt, seq & 65535, seq * 160 & 0xffffffff, ssrc) \
        + EVIL.ljust(160, b'!') + tag


def play_strangers_spray(place):
    """M1 M2 D5: from before the call on, a stranger, another port of the PBX and another port of the
    gateway send to all media ports, also with the right SSRC, type and sequence."""
    state = {}

    def make(n):
        bed = state.get('bed')
        if not bed or n % 3 == 0:
            return rtp(n, n)
        if n % 3 == 1:                          # as if it were the PBX
            return rtp(bed.media.ssrc, bed.media.seq + n % 7, tag=os.urandom(10))
        return rtp(bed.end.ssrc, 1000 + bed.end.sent + n % 5)

    rate = 2000 if place.full else 600
    sprays = []

    def before(_):
        sprays.extend(place.keep(Spray(a, make, rate, port)) for a, port in (
            (STRANGER, 0), (PBX, 41998), (GATEWAY, 40998)))
        time.sleep(0.3)
        return sprays[0]
    bed = Bed(place, before)
    state['bed'] = bed
    time.sleep(20 if place.full else 2.5)
    bed.finish()
    for s in sprays:
        s.stop()
        equal(len(s.answers), 0, f'packets sent to a stranger, {s.sent} packets sprayed')
    check(sum(s.sent for s in sprays) > 1500, 'the spray did not run')


def bad_packets(good):
    """(counter that must rise, packet) made of a good one that is never sent itself"""
    flipped = bytearray(good)
    flipped[12 + len(good) % 100] ^= 1
    tag = bytearray(good)
    tag[-1] ^= 0x80
    head = bytearray(good)
    head[1] ^= 1
    return [bytes(flipped), bytes(tag), bytes(head), good[:-1], good[:-6], good[:-10], good[:40],
            good[:12], good[:11], good[:1], b'', good[:12] + EVIL * 40, good + b'\0']


def play_bad_tags(place):
    """M3 M4 M5 M11: flipped, short and missing tags, plain RTP and replays from the PBX's own socket,
    many times the rate of the call, do not reach the gateway and do not disturb the call."""
    bed = Bed(place)
    m = bed.media
    base, sent = bed.dropped(), 0
    end = time.monotonic() + (20 if place.full else 2)
    while time.monotonic() < end:
        good = rawsip.session(rawsip.KEY, rawsip.OUT).protect(
            m.plain(EVIL, seq=(m.seq + 3) & 65535))
        for bad in bad_packets(good):
            m.s.sendto(bad, m.to)
            sent += 1
        for hdr in range(0, 256, 17):           # M11: versions, CC, X, padding of all kinds
            m.s.sendto(bytes([hdr]) + good[1:60 + hdr % 40], m.to)
            sent += 1
        time.sleep(0.01)
    after = bed.dropped()
    grown = {k: after[k] - base.get(k, 0) for k in after if after[k] > base.get(k, 0)}
    total = sum(grown.values())
    check(total >= sent * 0.99 - 20, f'{sent} bad packets, the counters say {grown}')
    check(len(grown) >= 2, f'the counters do not tell the reasons apart: {grown}')
    bed.finish()


def play_replays(place):
    """M5: packets of the call sent again, at once and 1 to 200 later: none is relayed twice."""
    bed = Bed(place)
    m, kept = bed.media, []
    raw = m.next

    def recorded():
        data = raw()
        kept.append(data)
        return data
    m.next = recorded
    end = time.monotonic() + (15 if place.full else 3)
    while time.monotonic() < end:
        for data in kept[-200:]:
            m.s.sendto(data, m.to)
        time.sleep(0.05)
    m.paused = True
    time.sleep(0.3)
    numbers = [p[5:11] for _, _, p, _ in bed.end.heard if p.startswith(rawsip.Srtp.MARK)]
    equal(len(numbers), len(set(numbers)), 'packets relayed, without doubles')
    bed.finish()


def play_other_protocols(place):
    """M8: DTLS hellos and STUN requests at all media ports, from a stranger and from the PBX's own
    address: no answer, the call is untouched."""
    hello = b'\x16\xfe\xfd' + b'\0' * 8 + b'\0\x2c\x01' + b'\0' * 43
    stun = b'\0\x01\0\0\x21\x12\xa4\x42' + b'x' * 12
    kinds = [hello, stun, b'\x14' + hello[1:], b'\x3f' + os.urandom(50), b'\x03' + stun[1:],
             b'\x00', b'INVITE sip:a@b SIP/2.0\r\n\r\n', os.urandom(1400)]
    sprays = []

    def before(_):
        sprays.extend(place.keep(Spray(a, lambda n: kinds[n % len(kinds)], 700, port))
                      for a, port in ((STRANGER, 0), (PBX, 41998)))
        return sprays[0]
    bed = Bed(place, before)
    end = time.monotonic() + (15 if place.full else 2)
    while time.monotonic() < end:               # and from the very socket of the call
        for k in kinds:
            bed.media.s.sendto(k, bed.media.to)
        time.sleep(0.01)
    bed.finish()
    for s in sprays:
        s.stop()
        equal(len(s.answers), 0, 'answers')


def play_bad_rtcp(place):
    """M10: SRTCP of every length from 0 to 60, with E = 0, and in the clear: the call is untouched."""
    bed = Bed(place)
    to = (bed.media.to[0], bed.media.to[1] + 1)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((PBX, 41001))
    before = len(bed.end.heard_rtcp)
    report = struct.pack('!BBHIQIII', 0x80, 200, 6, bed.media.ssrc, 1, 2, 3, 4)
    for _ in range(20 if place.full else 2):
        for n in range(61):
            for data in (report + bytes(40), bytes([0x81, 203, 0, 1]) + bytes(60)):
                s.sendto(data[:n], to)
                s.sendto(data[:n], bed.media.to)    # as if it were muxed
        time.sleep(0.05)
    s.close()
    bed.finish()
    for data in bed.end.heard_rtcp[before:]:
        check(b'\xcb' not in data[1:2], f'a BYE of the attacker was relayed: {data!r}')
