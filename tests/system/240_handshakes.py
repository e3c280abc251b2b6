"""Every connection leaves a record: `postern handshakes`, `explain` and `tls-report` find it and say
why, also after kill -9 of admin and of signaling, and after a flood."""
import json
import os
import socket
import ssl
import time

from lib import agents, hostile
from lib.pbx import Pbx
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import Gateway, offer, token

AT = f'{POSTERN}:5061'


def by_python(**how):
    return lambda ca: hostile.by_python(ca, AT, **how)


def http(ca):
    raw(b'GET / HTTP/1.1\r\nHost: x\x1b[31m\r\n\r\n')


def silence(ca):
    raw(b'', wait=8)


def raw(data, wait=3, source='127.0.0.1'):
    with socket.create_connection((POSTERN, 5061), 3, source_address=(source, 0)) as s:
        s.settimeout(wait)
        s.sendall(data)
        try:
            s.recv(100)
        except OSError:
            pass


# what, how, word of the record, words of explain, words of what to do
KINDS = [
    ('accepted', by_python(cert='pbx'), 'ok', 'It is account acme with trunk acme-pbx', None),
    ('wrong name', by_python(cert='wildother'), 'no-account', 'elsewhere.test', 'postern trunks'),
    ('expired', by_python(cert='expired'), 'expired', 'expired', 'renew the certificate'),
    ('TLS 1.0 only', by_python(cert='pbx', version=ssl.TLSVersion.TLSv1,
                               ciphers='ALL:@SECLEVEL=0'), 'version', 'TLS 1.0',
     'enable TLS 1.2 in the PBX'),
    ('plain HTTP', http, 'not-tls', 'TLS', 'set the transport'),
    ('silence', silence, 'timeout', 'No certificate was seen', 'firewall'),
]


def records(p, *words):
    return json.loads(p.command('handshakes', '-c', p.conf, '--json', *words))['list']


def explain(p, what):
    return json.loads(p.command('explain', '-c', p.conf, '--json', what))


def count_all(p):
    """Handshakes by the records: kept ones and those that were only counted with them."""
    return sum(1 + r.get('more', 0) for r in records(p, '--limit', '10000')
               if r['kind'] == 'handshake')


def counts(p):
    return p.stats()['handshakes']


def judge_kinds(p, ids):
    for what, _, word, words, advice in KINDS:
        e = explain(p, ids[what])
        facts = e['facts']
        equal((facts['id'], facts['word']), (ids[what], word), what)
        check(words in e['text'], f'{what}: explain says {e["text"]}')
        check((advice or '') in e.get('advice', ''), f'{what}: what to do: {e.get("advice")}')
        text = p.command('explain', '-c', p.conf, ids[what])
        check(e['text'] in text and '\x1b' not in text, f'{what}: {text}')


def play_kinds_and_two_deaths(place):
    p = Postern(place).start()
    ids = {}
    for what, how, word, _, _ in KINDS:
        try:
            how(place.ca)
        except (ssl.SSLError, OSError):
            pass
        found = wait_for(f'{what}: its record', 10, lambda w=word: [
            r for r in records(p) if r['word'] == w and r['kind'] == 'handshake'], 0.1)
        ids[what] = found[0]['id']
    good = explain(p, ids['accepted'])['facts']
    equal((good['version'], good['suite'], good['sni'], good['zone'], good['account']),
          ('TLS 1.2', 'AES128-SHA', 'sbc.example.test', 'sbc.example.test', 'acme'), 'accepted')
    equal([len(good['chain']) >= 2, len(good['chain'][0]['fingerprint'])], [True, 64], 'chain')
    check('TLS 1.2' in good['versions'] and 'AES128-SHA' in good['suites'] and good['sigalgs'],
          f'offered: {good}')
    old = explain(p, ids['TLS 1.0 only'])['facts']
    equal((old['versions'], old['alert_sent']), (['TLS 1.0'], 70), 'TLS 1.0: offered, alert')
    judge_kinds(p, ids)
    equal(len(records(p, '--refused')), 5, 'refused ones')
    equal(len(records(p, '--account', 'acme', '--since', '5m')) >= 1, True, 'of acme')
    equal(records(p, '--peer', '127.0.0.99'), [], 'of another address')
    equal(explain(p, POSTERN)['facts']['word'], 'timeout', 'the last refusal of an address')
    equal(explain(p, 'acme')['facts']['id'], ids['expired'], 'the last refusal of an account')
    equal(explain(p, 'pbx.example.test')['facts']['id'], ids['expired'], '.. of a host')
    c = counts(p)['incoming']
    equal((c['accepted'], c['refused'], c['why']),
          (1, 5, {'no-account': 1, 'expired': 1, 'version': 1, 'not-tls': 1, 'timeout': 1}),
          'figures by reason')
    for role in ('admin', 'signaling'):
        p.kill(role)
        wait_for('all serve again', 15, p.serves)
        judge_kinds(p, ids)
        before = counts(p)['incoming']['accepted']
        hostile.by_python(place.ca, AT, 'pbx')  # it is done before signaling has its result
        wait_for('one more', 5, lambda b=before: counts(p)['incoming']['accepted'] == b + 1, 0.05)
    equal((count_all(p), counts(p)['incoming']['accepted']), (8, 3), 'records, accepted ones')
    check(all(' account=acme trunks=acme-pbx accept ' in e['msg']
              for e in p.events('tls.accepted')), p.events('tls.accepted'))
    report = json.loads(p.command('tls-report', '-c', p.conf, '--json'))
    acme = [r for r in report['list'] if r['account'] == 'acme']
    equal([(r['chosen'], r['n'], r['rfc10015'], r['fate']) for r in acme],
          [('TLS 1.2 AES128-SHA', 3, True, 'breaks')], 'tls-report')
    report = json.loads(p.command('tls-report', '-c', p.conf, '--json', '--without', '1.0'))
    equal(report['n']['same'], len(report['list']), 'without TLS 1.0')
    said = p.command('tls-report', '-c', p.conf)
    check('breaks' in said and said.startswith('Who would break without RSA key exchange? ('), said)
    said = p.command('tls-report', '-c', p.conf, '--without', '1.0', '--without', 'eku', '--without', '0x002f')
    check(said.startswith('Who would break without TLS 1.0, 0x002f AES128-SHA, '
                          'certificates that are for servers only? ('), said)
    check(ids['expired'] in p.command('handshakes', '-c', p.conf), 'handshakes for people')


