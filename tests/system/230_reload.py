"""Certificates, keys and policy read again while calls run: by the command, by SIGHUP, because a
file changed. Running calls and connections stay as they are, a bad pair changes nothing."""
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import time

from lib import agents, hostile
from lib.load import Traffic
from lib.place import GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import BASE, Postern
from lib.proc import check, equal, run, wait_for
from lib.rtpend import RtpEnd

GUARDS = ['A10']
ADDRESS = f'{POSTERN}:5061'
OWN = BASE.replace('{ca}/sbc-chain.pem', '{dir}/zone.pem').replace('{ca}/sbc.key', '{dir}/zone.key')


def put(place, p, chain, key):
    """The zone's files, each replaced at one moment, as certbot does."""
    for src, dst in ((chain, 'zone.pem'), (key, 'zone.key')):
        shutil.copy(place.ca.path(src), p.dir + '/new')
        os.chmod(p.dir + '/new', 0o600)
        os.replace(p.dir + '/new', p.dir + '/' + dst)


def make_pairs(place):
    """Two further certificates of the zone, in a folder of this play's own."""
    shutil.copytree(place.ca.dir, place.dir + '/ca')
    place.ca.dir = place.dir + '/ca'
    place.ca.leaf('sbc2', 'sbc.example.test')
    place.ca.leaf('sbcold', 'sbc.example.test', expired=True)


def own_node(place, **change):
    """postern with certificate files of its own, and a second pair to change to."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    make_pairs(place)
    p = Postern(place, conf=change.pop('conf', OWN), **change)
    put(place, p, 'sbc-chain.pem', 'sbc.key')
    return p.start()


def fingerprint(place, name):
    with open(place.ca.path(name), encoding='ascii') as f:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()


def shown(place, version=ssl.TLSVersion.TLSv1_2, ciphers='AES128-SHA:@SECLEVEL=1'):
    """Fingerprint of the certificate that the next handshake shows."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.load_verify_locations(place.ca.path('trust.pem'))
    ctx.minimum_version = ctx.maximum_version = version
    ctx.set_ciphers(ciphers)
    ctx.load_cert_chain(place.ca.path('pbx-chain.pem'), place.ca.path('pbx.key'))
    with socket.create_connection((POSTERN, 5061), 5) as s:
        with ctx.wrap_socket(s, server_hostname='sbc.example.test') as t:
            return hashlib.sha256(t.getpeercert(True)).hexdigest()


def colons(hexes):
    return ':'.join(hexes[i:i + 2] for i in range(0, len(hexes), 2)).upper()


def alarms(p, kind=None):
    a = json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']
    return [x for x in a if kind in (None, x['id'])]


def reload(p, wanted=0):
    rc, out = p.command('reload', '-c', p.conf, may_fail=True)
    equal(rc, wanted, f'status of reload, which said: {out}')
    return out


def call(place, p, cert='pbx'):
    """One call through a baresip, with sound both ways."""
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert=cert)
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    return end, gw, pbx


def play_renewed_in_mid_call(place):
    p = own_node(place)
    end, gw, pbx = call(place, p)
    equal(shown(place), fingerprint(place, 'sbc.crt'), 'certificate before')
    downs = len(p.events('conn.down'))
    put(place, p, 'sbc2-chain.pem', 'sbc2.key')
    wait_for('the new certificate by itself', 15,
             lambda: shown(place) == fingerprint(place, 'sbc2.crt'), 0.5)
    # a bad pair: refused, both fingerprints said, the old stays, an alarm until it is mended
    put(place, p, 'sbc-chain.pem', 'sbc2.key')
    said = reload(p, 1)
    check('does not belong' in said and 'refused' in said, f'reload said: {said}')
    for name in ('sbc.crt', 'sbc2.crt'):
        check(colons(fingerprint(place, name)) in said, f'no fingerprint of {name} in: {said}')
    equal(shown(place), fingerprint(place, 'sbc2.crt'), 'certificate after a bad pair')
    equal(len(alarms(p, 'reload-refused')), 1, 'alarms about the bad pair')
    put(place, p, 'sbcold-chain.pem', 'sbcold.key')
    check('has expired' in reload(p, 1), 'an expired certificate must not replace a good one')
    put(place, p, 'sbc-chain.pem', 'sbc.key')
    said = reload(p)
    check(colons(fingerprint(place, 'sbc.crt')) in said, f'reload said: {said}')
    equal(alarms(p), [], 'alarms after it was mended')
    equal(shown(place), fingerprint(place, 'sbc.crt'), 'certificate after it was mended')
    before = len(end.heard)
    time.sleep(1)
    check(len(end.heard) > before + 40, 'the running call lost its media')
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    cdr = [c for c in p.wait_cdrs(1) if c['sip_status'] == 200]
    equal([c['leg_lost'] for c in cdr if 'leg_lost' in c], [], 'legs lost')
    equal(cdr[0]['a']['media']['in_lost'], 0, 'packets lost')
    mine = [x for x in p.events('conn.down')[downs:] if 'why=closed by us' in x['msg']]
    equal(mine, [], 'connections that postern closed')


