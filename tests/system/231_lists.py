"""Revocation lists that admin fetches from where the customer's certificate says, an OCSP staple for
our own certificate, and alarms before certificates run out. The web server is Python's, the OCSP
responder openssl's."""
import http.server
import importlib
import os
import re
import threading

from lib import agents, hostile
from lib.place import PBX, POSTERN, PSTN, STRANGER
from lib.postern import Postern
from lib.proc import check, equal, run, wait_for

GUARDS = ['A10']
reload = importlib.import_module('230_reload')
ADDRESS = f'{POSTERN}:5061'
LISTS, OCSP = 8080, 8081
CONF = reload.OWN + f'crl: {{{{hosts: ["{STRANGER}"]}}}}\n'


class Web:
    """Gives inter.crl of a folder; counts who asks."""

    def __init__(self, folder):
        self.asked = 0
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked += 1
                with open(folder + '/inter.crl', 'rb') as f:
                    data = f.read()
                self.send_response(200)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer((STRANGER, LISTS), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self, *_):
        self.server.shutdown()
        self.server.server_close()


def make_certificates(place):
    """A zone's and a customer's certificate that say where lists and OCSP are; they run out soon."""
    reload.make_pairs(place)
    ca = place.ca
    with open(ca.path('ext.cnf'), 'a', encoding='ascii') as f:
        f.write('[listed]\nbasicConstraints=critical,CA:FALSE\n'
                'keyUsage=critical,digitalSignature,keyEncipherment\n'
                'subjectAltName=${ENV::SAN}\nsubjectKeyIdentifier=hash\n'
                'authorityKeyIdentifier=keyid\n'
                f'crlDistributionPoints=URI:http://{STRANGER}:{LISTS}/inter.crl\n'
                f'authorityInfoAccess=OCSP;URI:http://{STRANGER}:{OCSP}\n')
    for name, cn, days in (('zone', 'sbc.example.test', 12), ('customer', 'pbx.example.test', 5)):
        ca.make_key(name)
        ca.request(name, cn)
        ca.sign(name, 'listed', 'inter', days, f'DNS:{cn}')
        ca.join(name + '-chain.pem', name + '.crt', 'inter.crt')
        ca.join(name + '-all.pem', name + '.key', name + '.crt', 'inter.crt')


def make_list(place, seconds, *revoked):
    """Revocation list and responder's index that name these; in DER, as authorities give it."""
    ca, rows = place.ca, ''
    for name in ('zone', 'customer'):
        serial = run(['openssl', 'x509', '-in', ca.path(name + '.crt'), '-noout', '-serial'])
        state = 'R\t401231235959Z\t260101000000Z' if name in revoked else 'V\t401231235959Z\t'
        rows += f'{state}\t{serial.strip().split("=")[1]}\tunknown\t/CN={name}\n'
    for name, text in (('index.txt', rows), ('number', '01\n'), ('list.cnf', reload.LIST_CNF)):
        with open(ca.path(name), 'w', encoding='ascii') as f:
            f.write(text)
    ca.openssl('ca', '-gencrl', '-config', 'list.cnf', '-keyfile', 'inter.key', '-cert',
               'inter.crt', '-crlsec', str(seconds), '-out', 'inter.pem')
    ca.openssl('crl', '-in', 'inter.pem', '-outform', 'DER', '-out', 'inter.new')
    os.replace(ca.path('inter.new'), ca.path('inter.crl'))


def stapled(place):
    """What an OpenSSL client is told about our certificate."""
    _, out = run(['openssl', 's_client', '-connect', ADDRESS, '-servername', 'sbc.example.test',
                  '-status', '-tls1_2', '-cert', place.ca.path('pbx.crt'), '-key',
                  place.ca.path('pbx.key'), '-cert_chain', place.ca.path('pbx-chain.pem')], 10, env={'OPENSSL_CONF': '/dev/null'}, may_fail=True)
    m = re.search(r'Cert Status: (\w+)', out)
    return m.group(1) if m else None


def play_fetched(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    make_certificates(place)
    make_list(place, 12)
    web = place.keep(Web(place.ca.dir))
    ocsp = place.start('ocsp', ['openssl', 'ocsp', '-index', place.ca.path('index.txt'), '-port',
                                str(OCSP), '-rsigner', place.ca.path('inter.crt'),
                                '-rkey', place.ca.path('inter.key'), '-CA',
                                place.ca.path('inter.crt'), '-nmin', '5', '-ignore_err'],
                       env={'OPENSSL_CONF': '/dev/null'})
    p = Postern(place, conf=CONF)
    reload.put(place, p, 'zone-chain.pem', 'zone.key')
    p.start()
    wait_for('the OCSP staple', 15, lambda: stapled(place) == 'good', 0.5)
    own = reload.alarms(p, 'certificate-expiry')
    equal([(a['severity'], a['object']) for a in own], [('warning', 'sbc.example.test')],
          'alarms about our certificate')

    end, gw, pbx = reload.call(place, p, 'customer')
    wait_for('the list', 10, lambda: p.events('crl.fetch') and p.events('lists.swap'))
    make_list(place, 30, 'customer')
    wait_for('the newer list reached the connection', 25, lambda: p.events('conn.revoked'), 0.2)
    pbx.tell('dial', f'sip:{PSTN}@{POSTERN}:5061')
    wait_for('the refusal', 5, lambda: [x for x in p.events('sip.bad')
                                        if 'is revoked' in x['msg'] and 'answer=403' in x['msg']])
    check(len(end.heard) > 100, 'the running call lost its media')
    equal(hostile.by_openssl(place.ca, ADDRESS, 'customer'), 44, 'alert of a new handshake')
    peers = wait_for('the alarm about the customer', 20,
                     lambda: reload.alarms(p, 'peer-certificate-expiry'), 0.5)
    equal([(a['severity'], a['object']) for a in peers], [('major', 'acme')],
          'alarms about the customer')
    pbx.hangup()
    gw.wait(10)
    pbx.quit()

    # what was fetched is there again at once after either role died
    web.stop()
    ocsp.stop()
    p.kill('admin')
    p.kill('signaling')
    wait_for('it serves', 10, p.serves)
    wait_for('revoked after restarts', 10,
             lambda: hostile.by_openssl(place.ca, ADDRESS, 'customer') == 44, 0.5)
    equal(hostile.by_openssl(place.ca, ADDRESS, 'pbx'), 0, 'another certificate')
    p.wait_cdrs(1)
    if place.full:
        wait_for('the alarm about a list that ran out', 60,
                 lambda: [a for a in reload.alarms(p, 'crl-expiry')
                          if a['severity'] == 'critical'], 0.5)


play_fetched.limit = 120


def play_private_host(place):
    """A certificate cannot make postern ask an address that is private and not listed."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    make_certificates(place)
    make_list(place, 600)
    web = place.keep(Web(place.ca.dir))
    p = Postern(place, conf=reload.OWN)
    reload.put(place, p, 'sbc-chain.pem', 'sbc.key')
    p.start()
    equal(hostile.by_openssl(place.ca, ADDRESS, 'customer'), 0, 'handshake')
    wait_for('the refusal', 10, lambda: [x for x in p.events('crl.fetch', 'warn')
                                         if 'not asked unless listed' in x['msg']])
    equal(web.asked, 0, 'questions to the private address')
