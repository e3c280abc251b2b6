"""SIP ends whose calls a play plays by hand, line by line, as the figures of the RFCs are read: over
UDP, TCP or TLS, IPv4 or IPv6, calling or called. What a transport owes is done beside the play: 100
for an INVITE, the last answer for a request that comes again, ACK for a final response below or
above 200 that comes again; so that read() sees each message once."""
import re
import select
import socket
import ssl
import threading
from collections import deque

from lib.place import LATE, at
from lib.proc import Failed, check, wait_for
from lib.rawsip import Message, cut, token

SUITES = 'AES128-SHA:AES128-SHA256:AES256-SHA256:@SECLEVEL=1'
ALLOW = 'Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, REFER, NOTIFY, INFO, OPTIONS'


def sdp(host, port, key='', way='sendrecv', version=1, events=101, profile=None):
    """An audio stream: PCMA and telephone-event; with key: SRTP. events 0: none."""
    net = 'IN IP6' if ':' in host else 'IN IP4'
    profile = profile or ('RTP/SAVP' if key else 'RTP/AVP')
    lines = ['v=0', f'o=- 7 {version} {net} {host}', 's=-', f'c={net} {host}', 't=0 0',
             f'm=audio {port} {profile} 8' + (f' {events}' if events else ''), 'a=rtpmap:8 PCMA/8000']
    if events:
        lines += [f'a=rtpmap:{events} telephone-event/8000', f'a=fmtp:{events} 0-15']
    lines += [f'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}'] if key else []
    return '\r\n'.join(lines + [f'a={way}', ''])


class Media:
    """What an SDP says of the audio stream: host, port, key (or ''), way, version, profile."""

    def __init__(self, body):
        text = body.decode() if isinstance(body, bytes) else body

        def find(pattern, default=''):
            m = re.search(pattern, text, re.M)
            return m.group(1) if m else default
        self.text = text
        self.host, self.port = find(r'^c=IN IP[46] (\S+)'), int(find(r'^m=audio (\d+)', '0'))
        self.profile, self.key = find(r'^m=audio \d+ (\S+)'), find(r'inline:([A-Za-z0-9+/]+)')
        self.way = find(r'^a=(sendrecv|sendonly|recvonly|inactive)', 'sendrecv')
        self.version = int(find(r'^o=\S+ \S+ (\d+)', '0'))
        self.events = int(find(r'^a=rtpmap:(\d+) telephone-event', '0'))


class Dialog:
    """One call of an end. Requests carry its route set; what arrives waits in `came`."""

    def __init__(self, ua, call_id, mine, theirs, target):
        self.ua, self.call_id, self.tag, self.to_tag = ua, call_id, token(4), ''
        self.mine, self.theirs, self.target = mine, theirs, target
        self.routes, self.cseq, self.came, self.invite = [], 0, deque(), None
        self.back, self.branch, self.acked, self.uri = None, '', {}, target

    def learn(self, m, ours):
        """The other side's tag, Contact and route. ours: m answers a request of ours."""
        self.to_tag = m.tag('to' if ours else 'from') or self.to_tag
        if c := re.search(r'<([^>]+)>', m.get('contact')):
            self.target = c.group(1)
        if m.all('record-route') and not self.routes:
            routes = [r.strip() for v in m.all('record-route') for r in v.split(',')]
            self.routes = routes[::-1] if ours else routes

    def send(self, method, body='', headers=(), cseq=None):
        """A request; its CSeq. ACK and CANCEL: of the last INVITE."""
        if method not in ('ACK', 'CANCEL'):
            self.cseq += 1
        n = cseq or self.cseq
        branch = self.branch if method == 'CANCEL' else 'z9hG4bK' + token()
        if method == 'INVITE':
            self.branch = branch
        uri = self.uri if method == 'CANCEL' or not self.to_tag else self.target
        tag = f';tag={self.to_tag}' if self.to_tag and method != 'CANCEL' else ''
        lines = [f'{method} {uri} SIP/2.0', f'Via: {self.ua.via(branch)}',
                 f'From: <{self.mine}>;tag={self.tag}', f'To: <{self.theirs}>{tag}',
                 f'Call-ID: {self.call_id}', f'CSeq: {n} {method}', f'Contact: <{self.ua.contact}>',
                 'Max-Forwards: 70']
        lines += [f'Route: {r}' for r in self.routes] + list(headers)
        data = finish(lines, body)
        self.back = self.ua.send(data, self.routes, self.back)
        if method == 'ACK':
            self.acked[n] = data
        return n

    def reply(self, m, status, body='', headers=(), contact=None):
        """A response to a request that read() gave; 3xx names contact."""
        to = m.get('to')
        if status > 100 and ';tag=' not in to:
            to += f';tag={self.tag}'
        lines = [f'SIP/2.0 {status} Because'] + [f'Via: {v}' for v in m.all('via')]
        lines += [f'Record-Route: {v}' for v in m.all('record-route')]
        lines += [f'From: {m.get("from")}', f'To: {to}', f'Call-ID: {self.call_id}',
                  f'CSeq: {m.get("cseq")}', f'Contact: <{contact or self.ua.contact}>', *headers]
        data = finish(lines, body)
        self.ua.answered[m.branch] = data
        m.back(data)

    def read(self, what, method='INVITE', seconds=8, past=()):
        """The next message: a request of the method `what`, or a response of status `what` to
        `method`. 100 and what `past` names (methods, statuses) is passed over."""
        end = f'{self.ua.name}: {what}' + (f' to {method}' if isinstance(what, int) else '')
        while True:
            try:
                wait_for(end, seconds, lambda: self.came or self.ua.gone, 0.004)
            except Failed as e:
                raise Failed(f'{e}; messages so far: {[x.line for x in self.ua.seen[-8:]]}') from None
            check(self.came, f'{end}: the connection ended')
            m = self.came.popleft()
            if m.status == 100 or (m.status or m.method) in past:
                continue
            good = m.method == what or (m.status == what and m.cseq()[1] == method)
            check(good, f'wanted {end}: {m.line} ({m.get("cseq")}) {m.get("warning")}')
            if m.status and m.status < 300 or m.method in ('INVITE', 'UPDATE'):
                self.learn(m, bool(m.status))
            return m

    def ack(self, body=''):
        """For the 2xx to our last INVITE."""
        self.send('ACK', body, cseq=self.invited)

    def ask(self, method, body='', headers=(), past=()):
        """A request inside the call that is answered with 200 (a re-INVITE is acknowledged); the
        answer."""
        n = self.send(method, body, headers)
        m = self.read(200, method, past=past)
        if method == 'INVITE':
            self.send('ACK', cseq=n)
        return m

    def take(self, method, body='', headers=()):
        """A request inside the call, answered with 200; the request."""
        m = self.read(method)
        self.reply(m, 200, body, headers)
        if method == 'INVITE':
            self.read('ACK')
        return m

    def call(self, body='', headers=()):
        self.invited = self.send('INVITE', body, headers)
        return self.invited


