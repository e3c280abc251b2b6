"""SIP by hand, for plays that attack: a strict reader of messages, a customer's connection that sends
any bytes, a gateway that answers by a script, and an SRTP end that sends what a libsrtp2 end would
refuse to send."""
import base64
import os
import re
import socket
import ssl
import struct
import threading
import time

from pylibsrtp import Error, Policy, Session

from lib.place import GATEWAY, LATE, NUMBER, PBX, POSTERN, PSTN
from lib.proc import Failed, check, wait_for

KEY = base64.b64encode(bytes(range(65, 95))).decode()
SUITE = 'AES_CM_128_HMAC_SHA1_80'
OUT, IN = Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND
NAME = re.compile(rb"[A-Za-z0-9\-.!%*_+`'~]+\Z")
COMPACT = {'v': 'via', 'f': 'from', 't': 'to', 'i': 'call-id', 'm': 'contact', 'l': 'content-length',
           'c': 'content-type', 'k': 'supported', 's': 'subject', 'e': 'content-encoding'}


def token(n=8):
    return os.urandom(n).hex()


class Message:
    """One message, read by rules of our own: CRLF only, no control character, name: value."""

    def __init__(self, data):
        self.data = data
        head, sep, self.body = data.partition(b'\r\n\r\n')
        check(sep, f'no end of headers: {data[:200]!r}')
        lines = head.split(b'\r\n')
        self.line = lines[0].decode()
        self.headers, self.faults = [], []
        for line in lines:
            if re.search(rb'[\x00-\x08\x0a-\x1f\x7f]', line):
                self.faults.append(f'a control character in {line[:120]!r}')
        for line in lines[1:]:
            if line[:1] in b' \t' and self.headers:
                self.headers[-1][1] += ' ' + line.strip().decode('utf-8', 'replace')
                continue
            name, colon, value = line.partition(b':')
            name = name.rstrip(b' \t')
            if not colon or not NAME.match(name):
                self.faults.append(f'no header: {line[:120]!r}')
                continue
            low = name.decode().lower()
            self.headers.append([COMPACT.get(low, low), value.strip().decode('utf-8', 'replace')])
        self.status = int(self.line.split()[1]) if self.line.startswith('SIP/2.0 ') else 0
        self.method = '' if self.status else self.line.split()[0]

    def all(self, name):
        return [v for n, v in self.headers if n == name]

    def get(self, name):
        return (self.all(name) or [''])[0]

    def names(self):
        return {n for n, _ in self.headers}

    def tag(self, name):
        m = re.search(r';tag=([^;>\s]+)', self.get(name))
        return m.group(1) if m else ''

    def cseq(self):
        m = re.match(r'(\d+)\s+(\S+)\Z', self.get('cseq'))
        return (int(m.group(1)), m.group(2)) if m else (0, '')


def cut(buf):
    """(first whole message or None, rest)"""
    buf = buf.lstrip(b'\r\n')
    head, sep, rest = buf.partition(b'\r\n\r\n')
    if not sep:
        return None, buf
    m = re.search(rb'\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)', head, re.I)
    n = int(m.group(1)) if m else 0
    if len(rest) < n:
        return None, buf
    return Message(head + sep + rest[:n]), rest[n:]


def offer(port=41000, profile='RTP/SAVP', crypto=(f'1 {SUITE} inline:{KEY}',), host=PBX, extra=()):
    net = 'IN IP6' if ':' in host else 'IN IP4'
    lines = ['v=0', f'o=- 1 1 {net} {host}', 's=-', f'c={net} {host}', 't=0 0',
             f'm=audio {port} {profile} 8', 'a=rtpmap:8 PCMA/8000']
    lines += [f'a=crypto:{c}' for c in crypto] + list(extra) + ['a=sendrecv', '']
    return '\r\n'.join(lines)


class Call:
    """What a customer knows of a call that it made."""

    def __init__(self, number=PSTN, caller=NUMBER):
        self.id, self.tag, self.branch = token(12), token(4), 'z9hG4bK' + token()
        self.uri = f'sip:{number}@{POSTERN}:5061;transport=tls'
        self.caller, self.to_tag, self.target, self.cseq = caller, '', '', 1
        self.answer = None

    def learn(self, m):
        self.to_tag = m.tag('to') or self.to_tag
        c = re.search(r'<([^>]+)>', m.get('contact'))
        self.target = c.group(1) if c else self.target
        if m.status == 200 and m.body:
            self.answer = m.body.decode()

    def where(self):
        """(host, port, key) that the answer names"""
        return (re.search(r'^c=IN IP[46] (\S+)', self.answer, re.M).group(1),
                int(re.search(r'^m=audio (\d+)', self.answer, re.M).group(1)),
                re.search(r'inline:([A-Za-z0-9+/]+)', self.answer).group(1))


