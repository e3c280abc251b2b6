"""Bad files, sockets and secrets (reliability A9 S1 S6), and roles killed while calls are being set up
(R9): what is wrong is named with its place, nothing crashes, nothing is left behind."""
import base64
import glob
import json
import os
import random
import re
import shutil
import socket
import ssl
import stat
import time

from lib import hostile, rawsip
from lib.place import GATEWAY
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import Call, offer, request


# ---- sockets ----

def bound(pid, table):
    """[(address:port, state, inode)] of a table of /proc/net"""
    with open(f'/proc/{pid}/net/{table}', encoding='ascii') as f:
        rows = [x.split() for x in f.readlines()[1:]]
    out = []
    for r in rows:
        host, port = r[1].split(':')
        host = '.'.join(str(x) for x in reversed(bytes.fromhex(host))) if len(host) == 8 else host
        out.append((f'{host}:{int(port, 16)}', r[3], r[9]))
    return out


def answers(host, port):
    """Does something listen on this UDP port? The kernel refuses for a port of nobody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((host, port))
        try:
            s.send(b'?')
            time.sleep(0.01)
            s.send(b'?')
        except ConnectionRefusedError:
            return False
    return True


def judge_udp(p, pid, io):
    """UDP sockets of this back end: one a port, or a receiver a worker, at the first port of its
    slice, and senders, which receive nothing."""
    ports = {f'{h}:{n}' for h in ('127.0.0.1', '127.0.0.8') for n in range(30000, 30020)}
    udp = {a for t in ('udp', 'udp6', 'udplite') for a, *_ in bound(pid, t)}
    raw = {a for t in ('raw', 'raw6') for a, *_ in bound(pid, t)}
    check('127.0.0.8:5060' in udp, f'{io}: {udp}')
    udp -= {'127.0.0.8:5060'}
    if io == 'sockets':
        equal((udp, raw), (ports, set()), f'{io}: UDP and raw sockets')
    else:
        equal(raw, {'127.0.0.1:255', '127.0.0.8:255'}, f'{io}: raw sockets, of no protocol')
        check('127.0.0.1:30000' in udp and udp < ports, f'{io}: receivers: {udp}')
    here = {f'{h}:{n}' for h in ('127.0.0.1', '127.0.0.8') for n in range(29990, 30030)
            if answers(h, n)}
    equal(here, ports, f'{io}: UDP ports that take datagrams')


def sockets_with(place, io):
    p = Postern(place, io, conf=BASE.replace('  customer: outside',
                                             f'  io: {io}\n  customer: outside'),
                ports='30000-30019').start()
    pid = p.proc.pid
    equal(p.stat('media_io'), io, 'the back end')
    tcp = {a for t in ('tcp', 'tcp6') for a, state, _ in bound(pid, t) if state == '0A'}
    equal(tcp, {'127.0.0.1:5061'}, 'listening TCP sockets')
    judge_udp(p, pid, io)
    equal(stat.S_IMODE(os.stat(p.dir + '/control.sock').st_mode), 0o600, 'mode of the control socket')
    for name in ('store.db', 'cdr.jsonl'):
        path = os.path.join(p.dir, name)
        if os.path.exists(path):
            equal(stat.S_IMODE(os.stat(path).st_mode) & 0o007, 0, f'others may read {name}')
    with open(f'/proc/{pid}/net/unix', encoding='ascii') as f:
        paths = {x.split()[7] for x in f.readlines()[1:] if len(x.split()) > 7}
    equal({x for x in paths if x.startswith(p.dir)} - {p.dir + '/control.sock'}, set(),
          'other named sockets')
    rpt = p.command('calls', '-c', p.conf, '--json')
    check(json.loads(rpt), 'the owner may ask')
    rc, out = p.command('run', '-c', p.conf, may_fail=True)
    check(rc == 1 and 'ss -lntup says which' in out and 'as the lines above say' in out,
          f'a second one with the same configuration: {rc} {out}')
    p.stop()


def play_sockets_as_declared(place):
    """A9: what listens is what the configuration says, no more, with each back end that needs no
    network; the control socket and the stores are the owner's alone."""
    for io in ('sockets', 'steer'):
        sockets_with(place, io)


# ---- secrets ----

