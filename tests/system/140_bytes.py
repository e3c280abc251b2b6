"""Bytes that are no good SIP, from a customer with a valid certificate: framing (P4), lengths (P1),
smuggled headers (P5), injected lines (P6), methods (P7), odd SDP (P3), multipart (P2). What leaves
towards the gateway is read again by rules of our own (lib/rawsip.Message)."""
import os
import random
import re
import time

from lib import rawsip
from lib.place import NUMBER, PSTN
from lib.postern import Postern
from lib.proc import check, equal
from lib.rawsip import Call, offer, request

CANARY = 'ca9a2yEVIL'
# all that may stand in a request of ours towards a gateway
ALLOWED = {'via', 'max-forwards', 'from', 'to', 'call-id', 'cseq', 'contact', 'allow', 'accept',
           'user-agent', 'content-type', 'content-length', 'supported', 'p-asserted-identity',
           'session-expires', 'min-se'}
# headers of the customer that cross by the list in call/hide.c, whatever is in them
CROSS = {'accept-language', 'alert-info', 'date', 'expires', 'privacy', 'reason', 'subject',
         'user-to-user'}


def busy(g, m, src):
    if m.method == 'INVITE':
        g.respond(m, 486, src)
    elif m.method not in ('', 'ACK'):
        g.respond(m, 200, src)


class Bed:
    def __init__(self, place, script=busy):
        self.place = place
        self.p = Postern(place).start()
        self.gw = place.keep(rawsip.Gateway(script))
        self.pbx = None
        self.fresh()

    def fresh(self):
        if self.pbx:
            self.pbx.stop()
        self.pbx = self.place.keep(rawsip.Customer(self.place.ca))
        return self.pbx

    def tell(self, data, call, seconds=4, any_call=False):
        """Send, and the final answer's status; 0 when the connection was closed; None: silence.
        any_call: what was sent may not carry the call's id any more."""
        if self.pbx.closed:
            self.fresh()
        try:
            self.pbx.send(data)
            m = self.pbx.final(None if any_call else call, seconds)
        except OSError:
            self.pbx.closed = True
            m = None
        if m and m.cseq()[1] == 'INVITE':
            try:
                self.pbx.send(request('ACK', call, branch=call.branch, cseq=1))
            except OSError:                     # answered, then closed
                self.pbx.closed = True
        return m.status if m else 0 if self.pbx.closed else None

    def lives(self):
        """A good call is still answered as the gateway answers it."""
        c = Call()
        self.fresh()
        equal(self.tell(request('INVITE', c, offer()), c), 486, 'a good INVITE afterwards')

    def judge(self, canary=CANARY):
        """What left is SIP, with allowed headers only, and nothing of the attacker in it."""
        equal(self.gw.strange, [], 'what arrived at the gateway')
        for m in self.gw.seen:
            equal(m.faults, [], 'faults in a message at the gateway')
            if m.method:
                check(m.names() <= ALLOWED | CROSS,
                      f'{m.names() - ALLOWED - CROSS} in {m.data!r}')
                one = {'from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length'}
                check(all(len(m.all(n)) == 1 for n in one), f'headers twice: {m.data!r}')
                equal(int(m.get('content-length')), len(m.body), 'Content-Length')
            check(canary.encode() not in m.data, f'passed on: {m.data!r}')


def play_content_length(place):
    """P4: an INVITE whose Content-Length lies, and an INVITE behind it: one reading or the end of the
    connection; the second, which hides in the body of the first or behind it, is never executed."""
    b = Bed(place)
    sdp = offer()
    n = len(sdp)
    rows = [('-1', ()), ('+5', ()), ('5x', ()), ('0x10', ()), ('1e1', ()), ('2147483647', ()),
            ('2147483648', ()), ('4294967296', ()), (str(2 ** 32 + n), ()), (str(2 ** 64 + 5), ()),
            (str(2 ** 64 + n), ()), ('9' * 1000, ()), (f'{n}.0', ()), (f'{n},{n + 1}', ()),
            (f'{n} {n}', ()), (f'{n};x', ()), ('', ('Content-Length:',)), ('5', ()), (' 5', ()), ('0', ()),
            ('5', (f'Content-Length: {n}',)), (str(n), ('Content-Length: 5',)),
            (str(n), ('l: 5',)), ('5', (f'l: {n}',)), (str(n), ('Content-Length : 5',)),
            (str(n), ('content-length\t: 5',)), ('', ()), (f'{n + 60000}', ()), (f'{n}\r\n ', ()),
            (f'{n}\x00', ()), (f'\x0b{n}', ()), (f'{n}\r\nContent-Length: 0', ()),
            (f'{n}\n', ())]
    for length, heads in rows:
        first, second = Call(), Call(number='+15559999999')
        data = request('INVITE', first, sdp, heads, length=length) \
            + request('INVITE', second, sdp, (f'X-E: {CANARY}',))
        got = b.tell(data, first, 1.5)
        check(got in (0, 400, 486, 488, None, 413, 513), f'{length[:20]!r} {heads}: answered {got}')
        time.sleep(0.05)
        b.fresh()
    for m in b.gw.seen:
        check(b'9999999' not in m.data, f'the second was executed: {m.data!r}')
    b.judge()
    b.lives()


