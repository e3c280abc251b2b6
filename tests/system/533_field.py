"""Complaints of the field, each row a test with its number (field.md 2): those that no other play or unit
program has as they were told. docs/complaints.md says where the others are."""
import base64
import os
import re

from lib import agents, rawsip
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import Failed, check, equal, wait_for
from lib.rawsip import KEY, SUITE, offer, request
from lib.rtpend import RtpEnd, SecureEnd
from lib.ua import Media, Ua, hang, sdp

EAST, WEST, NORTH = '127.0.0.10', '127.0.0.11', '127.0.0.10'    # north has the address of east
CONF = BASE.replace('media:\n  addresses:', '''  - {{name: far-tls, transport: tls, bind: "127.0.0.8:5061", side: carrier, zone: sbc.example.test}}
credentials:
  - {{name: east, realm: carrier.test, user: acme, password_file: "{dir}/east.pw"}}
media:
  addresses:''')
FIELD = ACCOUNTS + '''  - {{id: east, host: east.example.test, port: 5061, transport: tls, security: required, auth: east}}
  - {{id: west, host: west.example.test, port: 5061, transport: tls, security: required}}
  - {{id: north, host: north.example.test, port: 5061, transport: tls, security: required}}
routes:
  - {{id: east, prefix: "+1555222", to: [east, west]}}
  - {{id: north, prefix: "+1555333", to: [north]}}
  - {{id: rest, to: [gw1]}}
'''
LONG = base64.b64encode(bytes(range(46))).decode().rstrip('=')   # a key of AES-256, unpadded
TO_EAST, TO_NORTH = '+15552223333', '+15553334444'


class World:
    def __init__(self, place):
        self.place = place
        names = {'pbx.example.test': PBX, 'east.example.test': EAST, 'west.example.test': WEST,
                 'north.example.test': NORTH}
        agents.dnsmasq(place, names)
        self.p = Postern(place, conf=CONF, accounts=FIELD)
        os.chmod(self.p.write('east.pw', 'secret\n'), 0o600)
        self.p.start()
        for name in ('east', 'west'):
            place.ca.leaf('field-' + name, name + '.example.test')
        self.pbx = Ua(place, 'pbx', 'tls', PBX, 5061, (POSTERN, 5061))
        self.gw = Ua(place, 'gateway', 'udp', GATEWAY, 5080, (CARRIER_SIDE, 5060))
        self.east, self.west = (Ua(place, n, 'tls', h, 5061, ('127.0.0.8', 5061), 'field-' + n)
                                for n, h in (('east', EAST), ('west', WEST)))

    def drop(self):
        """The PBX's connection ends, and postern has seen it."""
        seen = len(self.p.events('conn.down'))
        self.pbx.drop()
        wait_for('the end of the connection', 5, lambda: len(self.p.events('conn.down')) > seen)

    def call(self, number=PSTN, to=None, port=41000, contact=None):
        """An answered call of the PBX; both dialogs and what each was told of media."""
        if contact:
            kept, self.pbx.contact = self.pbx.contact, contact
        d = self.pbx.dial(number, NUMBER, sdp(PBX, port, KEY))
        e, invite = (to or self.gw).called()
        e.reply(invite, 200, sdp(e.ua.host, port - 1000, KEY if e.ua.transport == 'tls' else ''))
        told = Media(d.read(200).body)
        d.ack()
        e.read('ACK')
        if contact:
            self.pbx.contact = kept
        return d, e, told, Media(invite.body)


def ssrc_changes(w):
    """Either side sends under another SSRC in the middle, as after a transfer or with music on hold, and
    comes back to the first: all of it is heard."""
    d, e, near_told, far_told = w.call()
    near, far = w.place.keep(SecureEnd(PBX, 41000, 440)), w.place.keep(RtpEnd(GATEWAY, 40000, 1000))
    near.keys(KEY, near_told.key)
    near.start(near_told.host, near_told.port)
    far.start(far_told.host, far_told.port)
    first = near.ssrc, far.ssrc
    for ssrcs in (first, (1, 2), (0xfffffff0, 0xfffffff1), first):
        near.ssrc, far.ssrc = ssrcs
        at = len(near.heard), len(far.heard)
        wait_for('sound', 5, lambda: len(near.heard) > at[0] + 8 and len(far.heard) > at[1] + 8)
    equal((near.refused, near.lost(), far.lost()), (0, 0, 0), 'packets refused or lost')
    hang(d, e)
    near.stop()
    far.stop()


