"""`postern ready --call`: a test call from us, through the real media engine: SRTP both ways, a
digit, hold, a new key, BYE. What an answer promises is not believed: what the PBX then does with our
packets is. (baresip 1.0 agrees to a new key and never takes it: its own change "srtp: allow rekeying
of running streams" came later. It also asks for no certificate.)"""
import base64
import importlib
import os
import re
import socket
import struct
import threading
import time

from pylibsrtp import Error, Policy, Session

from lib import agents, rawsip
from lib.pbx import Pbx
from lib.place import NUMBER, PBX
from lib.postern import Postern
from lib.proc import check, equal

ready_play = importlib.import_module('270_ready')


class Echo(Pbx):
    """A PBX that answers calls and plays back what it hears. habit: 'good'; 'stale': agrees to our
    new key, and goes on with the old one; 'own': names a new key of its own, and goes on sending
    under the old one; 'mute': sends silence of its own, whatever it hears, and no RTCP."""

    def __init__(self, place, port, habit):
        self.habit, self.rx, self.held, self.to, self.seq = habit, None, False, None, 100
        self.key = self.tx_key = self.new_key()
        self.tx = None
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind((PBX, 0))
        self.media.settimeout(0.02)
        threading.Thread(target=self.play, daemon=True).start()
        super().__init__(place, port)

    def stop(self, *_):
        super().stop()
        self.media.close()

    @staticmethod
    def new_key():
        return base64.b64encode(os.urandom(30)).decode()

    @staticmethod
    def session(key, way):
        return Session(Policy(key=base64.b64decode(key), ssrc_type=way,
                              srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80))

    def play(self):
        while self.media.fileno() >= 0:
            try:
                data, src = self.media.recvfrom(4096)
                plain = self.rx.unprotect(data) if self.rx else b''
            except (OSError, Error):
                plain = b''
            if not plain and self.habit == 'mute':
                plain = bytes(2) + b'\0' * 10 + b'\xd5' * 160
            if not plain or not self.tx or self.held:
                continue
            self.seq += 1
            head = struct.pack('!BBHII', 0x80, 8 if self.habit == 'mute' else plain[1], self.seq & 65535, self.seq * 160, 0xec40)
            sound = b'\xd5' * 160 if self.habit == 'mute' else plain[12:]
            try:
                self.media.sendto(self.tx.protect(head + sound), self.to)
            except OSError:
                return

    def take_offer(self, sdp):
        key = re.search(r'inline:([A-Za-z0-9+/]+)', sdp).group(1)
        self.to = (re.search(r'^c=IN IP4 (\S+)', sdp, re.M).group(1),
                   int(re.search(r'^m=audio (\d+)', sdp, re.M).group(1)))
        again = self.rx is not None
        if not again or self.habit != 'stale' and key != self.theirs:
            self.rx = self.session(key, Policy.SSRC_ANY_INBOUND)
        if again and key != self.theirs:
            self.key = self.new_key()
        self.theirs = key
        if not self.tx or self.key != self.tx_key and self.habit != 'own':
            self.tx, self.tx_key = self.session(self.key, Policy.SSRC_ANY_OUTBOUND), self.key
        self.held = 'a=sendonly' in sdp
        tag = re.search(r'^a=crypto:(\d+)', sdp, re.M).group(1)
        pts = [x for x in ('8', '101') if re.search(rf'^m=audio .*\b{x}\b', sdp, re.M)]
        return '\r\n'.join([
            'v=0', f'o=- 1 {self.seq} IN IP4 {PBX}', 's=-', f'c=IN IP4 {PBX}', 't=0 0',
            f'm=audio {self.media.getsockname()[1]} RTP/SAVP {" ".join(pts)}',
            'a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000',
            f'a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{self.key}',
            'a=recvonly' if self.held else 'a=sendrecv', ''])

    def talk(self, s):
        s.settimeout(60)
        try:
            with self.ctx.wrap_socket(s, server_side=True) as t:
                buf = b''
                while True:
                    m, buf = rawsip.cut(buf)
                    if m and m.method != 'ACK':
                        t.sendall(self.reply(m))
                    if not m:
                        data = t.recv(65536)
                        if not data:
                            return
                        buf += data
        except OSError:
            s.close()

    def reply(self, m):
        body = self.take_offer(m.body.decode()) if m.method == 'INVITE' else ''
        head = self.answer(m.data.partition(b'\r\n\r\n')[0].decode()).decode()
        head = head.replace('tag=pbx;tag=pbx', 'tag=pbx')
        if 'tag=' in m.get('to'):
            head = re.sub(r'(To:[^\r]*);tag=pbx;tag=pbx', r'\1;tag=pbx', head)
        if body:
            head = head.replace('Content-Length: 0',
                                f'Content-Type: application/sdp\r\nContent-Length: {len(body)}')
        return head.encode() + body.encode()