def play_every_split(place):
    """P4: one INVITE byte by byte, and cut at places: always the same answer."""
    b = Bed(place)
    c = Call()
    data = request('INVITE', c, offer())
    for at in range(len(data) - 1):
        b.pbx.send(data[at:at + 1])
    equal(b.tell(data[-1:], c), 486, 'byte by byte')
    places = range(1, 760) if place.full else sorted(random.sample(range(1, 700), 25))
    for at in places:
        c = Call()
        data = b'\r\n\r\n' * (at % 3) + request('INVITE', c, offer())
        b.pbx.send(data[:at])
        time.sleep(0.001)
        equal(b.tell(data[at:], c), 486, f'cut at {at}')
    many = [Call() for _ in range(20)]          # and all in one piece
    b.pbx.send(b''.join(request('INVITE', c, offer()) for c in many))
    end, left = time.monotonic() + 10, {c.id for c in many}
    while left and time.monotonic() < end:
        m = b.pbx.final(None, 3)
        check(m and m.status == 486, f'{m and m.line}')
        c = next(c for c in many if c.id == m.get('call-id'))
        b.pbx.send(request('ACK', c, branch=c.branch, cseq=1))
        left.discard(c.id)
    equal(len(left), 0, 'without an answer')


LENGTHS = (0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025, 4096, 8191,
           8192, 65535, 65536, 65537, 140000)
# where a token of a length is put: (name, part of the request, what it becomes)
LADDER = [
    ('method', 'INVITE sip:', 'A{} sip:'), ('user', f'sip:{PSTN}@', 'sip:{}@'),
    ('host', ' SIP/2.0\r\nVia', '{} SIP/2.0\r\nVia'), ('version', 'SIP/2.0\r\nVia', 'SIP/{}\r\nVia'),
    ('branch', 'branch=z9hG4bK', 'branch=z9hG4bK{}'), ('sent-by', 'SIP/2.0/TLS ', 'SIP/2.0/TLS {}.'),
    ('transport', 'SIP/2.0/TLS ', 'SIP/2.0/{} '), ('from user', 'From: <sip:', 'From: <sip:{}'),
    ('display', 'From: <', 'From: "{}" <'), ('from tag', 'tag=', 'tag={}'),
    ('parameter', 'Contact: <', 'Contact: <sip:{}=1;'), ('call-id', 'Call-ID: ', 'Call-ID: {}'),
    ('cseq', 'CSeq: 1', 'CSeq: 1{}'), ('max-forwards', 'Max-Forwards: 70', 'Max-Forwards: 7{}'),
    ('type', 'application/sdp', 'application/{}'), ('accept', 'Max-', 'Accept: {}\r\nMax-'),
    ('authorization', 'Max-', 'Authorization: Digest username="{}"\r\nMax-'),
    ('route', 'Max-', 'Route: <sip:{}>\r\nMax-'), ('header name', 'Max-', 'X-{}: 1\r\nMax-'),
    ('unknown header', 'Max-', 'X-U: {}\r\nMax-'), ('subject', 'Max-', 's: {}\r\nMax-'),
]


def play_length_ladder(place):
    """P1: each token of each header with 0 to 140,000 octets: an answer or the end of the connection,
    never silence; what leaves is well formed; a good call goes through at the end."""
    b = Bed(place)
    lengths = LENGTHS if place.full else (0, 1, 65, 257, 8192, 65537)
    for name, part, becomes in LADDER:
        for n in lengths:
            c = Call()
            data = request('INVITE', c, offer()).decode()
            digit = '1' if name in ('cseq', 'max-forwards') else 'a'
            data = data.replace(part, becomes.replace('{}', digit * n), 1).encode()
            got = b.tell(data, c, 1 if name == 'branch' else 3, any_call=True)
            # no answer is possible where Via cannot be read
            check(got is not None or name in ('version', 'method', 'transport', 'branch', 'sent-by'),
                  f'{name} of {n}: silence, connection open')
            if got is None:
                b.fresh()
    b.lives()
    b.judge()


