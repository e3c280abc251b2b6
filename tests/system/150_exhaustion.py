"""Too much of something (reliability P9 D2 D3 D4 R18 R19): what is refused is refused cleanly, calls
that run notice nothing, and all is well again afterwards."""
import collections
import os
import random
import resource
import socket
import ssl
import threading
import time

from lib import agents, proc, rawsip
from lib.place import GATEWAY, PBX, POSTERN, STRANGER
from lib.postern import Postern
from lib.proc import Failed, check, equal, wait_for
from lib.rawsip import Call, offer, request
from lib.rtpend import RtpEnd

OTHER = '+15557770002'


def refuses(g, m, src):
    if m.method == 'INVITE' and len(g.seen) % 4:
        g.respond(m, 180, src)
    if m.method == 'INVITE':
        threading.Timer(len(g.seen) % 5 * 0.02, g.respond, (m, 486, src)).start()
    else:
        rawsip.Gateway.answer(g, m, src)


def play_reset_storm(place):
    """P9: connections with bursts of INVITEs, reset after a random octet of the flow: no report of a
    sanitizer, every call ends, every port is free again, one CDR for each INVITE that arrived."""
    p = Postern(place).start()
    # unacknowledged answers are given up after 64 * T1, so the short form has refusals only
    place.keep(rawsip.Gateway(None if place.full else refuses))
    rounds, at_once = (200, 50) if place.full else (24, 6)
    seed = int.from_bytes(os.urandom(4), 'big')
    r = random.Random(seed)
    for n in range(rounds):
        try:
            pbx = rawsip.Customer(place.ca)
        except OSError as e:
            raise Failed(f'round {n}: no connection: {e}') from None
        data = b''.join(request('INVITE', Call(), offer()) for _ in range(at_once))
        cut = r.randint(1, len(data))
        pbx.send(data[:cut])
        if n % 3 == 1:                          # read some answers, ACK and BYE a call
            m = pbx.final(None, 0.2)
            if m and m.status == 200:
                c = Call()
                c.id, c.tag = m.get('call-id'), m.tag('from')
                c.learn(m)
                pbx.send(request('ACK', c) + request('BYE', c)[:r.randint(1, 400)])
        elif n % 3 == 2:
            time.sleep(r.random() * 0.05)
        pbx.reset()
    wait_for(f'every call over, seed {seed:#x}', 45, lambda: p.stat('calls') == 0, 0.5)
    p.wait_idle(15)
    pbx = place.keep(rawsip.Customer(place.ca))
    c = Call()
    pbx.send(request('INVITE', c, offer()))
    m = pbx.final(c)
    check(m and m.status in (200, 486), f'a call afterwards: {m and m.line}')
    c.learn(m)
    pbx.send(request('ACK', c, cseq=1, branch=None if m.status == 200 else c.branch))
    check(m.status == 486 or pbx.bye(c) == 200, 'BYE afterwards')


play_reset_storm.limit = 90


class OneByte:
    """A TLS client that sends its hello at one octet a second."""

    def __init__(self, source):
        out = ssl.MemoryBIO()
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.check_hostname = False
        t = ctx.wrap_bio(ssl.MemoryBIO(), out, server_hostname='sbc.example.test')
        try:
            t.do_handshake()
        except ssl.SSLWantReadError:
            pass
        self.hello, self.at = out.read(), 0
        self.s = socket.create_connection((POSTERN, 5061), 5, source_address=(source, 0))
        self.s.setblocking(False)

    def step(self):
        self.s.send(self.hello[self.at:self.at + 1])
        self.at += 1


def is_closed(s):
    try:
        return s.recv(100) == b''
    except BlockingIOError:
        return False
    except OSError:
        return True


EACH_KIB = 48


class Memory:
    """Resident memory of signaling, its own, for each descriptor that it has more than before, at the
    time when it has most of them."""

    def __init__(self, p):
        self.pid = p.roles()['signaling']
        self.base = proc.anon_kib(self.pid), proc.fds(self.pid)
        self.over, self.rows = threading.Event(), []
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.over.wait(0.02):
            self.rows.append((proc.fds(self.pid) - self.base[1],
                              proc.anon_kib(self.pid) - self.base[0]))

    def stop(self, *_):
        self.over.set()
        self.thread.join(2)

    def judge(self, place):
        """Under a sanitizer memory says nothing."""
        self.stop()
        most = max(self.rows)[0]
        each = max(kib / n for n, kib in self.rows if n and n >= 0.9 * most)
        print(f'# {most} handshakes at a time, {each:.1f} KiB each; {max(k for _, k in self.rows)} KiB '
              'more in all at the worst time')
        check(most >= 100, f'only {most} handshakes at a time')
        check(proc.sanitized(place) or each <= EACH_KIB, f'{each:.1f} KiB each')