def play_no_key_anywhere(place):
    """S1 S6: the keys of a call, ours and theirs, raw, hex and base64, are not in the log at level
    debug, CDRs, stores, or what the commands print; names with control characters make no lines."""
    p = Postern(place).start()
    place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    keys = [rawsip.KEY]
    printed = ''
    for n in range(50 if place.full else 6):
        c = pbx.call(sdp=offer(crypto=(f'1 {rawsip.SUITE} inline:{rawsip.KEY}',
                                       f'2 AES_CM_128_HMAC_SHA1_32 inline:{rawsip.KEY[::-1]}')),
                     headers=('Subject: \x1b[31m"}{\t\x7f\u00e9',))
        keys += [c.where()[2], rawsip.KEY[::-1]]
        printed += p.command('calls', '-c', p.conf, '--json') + p.command('calls', '-c', p.conf)
        equal(pbx.bye(c), 200, 'BYE')
    bad = Call()                                # a refused offer is logged, its key is not
    secret = base64.b64encode(os.urandom(33)).decode()
    pbx.send(request('INVITE', bad, offer(crypto=(f'1 X inline:{secret}',)),
                     ('Authorization: Digest username="x", password="hunter2hunter2"',)))
    pbx.final(bad)
    keys += [secret, 'hunter2hunter2']
    cdrs = p.wait_cdrs(51 if place.full else 7)
    printed += p.command('stats', '-c', p.conf, '--json')
    for words in (['explain', '-c', p.conf, cdrs[0]['id']], ['handshakes', '-c', p.conf]):
        printed += p.command(*words, may_fail=True)[1]
    haystack = printed.encode() + p.proc.text().encode()
    for path in glob.glob(p.dir + '/**', recursive=True):
        if os.path.isfile(path):
            with open(path, 'rb') as f:
                haystack += f.read()
    for key in set(keys):
        try:
            raw = base64.b64decode(key + '=' * (-len(key) % 4))
        except ValueError:
            raw = key.encode()
        forms = [key.encode(), raw, raw[:16], raw.hex().encode(), raw[:16].hex().encode(),
                 raw.hex().upper().encode(), base64.urlsafe_b64encode(raw).rstrip(b'=')]
        for form in forms:
            check(form not in haystack, f'{form[:12]!r}.. of a key of a call is kept')


# ---- files ----

CONF_ERRORS = [
    ('  id: 1\n', '  id: 256\n'), ('  id: 1\n', '  id: -1\n'), ('  id: 1\n', '  id: x\n'),
    ('  id: 1\n', '  id: 1\n  id: 2\n'), ('  id: 1\n', '  id: 1\n  surprise: 1\n'),
    ('  id: 1\n', '  id: [1]\n'), ('  id: 1\n', '  id: &a 1\n'), ('  id: 1\n', '  id: !!int 1\n'),
    ('  id: 1\n', '\tid: 1\n'), ('node:', 'node'), ('node:\n', 'node: {{\n'), ('level: debug', 'level: loud'),
    ('stop_timeout: 5s', 'stop_timeout: 5'), ('stop_timeout: 5s', 'stop_timeout: -5s'),
    ('stop_timeout: 5s', 'stop_timeout: 99999999999999999999s'),
    ('profile: carrier', 'profile: weak'), ('client_certificate: required', 'client_certificate: maybe'),
    ('certificate: {ca}', 'certificate: /nowhere{ca}'), ('key: {ca}/sbc.key', 'key: {ca}/pbx.key'),
    ('key: {ca}/sbc.key', 'key: {ca}/trust.pem'), ('key: {ca}/sbc.key', 'key: /dev/null'),
    ('key: {ca}/sbc.key', 'key: {ca}'), ('trust: [{ca}/trust.pem]', 'trust: [[]]'),
    ('trust: [{ca}/trust.pem]', 'trust: [{ca}/sbc.key]'),
    ('transport: tls', 'transport: sctp'), ('side: customer, ', ''), ('side: customer', 'side: both'),
    ('zone: sbc.example.test', 'zone: other.example.test'), ('bind: "{tls}"', 'bind: "127.0.0.1:99999"'),
    ('bind: "{tls}"', 'bind: "nowhere"'), ('bind: "{tls}"', 'bind: "300.1.1.1:5061"'),
    ('ports: {ports}', 'ports: 30999-30000'), ('ports: {ports}', 'ports: 0-70000'),
    ('ports: {ports}', 'ports: many'), ('customer: outside', 'customer: elsewhere'),
    ('dns: [127.0.0.53]', 'dns: [dns.example]'), ('dns: [127.0.0.53]', 'dns: 127.0.0.53: 5'),
    ('zones:', 'zones: 5\nxones:'), ('control: ', 'control: "\\0"\ncontrol: '),
    ('cdr: ', 'cdr: "'), ('node:', '\ufeffnode: *x\nnode:'), ('name: test', 'name: ' + 'n' * 5000),
     ('fqdn: sbc.example.test', 'fqdn: "*.example.test"'),
    ('fqdn: sbc.example.test', 'fqdn: "sbc..test"'),
]

