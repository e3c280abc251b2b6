"""`postern ready`: equipment that is wrong in one way each; the report names that cause and exits
with 1. Good equipment passes."""
import json
import time

from lib import agents
from lib.pbx import Pbx, V
from lib.place import PBX, STRANGER
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal

NAMES = {'pbx.example.test': PBX, 'pbx.branch.firm.test': PBX, 'moved.example.test': STRANGER,
         'other.example.test': PBX}
MODERN = 'ECDHE+AESGCM'
MOVED = '''  - id: moved
    name: Moved Test
    services: [origination]
    tls_srtp: on
    override: a test
    trunks:
      - id: moved-pbx
        fqdn: moved.example.test
        sources: [127.0.0.2]
        numbers: ["+15557770003"]
carriers:
'''

# what is wrong, the cause, words of its line, how the PBX is made, how it is asked for
WRONG = [
    ('no intermediate', 'cert.chain', 'intermediate certificate is missing', {'leaf': True}, {}),
    ('expired', 'cert.dates', 'expired on', {'cert': 'expired'}, {}),
    ('name of another host', 'cert.name', 'we look for other.example.test', {},
     {'fqdn': 'other.example.test'}),
    ('two-label wildcard', 'cert.name', 'a wildcard covers one label', {'cert': 'wildtwo'},
     {'fqdn': 'pbx.branch.firm.test'}),
    ('EC key', 'cert.key', 'RSA keys only', {'cert': 'ec', 'ciphers': MODERN}, {}),
    ('TLS 1.0 only', 'tls.version', 'TLS 1.0 only',
     {'lo': V.TLSv1, 'hi': V.TLSv1, 'ciphers': 'ALL:@SECLEVEL=0'}, {}),
    ('ECDHE only', 'tls.suite', 'none of ours', {'ciphers': MODERN}, {}),
    ('does not ask for our certificate', 'auth.asked', 'does not ask for our certificate',
     {'ask': None}, {}),
    ('refuses our authority', 'auth.accepted', 'unknown_ca', {'ask': 'otherroot.crt'}, {}),
    ('silent after TLS', 'sip.options', 'silent after TLS', {'silent': True}, {}),
    ('Contact without transport=tls', 'sip.contact', 'without transport=tls', {'say': ''}, {}),
]


def ready(p, fqdn='pbx.example.test', *words):
    """(exit status, report)"""
    rc, out = p.command('ready', '-c', p.conf, '--json', *words, fqdn, seconds=40, may_fail=True)
    check(rc in (0, 1), f'ready {fqdn}: exit {rc}: {out[-500:]}')
    return rc, json.loads(out)


def table(report):
    return '\n'.join(f'  {x["state"]:8} {x["check"]:14} {x["seen"]}' for x in report['lines'])


def play_each_cause(place):
    agents.dnsmasq(place, NAMES)
    p = Postern(place).start()
    bad = []
    for i, (what, cause, words, how, ask) in enumerate(WRONG):
        port = 5100 + i
        pbx = Pbx(place, port, **how)
        began = time.monotonic()
        rc, report = ready(p, ask.get('fqdn', 'pbx.example.test'), '--port', str(port))
        pbx.stop()
        failed = [x for x in report['lines'] if x['state'] == 'failed']
        print(f'{what}: {time.monotonic() - began:.1f} s')
        if rc != 1 or [x['check'] for x in failed] != [cause] or words not in failed[0]['seen']:
            bad.append(f'{what}: exit {rc}, cause {report["cause"]!r}, wanted {cause!r} and '
                       f'{words!r}\n{table(report)}')
        elif not failed[0]['change']:
            bad.append(f'{what}: nothing is said to be changed')
    check(not bad, '\n'.join(bad))


play_each_cause.limit = 60


def play_good_and_gone(place):
    """A good PBX passes; nothing listens; no such name; an address that is not the account's."""
    agents.dnsmasq(place, NAMES)
    p = Postern(place, accounts=ACCOUNTS.replace('carriers:\n', MOVED)).start()
    Pbx(place, 5061)
    Pbx(place, 5061, cert='stranger', host=STRANGER)
    rc, report = ready(p)
    check(rc == 0 and report['passed'], f'a good PBX:\n{table(report)}')
    equal(report['account'], 'acme', 'the account that has the FQDN')
    rc, text = p.command('ready', '-c', p.conf, 'pbx.example.test', may_fail=True)
    equal(rc, 0, f'the table:\n{text}')
    check('ready: passed' in text, text)
    for fqdn, port, cause in (('pbx.example.test', 5999, 'tcp'), ('none.example.test', 0, 'dns.name'),
                              ('moved.example.test', 0, 'dns.match')):
        rc, report = ready(p, fqdn, '--port', str(port))
        equal((rc, report['cause']), (1, cause), f'{fqdn} {port}\n{table(report)}')


