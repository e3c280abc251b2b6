"""What a capture really holds: SIP inside TLS (tshark with the server's RSA key), SRTP and SRTCP
under the keys of the SDP (libsrtp2 through pylibsrtp), and what is in the clear."""
import base64
import re
import struct

from pylibsrtp import Error, Policy, Session

from lib import tone
from lib.agents import tshark
from lib.place import PBX, POSTERN
from lib.proc import check

PROFILE = {'AES_CM_128_HMAC_SHA1_80': Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
           'AES_CM_128_HMAC_SHA1_32': Policy.SRTP_PROFILE_AES128_CM_SHA1_32}


def packets(pcap):
    """(time, proto 'udp'|'tcp', src, sport, dst, dport, payload) of an Ethernet or raw capture."""
    with open(pcap, 'rb') as f:
        data = f.read()
    magic = struct.unpack('<I', data[:4])[0]
    check(magic in (0xa1b2c3d4, 0xa1b23c4d), f'{pcap}: not a pcap file')
    scale = 1e6 if magic == 0xa1b2c3d4 else 1e9
    link = struct.unpack('<I', data[20:24])[0]
    at = 24
    while at + 16 <= len(data):
        sec, sub, have, _ = struct.unpack('<IIII', data[at:at + 16])
        frame = data[at + 16:at + 16 + have]
        at += 16 + have
        ip = frame[14:] if link == 1 else frame[16:] if link == 113 else frame
        if len(ip) < 20 or ip[0] >> 4 != 4:
            continue
        head, total = (ip[0] & 15) * 4, struct.unpack('!H', ip[2:4])[0]
        body = ip[head:total]
        src, dst = '.'.join(map(str, ip[12:16])), '.'.join(map(str, ip[16:20]))
        if len(body) < 8:
            continue
        sport, dport = struct.unpack('!HH', body[:4])
        if ip[9] == 17:
            yield sec + sub / scale, 'udp', src, sport, dst, dport, body[8:]
        elif ip[9] == 6:
            yield sec + sub / scale, 'tcp', src, sport, dst, dport, body[(body[12] >> 4) * 4:]


class Sdp:
    """The parts of a session description that say where media goes and under which key."""

    def __init__(self, text):
        self.text = text
        c = re.search(r'^c=IN IP4 (\S+)', text, re.M)
        m = re.search(r'^m=audio (\d+) (\S+) ([\d ]+)', text, re.M)
        self.host = c.group(1) if c else None
        self.port, self.profile = (int(m.group(1)), m.group(2)) if m else (0, '')
        self.crypto = [(int(t), s, base64.b64decode(k + '=' * (-len(k) % 4)))
                       for t, s, k in re.findall(
                           r'^a=crypto:(\d+) (\S+) inline:([A-Za-z0-9+/]+)', text, re.M)]


def sip_messages(pcap, ca, keys=('sbc', 'pbx'), tls_ports=(5061,), plain=()):
    """SIP of a capture: [{'time','src','dst','line','sdp'}], TLS opened with the servers' keys."""
    words = []
    for k in keys:
        words += ['-o', f'uat:rsa_keys:"{ca.path(k + ".key")}",""']
    for p in tls_ports:
        words += ['-d', f'tcp.port=={p},tls', '-d', f'tls.port=={p},sip']
    for p in plain:
        words += ['-d', f'udp.port=={p},sip']
    out = tshark(pcap, *words, '-Y', 'sip', '-T', 'fields', '-E', 'separator=/t', '-e',
                 'frame.time_epoch', '-e', 'ip.src', '-e', 'ip.dst', '-e', 'sip.Request-Line', '-e',
                 'sip.Status-Line', '-e', 'sip.CSeq.method', '-e', 'sip.Call-ID', '-e',
                 'frame.protocols', '-e', 'tcp.srcport', '-e', 'tcp.dstport')
    messages = []
    for line in out.splitlines():
        f = line.split('\t')
        if len(f) < 10:
            continue
        # on loopback the PBX dials with postern's own address, so the port says who speaks
        from_pbx = (f[2], f[9]) == (POSTERN, '5061') or (f[1], f[8]) == (PBX, '5061')
        messages.append({'time': float(f[0]), 'src': f[1], 'dst': f[2], 'line': f[3] or f[4],
                         'method': f[5], 'call_id': f[6], 'tls': ':tls:' in f[7],
                         'from_pbx': from_pbx})
    return messages


