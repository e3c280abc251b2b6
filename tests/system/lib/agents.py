"""The real programs that a play talks to: baresip, SIPp, stunnel, dnsmasq, tcpdump."""
import glob
import json
import os
import signal
import socket
import threading
import time

from lib import tone
from lib.place import at
from lib.proc import Failed, Proc, check, run, wait_for

SIPP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'sipp')
# What limits any program that uses the system's OpenSSL to the service's profile.
OPENSSL_CNF = '''openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = sd
[sd]
MinProtocol = TLSv1.2
MaxProtocol = TLSv1.2
CipherString = {ciphers}
'''
CARRIER_SUITES = 'AES128-SHA:AES128-SHA256:AES256-SHA256'


def openssl_conf(folder, ciphers=CARRIER_SUITES):
    path = os.path.join(folder, 'openssl.cnf')
    with open(path, 'w', encoding='ascii') as f:
        f.write(OPENSSL_CNF.format(ciphers=ciphers))
    return path


class Baresip:
    """One user agent, commanded over ctrl_tcp. Its sound is in heard()."""

    CONFIG = '''sip_listen {listen}
{tls}poll_method epoll
call_local_timeout 60
call_max_calls 32
audio_player aufile,/dev/null
audio_source aufile,{wav}
audio_alert aufile,/dev/null
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_txmode thread
rtp_ports {rtp}
rtcp_mux {mux}
jitter_buffer_delay 1-2
rtp_stats yes
net_interface {host}
dns_server {dns}:53
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module srtp.so
{modules}module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
module_app debug_cmd.so
ctrl_tcp_listen {ctrl}
snd_path {dir}
'''

    def __init__(self, place, name, host, port, hz, user, cert=None, extra='', ctrl=4444,
                 rtp='20000-20199', ciphers=CARRIER_SUITES, media=';mediaenc=srtp-mand',
                 space=None, dns='127.0.0.53', transport='', wav=None, mux='no', modules=()):
        """transport: udp or tcp where there is no cert; wav: a sound of its own."""
        self.name, self.ctrl, self.hz = name, ('127.0.0.1' if ':' in host else host, ctrl), hz
        self.dir = os.path.join(place.dir, name)
        os.makedirs(self.dir)
        tls = ''
        if cert:
            tls = (f'sip_certificate {place.ca.path(cert + "-all.pem")}\n'
                   f'sip_cafile {place.ca.path("trust.pem")}\n')
        self.write('config', self.CONFIG.format(
            host=host, listen=at(host, port), tls=tls, rtp=rtp, ctrl=at(*self.ctrl), dns=dns,
            mux=mux, modules=''.join(f'module {m}.so\n' for m in modules),
            wav=wav or place.wav(hz), dir=self.dir))
        uri = f'<sip:{user}@{at(host, port + 1)};transport=tls>' if cert else \
            f'<sip:{user}@{at(host, port)}{";transport=" + transport if transport else ""}>'
        media = media if cert else ''
        self.write('accounts', f'{uri};regint=0{media};answermode=auto;'
                   f'audio_codecs=PCMA/8000/1,PCMU/8000/1{extra}\n')
        self.write('contacts', '')
        self.events, self.sock, self.buf = [], None, b''
        self.proc = place.start(name, ['baresip', '-f', self.dir, '-s'],
                                env={'OPENSSL_CONF': openssl_conf(self.dir, ciphers)},
                                space=space)
        self.connect()

    def write(self, name, text):
        with open(os.path.join(self.dir, name), 'w', encoding='utf-8') as f:
            f.write(text)

    def connect(self):
        def attempt():
            check(self.proc.alive(), f'{self.name} ended: {self.proc.text()[-600:]}')
            try:
                return socket.create_connection(self.ctrl, 1)
            except OSError:
                return None
        self.sock = wait_for(f'{self.name} control port', 8, attempt)
        self.sock.settimeout(None)              # the reader waits as long as it takes
        self.answers = []
        threading.Thread(target=self.reader, daemon=True).start()

    def reader(self):
        buf = b''
        while True:
            try:
                data = self.sock.recv(65536)
            except OSError:
                return
            if not data:
                return
            buf += data
            while b':' in buf:
                n, rest = buf.split(b':', 1)
                if len(rest) < int(n) + 1:
                    break
                o = json.loads(rest[:int(n)])
                buf = rest[int(n) + 1:]
                (self.answers if o.get('response') else self.events).append(o)

    def tell(self, word, params=''):
        m = json.dumps({'command': word, 'params': params, 'token': 't'}).encode()
        self.sock.sendall(b'%d:%s,' % (len(m), m))

    def command(self, word, params=''):
        n = len(self.answers)
        self.tell(word, params)
        wait_for(f'{self.name} answer to {word}', 5, lambda: len(self.answers) > n)
        return self.answers[n]

    def seen(self, kind, since=0):
        return [e for e in self.events[since:] if e.get('type') == kind]

    def wait_event(self, kind, seconds=8, count=1):
        try:
            wait_for(f'{self.name} event {kind}', seconds, lambda: len(self.seen(kind)) >= count)
        except Failed as e:
            raise Failed(f'{e}; events: {[x.get("type") for x in self.events]}; closed because: '
                         f'{[x.get("param") for x in self.seen("CALL_CLOSED")]}') from None

    def dial(self, uri):
        self.command('dial', uri)

    def hangup(self):
        self.tell('hangup')                     # the one command without an answer

    def quit(self):
        try:
            self.tell('quit')
        except OSError:
            pass
        try:
            self.proc.wait(4)
        except Failed:
            self.proc.stop(1)

    def heard(self):
        """Samples of all recordings of what it received."""
        out = []
        for path in sorted(glob.glob(os.path.join(self.dir, 'dump-*-dec.wav'))):
            out += tone.read_wav(path)
        return out

    def forget(self):
        for path in glob.glob(os.path.join(self.dir, 'dump-*.wav')):
            os.unlink(path)


