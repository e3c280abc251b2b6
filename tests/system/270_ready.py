"""`postern ready`: equipment that is wrong in one way each; the report names that cause and exits
with 1. Good equipment passes."""
import json
import os
import socket
import subprocess
import time

from lib import agents
from lib.pbx import Pbx, V
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, PSTN, STRANGER
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import check, equal, wait_for
from lib.ua import Ua, sdp

NAMES = {'pbx.example.test': PBX, 'pbx.branch.firm.test': PBX, 'moved.example.test': STRANGER,
         'other.example.test': PBX, 'nowhere.example.test': '0.0.0.0'}
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
    ('answers with a foreign branch', 'sip.options', 'none is to our OPTIONS', {'foreign': True}, {}),
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


def down(p):
    """The objects of target-down, as far as they are the PBX."""
    return [x['object'] for x in json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']
            if x['id'] == 'target-down' and PBX in x['object']]


def play_good_and_gone(place):
    """A good PBX passes; nothing listens; no such name; an address that is not the account's."""
    agents.dnsmasq(place, NAMES)
    p = Postern(place, accounts=ACCOUNTS.replace('carriers:\n', MOVED)).start()
    gw = Ua(place, 'gateway', 'udp', GATEWAY, 5080, (CARRIER_SIDE, 5060))
    gw.dial(NUMBER, PSTN, sdp(GATEWAY, 40000)).read(480)        # nobody is there yet
    wait_for('its alarm', 5, lambda: down(p))
    Pbx(place, 5061)
    Pbx(place, 5061, cert='stranger', host=STRANGER)
    rc, report = ready(p)
    check(rc == 0 and report['passed'], f'a good PBX:\n{table(report)}')
    equal(report['account'], 'acme', 'the account that has the FQDN')
    wait_for('the end of the alarm', 5, lambda: not down(p))
    rc, text = p.command('ready', '-c', p.conf, 'pbx.example.test', may_fail=True)
    equal(rc, 0, f'the table:\n{text}')
    check('ready: passed' in text, text)
    conf = os.path.join(os.path.dirname(__file__), '..', '..', 'conf', 'profiles')
    for name, causes_wanted in (('bandwidth', []), ('google', []), ('teams', ['profile'])):
        rc, report = ready(p, 'pbx.example.test', '--profile', f'{conf}/{name}.yaml')
        equal(causes(report), causes_wanted, f'profile {name}\n{table(report)}')
    for fqdn, words, cause in (('pbx.example.test', ('--port', '5999'), 'tcp'),
                               ('none.example.test', (), 'dns.name'),
                               ('moved.example.test', (), 'dns.match'),
                               ('nowhere.example.test', (), 'dns.use')):
        rc, report = ready(p, fqdn, *words)
        equal((rc, report['cause']), (1, cause), f'{fqdn} {words}\n{table(report)}')


def play_two_addresses(place):
    """One name, two addresses: both are looked at, and what differs has a line of its own."""
    agents.dnsmasq(place, {'pbx.example.test': [PBX, STRANGER]})
    p = Postern(place).start()
    Pbx(place, 5061)
    Pbx(place, 5061, host=STRANGER)
    rc, report = ready(p)
    each = [x for x in report['lines'] if x['check'] == 'tls.each']
    check(rc == 0 and len(each) == 1 and each[0]['state'] == 'passed' and
          'they are alike' in each[0]['seen'], f'alike: {rc}\n{table(report)}')
    Pbx(place, 5071)
    Pbx(place, 5071, host=STRANGER, cert='expired')
    rc, report = ready(p, 'pbx.example.test', '--port', '5071')
    dates = [x for x in report['lines'] if x['check'] == 'cert.dates']
    equal((rc, causes(report)), (1, ['cert.dates']), f'one is expired\n{table(report)}')
    equal(len(dates), 2, table(report))
    check(any('at 127.0.0.' in x['seen'] and ':5071: ' in x['seen'] for x in dates), f'{dates}')


def causes(report):
    return [x['check'] for x in report['lines'] if x['state'] == 'failed']


def play_postern_as_pbx(place):
    """postern in the PBX's place: everything passes."""
    agents.dnsmasq(place, NAMES)
    p = Postern(place).start()
    conf = BASE.replace('sbc.example.test', 'pbx.example.test').replace('/sbc', '/pbx')
    accounts = ACCOUNTS.replace('fqdn: pbx.example.test', 'fqdn: sbc.example.test')
    Postern(place, 'pbx', conf=conf, accounts=accounts, tls=f'{PBX}:5061', udp='127.0.0.10:5060',
            media_out=PBX, media_in='127.0.0.10').start()
    rc, report = ready(p)
    equal((rc, causes(report)), (0, []), f'postern as a PBX\n{table(report)}')


def play_baresip(place):
    """baresip as a TLS server asks for no certificate: that, and nothing else, is wrong."""
    agents.dnsmasq(place, NAMES)
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, '+15557770001', cert='pbx')
    rc, report = ready(p)
    equal((rc, causes(report)), (1, ['auth.asked']), f'baresip\n{table(report)}')
    pbx.quit()