def hang(x, y):
    """x ends the call, and y says it is well."""
    x.send('BYE')
    y.take('BYE')
    x.read(200, 'BYE')


def finish(lines, body):
    if body and not any(x.startswith('Content-Type') for x in lines):
        lines = [*lines, 'Content-Type: application/sdp']
    raw = body.encode()
    return ('\r\n'.join(lines) + f'\r\nContent-Length: {len(raw)}\r\n\r\n').encode() + raw


class Ua:
    """An end at host:port that speaks to postern at peer (host, port). tls: names of certificates
    of place.ca; a server shows the same."""

    def __init__(self, place, name, transport, host, port, peer, cert='pbx', sni='sbc.example.test',
                 user='ua'):
        self.place, self.name, self.transport, self.host, self.port = place, name, transport, host, port
        self.peer, self.sni, self.gone, self.over = peer, sni, False, threading.Event()
        self.family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self.contact = f'sip:{user}@{at(host, port)};transport={transport}'
        self.seen, self.dialogs, self.fresh, self.answered = [], {}, deque(), {}
        self.out, self.lock, self.wire, self.accepted = None, threading.Lock(), threading.Lock(), 0
        if transport == 'tls':
            self.client, self.server = self.tls(cert, ssl.PROTOCOL_TLS_CLIENT), \
                self.tls(cert, ssl.PROTOCOL_TLS_SERVER)
        if transport == 'udp':
            self.s = socket.socket(self.family, socket.SOCK_DGRAM)
            self.s.bind((host, port))
            self.run(self.datagrams)
        else:
            self.s = socket.create_server((host, port), family=self.family)
            self.run(self.accept)
        place.keep(self)

    def tls(self, cert, kind):
        ctx = ssl.SSLContext(kind)
        ctx.check_hostname = False
        ctx.load_verify_locations(self.place.ca.path('trust.pem'))
        ctx.verify_mode = ssl.CERT_REQUIRED
        ctx.minimum_version = ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.set_ciphers(SUITES)
        ctx.load_cert_chain(self.place.ca.path(cert + '-chain.pem'), self.place.ca.path(cert + '.key'))
        return ctx

    def run(self, work, *args):
        threading.Thread(target=work, args=args, daemon=True).start()

    def via(self, branch):
        return f'SIP/2.0/{self.transport.upper()} {at(self.host, self.port)};branch={branch};rport'

    # -- what comes

    def datagrams(self):
        while not self.over.is_set():
            try:
                data, src = self.s.recvfrom(65536)
            except OSError:
                return
            if LATE:
                self.over.wait(LATE)
            if data.strip():
                self.take(Message(data), lambda x, src=src: self.s.sendto(x, src))

    def accept(self):
        while not self.over.is_set():
            try:
                s, _ = self.s.accept()
            except OSError:
                return
            self.accepted += 1
            self.run(self.stream, s, True)

    def stream(self, s, ours=False):
        """Read a connection until it ends. ours: it was made to us."""
        try:
            if ours and self.transport == 'tls':
                s = self.server.wrap_socket(s, server_side=True)
            self.out, buf = self.out or s, b''
            while data := self.receive(s):
                buf += data
                while (whole := cut(buf))[0]:
                    if LATE:
                        self.over.wait(LATE)
                    buf = whole[1]
                    self.take(whole[0], lambda x: self.write(s, x))
                buf = whole[1]
        except (OSError, ValueError):
            pass
        if self.out is s:
            self.out = None

    def receive(self, s):
        """What came next. A TLS connection is one thread's at a time: nobody waits inside it."""
        while True:
            if self.transport != 'tls' or not s.pending():
                select.select([s], [], [])
            with self.wire:
                s.setblocking(False)
                try:
                    return s.recv(65536)
                except (BlockingIOError, ssl.SSLWantReadError):
                    pass
                finally:
                    s.setblocking(True)

    def write(self, s, data):
        with self.wire:
            s.sendall(data)

    def take(self, m, back):
        """A message from outside: once to its dialog."""
        with self.lock:
            v = re.search(r'branch=([^;\s,]+)', m.get('via'))
            m.branch, m.back = (v.group(1) if v else '') + m.cseq()[1], back
            d = self.dialogs.get(m.get('call-id'))
            if m.method and m.method != 'ACK' and m.branch in self.answered:
                if self.answered[m.branch]:
                    back(self.answered[m.branch])
                return
            if m.status and d and (old := d.acked.get(m.cseq()[0])) and m.cseq()[1] == 'INVITE':
                back(old)
                return
            if any(m.data == x.data for x in self.seen):
                return                          # a copy: a provisional response, an ACK
            self.seen.append(m)
            if m.method and m.method != 'ACK':
                self.answered[m.branch] = b''
            if m.status >= 300 and m.cseq()[1] == 'INVITE' and d:
                back(failed_ack(m, d))
            if d:
                d.came.append(m)
            elif m.method == 'INVITE':
                self.fresh.append(self.meet(m))
            elif m.method not in ('', 'ACK'):
                d = self.meet(m)
                d.reply(m, 200 if m.method == 'OPTIONS' else 481)
                del self.dialogs[d.call_id]

    def meet(self, m):
        """A dialog of a request that begins one."""
        uri = [re.search(r'<([^>]+)>|^([^;\s]+)', m.get(x)).group(1) or '' for x in ('to', 'from')]
        d = Dialog(self, m.get('call-id'), uri[0], uri[1], '')
        d.invite, d.to_tag = m, m.tag('from')
        d.came.append(m)
        self.dialogs[d.call_id] = d
        return d

    # -- what goes

    def send(self, data, routes=(), back=None):
        """To postern, or the first of the routes; how the next one goes."""
        to = self.peer
        if routes and (r := re.search(r'sips?:(?:[^@>]*@)?(\[[^]]+\]|[^:;>]+)(?::(\d+))?', routes[0])):
            to = (r.group(1).strip('[]'), int(r.group(2) or 5060))
        if self.transport == 'udp':
            self.s.sendto(data, to)
            return None
        if not self.out:
            s = socket.create_connection(to, 5, source_address=(self.host, 0))
            s.settimeout(None)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.out = self.client.wrap_socket(s, server_hostname=self.sni) \
                if self.transport == 'tls' else s
            self.run(self.stream, self.out)
        self.write(self.out, data)
        return None

    def begin(self, number, caller, host=None):
        """A dialog with number@host (postern's own address) of which nothing was sent yet."""
        to = f'sip:{number}@{host or at(*self.peer)}'
        d = Dialog(self, token(12), f'sip:{caller}@{at(self.host, self.port)}', to,
                   to + (';transport=' + self.transport if self.transport != 'udp' else ''))
        self.dialogs[d.call_id] = d
        return d

    def dial(self, number, caller, body='', headers=()):
        """The same with an INVITE."""
        d = self.begin(number, caller)
        d.call(body, headers)
        return d

    def called(self, seconds=8, trying=True):
        """The next call that came: (dialog, INVITE); trying: it was answered with 100."""
        try:
            wait_for(f'{self.name}: a call', seconds, lambda: self.fresh, 0.004)
        except Failed as e:
            raise Failed(f'{e}; messages so far: {[x.line for x in self.seen[-8:]]}') from None
        d = self.fresh.popleft()
        m = d.read('INVITE')
        d.learn(m, False)
        if trying:
            d.reply(m, 100)
            self.answered[m.branch] = b''
        return d, m

    def drop(self):
        """The connection that is there ends, without a word of TLS."""
        s, self.out = self.out, None
        s.shutdown(socket.SHUT_RDWR)

    def stop(self, *_):
        self.over.set()
        for s in (self.s, self.out):
            if s:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()


def failed_ack(m, d):
    """ACK for a final response of 300 and above: part of the INVITE's transaction."""
    lines = [f'ACK {d.uri if d.uri and not d.acked else d.target} SIP/2.0', f'Via: {m.all("via")[0]}',
             f'From: {m.get("from")}', f'To: {m.get("to")}', f'Call-ID: {m.get("call-id")}',
             f'CSeq: {m.cseq()[0]} ACK', 'Max-Forwards: 70']
    return finish(lines + [f'Route: {r}' for r in d.routes], '')