ACCOUNT_ERRORS = [
    ('services: [origination, toll_free, termination, international]', 'services: [telepathy]'),
    ('tls_srtp: on', 'tls_srtp: perhaps'), ('  - id: branch', '  - id: acme'),
    ('id: branch-pbx', 'id: acme-pbx'), ('"+15557770002"', '"{number}"'), ('"+15557770002"', '"abc"'),
    ('"+15557770002"', '""'), ('security: refused', 'security: sometimes'), ('port: 5061', 'port: 0'),
    ('port: 5061', 'port: 65536'), ('transport: udp', 'transport: pigeon'), ('sources: [{gateway}]', 'sources: [x]'),
    ('sources: [{gateway}]', 'sources: [127.0.0.9/99]'), ('fqdn: pbx.example.test', 'fqdn: "a b"'),
    ('fqdn: pbx.example.test', 'fqdn: ' + 'a' * 300), ('accounts:', 'accounts: 7\nx:'),
    ('carriers:', 'carriers:\n  - 5'), ('    trunks:', '    surprise: 1\n    trunks:'),
    ('accounts:', 'accounts: ['), ('id: acme\n', 'id: "a\\nb"\n'), ('id: acme\n', 'id: ' + 'a' * 500 + '\n'),
]


def judge_command(what, rc, out, path, bad):
    """It ended by itself with a failure and said where."""
    if rc == 0 or rc < 0 or 'Sanitizer' in out or 'runtime error' in out:
        bad.append(f'{what}: exit {rc}: {out[-600:]}')
    elif not re.search(re.escape(path) + r':\d+:\d+: \S', out):
        bad.append(f'{what}: no file:line:column: {out[-300:]}')


def play_bad_files(place):
    """Each fault of a configuration and of an accounts file has file:line:column; nothing crashes;
    what was there before stays."""
    words = dict(dir=place.dir, ca=place.ca.dir, tls='127.0.0.1:5061', udp='127.0.0.8:5060',
                 media_out='127.0.0.1', media_in='127.0.0.8', ports='30000-30099', number='+15557770001',
                 gateway=GATEWAY, gateway_port=5080, tls_adv='', udp_adv='', out_adv='', in_adv='')
    p, bad = Postern(place), []
    p.command('apply', '-c', p.conf, p.accounts)
    before = p.command('accounts', '-c', p.conf, may_fail=True)
    step = 1 if place.full else 2
    for part, becomes in CONF_ERRORS[::step]:
        check(part in BASE, f'the row is wrong: {part!r}')
        path = p.write('bad.yaml', BASE.replace(part, becomes, 1).format(**words))
        rc, out = p.command('check', '-c', path, may_fail=True)
        judge_command(f'check {becomes[:50]!r}', rc, out, path, bad)
        check('BEGIN' not in out, f'a key is printed: {out}')
    for part, becomes in ACCOUNT_ERRORS[::step]:
        check(part in ACCOUNTS, f'the row is wrong: {part!r}')
        path = p.write('bad-accounts.yaml', ACCOUNTS.replace(part, becomes, 1).format(**words))
        rc, out = p.command('apply', '-c', p.conf, path, may_fail=True)
        judge_command(f'apply {becomes[:50]!r}', rc, out, path, bad)
    equal(p.command('accounts', '-c', p.conf, may_fail=True), before, 'accounts afterwards')
    r = random.Random(20261121)
    good = (BASE.format(**words), ACCOUNTS.format(**words))
    for n in range(600 if place.full else 30):
        data = bytearray(good[n % 2].encode())
        for _ in range(r.randint(1, 6)):
            at = r.randrange(len(data))
            if r.random() < 0.5:
                data[at] = r.randrange(256)
            else:
                data[at:at + r.randrange(30)] = r.choice((b'{', b'[', b'*a', b'&a ', b'\n- ', b': ', b'\0',
                                                          b'!!', b'"', b"'", b'|\n', b'%YAML', b'---\n'))
        path = os.path.join(p.dir, 'random.yaml')
        with open(path, 'wb') as f:
            f.write(data)
        rc, out = p.command(*(['check', '-c', path] if n % 2 == 0 else
                              ['apply', '-c', p.conf, '--dry-run', path]), may_fail=True)
        if rc < 0 or rc > 2 or 'Sanitizer' in out or 'runtime error' in out:
            bad.append(f'random file {n}: exit {rc}: {out[-800:]}')
    for path in ('/dev/null', '/', '/nowhere', '/proc/self/mem', '/dev/zero'):
        rc, out = p.command('check', '-c', path, may_fail=True, seconds=10)
        if rc <= 0 or rc > 2 or 'Sanitizer' in out:
            bad.append(f'check -c {path}: exit {rc}: {out[-300:]}')
    check(not bad, f'{len(bad)} wrong:\n' + '\n'.join(bad))