def request(method, call, body='', headers=(), cseq=None, branch=None, length=None, uri=None,
            sent_by=f'{PBX}:5061', from_uri=None):
    """The bytes of a request of the caller. headers: whole lines; length: what Content-Length says
    (None: the truth, '': no such header)."""
    to = f'<sip:{PSTN}@{POSTERN}>' + (f';tag={call.to_tag}' if call.to_tag else '')
    if branch is None:
        branch = call.branch if method in ('INVITE', 'CANCEL') and not call.to_tag \
            else 'z9hG4bK' + token()
    if cseq is None:
        call.cseq += method not in ('INVITE', 'ACK', 'CANCEL')
        cseq = call.cseq
    target = uri or (call.uri if method == 'CANCEL' else call.target or call.uri)
    lines = [f'{method} {target} SIP/2.0', f'Via: SIP/2.0/TLS {sent_by};branch={branch}',
             f'From: <{from_uri or f"sip:{call.caller}@pbx.example.test"}>;tag={call.tag}',
             f'To: {to}', f'Call-ID: {call.id}', f'CSeq: {cseq} {method}',
             f'Contact: <sip:{call.caller}@{sent_by};transport=tls>', 'Max-Forwards: 70', *headers]
    raw = body.encode() if isinstance(body, str) else body
    if raw:
        lines.append('Content-Type: application/sdp')
    if length != '':
        lines.append(f'Content-Length: {len(raw) if length is None else length}')
    text = '\r\n'.join(lines) + '\r\n\r\n'
    return text.encode('utf-8', 'surrogateescape') + raw