def play_slow_peers(place):
    """D2 R23: silent connections and clients of one octet a second, from one and from many sources:
    each is closed within the deadline, none costs more than 48 KiB, and a handshake of another source
    is quick all the while."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16000), hard))
    p = Postern(place).start()
    for _ in range(8):                          # what the first ones leave for all is not theirs
        rawsip.Customer(place.ca).stop()
    memory = place.keep(Memory(p))
    silent, slow = (3000, 3000) if place.full else (500, 200)
    socks, clients = [], []
    for n in range(silent):
        s = socket.socket()
        s.bind((f'127.0.1.{n % 200 + 1}' if n % 2 else STRANGER, 0))
        s.setblocking(False)
        try:
            s.connect((POSTERN, 5061))
        except BlockingIOError:
            pass
        socks.append(s)
    for n in range(slow):
        clients.append(OneByte(f'127.0.2.{n % 200 + 1}' if n % 2 else STRANGER))
    began, took = time.monotonic(), []
    while time.monotonic() < began + 14:
        t = time.monotonic()
        for _ in range(8):                      # good ones, all the while
            one = time.monotonic()
            rawsip.Customer(place.ca).stop()
            took.append(time.monotonic() - one)
        socks = [s for s in socks if not is_closed(s)]
        clients = [c for c in clients if not is_closed(c.s)]
        for c in clients:
            try:
                c.step()
            except OSError:
                pass
        if not socks and not clients:
            break
        time.sleep(max(0, t + 1 - time.monotonic()))
    last = time.monotonic() - began
    took.sort()
    p99 = took[len(took) * 99 // 100]
    print(f'# {silent} silent, {slow} slow: all closed after {last:.1f} s; {len(took)} good handshakes, '
              f'p50 {took[len(took) // 2] * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, worst '
              f'{took[-1] * 1000:.0f} ms')
    check(not socks and not clients, f'after {last:.0f} s {len(socks)} silent and {len(clients)} slow '
          'connections are still open')
    memory.judge(place)
    check(p99 < 0.25 or not place.full, f'the 99th percentile of good handshakes took {p99:.2f} s')
    check(took[-1] < 1, f'a good handshake took {took[-1]:.2f} s')
    check(p.stat('tls_in_hand') == 0, 'handshakes left in hand')


def flood(seconds, what):
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        what(n)
        n += 1
    return n


def play_log_flood(place):
    """D4: garbage of a listed gateway, strangers, refused calls, refused handshakes, bad requests over
    TLS: at most 100 lines a second of an event, and a word about what was left out."""
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway())
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((STRANGER, 0))
    pbx = place.keep(rawsip.Customer(place.ca))
    seconds = 10 if place.full else 0.7

    def plain(n):
        c = socket.create_connection((POSTERN, 5061), 5, source_address=(f'127.0.3.{n % 200 + 1}', 0))
        c.sendall(b'GET / HTTP/1.0\r\n\r\n')
        c.close()

    def refused(n):
        pbx.send(request('INVITE', Call(), offer(profile='RTP/AVP')))
        while n % 20 == 0 and pbx.read(0.002):
            pass

    def bad(n):
        pbx.send(request('OPTIONS', Call()).replace(b'Max-Forwards: 70', b'Max-Forwards: x'))
        while n % 20 == 0 and pbx.read(0.002):
            pass
    sent = {'garbage': flood(seconds, lambda n: gw.send(b'x\r\n\r\n', ('127.0.0.8', 5060))),
            'stranger': flood(seconds, lambda n: s.sendto(b'y' * 50, ('127.0.0.8', 5060))),
            'refused calls': flood(seconds, refused), 'bad': flood(seconds, bad),
            'handshakes': flood(seconds, plain)}
    time.sleep(1)
    lines = collections.Counter((x['event'], x['t'][:19]) for x in p.log())
    many = {f'{e} at {t}': n for (e, t), n in lines.items() if n > 100}
    check(not many, f'lines a second: {many}; sent in {seconds} s each: {sent}')
    check('left out' in p.proc.text(), 'nothing says what was left out')
    check(p.proc.text().count('\n') < 3000 * seconds, 'too many lines in all')


def cpu(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as f:
        t = f.read().rsplit(')', 1)[1].split()
    return (int(t[11]) + int(t[12])) / os.sysconf('SC_CLK_TCK')


def play_no_descriptors(place):
    """R18: signaling has 20 descriptors left: what is beyond is closed or waits, the running call loses
    no packet, nothing spins, and a second after the connections went all is well."""
    p = Postern(place).start()
    place.keep(rawsip.Gateway())
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call()
    media = place.keep(rawsip.Srtp(c))
    wait_for('sound', 5, lambda: end.heard)
    pid = p.roles()['signaling']
    top = max(int(x) for x in os.listdir(f'/proc/{pid}/fd')) + 20
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (top, hard))
    socks = []
    for n in range(80):
        s = socket.socket()
        s.bind((f'127.0.4.{n % 60 + 1}', 0))
        s.setblocking(False)
        try:
            s.connect((POSTERN, 5061))
        except BlockingIOError:
            pass
        socks.append(s)
    time.sleep(0.5)
    before, t = cpu(pid), time.monotonic()
    time.sleep(2)
    share = (cpu(pid) - before) / (time.monotonic() - t)
    check(share < 0.25, f'signaling uses {share:.0%} of a core at its limit of descriptors')
    pbx.send(request('OPTIONS', Call()))
    m = pbx.final(None, 2)
    check(m and m.status == 200, 'the connection that was there does not work')
    for s in socks:
        s.close()
    began = time.monotonic()
    other = None
    while not other and time.monotonic() < began + 6:
        try:
            other = place.keep(rawsip.Customer(place.ca))
        except OSError:
            time.sleep(0.1)
    took = time.monotonic() - began
    check(other and took < 1.5, f'a new connection took {took:.1f} s after the others had gone')
    media.paused = True

    def lost():                                 # after the first that came
        got = {int(x[5:11]) for _, _, x, _ in end.heard}
        return set(range(min(got), media.n)) - got
    wait_for('every packet at the gateway', 2, lambda: not lost())
    equal(pbx.bye(c), 200, 'BYE')
    p.wait_cdrs(1)


def play_no_ports(place):
    """R19: 40 ports, a quarter of which is kept for emergency calls: what is beyond is a clean 503
    with Retry-After that the gateway never sees; ports rest 5 s and then serve again, all of them."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'pbx.branch.firm.test': '127.0.0.77'})
    p = Postern(place, ports='30000-30039').start()
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    other = place.keep(rawsip.Customer(place.ca, cert='wildone', source='127.0.0.77'))
    calls = []

    def fill():
        calls.clear()
        for _ in range(60):
            c = Call()
            pbx.send(request('INVITE', c, offer()))
            m = pbx.final(c)
            check(m, 'no answer')
            c.learn(m)
            pbx.send(request('ACK', c, cseq=1, branch=None if m.status == 200 else c.branch))
            if m.status != 200:
                return m
            calls.append(c)
        raise Failed('60 calls with 40 ports')
    rounds = 3 if place.full else 1
    for _ in range(rounds):
        seen = len(gw.requests())
        m = fill()
        equal(m.status, 503, f'status, {len(calls)} calls')
        check(m.get('retry-after'), f'503 without Retry-After: {m.data!r}')
        equal(len(calls), 15, f'calls that 40 ports carry, then {m.get("warning")}')
        equal(len(gw.requests()) - seen, 15, 'INVITEs at the gateway')
        ended = time.monotonic()
        for c in calls:
            equal(pbx.bye(c), 200, 'BYE')
        for _ in range(5):                      # those that nobody had meanwhile are for others
            wait_for('the BYE answered', 2, lambda: p.stat('calls') == 0)
            equal(other.bye(other.call(caller=OTHER, sdp=offer(port=45000))), 200, 'BYE')
        for who in (pbx, other):                # before they have rested
            c = Call(**({} if who is pbx else {'caller': OTHER}))
            who.send(request('INVITE', c, offer()))
            m = who.final(c)
            who.send(request('ACK', c, cseq=1, branch=c.branch))
            equal(m.status, 503, f'{time.monotonic() - ended:.1f} s after the BYEs')
        p.wait_idle(10)
        time.sleep(max(0, ended + 6 - time.monotonic()))
    equal(pbx.bye(pbx.call()), 200, 'a call when they have rested')
    p.wait_cdrs(len(gw.requests()) + 3 * rounds)


def play_churn_leaks_no_port(place):
    """R19: short calls of all kinds over a small pool, as fast as it goes."""
    p = Postern(place, ports='30000-30399').start()
    gw = place.keep(rawsip.Gateway())
    kinds = [rawsip.Gateway.answer, lambda g, m, s: g.respond(m, 486, s) if m.method == 'INVITE'
             else rawsip.Gateway.answer(g, m, s)]
    pbx = place.keep(rawsip.Customer(place.ca))
    n, end = 0, time.monotonic() + (60 if place.full else 4)
    while time.monotonic() < end:
        gw.script = kinds[n % 2]
        c = Call()
        pbx.send(request('INVITE', c, offer()))
        m = pbx.final(c)
        c.learn(m)
        pbx.send(request('ACK', c, cseq=1, branch=None if m.status == 200 else c.branch))
        if m.status == 200:
            equal(pbx.bye(c), 200, 'BYE')
        n += 1
        check(m.status in (200, 486, 503), m.line)
    p.wait_idle(10)
    p.wait_cdrs(n)