def play_many_headers(place):
    """P1 P8: 1 to 10,000 headers of a kind, lists of 10,000 members: answered or closed, in time."""
    b = Bed(place)
    worst = 0
    for head in ('Accept: a/b', 'Route: <sip:x;lr>', 'X-A: 1', 'To: <sip:x@y>', 'Call-ID: 1',
                 'Via: SIP/2.0/UDP x;branch=z9hG4bK1', 'Contact: <sip:a@b>', 'Require: x',
                 'Record-Route: <sip:x;lr>', 'Allow: INVITE', 'Content-Type: application/sdp'):
        for n in (2, 65, 1000, 10000):
            for heads in ((head,) * n, (head + ',' + ','.join([head.split(': ')[1]] * n),)):
                c = Call()
                began = time.monotonic()
                got = b.tell(request('INVITE', c, offer(), heads), c, 3)
                worst = max(worst, time.monotonic() - began)
                check(got is not None, f'{n} x {head}: silence, connection open')
    check(worst < 1.5, f'one of them took {worst:.2f} s')
    b.lives()
    b.judge()


def play_smuggled_headers(place):
    """P5: headers of ours and of trust, spelled with every byte in and after the name, folded, in
    capitals, compact and twice: none reaches the gateway."""
    b = Bed(place)
    names = ('P-Charge-Info', 'P-Asserted-Identity', 'X-Internal-Account', 'Diversion', 'Route')
    heads = []
    some = (0, 9, 11, 32, 33, 34, 44, 58, 59, 61, 127, 128, 255)
    for byte in range(256) if place.full else some:
        ch = bytes([byte]).decode('utf-8', 'surrogateescape')
        if byte in (10, 13):
            continue                            # play_injected_lines
        for name in names if place.full else names[:2]:
            heads += [f'{name}{ch}: <sip:{CANARY}@x>', f'{name[:4]}{ch}{name[4:]}: {CANARY}']
    for name in names + ('History-Info', 'Identity', 'Geolocation', 'Priority', 'Resource-Priority',
                         'P-Access-Network-Info', 'Remote-Party-ID', 'Replaces', 'Call-Info',
                         'Proxy-Authorization', 'Session-Expires', 'Organization', 'User-Agent', 'Server',
                         'Warning'):
        heads += [f'{name.upper()}: {CANARY}', f'{name.lower()} : {CANARY}', f'{name}:{CANARY}',
                  f'X-A: 1,\r\n {name}: {CANARY}', f'X-A:\r\n\t{name}: {CANARY}',
                  f'{name}:\r\n <sip:{CANARY}@x>', f' {name}: {CANARY}']
    step = 1 if place.full else 12
    for i in range(0, len(heads), step):
        # one that is refused would hide the others, so a part alone as well
        c = Call()
        got = b.tell(request('INVITE', c, offer(), heads[i:i + step]), c)
        check(got is not None, f'silence: {heads[i]!r}')
        if got != 486 and step > 1:
            for h in heads[i:i + step]:
                c = Call()
                check(b.tell(request('INVITE', c, offer(), (h,)), c) is not None, f'silence: {h!r}')
    b.lives()
    b.judge()


