"""Ten thousand handshakes, half of them bad in several ways, while calls run: no call is harmed, the
counters are exact, and memory is back at its base (criterion 5; A1 D2)."""
import collections
import socket
import ssl
import threading
import time

from lib import agents
from lib.load import Traffic
from lib.place import PBX, POSTERN
from lib.postern import Postern
from lib.proc import check, equal, sanitized, wait_for

ALONE = True
WORKERS = 2


def context(ca, cert=None, ciphers='AES128-SHA:@SECLEVEL=1', version=ssl.TLSVersion.TLSv1_2):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.load_verify_locations(ca.path('trust.pem'))
    ctx.minimum_version = ctx.maximum_version = version
    ctx.set_ciphers(ciphers)
    if cert:
        ctx.load_cert_chain(ca.path(cert + '-chain.pem'), ca.path(cert + '.key'))
    return ctx


def kinds(ca):
    """(name, what one connection does, word of the record); the first is good, the others bad."""
    def shake(*how, **more):
        ctx = context(ca, *how, **more)

        def go(s):
            with ctx.wrap_socket(s, server_hostname='sbc.example.test') as t:
                t.version()
        return go

    def plain(s):
        s.sendall(b'OPTIONS sip:x SIP/2.0\r\n\r\n')
        s.recv(100)

    def cut(s):
        s.sendall(b'\x16\x03\x01\x00\xa0\x01\x00\x00\x9c\x03\x03')

    return [('good', shake('pbx'), 'ok'),
            ('no certificate', shake(), 'no-certificate'),
            ('unknown authority', shake('stranger'), 'unknown-authority'),
            ('expired', shake('expired'), 'expired'),
            ('self-signed', shake('selfsigned'), 'self-signed'),
            ('no account', shake('wildother'), 'no-account'),
            ('ECDHE only', shake('pbx', ciphers='ECDHE+AESGCM'), 'cipher'),
            ('TLS 1.3 only', shake('pbx', version=ssl.TLSVersion.TLSv1_3), 'version'),
            ('plain SIP', plain, 'not-tls'),
            ('cut in the middle', cut, 'peer-gone')]


def work(mine, failed):
    for n, (name, go, word) in enumerate(mine):
        try:
            # many sources, as life has them
            with socket.create_connection((POSTERN, 5061), 10,
                                          source_address=(f'127.0.3.{n % 200 + 1}', 0)) as s:
                s.settimeout(10)
                go(s)
            if word not in ('ok', 'not-tls', 'peer-gone'):
                failed.append(f'{name}: accepted')
        except (ssl.SSLError, OSError) as e:
            if word == 'ok':
                failed.append(f'{name}: {e}')


def hammer(place, total):
    """total handshakes, half of them good; what should have been good and was not, or the reverse."""
    all_kinds = kinds(place.ca)
    bad = all_kinds[1:]
    plan = [all_kinds[0] if n % 2 else bad[n // 2 % len(bad)] for n in range(total)]
    failed = []
    part = total // WORKERS
    threads = [threading.Thread(target=work, args=(plan[i * part:(i + 1) * part], failed))
               for i in range(WORKERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not failed, f'{len(failed)} of {total}: {failed[:5]}')
    return collections.Counter(word for _, _, word in plan)


def play_half_bad(place):
    total, calls, hold = (300, 10, 9000) if not place.full else (10000, 50, 150000)
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place).start()
    hammer(place, 3000 if place.full else 100)  # pools are filled on first use and stay
    wait_for('no connection', 10, lambda: p.stat('tls_in_hand') == 0, 0.2)
    base, before = p.resources(), counts(p)
    t = Traffic(place, calls, calls, hold, calls, seconds=400)
    t.wait_up()
    up = counts(p)
    words = hammer(place, total)
    good = words.pop('ok')
    equal(p.stat('calls'), calls, 'calls that run through all of it')
    # each handshake is one accepted or one refused, to the last
    wait_for('all counted', 10, lambda: counts(p)[1] - up[1] == sum(words.values()), 0.2)
    equal(counts(p)[0] - up[0], good, 'accepted')
    check(up[0] >= before[0] + 1, 'the calls came over TLS')
    t.wait(400)
    t.judge(least_packets=(hold // 1000 - 2) * 50 - 25)
    p.wait_cdrs(calls, 30)
    p.wait_idle(15)
    wait_for('descriptors', 10, lambda: all(now['fds'] <= base[role]['fds'] + 1
                                            for role, now in p.resources().items()), 0.5)
    if sanitized(place):
        return
    for role, now in p.resources().items():
        grown = now['rss'] - base[role]['rss']
        check(grown < 8192, f'memory of {role}: {base[role]["rss"]} KiB before, {grown} more after')


play_half_bad.limit = 700


def counts(p):
    return p.stat('tls_accepted'), p.stat('tls_refused')