# habit, what failed, state of media, hold, new key, digits, words of the line about the new key
HABITS = [
    ('good', [], 'passed', 'passed', 'passed', 'passed', 'is proven: it sent them back'),
    ('stale', ['call.rekey'], 'passed', 'passed', 'failed', 'passed', 'fell silent|0 packets came'),
    ('own', ['call.rekey'], 'passed', 'passed', 'failed', 'passed', 'under its old key'),
    ('mute', [], 'unproven', 'passed', 'unproven', 'unproven', 'is not proven'),
]


def play_habits(place):
    """A PBX that takes our new key, and three that only say so."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    for i, (habit, failed, *want, words) in enumerate(HABITS):
        if habit == 'mute' and not place.full: # twice the time in which a report must come
            continue
        pbx = Echo(place, 5100 + i, habit)
        rc, report = ready_play.ready(p, 'pbx.example.test', '--port', str(5100 + i),
                                      '--call', NUMBER)
        pbx.stop()
        said = ready_play.table(report)
        state = {x['check']: x['state'] for x in report['lines']}
        got = [state.get('call.' + x) for x in ('media', 'hold', 'rekey', 'dtmf')]
        equal((ready_play.causes(report), got), (failed, want), f'{habit}\n{said}')
        line = [x for x in report['lines'] if x['check'] == 'call.rekey'][0]
        check(re.search(words, line['seen']), f'{habit}: {line}')
        equal(report['unproven'], got.count('unproven'), 'not proven, counted')
    equal(p.events(r'^ready\.media$'), [], 'warnings about media')


play_habits.limit = 90


def play_baresip(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    rc, report = ready_play.ready(p, 'pbx.example.test', '--call', NUMBER)
    said = ready_play.table(report)
    equal((rc, ready_play.causes(report)), (1, ['auth.asked', 'call.rekey']), f'baresip\n{said}')
    state = {x['check']: x['state'] for x in report['lines']}
    for word in ('answer', 'contact', 'media', 'hold', 'bye'):
        equal(state.get('call.' + word), 'passed', f'call.{word}\n{said}')
    equal(state.get('call.dtmf'), 'unproven', f'the digit\n{said}')
    line = [x for x in report['lines'] if x['check'] == 'call.rekey'][0]
    check('its RTCP reports show that ours do not arrive' in line['seen'], line)
    c = report['facts']['call']
    check(c['in_packets'] > 50 and c['bad_tags'] == 0, f'packets: {c}')
    pbx.quit()
    check('telephone-event' in pbx.proc.text() or 'PCMA' in pbx.proc.text(), 'no codec was agreed')
    p.wait_idle()
    equal(p.cdrs(), [], 'CDRs: it is no call of anybody')


def play_refused(place):
    """A number that nobody has; a PBX without SRTP."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx', media='')
    rc, report = ready_play.ready(p, 'pbx.example.test', '--call', NUMBER)
    equal((rc, ready_play.causes(report)), (1, ['auth.asked', 'call.answer']),
          f'no SRTP\n{ready_play.table(report)}')
    pbx.quit()
    p.wait_idle()
