"""More new calls than there is time for (R21): most are refused early with 503, Retry-After and what RFC
7339 says; calls that are up, calls for help, and new ones of who does not flood go on; afterwards all is
as before. One customer that floods over one connection with what is no new call, or with calls for help that
are only refused there, keeps nobody's calls out."""
import importlib
import json
import re
import socket
import threading
import time

from lib import agents, rawsip
from lib.place import CARRIER_SIDE, GATEWAY, POSTERN, PBX, PSTN
from lib.postern import BASE, Postern
from lib.proc import check, equal, wait_for

ALONE = True                                        # what it asserts is how long things take
SECONDS, RATE, BURST = 2.5, 12000, 60
sos = importlib.import_module('220_emergency')


class Flood:
    """INVITEs of a gateway to a number that nobody has, far more than one thread can refuse one by one
    under the sanitizers; what comes back is counted by its status."""

    def __init__(self, seconds=SECONDS):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.s.bind((GATEWAY, 5090))
        self.s.settimeout(0.2)
        self.texts = [self.invite(i) for i in range(int(seconds * RATE))]
        self.answers, self.shed = {}, []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.send, self.read)]

    @staticmethod
    def invite(i):
        return (f'INVITE sip:+15550001111@{CARRIER_SIDE}:5060 SIP/2.0\r\n'
                f'Via: SIP/2.0/UDP {GATEWAY}:5090;branch=z9hG4bKflood{i};rport;oc;oc-algo="loss"\r\n'
                f'From: <sip:+15551230000@{GATEWAY}>;tag=f{i}\r\nTo: <sip:+15550001111@{CARRIER_SIDE}>\r\n'
                f'Call-ID: flood-{i}@{GATEWAY}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n'
                f'Contact: <sip:gw@{GATEWAY}:5090>\r\nContent-Length: 0\r\n\r\n').encode()

    @staticmethod
    def ack(data):
        m = rawsip.Message(data)
        return (f'ACK sip:+15550001111@{CARRIER_SIDE}:5060 SIP/2.0\r\nVia: {m.get("via").partition(";oc")[0]}\r\n'
                f'From: {m.get("from")}\r\nTo: {m.get("to")}\r\nCall-ID: {m.get("call-id")}\r\n'
                f'CSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n').encode()

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def send(self):
        due = time.monotonic()
        for at in range(0, len(self.texts), BURST):
            for text in self.texts[at:at + BURST]:
                self.s.sendto(text, (CARRIER_SIDE, 5060))
            due += BURST / RATE
            if (left := due - time.monotonic()) > 0:
                time.sleep(left)

    def read(self):
        while not self.over.is_set():
            try:
                data = self.s.recv(65536)
            except (TimeoutError, socket.timeout):
                continue
            status = data[8:11].decode()
            if status == '404':                 # as gateways do; a 503 of overload is repeated by nobody
                self.s.sendto(self.ack(data), (CARRIER_SIDE, 5060))
            self.answers[status] = self.answers.get(status, 0) + 1
            if status == '503' and len(self.shed) < 1000:
                self.shed.append(data.decode())

    def sending(self):
        return self.threads[0].is_alive()

    def stop(self, *_):
        self.over.set()
        for t in self.threads:
            t.join(5)
        self.s.close()