play_renewed_in_mid_call.limit = 90


def make_list(place, path, *revoked):
    """A revocation list of the test authority that names these certificates."""
    ca, rows = place.ca, ''
    for name in revoked:
        serial = run(['openssl', 'x509', '-in', ca.path(name + '.crt'), '-noout', '-serial'])
        rows += f'R\t401231235959Z\t260101000000Z\t{serial.strip().split("=")[1]}\tunknown\t/CN=x\n'
    for name, text in (('index.txt', rows), ('number', '01\n'), ('list.cnf', LIST_CNF)):
        with open(ca.path(name), 'w', encoding='ascii') as f:
            f.write(text)
    ca.openssl('ca', '-gencrl', '-config', 'list.cnf', '-keyfile', 'inter.key', '-cert',
               'inter.crt', '-out', path + '.new')
    os.replace(path + '.new', path)


LIST_CNF = '''[ca]
default_ca = x
[x]
database = index.txt
crlnumber = number
default_md = sha256
default_crl_days = 7
'''
LISTED = OWN.replace('trust: [{ca}/trust.pem]', 'trust: [{ca}/trust.pem]\n    crls: [{dir}/x.crl]')


def play_revoked_in_mid_call(place):
    """A10: a new list names the certificate of a live connection: no new call on it within a second,
    the running one goes on, new handshakes are refused; a list that names nobody lifts it."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    make_pairs(place)
    p = Postern(place, conf=LISTED)
    put(place, p, 'sbc-chain.pem', 'sbc.key')
    make_list(place, p.dir + '/x.crl')
    p.start()
    end, gw, pbx = call(place, p)
    make_list(place, p.dir + '/x.crl', 'pbx')
    check('revocation list 1 changed' in reload(p), 'reload says nothing of the list')
    wait_for('one connection told from the list', 2, lambda: len(p.events('conn.revoked')) == 1)
    pbx.tell('dial', f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_CLOSED')
    check('403' in str(pbx.seen('CALL_CLOSED')[0]), f'wanted 403: {pbx.seen("CALL_CLOSED")}')
    equal(hostile.by_openssl(place.ca, ADDRESS, 'pbx'), 44, 'alert of a new handshake')
    before = len(end.heard)
    time.sleep(1)
    check(len(end.heard) > before + 40, 'the running call lost its media')
    make_list(place, p.dir + '/x.crl')
    wait_for('the list by itself', 15,
             lambda: hostile.by_openssl(place.ca, ADDRESS, 'pbx') == 0, 0.5)
    with open(p.dir + '/x.crl', 'w', encoding='ascii') as f:
        f.write('no list\n')
    check('not a revocation list' in reload(p, 1), 'a broken list must be refused')
    pbx.hangup()
    gw.wait(10)
    pbx.quit()
    equal([c['sip_status'] for c in p.wait_cdrs(1)], [200], 'the running call ended as a good one')


play_revoked_in_mid_call.limit = 60


def apply(p, name, text):
    """The accounts as this text says, in use by signaling."""
    before = len(p.events('accounts.swap'))
    p.write(name, text)
    p.command('apply', '-c', p.conf, p.dir + '/' + name)
    wait_for('the new accounts', 5, lambda: len(p.events('accounts.swap')) > before)


def play_off_and_on_in_mid_call(place):
    """An account switched off in the middle of a call, and on again: on the same connection."""
    p = own_node(place)
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, calls=2,
                     keys={'rtp_port': 40000})
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    with open(p.accounts, encoding='utf-8') as f:
        on = f.read()
    apply(p, 'off.yaml', on.replace('name: Acme Test\n', 'name: Acme Test\n    enabled: no\n'))
    pbx.tell('dial', f'sip:{PSTN}@{POSTERN}:5061')
    wait_for('the refusal', 5, lambda: [x for x in p.events('sip.bad')
                                        if 'answer=403' in x['msg']])
    apply(p, 'on.yaml', on)
    before = len(end.heard)
    pbx.tell('dial', f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED', count=2)
    wait_for('media of both', 5, lambda: len(end.heard) > before + 50)
    equal(len(p.events('tls.accepted')), 1, 'connections')
    for _ in range(2):
        pbx.hangup()
        time.sleep(0.3)
    gw.wait(10)
    pbx.quit()
    equal([c['sip_status'] for c in p.wait_cdrs(2) if c['sip_status'] != 200], [], 'calls')


def play_policy(place):
    """Profile, numbers, timers change; sockets do not; a killed signaling has the newest."""
    p = own_node(place)
    with open(p.conf, encoding='utf-8') as f:
        text = f.read()
    equal(hostile.by_python(place.ca, ADDRESS, 'pbx')[1], 'TLSv1.2', 'version before')
    p.write('postern.yaml', text.replace('profile: carrier', 'profile: modern') +
            'timers: {t1: 400ms}\n')
    p.proc.signal(signal.SIGHUP)
    modern = {'version': ssl.TLSVersion.TLSv1_3, 'ciphers': 'ECDHE+AESGCM'}

    def is_modern():
        try:
            return shown(place, **modern)
        except (OSError, ssl.SSLError):
            return False
    wait_for('profile modern after SIGHUP', 10, is_modern, 0.2)
    p.write('postern.yaml', text.replace('profile: carrier', 'profile: modern')
            .replace('127.0.0.8:5060', '127.0.0.8:5062').replace('level: debug', 'level: info'))
    said = reload(p)
    check('listeners: differs, which needs a restart' in said and 'log: level' in said,
          f'reload said: {said}')
    equal([a['severity'] for a in alarms(p, 'needs-restart')], ['notice'], 'alarm')
    p.write('postern.yaml', text.replace('profile: carrier', 'profile: moderm'))
    said = reload(p, 1)
    check('write carrier, modern, or the name of one of tls_profiles' in said, f'reload said: {said}')
    p.kill('signaling')
    wait_for('profile modern after kill -9', 10, is_modern, 0.2)
    p.write('postern.yaml', text)
    reload(p)
    equal(alarms(p), [], 'alarms at the end')
    equal(hostile.by_python(place.ca, ADDRESS, 'pbx')[1], 'TLSv1.2', 'version at the end')


def play_many(place):
    """R29: reloads while calls are made and run: no set-up fails, no packet is lost, nothing leaks.
    Short: 20 reloads; full: 1,000."""
    n, calls, rate, hold, media = (1000, 9000, 50, 4000, 20) if place.full else (20, 40, 10, 4000, 5)
    p = own_node(place, ports='30000-33999')
    for i in range(3):
        put(place, p, *[('sbc2-chain.pem', 'sbc2.key'), ('sbc-chain.pem', 'sbc.key')][i % 2])
        reload(p)
    base = p.resources()
    t = Traffic(place, calls, rate, hold, media, seconds=calls // rate + 120)
    t.wait_up()
    began, done = time.monotonic(), 0
    while done < n and time.monotonic() - began < calls / rate - 0.5:   # calls begin all the while
        put(place, p, *[('sbc2-chain.pem', 'sbc2.key'), ('sbc-chain.pem', 'sbc.key')][done % 2])
        reload(p)
        done += 1
    check(done == n or not place.full and done >= 5, f'{done} reloads while calls began')
    equal(shown(place), fingerprint(place, 'sbc2.crt' if done % 2 else 'sbc.crt'), 'the last one')
    t.wait(calls // rate + 120)
    t.judge(least_packets=(hold // 1000 - 2) * 50 - 10)
    p.wait_cdrs(calls, 15)
    equal([c['sip_status'] for c in p.cdrs() if c['sip_status'] != 200], [], 'failed set-ups')
    p.wait_idle(15)
    for role, was in base.items():
        equal(p.resources()[role]['fds'], was['fds'], f'descriptors of {role} afterwards')
    print(f'# {done} reloads; resident KiB before '
          f'{[b["rss"] for b in base.values()]}, after '
          f'{[b["rss"] for b in p.resources().values()]}')


play_many.limit = 600