def connection_gone(w):
    """The PBX's connection dies in the call: what comes for it goes over a new one to its name, by TLS; a
    request of the PBX over yet another one finds the call."""
    d, e, *_ = w.call()
    w.drop()
    before = w.pbx.accepted
    n = e.send('INVITE', sdp(GATEWAY, 40010, version=2))
    m = d.read('INVITE')
    d.reply(m, 200, sdp(PBX, 41000, KEY))
    d.read('ACK')
    e.read(200)
    e.send('ACK', cseq=n)
    equal(w.pbx.accepted, before + 1, 'connections to the PBX')
    w.drop()
    hang(d, e)


def key_of_a_leg(w):
    """The INVITE that answers a challenge has the same key; the next target gets another one."""
    d = w.pbx.dial(TO_EAST, NUMBER, sdp(PBX, 41000, KEY))
    e, first = w.east.called()
    e.reply(first, 407, headers=('Proxy-Authenticate: Digest realm="carrier.test", nonce="n1", algorithm=MD5',))
    e.read('ACK')
    again = e.read('INVITE')
    check(again.get('proxy-authorization'), 'no answer to the challenge')
    equal(again.body, first.body, 'the body of the repeated INVITE')
    e.reply(again, 503)
    e.read('ACK')
    f, other = w.west.called()
    keys = [Media(m.body).key for m in (first, other)]
    check(all(keys) and keys[0] != keys[1], 'the next target has the key of the first, or none')
    f.reply(other, 200, sdp(WEST, 40000, KEY))
    d.read(200)
    d.ack()
    f.read('ACK')
    hang(d, f)


def whose_connection(w):
    """Two calls to one carrier share a connection; another carrier at the same address does not get on
    it: its own handshake shows the wrong name, and there is no call."""
    before = w.east.accepted
    for _ in range(2):
        d, e, *_ = w.call(TO_EAST, w.east)
        hang(d, e)
    check(w.east.accepted - before <= 1, f'{w.east.accepted - before} connections for two calls')
    before = w.east.accepted
    d = w.pbx.dial(TO_NORTH, NUMBER, sdp(PBX, 41000, KEY))
    d.read(480)
    check(w.east.accepted > before, 'a call of another carrier went over the connection of east')
    equal(len(w.east.fresh), 0, 'calls at east')


def pings(w):
    """CRLF CRLF gets CRLF; CRLFs before a message, cut anywhere, are no part of it."""
    raw = w.place.keep(rawsip.Customer(w.place.ca))
    raw.send(b'\r\n\r\n')
    raw.s.settimeout(3)
    equal(raw.s.recv(100), b'\r\n', 'the pong')
    for before, after in ((b'\r', b'\n'), (b'\r\n', b''), (b'\r\n\r\n\r', b'\n\r\n')):
        c = rawsip.Call()
        raw.send(before)
        raw.send(after + request('INVITE', c, offer()))
        e, invite = w.gw.called()
        e.reply(invite, 200, sdp(GATEWAY, 40000))
        m = raw.final(c)
        check(m and m.status == 200, f'after {before + after!r}: {m and m.line}')
        c.learn(m)
        raw.send(request('ACK', c))
        e.read('ACK')
        raw.send(request('BYE', c))
        e.take('BYE')
        equal(raw.final(c, method='BYE').status, 200, 'BYE')


def contacts(w):
    """Whatever transport or scheme the PBX's Contact names, what goes inside the call goes over its TLS;
    ours is sip: with transport=tls, also for one that asked with sips:."""
    for contact in (f'sips:ua@{PBX}', f'sip:ua@{PBX}:5060', f'sip:ua@{PBX}:5060;transport=udp',
                    'sip:ua@192.0.2.77:5060;transport=tcp'):
        d, e, *_ = w.call(contact=contact)
        ours = next(m for m in reversed(w.pbx.seen) if m.status == 200).get('contact')
        check(ours.startswith('<sip:') and ';transport=tls' in ours, f'our Contact: {ours}')
        hang(e, d)