def call_in(gw):
    """A call of the gateway to the customer's number; its Call-ID."""
    call = token(8)
    body = offer(gw.media, 'RTP/AVP', (), GATEWAY)
    gw.send((f'INVITE sip:{NUMBER}@{CARRIER_SIDE} SIP/2.0\r\n'
             f'Via: SIP/2.0/UDP {GATEWAY}:5080;branch=z9hG4bK{call}\r\n'
             f'From: <sip:+15551234567@{GATEWAY}>;tag={call}\r\nTo: <sip:{NUMBER}@{CARRIER_SIDE}>\r\n'
             f'Call-ID: {call}\r\nCSeq: 1 INVITE\r\nContact: <sip:gw@{GATEWAY}:5080>\r\n'
             f'Max-Forwards: 70\r\nContent-Type: application/sdp\r\n'
             f'Content-Length: {len(body)}\r\n\r\n{body}').encode(), (CARRIER_SIDE, 5060))
    return call


def play_unreachable_call(place):
    """Which failed handshake belongs to a call that did not reach its PBX: a certificate of another
    name, and nobody there."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place).start()
    gw = place.keep(Gateway())
    pbx = place.keep(Pbx(place, 5061, cert='wildother'))
    call_in(gw)
    cdr = p.wait_cdrs(1, 30)[0]
    e = explain(p, cdr['id'])
    check(e['kind'] == 'call' and 'elsewhere.test' in e['text'], f'explain: {e["text"]}')
    shakes = e['reached']['list']
    equal({(r['word'], r['outgoing'], r['account'], r['sni'], r['trunks'][0]) for r in shakes},
          {('name-mismatch', True, 'acme', 'pbx.example.test', 'acme-pbx')}, 'its handshakes')
    equal(explain(p, shakes[0]['id'])['facts']['id'], shakes[0]['id'], 'explain of the handshake')
    check('install the right one' in explain(p, shakes[0]['id'])['advice'], 'what to do')
    pbx.stop()
    time.sleep(1)
    call_in(gw)
    cdr = p.wait_cdrs(2, 30)[1]
    e = explain(p, cdr['id'])
    check('could not be reached' in e['text'], f'explain: {e["text"]}')
    check(counts(p)['outgoing']['refused'] >= 1, 'outgoing refusals are counted')


def play_flood(place):
    """A flood of refused connections is counted, and pushes nothing out."""
    n = 5000 if place.full else 500
    p = Postern(place).start()
    hostile.by_python(place.ca, AT, 'pbx')
    try:
        hostile.by_python(place.ca, AT, 'expired')
    except ssl.SSLError:
        pass
    before = wait_for('two records', 5, lambda: len(r := records(p)) == 2 and r, 0.1)
    for _ in range(n):
        raw(b'GET / HTTP/1.0\r\n\r\n', source='127.0.0.66')
    wait_for('all counted', 10, lambda: counts(p)['incoming']['refused'] == n + 1, 0.2)
    wait_for('all told', 10, lambda: count_all(p) == n + 2, 0.2)
    flood = [r for r in records(p, '--limit', '10000', '--peer', '127.0.0.66')]
    # for what they are, and for how many they are
    check(len(flood) <= 2 * (100 + n // 100 + 1), f'{len(flood)} of the flood are kept in full')
    for r in before:
        equal(explain(p, r['id'])['facts']['id'], r['id'], 'a record of before')
    check('more like it' in explain(p, '127.0.0.66')['text'], 'explain tells how many')
    equal(counts(p)['counted_only'], n - len(flood), 'counted and not kept')
    size = sum(os.path.getsize(os.path.join(p.dir, f)) for f in os.listdir(p.dir)
               if f.startswith('store.db.handshakes'))
    check(size < 3 << 20, f'the store takes {size} bytes')