def listens(pid, host, port):
    """Is host:port bound for UDP or TCP in the namespace of this process?"""
    six = '6' if ':' in host else ''
    raw = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, host)
    want = ''.join(raw[n:n + 4][::-1].hex().upper() for n in range(0, len(raw), 4)) + f':{int(port):04X}'
    for table in ('udp' + six, 'tcp' + six):
        with open(f'/proc/{pid}/net/{table}', encoding='ascii') as f:
            # TCP: state 0A is LISTEN; an old connection has the address, too
            if any((x := line.split())[1] == want and x[3] in ('07', '0A') for line in f.readlines()[1:]):
                return True
    return False


class Sipp:
    """One run of SIPp with a scenario of tests/system/sipp."""

    def __init__(self, place, name, scenario, host, port, remote=None, transport='u1', calls=1,
                 rate=10, hold_ms=4000, limit=None, service='service', keys=None, seconds=60,
                 extra=()):
        self.name, self.dir = name, os.path.join(place.dir, name)
        os.makedirs(self.dir)
        words = ['sipp', '-sf', os.path.abspath(os.path.join(SIPP, scenario)), '-i', host, '-p',
                 port, '-t', transport, '-m', calls, '-nostdin', '-trace_err', '-timeout',
                 f'{seconds}s', '-buff_size', 4000000, '-d', hold_ms, '-s', service, *extra]
        if remote:
            words += ['-r', rate, '-l', limit or calls, remote]
        for k, v in (keys or {}).items():
            words += ['-key', k, v]
        self.proc = place.start(name, words, cwd=self.dir)
        if not remote:
            wait_for(f'{name} listens', 5, lambda: listens(self.proc.pid, host, port))

    def wait(self, seconds=60):
        """Exit status 0 or Failed with SIPp's own words."""
        rc = self.proc.wait(seconds)
        check(rc == 0, f'{self.name}: exit {rc}: {self.summary()}\n{self.errors()[-1500:]}')

    def summary(self):
        lines = [x.strip() for x in self.proc.text().splitlines()
                 if 'Successful call' in x or 'Failed call' in x]
        return ' / '.join(lines[-2:])

    def errors(self):
        out = ''
        for path in glob.glob(os.path.join(self.dir, '*_errors.log')):
            with open(path, encoding='utf-8', errors='replace') as f:
                out += f.read(4000)
        return out


def stunnel(place, name, accept, connect, cert='pbx', sni='sbc.example.test', ciphers=CARRIER_SUITES):
    """A TLS client in front of a program that speaks TCP."""
    path = os.path.join(place.dir, name + '.conf')
    with open(path, 'w', encoding='ascii') as f:
        f.write(f'''foreground = yes
pid =
debug = 5
syslog = no
[sip]
client = yes
accept = {accept}
connect = {connect}
cert = {place.ca.path(cert + "-chain.pem")}
key = {place.ca.path(cert + ".key")}
CAfile = {place.ca.path("trust.pem")}
verifyChain = yes
checkHost = {sni}
sni = {sni}
sslVersion = TLSv1.2
ciphers = {ciphers}
''')
    p = place.start(name, ['stunnel', path])
    wait_for('stunnel', 5, lambda: 'Configuration successful' in p.text())
    time.sleep(0.2)
    return p


def dnsmasq(place, names, space=None):
    """A records for the namespace's resolver at 127.0.0.53. names: {name: address, or several}."""
    words = ['dnsmasq', '-k', '-C', '/dev/null', '--no-resolv', '--no-hosts', '--pid-file=',
             '--listen-address=127.0.0.53', '--bind-interfaces', '--user=root', '--log-facility=-', '--local-ttl=5']
    words += [f'--host-record={n},{a}' for n, many in names.items()
              for a in ([many] if isinstance(many, str) else many)]
    p = place.start('dnsmasq', words, space=space)
    wait_for('dnsmasq', 5, lambda: 'started' in p.text())
    return p


