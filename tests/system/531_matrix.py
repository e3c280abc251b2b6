"""Each pair of transports and families: a customer over TLS with SRTP, UDP or TCP, a carrier over TLS,
UDP or TCP, each on IPv4 and on IPv6, calls both ways. PBXs and the gateways over TLS are baresip, the
other gateways SIPp; half of the calls go through Kamailio, a carrier's proxy that stays in the way
(Record-Route). Six calls at a time, each with a tone of its own from either end. The short form has each
end in each direction and each pair of transports; the long one all pairs, with and without Kamailio."""
import os
import re

from lib import agents, tone
from lib.place import at
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, run, wait_for
from lib.rtpend import RtpEnd

KINDS = [(t, f) for t in ('tls', 'udp', 'tcp') for f in (4, 6)]
N = range(len(KINDS))


def address(net, n, family):
    return f'10.9.{net}.{n}' if family == 4 else f'fd00::{net}:{n}'


PBX = [address(1, 10 + n, f) for n, (_, f) in enumerate(KINDS)]
GATEWAY = [address(2, 10 + n, f) for n, (_, f) in enumerate(KINDS)]
PROXY = [address(3, 10 + n, f) for n, (_, f) in enumerate(KINDS)]
INSIDE, BEHIND = '10.9.4.1', '10.9.4.2'       # of Kamailio towards the gateways; of these
# ours, towards customers and towards carriers, one for each kind: on loopback a program that binds no
# source address speaks from the address that it speaks to
OUR = [address(5, 10 + n, f) for n, (_, f) in enumerate(KINDS)]
OURS = [address(6, 10 + n, f) for n, (_, f) in enumerate(KINDS)]
MEDIA = {('out', 4): '10.9.7.1', ('out', 6): 'fd00::1', ('in', 4): '10.9.7.8', ('in', 6): 'fd00::8'}
PORT = {'tls': 5061, 'udp': 5060, 'tcp': 5060}
PBX_HZ, GATEWAY_HZ = [400 + 50 * n for n in N], [900 + 50 * n for n in N]


def number(n):
    return f'+1555777000{n}'


def conf():
    """postern.yaml with a listener for each kind on each side."""
    text = '''node: {{name: matrix, id: 1, run_dir: {dir}/run}}
stop_timeout: 5s
log: {{level: debug}}
store: {dir}/store.db
cdr: {dir}/cdr.jsonl
control: {dir}/control.sock
zones:
  - {{fqdn: sbc.example.test, certificate: {ca}/sbc-chain.pem, key: {ca}/sbc.key, trust: [{ca}/trust.pem]}}
dns: [127.0.0.53]
media:
  ports: 30000-30399
  addresses:
'''
    for (side, f), host in MEDIA.items():
        text += f'    - {{{{name: {side}{f}, bind: "{host}"}}}}\n'
    text += 'listeners:\n'
    for side, ours in (('customer', OUR), ('carrier', OURS)):
        for n, (t, f) in enumerate(KINDS):
            zone = ', zone: sbc.example.test' if t == 'tls' else ''
            text += (f'  - {{{{name: {side}-{t}{f}, transport: {t}, bind: "{at(ours[n], PORT[t])}", '
                     f'side: {side}{zone}}}}}\n')
    return text


def trunk(name, host, n, side, more=''):
    """A line of accounts. TLS: both PBXs have the certificate of one name, each carrier its own."""
    (t, f), ours = KINDS[n], OUR if side == 'customer' else OURS
    if t == 'tls' and side == 'customer':
        more += ', reference: pbx.example.test, names: [pbx.example.test], identity: certificate+address'
    elif side == 'customer':
        more += ', learn: yes'                  # baresip's RTP comes from the address that it goes to
    secure = 'required' if t == 'tls' and not name.startswith('proxy') else 'refused'
    where = host if t != 'tls' or side == 'customer' else f'{name}.example.test'
    return (f'{{{{id: {name}, {"fqdn" if side == "customer" else "host"}: "{where}", transport: {t}, '
            f'listener: {side}-{t}{f}, port: {PORT[t]}, security: {secure}, sources: ["{host}", "{ours[n]}"], '
            f'media: {"out" if side == "customer" else "in"}{f}{more}}}}}\n')


def accounts():
    text = ACCOUNTS[:ACCOUNTS.index('      - id: acme-pbx')]
    for n in N:
        text += '      - ' + trunk(f'pbx{n}', PBX[n], n, 'customer', f', numbers: ["{number(n)}"]')
    text += 'carriers:\n'
    for n in N:
        text += '  - ' + trunk(f'gw{n}', GATEWAY[n], n, 'carrier')
        text += '  - ' + trunk(f'proxy{n}', PROXY[n], n, 'carrier')
    text += 'routes:\n'
    for n in N:
        text += f'  - {{{{id: d{n}, prefix: "+155520{n}", to: [gw{n}]}}}}\n'
        text += f'  - {{{{id: k{n}, prefix: "+155530{n}", to: [proxy{n}]}}}}\n'
    return text