def sdp_bodies(pcap, ca, keys=('sbc', 'pbx'), tls_ports=(5061,)):
    """[(source address, Sdp)] of every SDP inside TLS, in order."""
    words = []
    for k in keys:
        words += ['-o', f'uat:rsa_keys:"{ca.path(k + ".key")}",""']
    for p in tls_ports:
        words += ['-d', f'tcp.port=={p},tls', '-d', f'tls.port=={p},sip']
    out = tshark(pcap, *words, '-Y', 'tls && sdp', '-V')
    bodies, source, text = [], None, []
    for line in out.splitlines() + ['Frame 0']:
        m = re.match(r'Internet Protocol Version 4, Src: (\S+?),', line)
        if line.startswith('Frame ') and text:
            bodies.append((source, Sdp('\n'.join(text))))
            text = []
        if m:
            source = m.group(1)
        m = re.match(r'\s+(?:Session Description Protocol Version|Owner/Creator|Session Name|'
                     r'Connection Information|Media Description|Media Attribute)[^:]*'
                     r'\((\w)\): (.*)', line)
        if m:
            text.append(f'{m.group(1)}={m.group(2)}')
    return bodies


def tls_facts(pcap, tls_ports=(5061,)):
    """{'versions', 'suites', 'offered_first', 'sni'} of the handshakes in a capture."""
    words = [x for p in tls_ports for x in ('-d', f'tcp.port=={p},tls')]
    hello = tshark(pcap, *words, '-Y', 'tls.handshake.type==2', '-T', 'fields', '-e',
                   'tls.handshake.version', '-e', 'tls.handshake.ciphersuite')
    client = tshark(pcap, *words, '-Y', 'tls.handshake.type==1', '-T', 'fields', '-e', 'ip.src',
                    '-e', 'tls.handshake.extensions_server_name')
    rows = [x.split('\t') for x in hello.splitlines() if x]
    return {'versions': {r[0] for r in rows},
            'suites': {int(r[1], 16) if 'x' in r[1] else int(r[1]) for r in rows},
            'sni': [x.split('\t') for x in client.splitlines()], 'count': len(rows)}


def is_rtcp(payload):
    return len(payload) >= 8 and payload[0] >> 6 == 2 and 192 <= payload[1] <= 223


class Media:
    """What one direction carried, opened with one key; refused = did not authenticate."""

    def __init__(self, suite, key):
        self.session = Session(policy=Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND,
                                             srtp_profile=PROFILE[suite]))
        self.rtp = self.rtcp = self.refused = self.refused_rtcp = self.clear_rtcp = 0
        self.raw, self.samples, self.seqs = [], [], []
        self.keystream = {}         # (ssrc, sequence) -> packet: never twice with other content
        self.reused = 0

    def packet(self, data):
        if is_rtcp(data):
            if len(data) < 22 or not data[-14] & 0x80:
                self.clear_rtcp += 1
            try:
                self.session.unprotect_rtcp(data)
                self.rtcp += 1
            except Error:
                self.refused_rtcp += 1
            return
        if len(data) < 22:
            self.refused += 1
            return
        ident = data[2:4] + data[8:12]
        if self.keystream.setdefault(ident, data) != data and len(self.keystream) < 60000:
            self.reused += 1
        try:
            plain = self.session.unprotect(data)
        except Error:
            self.refused += 1
            return
        self.rtp += 1
        self.seqs.append(struct.unpack('!H', plain[2:4])[0])
        pt, start = plain[1] & 127, 12 + 4 * (plain[0] & 15)
        if pt in (0, 8):
            self.samples += tone.decode(plain[start:], pt)
            self.raw += tone.decode(data[start:start + len(plain) - start], pt)


def open_media(pcap, ours, theirs, suite, key):
    """All UDP from our ports (RTP, RTCP) to theirs, as Media."""
    media = Media(suite, key)
    for _, proto, _, sport, _, dport, payload in packets(pcap):
        if proto == 'udp' and sport in (ours, ours + 1) and dport in (theirs, theirs + 1):
            media.packet(payload)
    return media


def clear_sip(pcap):
    """Packets in which SIP can be read without any key."""
    return [f'{proto} {s}:{sp} > {d}:{dp}' for _, proto, s, sp, d, dp, payload in packets(pcap)
            if b'SIP/2.0' in payload or b'a=crypto' in payload]