def play_overload(place):
    # transactions of refused calls whose ACK was lost live on for 64 * t1
    p, _, _ = sos.bed(place, conf=sos.CONF + 'limits: {{calls: 5000}}\ntimers: {{t1: 100ms}}\n')
    pbx = place.keep(rawsip.Customer(place.ca))
    plain = place.keep(sos.Plain(sos.PLAIN, 5070, (POSTERN, 5062)))
    up = pbx.call()
    media = place.keep(rawsip.Srtp(up))
    flood = place.keep(Flood()).start()
    wait_for('new calls are refused', 5, lambda: flood.answers.get('503'))
    took, helped = [], 0
    while flood.sending():
        began = time.monotonic()
        pbx.send(rawsip.request('UPDATE', up))
        m = pbx.final(up, 3, 'UPDATE')
        check(m and m.status == 200, f'UPDATE of a call that is up: {m and m.line}')
        took.append(time.monotonic() - began)
        c, _ = sos.invite(plain, 'sip:911@x', secure=False, source=sos.PLAIN)
        m = plain.final(c, 3)
        check(m and m.status == 200, f'a call for help: {m and m.line}')
        helped += 1
        c.learn(m)
        plain.send(rawsip.request('ACK', c, sent_by=f'{sos.PLAIN}:5070'))
        plain.send(rawsip.request('BYE', c, sent_by=f'{sos.PLAIN}:5070'))
        m = plain.final(c, 3, 'BYE')
        check(m and m.status == 200, f'its end: {m and m.line}')
        equal(pbx.bye(pbx.call()), 200, 'a new call of an account that does not flood')
        time.sleep(0.1)
    check(helped >= 2 and max(took) < 2, f'{helped} calls for help, {took}')
    early = 0
    for text in flood.shed:
        m = rawsip.Message(text.encode())
        check(1 <= int(m.get('retry-after')) <= 6, text)
        oc = re.search(r';oc=(\d+);oc-algo="loss";oc-validity=(\d+);oc-seq=\d+\.\d+', m.get('via'))
        check(oc and int(oc.group(1)) <= 100 and ';oc;' not in m.get('via'), text)
        early += 'overload' in m.get('warning') and int(oc.group(1)) > 0    # the others found no transaction left
    alarms = json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']
    check(any(a['id'] == 'overload' for a in alarms), f'{alarms}')
    wait_for('all are admitted again', 5, lambda: p.stat('admitted_percent') == 100)
    check(early > 100 and p.stat('calls_shed') > 1000, f'{early} {p.stat("calls_shed")} {flood.answers}')
    media.paused = True
    equal(pbx.bye(up), 200, 'BYE of the call that was up')
    wait_for('its CDR', 5, lambda: [x for x in p.cdrs() if x['a'] and x['a']['peer'] and x['duration_ms'] > 2000])
    cdr = [x for x in p.cdrs() if x['duration_ms'] > 2000][0]
    check(cdr['a']['media']['in_packets'] > 100 and cdr['a']['media']['in_lost'] == 0, f'{cdr["a"]["media"]}')
    print(f'# {flood.answers}, {helped} calls for help, slowest answer in a dialog {max(took):.3f} s')


OTHER = '+15557770002'


class Stream:
    """Requests over one TLS connection, as fast as they are taken or at a rate; what comes back is read away."""

    def __init__(self, customer, method, uri, seconds, rate=0, tag=''):
        self.c, self.method, self.uri, self.seconds, self.rate, self.tag = customer, method, uri, seconds, rate, tag
        self.c.s.settimeout(None)
        self.sent, self.over = 0, threading.Event()
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.send, self.read)]

    def request(self):
        self.sent += 1
        n = f'{self.method}{self.sent}'
        return (f'{self.method} {self.uri} SIP/2.0\r\nVia: SIP/2.0/TLS {PBX}:5061;branch=z9hG4bK{n}\r\n'
                f'From: <sip:+15557770001@pbx.example.test>;tag=f{n}\r\nTo: <{self.uri}>{self.tag}\r\n'
                f'Call-ID: {n}\r\nCSeq: 1 {self.method}\r\nContact: <sip:{PBX}:5061;transport=tls>\r\n'
                'Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n').encode()

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def send(self):
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not self.over.is_set():
            self.c.s.sendall(b''.join(self.request() for _ in range(20)))
            if self.rate:
                time.sleep(20 / self.rate)

    def read(self):
        try:
            while not self.over.is_set() and self.c.s.recv(65536):
                pass
        except OSError:
            pass

    def sending(self):
        return self.threads[0].is_alive()

    def stop(self, *_):
        self.over.set()
        self.c.raw.close()


def play_one_connection(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'pbx.branch.firm.test': '127.0.0.77'})
    p = Postern(place, conf=BASE.replace('level: debug', 'level: warn'), ports='30000-35999').start()
    place.keep(rawsip.Gateway())
    b = place.keep(rawsip.Customer(place.ca, cert='wildone', source='127.0.0.77'))
    floods = (('ACK', f'sip:{PSTN}@x', 2, 0, ';tag=none'), ('INVITE', 'sip:911@x', 1.5, 600, ''))
    for method, uri, seconds, rate, tag in floods:
        a = place.keep(rawsip.Customer(place.ca))
        flood = place.keep(Stream(a, method, uri, seconds, rate, tag)).start()
        wait_for('the flood', 5, lambda: flood.sent > 200)  # noqa: B023
        n = 0
        while flood.sending():
            equal(b.bye(b.call(number=PSTN, caller=OTHER, sdp=rawsip.offer(port=45000))), 200,
                  f'a call of another customer while one floods with {method} {uri}')
            c = rawsip.Call(number='911', caller=OTHER)
            b.send(rawsip.request('INVITE', c, rawsip.offer(port=45002)))
            m = b.final(c)
            equal(m and m.status, 500, 'its call for help, over TLS')
            b.send(rawsip.request('ACK', c, branch=c.branch))
            n += 1
        check(n >= 3, f'{n} calls while {flood.sent} x {method}')
        print(f'# {n} calls beside {flood.sent} x {method} {uri}')
        flood.stop()
    check(any(x['a']['account'] == 'branch' and x['class'] == 'emergency' for x in p.cdrs() if x['a']), 'its CDR')


play_one_connection.limit = 60