def play_stunnel_and_openssl(place):
    """The same causes as other TLS programs show them."""
    agents.dnsmasq(place, NAMES)
    p = Postern(place).start()
    ca, bad = place.ca, []

    def s_server(port, cert, chain, *words):
        words = ['openssl', 's_server', '-accept', f'{PBX}:{port}', '-cert', ca.path(cert + '.crt'),
                 '-key', ca.path(cert + '.key'), '-quiet', *words]
        words += ['-cert_chain', ca.path(cert + '-chain.pem')] if chain else []
        run = place.start(f's_server-{port}', words, env={'OPENSSL_CONF': '/dev/null'})
        wait_for('s_server', 5, lambda: agents.listens(run.pid, PBX, port))
        return run

    def stunnel(port, cert, *lines):
        path = f'{place.dir}/stunnel-{port}.conf'
        with open(path, 'w', encoding='ascii') as f:
            f.write('\n'.join(['foreground = yes', 'pid =', 'syslog = no', '[sip]',
                               f'accept = {PBX}:{port}', f'connect = {PBX}:5999',
                               f'cert = {ca.path(cert + "-chain.pem")}',
                               f'key = {ca.path(cert + ".key")}', 'sslVersion = TLSv1.2',
                               f'ciphers = {agents.CARRIER_SUITES}', *lines, '']))
        run = place.start(f'stunnel-{port}', ['stunnel', path])
        wait_for('stunnel', 5, lambda: agents.listens(run.pid, PBX, port))
        return run

    mutual = ('-Verify', '5', '-verify_return_error', '-CAfile', ca.path('trust.pem'))
    rsa = ('-tls1_2', '-cipher', 'AES128-SHA:@SECLEVEL=1')
    verify = ('verifyChain = yes', f'CAfile = {ca.path("trust.pem")}')
    cases = [
        ('no intermediate', 'cert.chain', s_server, ('pbx', False, *rsa, *mutual)),
        ('expired', 'cert.dates', s_server, ('expired', True, *rsa, *mutual)),
        ('another host', 'cert.name', s_server, ('sbc', True, *rsa, *mutual)),
        ('EC key', 'cert.key', s_server, ('ec', True, '-tls1_2', *mutual)),
        ('ECDHE only', 'tls.suite', s_server,
         ('pbx', True, '-tls1_2', '-cipher', 'ECDHE+AESGCM', *mutual)),
        ('unknown authority', 'cert.authority', s_server, ('stranger', True, *rsa, *mutual)),
        ('does not ask', 'auth.asked', stunnel, ('pbx',)),
        ('refuses ours', 'auth.accepted', stunnel,
         ('pbx', 'verifyChain = yes', f'CAfile = {ca.path("otherroot.crt")}')),
        ('nothing behind it', 'sip.options', stunnel, ('pbx', *verify)),
    ]
    for i, (what, cause, make, words) in enumerate(cases):
        program = make(5200 + i, *words)
        rc, report = ready(p, 'pbx.example.test', '--port', str(5200 + i))
        program.stop()
        if rc != 1 or report['cause'] != cause:
            bad.append(f'{what}: exit {rc}, cause {report["cause"]!r}, wanted {cause!r}\n'
                       f'{table(report)}')
    check(not bad, '\n'.join(bad))


play_stunnel_and_openssl.limit = 60


def play_cut_short(place):
    """A check in hand does not hold up the end of postern; one that is lost says so; a second one
    waits its turn; a wrong question is no check."""
    agents.dnsmasq(place, NAMES)
    p = Postern(place).start()
    hole = socket.create_server((PBX, 5061), backlog=16)        # takes connections, says nothing

    def begin():
        n = len(p.events(r'^ready\.begin$'))
        run = subprocess.Popen([place.binary(), 'ready', '-c', p.conf, 'pbx.example.test'],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_for('the check begins', 5, lambda: len(p.events(r'^ready\.begin$')) > n)
        return run

    for words, said in ((('127.0.0.2',), 'no address'), (('--zone', 'x.test', 'a.test'), 'no zone'),
                        (('--call', 'a b', 'a.test'), 'call is'), (('--port', '70000', 'a.test'), '1 to 65535'),
                        (('--profile', 'nobody', 'a.test'), 'nobody')):
        rc, out = p.command('ready', '-c', p.conf, *words, may_fail=True)
        check(rc == 2 and said in out, f'{words}: exit {rc}: {out}')
    run = begin()
    rc, out = p.command('ready', '-c', p.conf, 'pbx.example.test', may_fail=True)
    check(rc == 2 and 'a check of pbx.example.test runs' in out, f'a second one: exit {rc}: {out}')
    p.kill('signaling')
    out = run.communicate(timeout=10)[0].decode()
    check(run.returncode == 2 and 'restarted' in out, f'lost: exit {run.returncode}: {out}')
    wait_for('postern serves again', 10, p.serves)
    run = begin()
    began = time.monotonic()
    equal(p.stop(), 0, 'exit status of postern')
    check(time.monotonic() - began < 4, f'the end took {time.monotonic() - began:.1f} s')
    run.communicate(timeout=20)
    equal(run.returncode, 2, 'exit status of the check')
    hole.close()
