"""What a connection was let in by changes while it is up (A10): within a second it takes no new
call, its running call goes on, and changed back it takes calls again. A configuration that the
accounts in use would no longer fit is refused, and what is in use stays."""
import os
import shutil
import socket
import ssl
import time

from lib import agents
from lib.place import GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import BASE, Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd

GUARDS = ['A10']
OWN = BASE.replace('trust: [{ca}/trust.pem]', 'trust: [{dir}/trust.pem]')
OPTIONS = ('OPTIONS sip:sbc.example.test SIP/2.0\r\n'
           'Via: SIP/2.0/TLS pbx.example.test;branch=z9hG4bK{n}\r\n'
           'From: <sip:{number}@pbx.example.test>;tag=a\r\nTo: <sip:sbc.example.test>\r\n'
           'Call-ID: options{n}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n'
           'Contact: <sip:pbx.example.test>\r\nContent-Length: 0\r\n\r\n')


class Link:
    """A connection of the PBX that asks whether it may begin anything new."""
    def __init__(self, place):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.load_verify_locations(place.ca.path('trust.pem'))
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.set_ciphers('AES128-SHA:@SECLEVEL=1')
        ctx.load_cert_chain(place.ca.path('pbx-chain.pem'), place.ca.path('pbx.key'))
        self.tls = ctx.wrap_socket(socket.create_connection((POSTERN, 5061), 5),
                                   server_hostname='sbc.example.test')
        self.n = 0

    def status(self):
        self.n += 1
        self.tls.sendall(OPTIONS.format(n=self.n, number=NUMBER).encode())
        text = b''
        while b'\r\n\r\n' not in text:
            more = self.tls.recv(4096)
            check(more, 'postern closed the connection')
            text += more
        return int(text.split()[1])


def timed(link, wanted, what):
    """Seconds until this is what every new request gets."""
    began = time.monotonic()
    wait_for(what, 5, lambda: link.status() == wanted, 0.01)
    took = time.monotonic() - began
    for _ in range(20):
        equal(link.status(), wanted, f'answer after that: {what}')
        time.sleep(0.01)
    return took


def start(place, **change):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place, conf=OWN, **change)
    shutil.copy(place.ca.path('trust.pem'), p.dir + '/trust.pem')
    return p.start()


def play_within_a_second(place):
    p = start(place)
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    link = Link(place)
    equal(link.status(), 200, 'answer at first')
    with open(p.accounts, encoding='utf-8') as f:
        was = f.read()
    took = {}

    def apply(line):
        p.write('changed.yaml', was.replace('name: Acme Test\n', f'name: Acme Test\n{line}'))
        p.command('apply', '-c', p.conf, p.dir + '/changed.yaml')

    def believe(name):
        shutil.copy(place.ca.path(name), p.dir + '/new.pem')
        os.replace(p.dir + '/new.pem', p.dir + '/trust.pem')
        p.command('reload', '-c', p.conf)

    for what, bad, good in (
            ('disabled', lambda: apply('    enabled: no\n'), lambda: apply('')),
            ('authorities', lambda: apply('    tls: {authorities: [DigiCert]}\n'),
             lambda: apply('')),
            ('trust of the zone', lambda: believe('otherroot.crt'), lambda: believe('trust.pem'))):
        bad()
        took[what] = timed(link, 403, what + ' refused')
        check(took[what] <= 1, f'{what}: new requests for {took[what]:.2f} s')
        good()
        timed(link, 200, what + ' mended')
    before = len(end.heard)
    time.sleep(0.5)
    check(len(end.heard) > before + 15, 'the running call lost its media')
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    link.tls.close()
    equal([c['sip_status'] for c in p.wait_cdrs(1)], [200], 'the running call')
    print('# refused after ' + ', '.join(f'{k}: {v * 1000:.0f} ms' for k, v in took.items()))


play_within_a_second.limit = 60


def play_store_and_file(place):
    """The accounts in use name what a new file no longer has."""
    p = start(place)
    with open(p.accounts, encoding='utf-8') as f:
        text = f.read()
    p.write('named.yaml', text.replace('port: 5061\n', 'port: 5061\n        listener: customers\n', 1))
    p.command('apply', '-c', p.conf, p.dir + '/named.yaml')
    wait_for('the accounts', 5, lambda: len(p.events('accounts.swap')) > 1)
    with open(p.conf, encoding='utf-8') as f:
        conf = f.read()
    p.write('postern.yaml', conf.replace('name: customers', 'name: others'))
    rc, said = p.command('reload', '-c', p.conf, may_fail=True)
    equal(rc, 1, f'status of reload, which said: {said}')
    check('trunk "acme-pbx" in the store uses listener "customers", which is no longer here' in said
          and 'what is in use stays' in said, f'reload said: {said}')
    with open(place.ca.path('pbx.key'), encoding='ascii') as f, \
            open(p.dir + '/trust.pem', 'a', encoding='ascii') as trust:
        trust.write(f.read())
    p.write('postern.yaml', conf)
    rc, said = p.command('reload', '-c', p.conf, may_fail=True)
    check(rc == 1 and 'holds a private key' in said, f'reload said: {said}')
    equal(Link(place).status(), 200, 'what is in use')
    os.mkfifo(p.dir + '/pipe')
    rc, said = p.command('apply', '-c', p.conf, p.dir + '/pipe', may_fail=True)
    check(rc != 0 and 'pipe that nobody writes into' in said, f'apply of a pipe said: {said}')
    p.write('ca.yaml', text.replace('name: Acme Test\n', 'name: Acme Test\n    tls: {{ca: {}}}\n'
                                    .format(place.ca.path('pbx.crt'))))
    rc, said = p.command('apply', '-c', p.conf, p.dir + '/ca.yaml', may_fail=True)
    check(rc != 0 and 'is not of an authority' in said, f'apply of a leaf said: {said}')