class Nsd:
    """A real authoritative name server. zones: {name: lines of its zone file}."""

    CONF = '''server:
  ip-address: {host}
  port: 53
  username: ""
  chroot: ""
  zonesdir: "{dir}"
  pidfile: "{dir}/nsd.pid"
  database: ""
  zonelistfile: "{dir}/zone.list"
  xfrdfile: ""
  server-count: 1
  verbosity: 1
remote-control:
  control-enable: no
'''

    def __init__(self, place, host, zones, space=None):
        self.dir, self.zones = os.path.join(place.dir, 'nsd-' + host), zones
        os.makedirs(self.dir)
        text = self.CONF.format(host=host, dir=self.dir)
        for name in zones:
            text += f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n'
        self.serial = 1
        self.write_zones()
        with open(os.path.join(self.dir, 'nsd.conf'), 'w', encoding='ascii') as f:
            f.write(text)
        self.proc = place.start('nsd', ['nsd', '-d', '-c', os.path.join(self.dir, 'nsd.conf')],
                                space=space)
        wait_for('nsd', 5, lambda: listens(self.proc.pid, host, 53))

    def write_zones(self):
        for name, lines in self.zones.items():
            with open(os.path.join(self.dir, name + '.zone'), 'w', encoding='ascii') as f:
                f.write(f'$ORIGIN {name}.\n$TTL 5\n@ SOA ns.{name}. who.{name}. ({self.serial} 60 60 '
                        f'60 5)\n@ NS ns.{name}.\nns A 192.0.2.1\n' + '\n'.join(lines) + '\n')

    def change(self, zone, lines):
        """Other records; served within a second or so."""
        self.zones[zone] = lines
        self.serial += 1
        self.write_zones()
        self.proc.signal(signal.SIGHUP)
        time.sleep(1)


class Capture:
    """tcpdump to a file, ended so that nothing is cut off. longest: bytes kept of a packet; its ring
    holds 16 MiB / longest of them."""

    def __init__(self, place, name, expression, interface='lo', longest=16384):
        self.path = os.path.join(place.dir, name + '.pcap')
        self.proc = place.start('tcpdump-' + name, ['tcpdump', '-i', interface, '-w', self.path,
                                                    '-U', '--immediate-mode', '-B', 16384, '-s', longest, '-Z', 'root',
                                                    expression])
        wait_for('tcpdump', 5, lambda: 'listening on' in self.proc.text())

    def stop(self):
        time.sleep(0.3)
        self.proc.stop()
        return self.path


def tshark(pcap, *words, seconds=60):
    return run(['sh', '-c', 'exec tshark "$@" 2>/dev/null', 'tshark', '-n', '-r', pcap, *words],
               seconds, env={'HOME': os.path.dirname(pcap)})


def kamailio(place, name, text, host, port):
    """With this configuration, when it answers at host:port over UDP; its Proc."""
    folder = os.path.join(place.dir, name)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, 'kamailio.cfg')
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)
    p = place.start(name, ['kamailio', '-f', path, '-DD', '-E', '-m', '32', '-M', '4', '-Y', folder,
                           '-w', folder], env={'OPENSSL_CONF': openssl_conf(folder)})
    wait_for(f'{name} listens', 8, lambda: 'Listening on' in p.text() and answers_options(host, port))
    return p


class Kamailio:
    """A carrier's proxy and registrar that asks for digest (tests/system/kamailio/carrier.cfg)."""
    CONF = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'kamailio', 'carrier.cfg')

    def __init__(self, place, name, host, port, gateway, realm='carrier.test', password='secret',
                 algorithm=''):
        with open(self.CONF, encoding='ascii') as f:
            text = f.read()
        words = {'HOST': host, 'GWPORT': gateway[1], 'PORT': port, 'GATEWAY': gateway[0], 'REALM': realm,
                 'PASSWORD': password, 'ALGORITHM': algorithm}
        for word, value in words.items():
            if word == 'GATEWAY':
                text = text.replace('FROM_GATEWAY', 'FROM_GW')
            text = text.replace(word, str(value))
        self.proc = kamailio(place, name, text, host, port)


def answers_options(host, port):
    """Does it answer OPTIONS over UDP now?"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        s.connect((host, port))
        try:
            s.send(f'OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {s.getsockname()[0]}:'
                   f'{s.getsockname()[1]};branch=z9hG4bKready\r\nMax-Forwards: 70\r\nFrom: <sip:t@t>;tag=1\r\n'
                   f'To: <sip:{host}>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n'
                   .encode())
            return s.recv(2000).startswith(b'SIP/2.0 200')
        except OSError:
            return False
