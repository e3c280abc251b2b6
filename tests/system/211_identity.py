"""Who is it (reliability A1 A4): a certificate and an address from a list or from DNS; an address alone,
without certificate; a provider's certificate that speaks for its customers, told apart by their numbers."""
import json
import socket
import ssl

from lib import agents
from lib.place import PBX, POSTERN
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import Failed, check, equal, wait_for
from lib.rawsip import Call, Customer, Gateway, offer, request

OTHER = '127.0.0.3'


def refused(p):
    """The sentence of the newest refused handshake."""
    rows = json.loads(p.command('handshakes', '-c', p.conf, '--json', '--refused'))
    return json.dumps(rows)


def connects(place, source):
    """Does our certificate from this address get through, as far as an answer to OPTIONS?"""
    try:
        c = Customer(place.ca, source=source)
    except (OSError, ssl.SSLError):
        return False
    return place.keep(c) and alive(c)


def alive(c):
    call = Call()
    c.send(request('OPTIONS', call))
    m = c.final(call)
    return bool(m and m.status == 200)


def play_address_from_dns(place):
    """certificate+address without a list: what DNS says about the name counts, and nothing that is not
    known yet."""
    p = Postern(place, accounts=ACCOUNTS.replace(
        'fqdn: pbx.example.test\n', 'fqdn: pbx.example.test\n        identity: certificate+address\n'))
    p.start()
    check(not connects(place, PBX), 'A4: accepted while the addresses are unknown')
    wait_for('the sentence', 5, lambda: 'are not known yet' in refused(p))
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    wait_for('an answer of DNS', 20, lambda: connects(place, PBX))
    check(not connects(place, OTHER), 'A4: accepted from an address that DNS does not name')
    wait_for('the sentence', 5, lambda: f'does not come from {OTHER}' in refused(p))


def play_address_from_list(place):
    agents.dnsmasq(place, {'pbx.example.test': OTHER})      # the list counts, not DNS
    p = Postern(place, accounts=ACCOUNTS.replace(
        'fqdn: pbx.example.test\n', 'fqdn: pbx.example.test\n        identity: certificate+address\n'
        f'        sources: [{PBX}]\n')).start()
    check(connects(place, PBX), 'refused from its list')
    check(not connects(place, OTHER), 'A4: accepted from another address')
    rows = wait_for('its record', 5, lambda: json.loads(p.command(
        'handshakes', '-c', p.conf, '--json', '--refused', '--account', 'acme'))['list'])
    equal((rows[0]['word'], rows[0]['account']), ('source', 'acme'), 'whom it claims to be')
    equal(p.stat('tls_accepted'), 1, 'accepted')


class Bare(Customer):
    """A TLS connection that shows no certificate."""

    def __init__(self, ca, source):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.check_hostname = False
        ctx.load_verify_locations(ca.path('trust.pem'))
        self.raw = socket.create_connection((POSTERN, 5061), 5, source_address=(source, 0))
        self.raw.settimeout(5)
        self.s = ctx.wrap_socket(self.raw, server_hostname='sbc.example.test')
        self.buf, self.seen, self.closed = b'', [], False


def bare_answers(place, source):
    try:
        return alive(place.keep(Bare(place.ca, source)))
    except (OSError, ssl.SSLError, Failed):
        return False


def play_address_alone(place):
    """identity address: only where the zone asks for no certificate; a name is still worth something."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    conf = BASE.replace('profile: carrier', 'profile: modern').replace('client_certificate: required',
                                                                     'client_certificate: optional')
    accounts = ACCOUNTS.replace('    trunks:\n      - id: acme-pbx',
                                '    trunks:\n      - {{id: acme-bare, fqdn: 127.0.0.4, identity: address, '
                                'sources: [127.0.0.4]}}\n      - id: acme-pbx', 1)
    p = Postern(place, conf=conf, accounts=accounts).start()
    check(bare_answers(place, '127.0.0.4'), 'refused without a certificate')
    check(not bare_answers(place, OTHER), 'A1: a stranger without certificate was answered')
    check('no certificate was shown' in refused(p), refused(p))
    check(not bare_answers(place, PBX), 'A1: a PBX that has a name was answered without it')


FAMILY = '''accounts:
  - id: platform
    tls_srtp: on
    override: a test
    max_calls: 2
    trunks:
      - {{id: platform-1, fqdn: pbx.example.test, numbers: ["+15557770000"]}}
  - id: kid-a
    parent: platform
    tls_srtp: on
    override: a test
    max_calls: 1
    trunks:
      - {{id: kid-a-1, fqdn: pbx.example.test, numbers: ["+15557770001"]}}
  - id: kid-b
    parent: platform
    tls_srtp: on
    override: a test
    trunks:
      - {{id: kid-b-1, fqdn: pbx.example.test, numbers: ["+15557770002"]}}
  - id: kid-off
    parent: platform
    tls_srtp: requested
    need: soon
    trunks:
      - {{id: kid-off-1, fqdn: pbx.example.test, numbers: ["+15557770003"]}}
  - id: branch
    tls_srtp: on
    override: a test
    trunks:
      - {{id: branch-pbx, fqdn: pbx.branch.firm.test, numbers: ["+15557770009"]}}
carriers:
  - {{id: gw1, host: {gateway}, port: {gateway_port}}}
'''


def tried(c, number):
    """Status of a call that shows this number."""
    call = Call(caller=number)
    c.send(request('INVITE', call, offer()))
    m = c.final(call)
    c.send(request('ACK', call))
    return m and m.status


def play_family(place):
    """A provider of hosted PBXs: its certificate serves its customers' trunks; their numbers say whose
    call it is; each one's own limits and switches count, and the provider's."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place, accounts=FAMILY).start()
    place.keep(Gateway())
    c = place.keep(Customer(place.ca))
    a = c.call(caller='+15557770001')
    equal(tried(c, '+15557770001'), 480, 'a second call of kid-a')
    b = c.call(caller='+15557770002')
    equal(tried(c, '+15557770002'), 480, 'a third call of the family')
    equal(c.bye(a), 200, 'BYE of kid-a, in the dialog')
    equal(c.bye(b), 200, 'BYE of kid-b')
    wait_for('the end of the calls', 5, lambda: p.stat('calls') == 0)
    equal(tried(c, '+15557770003'), 403, 'a customer whose TLS is not on')
    equal(tried(c, '+15557770009'), 403, "A4: a stranger's number")
    own = c.call(caller='+15557770000')
    equal(c.bye(own), 200, 'BYE of the provider')
    cdrs = [x for x in p.wait_cdrs(7) if x['sip_status'] == 200]
    equal(sorted((x['account'], x['trunk']) for x in cdrs),
          [('kid-a', 'kid-a-1'), ('kid-b', 'kid-b-1'), ('platform', 'platform-1')], 'whose calls')
