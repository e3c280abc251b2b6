"""Clients that the listener must refuse inside the handshake: each gets its alert, and one line of
the log names the reason. A good client before and after gets in."""
import re
import ssl

from lib import agents, hostile
from lib.place import PBX, POSTERN
from lib.postern import Postern
from lib.proc import Failed, check, equal, wait_for

AT = f'{POSTERN}:5061'


def by_python(**how):
    return lambda ca: hostile.by_python(ca, AT, **how)[0]


def raw_ec(ca):
    alert, asked = hostile.uninvited(ca, AT, 'ec-chain.pem')
    equal(asked, [1], 'certificate types that we ask for (1 is rsa_sign)')
    return alert


# what, how, the alert the client sees, what the line of the log must say
REFUSED = [
    ('no certificate', by_python(cert=None), 40, r'no certificate'),
    ('self-signed', by_python(cert='selfsigned'), 48, r'self-signed|signed by itself'),
    ('unknown authority', by_python(cert='stranger'), 48, r'authorit'),
    ('expired', by_python(cert='expired'), 45, r'expired'),
    ('EC certificate all the same', raw_ec, 43, r'RSA'),
    ('EC certificate withheld', by_python(cert='ec'), 40,
     r'no certificate shown; we ask for RSA'),
    ('wildcard of another domain', by_python(cert='wildother'), 42, r'elsewhere\.test'),
    ('wildcard over two labels', by_python(cert='wildtwo'), 42, r'firm\.test'),
    ('TLS 1.1', by_python(cert='pbx', version=ssl.TLSVersion.TLSv1_1,
                          ciphers='ALL:@SECLEVEL=0'), 70, r'TLS ?v?1\.1|version'),
    ('TLS 1.3 only', by_python(cert='pbx', version=ssl.TLSVersion.TLSv1_3), 70,
     r'TLS ?v?1\.3|version'),
    ('ECDHE only', by_python(cert='pbx', ciphers='ECDHE+AESGCM'), 40, r'suite|cipher'),
]


def refusal_lines(p):
    """Lines about refused handshakes; accepted ones are tls.accepted."""
    return p.events(r'^tls\.refused$')


def play_each_refusal(place):
    p = Postern(place).start()
    good = hostile.by_python(place.ca, AT, 'pbx')
    equal(good, (0, 'TLSv1.2', 'AES128-SHA'), 'a good client')
    bad = []
    for what, how, alert, words in REFUSED:
        before = len(refusal_lines(p))
        try:
            got = how(place.ca)
            if got != alert:
                bad.append(f'{what}: alert {got} {hostile.ALERTS.get(got)}, wanted {alert} '
                           f'{hostile.ALERTS[alert]}')
            wait_for(f'{what}: a line in the log', 3, lambda b=before: len(refusal_lines(p)) > b)
        except Failed as e:
            bad.append(f'{what}: {e}')
            continue
        new = refusal_lines(p)[before:]
        if len(new) != 1:
            bad.append(f'{what}: {len(new)} lines in the log: {[x["msg"] for x in new]}')
        elif not re.search(words, new[0]['msg'], re.I):
            bad.append(f'{what}: the line does not name the reason: {new[0]["msg"]}')
    equal(hostile.by_python(place.ca, AT, 'pbx')[0], 0, 'a good client at the end')
    check(not bad, '\n'.join(bad))


play_each_refusal.limit = 90


def play_openssl_sees_the_same(place):
    """Another TLS program: `openssl s_client` gets the same alerts, a good one gets in."""
    p = Postern(place).start()
    rsa = ('-tls1_2', '-cipher', 'AES128-SHA:@SECLEVEL=1')
    equal(hostile.by_openssl(place.ca, AT, 'pbx', rsa), 0, 'a good client')
    equal(hostile.by_openssl(place.ca, AT, None, rsa), 40, 'no certificate')
    equal(hostile.by_openssl(place.ca, AT, 'stranger', rsa), 48, 'unknown authority')
    equal(hostile.by_openssl(place.ca, AT, 'expired', rsa), 45, 'expired')
    equal(hostile.by_openssl(place.ca, AT, 'pbx', ('-tls1_3',)), 70, 'TLS 1.3 only')
    equal(hostile.by_openssl(place.ca, AT, 'pbx', ('-tls1_2', '-cipher', 'ECDHE-RSA-AES128-SHA')),
          40, 'ECDHE only')
    check(p.proc.alive(), 'postern ended')


def play_suites_exactly(place):
    """Each of the three suites alone gets in, AES128-SHA wins where all are offered, others not."""
    Postern(place).start()
    for suite in agents.CARRIER_SUITES.split(':'):
        got = hostile.by_python(place.ca, AT, 'pbx', suite + ':@SECLEVEL=1')
        equal(got, (0, 'TLSv1.2', suite), f'{suite} alone')
    got = hostile.by_python(place.ca, AT, 'pbx',
                            'AES256-SHA256:AES128-SHA256:AES128-SHA:@SECLEVEL=1')
    equal(got[2], 'AES128-SHA', 'our order decides')
    for suite in ('AES256-SHA', 'AES128-GCM-SHA256', 'AES256-GCM-SHA384',
                  'ECDHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-AES128-SHA'):
        equal(hostile.by_python(place.ca, AT, 'pbx', suite + ':@SECLEVEL=1')[0], 40, suite)


def play_right_certificate_no_crypto_in_clear(place):
    """A call whose offer has no a=crypto is refused on a trunk that requires SRTP (M9)."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, '+15557770001', cert='pbx', media='')
    pbx.dial(f'sip:+15551234567@{AT}')
    pbx.wait_event('CALL_CLOSED')
    check('488' in str(pbx.seen('CALL_CLOSED')), f'wanted 488, got {pbx.seen("CALL_CLOSED")}')
    pbx.quit()
    p.wait_cdrs(1)