def play_injected_lines(place):
    """P6: CR, LF, NUL, escaped and overlong forms of them in each string that we write again."""
    b = Bed(place)
    marks = ['\r', '\n', '\r\n', '\0', '%0d%0a', '%0D%0A', '%00', '%0a', '\udcc0\udc8d\udcc0\udc8a',
             '\u2028', '\x85', '\x1b[31m', '\t', '\\\r\n', '\x7f', '">', '",', '%22%3e', '<', ';tag=x']
    spots = [('From: <', 'From: "a{}b" <'), ('From: <sip:', 'From: <sip:{}'),
             (f'sip:{PSTN}@', 'sip:' + PSTN + '{}@'), ('tag=', 'tag={}'), ('To: <', 'To: "{}" <'),
             ('Call-ID: ', 'Call-ID: a{}'), ('Contact: <sip:', 'Contact: <sip:{}'),
             ('Max-Forwards: 70', 'Max-Forwards: 70{}'), ('CSeq: 1', 'CSeq: 1{}'),
             ('s=-', 's={}'), ('PCMA/8000', 'PCMA{}/8000'), ('PCMA/8000', 'PCMA/8000{}'),
             ('o=- 1 1', 'o={} 1 1'), ('a=sendrecv', 'a=sendrecv{}'), ('c=IN IP4 ', 'c=IN IP4 {}'),
             ('a=sendrecv', 'a=fmtp:8 {}\r\na=ptime:20{}')]
    for k, (part, becomes) in enumerate(spots):
        for mark in marks if place.full else marks[:8] + marks[8 + k % 3::3]:
            for tail in (f'X-{CANARY}: 1', f'a=x{CANARY}:1'):
                c = Call()
                text = request('INVITE', c, offer()).decode()
                if part not in text or (tail[0] == 'a') != (part[1] == '=' or part == 'PCMA/8000'):
                    continue
                head, sep, body = text.partition('\r\n\r\n')
                evil = becomes.replace('{}', mark + tail + mark)
                if part in body:
                    body = body.replace(part, evil, 1)
                    raw = body.encode('utf-8', 'surrogateescape')
                    head = re.sub(r'Content-Length: \d+', f'Content-Length: {len(raw)}', head)
                else:
                    head = head.replace(part, evil, 1)
                data = (head + sep + body).encode('utf-8', 'surrogateescape')
                mute = mark == '\0' or '@' in part  # NUL, or no request line: no answer
                if b.tell(data, c, 0.4 if mute else 4, any_call=True) is None:
                    check(mute, f'{mark!r} in {part!r}: silence')
                    b.fresh()
    b.lives()
    equal(b.gw.strange, [], 'what arrived at the gateway')
    for m in b.gw.seen:
        equal(m.faults, [], f'faults in a message at the gateway: {m.data!r}')
        check(m.names() <= ALLOWED or not m.method, f'{m.names() - ALLOWED}: {m.data!r}')
        for line in m.body.split(b'\r\n'):
            check(not re.search(rb'[\x00-\x1f]', line), f'SDP line {line!r}')
            check(not line.startswith(b'a=x' + CANARY.encode()), f'SDP line {line!r}')


def play_methods(place):
    """P7: the census. Known methods that we do not serve get 405 with Allow, unknown ones 501, in and
    out of calls, and leave nothing behind."""
    b = Bed(place, rawsip.Gateway.answer)
    known = ('REGISTER', 'SUBSCRIBE', 'NOTIFY', 'MESSAGE', 'PUBLISH', 'REFER', 'PRACK', 'UPDATE', 'INFO')
    unknown = ('FETCH', 'invite', 'INVITE2', 'X', "!%*_+`'~", 'A' * 32)
    inside = b.pbx.call()
    for dialog in (None, inside):
        for method in known + unknown + ('BYE', 'OPTIONS', 'CANCEL'):
            c = dialog or Call()
            c.cseq += 1
            b.pbx.send(request(method, c, cseq=c.cseq, branch='z9hG4bK' + rawsip.token()))
            m = b.pbx.final(c, 3)
            if dialog and method == 'BYE':
                inside.cseq -= 1
                equal(m and m.status, 200, 'BYE')
                break
            want = {'BYE': {481}, 'CANCEL': {481}, 'OPTIONS': {200}}.get(
                method, {405, 481} if method in known else {501})
            if dialog and method in ('INFO', 'UPDATE', 'NOTIFY', 'PRACK', 'REFER'):
                want = want | {200, 403, 481, 488, 489, 400}
            check(m and m.status in want, f'{method}, {"in" if dialog else "out of"} a call: '
                  f'{m and m.line}, wanted {want}')
            check(m.status != 405 or m.get('allow'), f'{method}: 405 without Allow')
    b.pbx.send(request('ACK', Call()))
    b.pbx.send(request('ACK', inside))
    equal(b.pbx.read(0.5), None, 'answer to ACK')
    equal({m.method for m in b.gw.seen if m.method}, {'INVITE', 'ACK', 'BYE'}, 'methods at the gateway')
    b.p.wait_cdrs(1)