def accepted(place):
    """Is the PBX let in?"""
    try:
        return hostile.by_python(place.ca, '127.0.0.1:5061', 'pbx')[1] == 'TLSv1.2'
    except (OSError, ssl.SSLError):
        return False


def play_files_lost(place):
    """The store deleted, the trust file emptied, in service and over a restart: nobody is locked out
    before the operator says so."""
    trust = os.path.join(place.dir, 'trust.pem')
    shutil.copy(place.ca.path('trust.pem'), trust)
    p = Postern(place, conf=BASE.replace('trust: [{ca}/trust.pem]', f'trust: [{trust}]')).start()
    check(accepted(place), 'the PBX is not accepted at first')
    for name in ('store.db', 'store.db-wal', 'store.db-shm'):
        if os.path.exists(os.path.join(p.dir, name)):
            os.unlink(os.path.join(p.dir, name))
    p.command('reload', '-c', p.conf, may_fail=True)
    p.kill('admin')
    p.kill('signaling')
    wait_for('the PBX with a lost store', 10, lambda: accepted(place))
    wait_for('the roles again', 10, p.serves)
    alarms = json.loads(p.command('alarms', '-c', p.conf, '--json'))
    check('accounts-store' in str(alarms), f'alarms: {alarms}')
    p.command('apply', '-c', p.conf, p.accounts)
    wait_for('the alarm cleared', 10, lambda: 'accounts-store' not in p.command(
        'alarms', '-c', p.conf, '--json'))
    with open(trust, 'w', encoding='ascii'):
        pass
    rc, out = p.command('reload', '-c', p.conf, may_fail=True)
    check(rc == 1 and 'it is empty' in out, f'reload: exit {rc}: {out}')
    check(accepted(place), 'the PBX is not accepted after the trust file was emptied')


# ---- roles killed while a call is being set up ----

def until_over(p, seconds):
    wait_for('every call over', seconds, lambda: p.idle() is None and p.stat('slots_used') == 0, 0.3)


def kill_at(place, role, moment):
    """Kill a role when a call is at: trying (no answer of the gateway), ringing, or cancelled."""
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway(rawsip.Gateway.ring if moment == 'ringing' else lambda *_: None))
    pbx = place.keep(rawsip.Customer(place.ca))
    c = Call()
    pbx.send(request('INVITE', c, offer()))
    gw.wait('INVITE')
    if moment == 'ringing':
        wait_for('180', 5, lambda: (m := pbx.read(1)) and m.status == 180)
    time.sleep(0.1)
    p.kill(role)
    wait_for('all serve again', 15, p.serves)
    if role == 'signaling':                     # its connections ended with it
        pbx = place.keep(rawsip.Customer(place.ca))
    gw.script = rawsip.Gateway.answer
    pbx.send(request('CANCEL', c))              # the caller gives up
    pbx.final(c, 5)
    until_over(p, 45)
    cdrs = p.wait_cdrs(1)
    check(cdrs[0]['answer'] is None, f'{cdrs[0]}')
    again = place.keep(rawsip.Customer(place.ca))
    n = again.call()
    equal(again.bye(n), 200, 'a call afterwards')
    p.wait_cdrs(2)


def play_kill_admin_in_setup(place):
    """R9"""
    kill_at(place, 'admin', 'ringing')


def play_kill_media_in_setup(place):
    """R9"""
    kill_at(place, 'media', 'ringing')


def play_kill_signaling_in_setup(place):
    """R9: ringing"""
    kill_at(place, 'signaling', 'ringing')


def play_kill_signaling_trying(place):
    """R9: nothing heard of the gateway yet"""
    kill_at(place, 'signaling', 'trying')


for _play in (play_kill_admin_in_setup, play_kill_media_in_setup, play_kill_signaling_in_setup,
              play_kill_signaling_trying):
    _play.limit = 80