# of field.md 22, 24, 25: lines of a=crypto; the tag and the suite of the answer, or the status
CRYPTO = [
    ('22', ['3 F8_128_HMAC_SHA1_80 inline:' + KEY, f'7 {SUITE} inline:{KEY}'], (7, SUITE)),
    ('22', [f'2 NULL_HMAC_SHA1_80 inline:{KEY}', f'12 AES_CM_128_HMAC_SHA1_32 inline:{KEY}'],
     (12, 'AES_CM_128_HMAC_SHA1_32')),
    ('22', ['5 AES_CM_256_HMAC_SHA1_80 inline:' + LONG + '=='], (5, 'AES_CM_256_HMAC_SHA1_80')),
    ('22', ['5 AES_256_CM_HMAC_SHA1_80 inline:' + LONG], (5, 'AES_256_CM_HMAC_SHA1_80')),
    ('24', [f'1 {SUITE} inline:{KEY}|2^31'], (1, SUITE)),
    ('24', [f'1 {SUITE} inline:{KEY}|2^31|1:4'], (1, SUITE)),
    ('24', [f'1 {SUITE} inline:{KEY}|1:4|2^31'], (1, SUITE)),
    ('24', [f'1 {SUITE} inline:{KEY}|1048577'], (1, SUITE)),
    ('25', [f'1 {SUITE} inline:{KEY} UNENCRYPTED_SRTCP', f'2 {SUITE} inline:{KEY}'], (2, SUITE)),
    ('25', [f'1 {SUITE} inline:{KEY} UNENCRYPTED_SRTCP'], 488),
    ('25', [f'1 {SUITE} inline:{KEY} UNAUTHENTICATED_SRTP'], 488),
]


def crypto_lines(w):
    for row, lines, wanted in CRYPTO:
        d = w.pbx.dial(PSTN, NUMBER, offer(crypto=lines))
        if wanted == 488:
            d.read(488)
            continue
        e, invite = w.gw.called()
        check(b'crypto' not in invite.body, 'a key for the gateway')
        e.reply(invite, 200, sdp(GATEWAY, 40000))
        body = d.read(200).body.decode()
        said = re.findall(r'^a=crypto:(\d+) (\S+) inline:\S+(.*)\r$', body, re.M)
        equal([(int(t), s) for t, s, _ in said], [wanted], f'field {row}: {lines}')
        d.ack()
        e.read('ACK')
        hang(d, e)


def large(w):
    """An INVITE of 60 kB with a signed identity, in pieces: answered; what goes on is whole."""
    token = 'eyJhbGciOiJFUzI1NiJ9.' + 'x' * 7000 + '.sig'
    heads = [f'Identity: {token};info=<https://cert.example.test/c.pem>;alg=ES256;ppt=shaken',
             'Date: Sat, 21 Nov 2026 10:00:00 GMT', f'P-Asserted-Identity: <sip:{NUMBER}@pbx.example.test>']
    heads += [f'X-Filler-{n}: ' + 'y' * 990 for n in range(51)]
    raw, c = w.place.keep(rawsip.Customer(w.place.ca)), rawsip.Call()
    data = request('INVITE', c, offer(), heads)
    check(58000 < len(data) < 65536, f'{len(data)} bytes')
    for at in range(0, len(data), 997):
        raw.send(data[at:at + 997])
    e, invite = w.gw.called()
    check(token in invite.get('identity') or not invite.get('identity'), 'a part of the identity')
    equal(invite.faults, [], 'faults')
    e.reply(invite, 200, sdp(GATEWAY, 40000))
    m = raw.final(c)
    check(m and m.status == 200, f'{m and m.line}')
    c.learn(m)
    raw.send(request('ACK', c))
    e.read('ACK')
    e.send('BYE')
    while (m := raw.read(5)) and m.method != 'BYE':
        pass
    raw.send(rawsip.reply(m, 200))
    e.read(200, 'BYE')


ROWS = [('4', ssrc_changes), ('6', connection_gone), ('8', key_of_a_leg), ('16', whose_connection),
        ('17', pings), ('21', contacts), ('22, 24, 25', crypto_lines), ('31', large)]


def play_rows(place):
    w = World(place)
    for row, script in ROWS:
        try:
            script(w)
        except Failed as e:
            raise Failed(f'field {row}: {e}') from e
    w.p.wait_idle()