def play_bodies(place):
    """P2 P3: multipart without end, SDP with counts and numbers at their edges: 4xx, never silence."""
    b = Bed(place)

    def multi(boundary, body):
        return (f'Content-Type: multipart/mixed{boundary}',), body
    sdp = offer()
    rows = [multi('', sdp), multi(';boundary=', sdp), multi(';boundary="x', sdp),
            multi(';boundary=' + 'b' * 60000, sdp), multi(';boundary=x', '--x\r\n' * 3000),
            multi(';boundary=x', '--x\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n' * 100),
            multi(';boundary=x', f'--x\r\nContent-Type: application/sdp\r\n{sdp}')]
    for heads, body in rows:
        c = Call()
        data = request('INVITE', c, body, heads).replace(b'Content-Type: application/sdp\r\nContent-L',
                                                          b'Content-L')
        got = b.tell(data, c)
        check(got in (415, 400, 488, 0, 413, 513), f'{heads[0][:40]} ..: {got}')
    lines = [('m=audio', 'm=audio 1 RTP/AVP 0\r\n' * k + 'm=audio') for k in (1, 16, 2000)]
    lines += [('a=rtpmap', 'a=x:y\r\n' * k + 'a=rtpmap') for k in (64, 5000)]
    lines += [('a=rtpmap', f'a=ptime:{v}\r\na=maxptime:{v}\r\na=rtpmap')
              for v in (0, -1, 255, 256, 65536, 2 ** 31, 2 ** 32, 2 ** 64, '1e9', '')]
    lines += [('41000', str(v)) for v in (1, -1, 65535, 65536, 2 ** 32 + 5, '', 'x', '41000/2', '41000/0')]
    lines += [('SAVP 8', f'SAVP {v}') for v in ('', '128', '-1', '256', 'x', '8 ' * 3000, '8 8 8')]
    lines += [('a=rtpmap:8', f'a=rtpmap:{v}') for v in ('', '999', '-8', '8 ' * 90, '8/8')]
    lines += [('8000', str(v)) for v in (0, -1, 2 ** 32, 2 ** 64, '', '8000/0', '8000/99999')]
    lines += [('c=IN IP4 127', f'c={v} 127') for v in ('', 'IN IP6', 'XX IP4', '{', 'IN IP4 x y')]
    lines += [('c=IN IP4 127.0.0.2', f'c=IN IP4 {v}') for v in ('', '::1', '999.1.1.1', 'a' * 300,
              '255.255.255.255', '127.0.0.2/127', '224.2.1.1/127/3')]
    lines += [('v=0', v) for v in ('', 'v=1', 'v=0\r\nv=0', '=', 'v', '\0')]
    lines += [('\r\n', '\n'), ('\r\n', '\r'), ('a=sendrecv\r\n', 'a=sendrecv'), ('t=0 0\r\n', ''),
              ('a=sendrecv', 'a=sendonly\r\na=recvonly\r\na=inactive'), ('a=sendrecv', 'a=rtcp:0'),
              ('a=sendrecv', 'a=rtcp:5061 IN IP4 127.0.0.1'), ('a=sendrecv', 'a=' + 'x' * 60000)]
    for part, becomes in lines:
        c = Call()
        got = b.tell(request('INVITE', c, sdp.replace(part, becomes)), c)
        check(got in (486, 488, 400, 0, 413), f'{part!r} -> {becomes[:40]!r}: {got}')
    b.lives()
    b.judge()


def play_garbage(place):
    """R1: random changes of good messages, over TLS and from the gateway: nothing hangs or ends."""
    b = Bed(place)
    seed = int.from_bytes(os.urandom(4), 'big')
    r = random.Random(seed)
    good = [request('INVITE', Call(), offer()), request('OPTIONS', Call()), request('BYE', Call())]
    for n in range(4000 if place.full else 250):
        data = bytearray(r.choice(good))
        for _ in range(r.randint(1, 12)):
            at = r.randrange(len(data))
            what = r.randrange(4)
            if what == 0:
                data[at] = r.randrange(256)
            elif what == 1:
                del data[at:at + r.randrange(40)]
            elif what == 2:
                data[at:at] = data[at:at + r.randrange(60)] * r.randint(1, 30)
            else:
                data[at:at] = bytes(r.choice(b'\r\n\t :;,<>"\0@=%') for _ in range(3))
        b.gw.send(bytes(data[:60000]), ('127.0.0.8', 5060))
        try:
            if b.pbx.closed:
                b.fresh()
            b.pbx.send(bytes(data))
            if n % 7 == 0:
                b.pbx.read(0.01)
        except OSError:
            b.pbx.closed = True
    b.fresh()
    c = Call(caller=NUMBER)
    equal(b.tell(request('INVITE', c, offer()), c), 486, f'a good INVITE after the garbage {seed:#x}')
    equal([m.faults for m in b.gw.seen if m.method and m.faults], [], f'what left, seed {seed:#x}')