def proxy(place):
    """Kamailio, with a socket for each kind and one for the gateways."""
    listen = [f'listen=udp:{INSIDE}:5060']
    cases = []
    for n, (t, f) in enumerate(KINDS):
        sock = f'{t}:{at(PROXY[n], PORT[t])}'
        listen.append('listen=' + sock)
        cases.append(f'''\t\tcase {6000 + n}:
\t\t\t$xavp(tls=>server_name) = "sbc.example.test";
\t\t\t$xavp(tls[0]=>server_id) = "proxy{n}";
\t\t\t$fs = "{sock}";
\t\t\t$ru = "sip:" + $rU + "@{at(OURS[n], PORT[t])};transport={t}";
\t\t\tbreak;''')
    with open(os.path.join(agents.SIPP, '..', 'kamailio', 'proxy.cfg'), encoding='ascii') as f:
        text = f.read()
    folder = os.path.join(place.dir, 'kamailio')
    os.makedirs(folder)
    for word, value in (('LISTEN', '\n'.join(listen)), ('OUTWARD', '\n'.join(cases)), ('FOLDER', folder),
                        ('INSIDE', INSIDE), ('GATEWAYS', BEHIND)):
        text = text.replace(word, value)
    with open(os.path.join(folder, 'tls.cfg'), 'w', encoding='ascii') as f:
        for n, end in ((0, 'server:default'), (0, 'client:default'), (0, 'server:' + at(PROXY[0], 5061)),
                       (1, 'server:' + at(PROXY[1], 5061)), (0, 'client:' + at(PROXY[0], 5061)),
                       (1, 'client:' + at(PROXY[1], 5061))):
            cert = place.ca.path(f'proxy{n}')
            f.write(f'[{end}]\nmethod = TLSv1.2\nverify_certificate = yes\nrequire_certificate = yes\n'
                    f'private_key = {cert}.key\ncertificate = {cert}-chain.pem\nverify_depth = 3\n'
                    f'ca_list = {place.ca.path("trust.pem")}\ncipher_list = {agents.CARRIER_SUITES}\n'
                    + (f'server_name = sbc.example.test\nserver_id = proxy{n}\n' if end[:8] in ('client:1', 'client:[')
                       else ''))
    return agents.kamailio(place, 'kamailio', text, INSIDE, 5060)


def phone(place, name, n, host, hz, user, cert, ctrl):
    """baresip at the address of a kind, with a tone of its own."""
    wav = os.path.join(place.dir, f'{name}.wav')
    tone.write_wav(wav, hz, 10)
    t = KINDS[n][0]
    return agents.Baresip(place, name, host, 5060, hz, user, cert=cert if t == 'tls' else None, ctrl=ctrl,
                          transport=t if t != 'tls' else '', wav=wav)