class Customer:
    """A TLS connection with a valid certificate, and any bytes on it."""

    def __init__(self, ca, cert='pbx', source=PBX, address=(POSTERN, 5061)):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.check_hostname = False
        ctx.load_verify_locations(ca.path('trust.pem'))
        ctx.minimum_version = ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.set_ciphers('AES128-SHA:@SECLEVEL=1')
        ctx.load_cert_chain(ca.path(cert + '-chain.pem'), ca.path(cert + '.key'))
        self.raw = socket.create_connection(address, 5, source_address=(source, 0))
        self.raw.settimeout(5)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s = ctx.wrap_socket(self.raw, server_hostname='sbc.example.test')
        self.buf, self.seen, self.closed = b'', [], False

    def send(self, data):
        self.s.sendall(data)

    def read(self, seconds=3):
        """The next message; None when none comes (closed says whether the connection ended)."""
        end = time.monotonic() + seconds
        while True:
            m, self.buf = cut(self.buf)
            if m:
                self.seen.append(m)
                return m
            left = end - time.monotonic()
            if left <= 0 or self.closed:
                return None
            self.s.settimeout(left)
            try:
                data = self.s.recv(65536)
            except (TimeoutError, socket.timeout):
                return None
            except (OSError, ssl.SSLError):
                data = b''
            if not data:
                self.closed = True
            self.buf += data

    def final(self, call=None, seconds=5, method=None):
        """The next final response (of this call, of this method)."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            m = self.read(left)
            if not m:
                return None
            if m.method in ('OPTIONS', 'BYE'):
                self.send(reply(m, 200))
            if m.status >= 200 and (not call or m.get('call-id') == call.id) \
                    and (not method or m.cseq()[1] == method):
                return m
        return None

    def ask(self, sdp=None, headers=(), seconds=5, **how):
        """An INVITE, and ACK where it is answered; (call, final response or None)."""
        c = Call(**how)
        self.send(request('INVITE', c, offer() if sdp is None else sdp, headers))
        m = self.final(c, seconds)
        if m and m.status == 200:
            c.learn(m)
            self.send(request('ACK', c))
        return c, m

    def call(self, sdp=None, headers=(), **how):
        """An answered call, or Failed."""
        c, m = self.ask(sdp, headers, **how)
        check(m and m.status == 200, f'{m and m.get("warning")} wanted 200 to INVITE: {m and m.line}, closed={self.closed}')
        return c

    def bye(self, call, seconds=5):
        self.send(request('BYE', call))
        m = self.final(call, seconds, 'BYE')
        return m.status if m else None

    def reset(self):
        """RST, not FIN."""
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.s.close()

    def stop(self, *_):
        try:
            self.s.close()
        except OSError:
            pass


def reply(m, status, tag=None, body='', contact=f'sip:gw@{GATEWAY}:5080', extra=(), kind='application/sdp'):
    """The bytes of a response to m."""
    to = m.get('to')
    if status > 100 and ';tag=' not in to:
        to += f';tag={tag or token(4)}'
    lines = [f'SIP/2.0 {status} Because'] + [f'Via: {v}' for v in m.all('via')]
    lines += [f'From: {m.get("from")}', f'To: {to}', f'Call-ID: {m.get("call-id")}',
              f'CSeq: {m.get("cseq")}', f'Contact: <{contact}>', *extra]
    if body:
        lines.append(f'Content-Type: {kind}')
    return ('\r\n'.join(lines) + f'\r\nContent-Length: {len(body)}\r\n\r\n{body}').encode()


class Gateway:
    """A UDP gateway. script(gateway, message, from) decides; by default it answers calls at once.
    seen: every message in order of arrival."""

    def __init__(self, script=None, host=GATEWAY, port=5080, media=40000):
        self.s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.s.bind((host, port))
        self.host, self.port, self.media = host, port, media
        self.script = script or Gateway.answer
        self.seen, self.strange, self.tags, self.peer = [], [], {}, None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        self.s.settimeout(0.1)
        while not self.over.is_set():
            try:
                if LATE:
                    self.s.recv(1, socket.MSG_PEEK)
                    time.sleep(LATE)
                data, src = self.s.recvfrom(65536)
            except (TimeoutError, socket.timeout):
                continue
            except OSError:
                return
            try:
                m = Message(data)
            except Failed as e:
                self.strange.append(str(e))
                continue
            self.seen.append(m)
            self.peer = src
            self.script(self, m, src)

    def tag(self, m):
        return self.tags.setdefault(m.get('call-id'), token(4))

    def sdp(self, host=None):
        return offer(self.media, 'RTP/AVP', (), host or self.host)

    def send(self, data, to=None):
        self.s.sendto(data, to or self.peer)

    def respond(self, m, status, to=None, **how):
        self.send(reply(m, status, self.tag(m), **how), to)

    def answer(self, m, src):
        if m.method == 'INVITE':
            self.respond(m, 180, src)
            self.respond(m, 200, src, body=self.sdp())
        elif m.method == 'CANCEL':
            self.respond(m, 200, src)
            for i in self.of(m.get('call-id'), 'INVITE')[:1]:
                self.respond(i, 487, src)
        elif m.method and m.method != 'ACK':
            self.respond(m, 200, src)

    def ring(self, m, src):
        if m.method == 'INVITE':
            self.respond(m, 180, src)
        else:
            self.answer(m, src)

    def of(self, call_id, method):
        return [m for m in self.seen if m.method == method and m.get('call-id') == call_id]

    def requests(self, method='INVITE'):
        """Requests of a method, each once (retransmissions left out)."""
        once = {}
        for m in list(self.seen):
            if m.method == method:
                once.setdefault((m.get('call-id'), m.get('cseq'), m.get('via')), m)
        return list(once.values())

    def wait(self, method, n=1, seconds=5):
        wait_for(f'{n} {method} at the gateway', seconds, lambda: len(self.requests(method)) >= n)
        return self.requests(method)[n - 1]

    def bye(self, invite, cseq=1, method='BYE', sdp='', headers=()):
        """The bytes of a request of the called side in the call of this INVITE."""
        c = re.search(r'<([^>]+)>', invite.get('contact')).group(1)
        lines = [f'{method} {c} SIP/2.0',
                 f'Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{token()}',
                 f'From: {invite.get("to")};tag={self.tag(invite)}', f'To: {invite.get("from")}',
                 f'Call-ID: {invite.get("call-id")}', f'CSeq: {cseq} {method}', 'Max-Forwards: 70',
                 f'Contact: <sip:gw@{self.host}:{self.port}>', *headers]
        lines += ['Content-Type: application/sdp'] if sdp else []
        return ('\r\n'.join(lines) + f'\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}').encode()

    def stop(self, *_):
        self.over.set()
        self.thread.join(2)
        self.s.close()


class At(Gateway):
    """A gateway whose Contact is its own address."""

    def respond(self, m, status, to=None, **how):
        super().respond(m, status, to, contact=f'sip:gw@{self.host}:{self.port}', **how)


class Srtp:
    """The media of a customer: 50 packets a second whose payload is MARK and a number; hears what
    comes under the other key. attack: anything else may be sent from its socket."""

    MARK = b'legit'

    def __init__(self, call, port=41000, host=PBX, mine=None):
        """mine: the key that it sends under, where that is another one than KEY."""
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((host, port))
        self.s.settimeout(0.005)
        to_host, to_port, key = call.where()
        self.to = (to_host, to_port)
        self.tx = session(mine or KEY, OUT)
        self.rx = session(key, IN)
        self.ssrc, self.seq, self.n = int.from_bytes(os.urandom(4), 'big'), 1000, 0
        self.heard, self.refused, self.paused = [], 0, False
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def plain(self, payload, seq=None, pt=8):
        return struct.pack('!BBHII', 0x80, pt, self.seq if seq is None else seq,
                           self.n * 160 & 0xffffffff, self.ssrc) + payload.ljust(160, b'.')

    def next(self):
        """The next good packet, not yet sent."""
        data = self.tx.protect(self.plain(self.MARK + b'%06d' % self.n))
        self.seq, self.n = (self.seq + 1) & 65535, self.n + 1
        return data

    def work(self):
        due = time.monotonic()
        while not self.over.is_set():
            if time.monotonic() >= due and not self.paused:
                self.s.sendto(self.next(), self.to)
                due += 0.02
            try:
                data = self.s.recv(2048)
            except OSError:
                continue
            if len(data) > 1 and 192 <= data[1] <= 223:
                continue
            try:
                self.heard.append(self.rx.unprotect(data)[12:])
            except Error:
                self.refused += 1

    def stop(self, *_):
        self.over.set()
        self.thread.join(2)
        self.s.close()


def session(key, kind):
    return Session(policy=Policy(key=base64.b64decode(key + '=' * (-len(key) % 4)), ssrc_type=kind,
                                 srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80))