class Bed:
    def __init__(self, place):
        for a in (*PBX, *GATEWAY, *PROXY, *OUR, *OURS, *MEDIA.values(), INSIDE, BEHIND):
            run(['ip', 'addr', 'add', a + ('/128' if ':' in a else '/32'), 'dev', 'lo'])
        self.place, self.round = place, 0
        hosts = {}
        for n in N[:2]:
            for name, host in ((f'gw{n}', GATEWAY[n]), (f'proxy{n}', PROXY[n])):
                place.ca.leaf(name, name + '.example.test')
                hosts[name + '.example.test'] = host
        agents.dnsmasq(place, hosts)
        self.p = Postern(place, conf=conf(), accounts=accounts()).start()
        self.kamailio = proxy(place)
        self.pbx = [phone(place, f'pbx{n}', n, PBX[n], PBX_HZ[n], number(n), 'pbx', 4444 + n) for n in N]
        self.tls = [phone(place, f'gw{n}', n, GATEWAY[n], GATEWAY_HZ[n], f'+155520{n}000{n}', f'gw{n}',
                          4454 + n)
                    for n in N if KINDS[n][0] == 'tls']
        self.end = [place.keep(RtpEnd(GATEWAY[n], 40000, GATEWAY_HZ[n])) for n in N]

    def sipp(self, n, proxied, called=None):
        """The gateway n: it answers (called None), or calls this number."""
        t, f = KINDS[n]
        name = f'sipp{self.round}-{n}'
        keys = {'rtp_port': 40000}
        host, tr, remote, port = GATEWAY[n], t[0] + '1', at(OURS[n], PORT[t]), PORT[t]
        if proxied:
            host, tr, remote, port = BEHIND, 'u1', f'{INSIDE}:5060', 5090 + n if not called else 6000 + n
        scenario = 'gateway_calls.xml' if called else 'gateway_answers.xml'
        return agents.Sipp(self.place, name, scenario, host, port, remote if called else None, tr,
                           hold_ms=2000, service=called or 'service', keys=keys, extra=['-mi', GATEWAY[n]])

    def calls(self, out, shift, proxied):
        """Customer n and carrier n + shift talk, all at once, through Kamailio where proxied(carrier)
        says; out: the customers call and hang up."""
        self.round += 1
        base, passed = len(self.p.cdrs()), self.passed()
        for e in self.end:
            e.heard.clear()
            e.to = None
        for b in self.pbx + self.tls:
            b.forget()
            b.events.clear()
        pairs = [(n, (n + shift) % len(KINDS)) for n in N]
        direct = [g for _, g in pairs if KINDS[g][0] == 'tls' and not proxied(g)]
        sipp = {}
        for n, g in pairs:
            if g in direct and not out:
                self.tls[g].dial(f'sip:{number(n)}@{at(OURS[g], 5061)}')
            elif g not in direct:
                sipp[g] = self.sipp(g, proxied(g), None if out else number(n))
            if out:
                self.pbx[n].dial(f'sip:+1555{"30" if proxied(g) else "20"}{g}000{g}@'
                                 f'{at(OUR[n], PORT[KINDS[n][0]])}')
        for b in self.pbx:
            b.wait_event('CALL_ESTABLISHED')
        for n, g in pairs:
            wait_for(f'sound at gateway {g}', 8, lambda: sound(self.at_gateway(g, direct)) > 0.8)
            wait_for(f'sound at PBX {n}', 8, lambda: sound(self.pbx[n].heard()) > 0.8)
        for n, g in pairs:
            if out:
                self.pbx[n].hangup()
            elif g in direct:
                self.tls[g].hangup()
        for s in sipp.values():
            s.wait(10)
        cdrs = {(c['a']['trunk'], c['b']['trunk']): c for c in self.p.wait_cdrs(base + len(N))[base:]}
        for n, g in pairs:
            self.judge(n, g, out, direct, proxied, cdrs)
        wait_for('ACK and BYE through Kamailio', 3, lambda: len(self.passed() - passed)
                 == 2 * len([g for _, g in pairs if proxied(g)]))

    def passed(self):
        """(method, Call-ID) of what went by the routes through Kamailio."""
        return set(re.findall(r'passed (\w+) of (\S+)', self.kamailio.text()))

    def at_gateway(self, g, direct):
        return self.tls[g].heard() if g in direct else self.end[g].samples()

    def judge(self, n, g, out, direct, proxied, cdrs):
        what = f'{"%s%d" % KINDS[n]} {"to" if out else "from"} {"%s%d" % KINDS[g]}'
        for who, samples, hz in (('gateway', self.at_gateway(g, direct), PBX_HZ[n]),
                                 ('PBX', self.pbx[n].heard(), GATEWAY_HZ[g])):
            seconds, share = tone.measure(samples, hz)
            check(seconds > 0.7 and share > 0.85,
                  f'{what}: the {who} heard {seconds:.1f} s, {share:.2f} at {hz}')
        gw = f'proxy{g}' if proxied(g) else f'gw{g}'
        legs = (f'pbx{n}', gw) if out else (gw, f'pbx{n}')
        check(legs in cdrs, f'{what}: no CDR, there are {list(cdrs)}')
        c = cdrs[legs]
        tls = ('a' if out else 'b') if KINDS[n][0] == 'tls' else ''
        far = ('b' if out else 'a') if g in direct else ''
        wanted = 'both' if tls and far else tls or far or 'none'
        equal((c['sip_status'], c['encrypted'], c['ended_by']), (200, wanted, 'caller'), what)
        equal((c['a']['transport'], c['b']['transport']),
              tuple(KINDS[x][0] for x in ((n, g) if out else (g, n))), what)


def sound(samples):
    """Seconds of it."""
    return sum(tone.power(samples[i:i + tone.BLOCK], 1000) is not None
               for i in range(0, len(samples), tone.BLOCK)) * tone.BLOCK / tone.RATE


def play_pairs(place):
    bed = Bed(place)
    if not place.full:
        bed.calls(True, 1, lambda g: g % 2 == 0)
        bed.calls(False, 4, lambda g: g % 2 == 1)
        return
    for shift in N:
        for out in (True, False):
            for parity in (0, 1):
                bed.calls(out, shift, lambda g: g % 2 == parity)


play_pairs.limit = 75
