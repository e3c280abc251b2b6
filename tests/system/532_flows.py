"""The call flows of RFC 3665 (basic calls) and RFC 5359 (service examples) as a trunk sees them: each
row a script of what both ends say, with the number of its section, run with the PBX (TLS, SRTP) calling
and called, where the flow has both. Each call has its CDR with the status that its row names.
docs/testing.md lists the flows that another play has, and those that no trunk sees."""
from lib import agents
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import ACCOUNTS, Postern
from lib.proc import Failed, check, equal
from lib.rawsip import KEY
from lib.ua import Media, Ua, hang, sdp

SECOND, FAILS, HUNTS = '+15552223333', '+15553334444', '+15557770009'
BROKEN, THIRD, PBX2 = '127.0.0.11', '127.0.0.12', '127.0.0.3'
FLOWS = ACCOUNTS.replace('        transport: tls\n', '        transport: tls\n        overflow: acme-two\n', 1).replace(
    '  - id: branch\n', '''      - {{id: acme-two, fqdn: pbx2.example.test, reference: pbx.example.test, names: [pbx.example.test],
          identity: certificate+address, sources: [127.0.0.3]}}
      - {{id: acme-hunts, fqdn: pbx2.example.test, reference: pbx.example.test, names: [pbx.example.test],
          identity: certificate+address, sources: [127.0.0.4], numbers: ["+15557770009"], hunt: [486],
          overflow: acme-pbx}}
  - id: branch
''', 1) + '''  - {{id: broken, host: 127.0.0.11, port: 5080}}
  - {{id: third, host: 127.0.0.12, port: 5080}}
routes:
  - {{id: second, prefix: "+1555222", to: [third]}}
  - {{id: fails, prefix: "+1555333", to: [broken, gw1]}}
  - {{id: rest, to: [gw1]}}
'''


class World:
    """out: the PBX calls the gateway; else the other way. a calls b."""

    def __init__(self, place):
        agents.dnsmasq(place, {'pbx.example.test': PBX, 'pbx2.example.test': PBX2})
        self.p = Postern(place, accounts=FLOWS).start()
        tls, udp = (POSTERN, 5061), (CARRIER_SIDE, 5060)
        self.pbx, self.pbx2 = (Ua(place, n, 'tls', h, 5061, tls) for n, h in (('pbx', PBX), ('pbx2', PBX2)))
        self.gw, self.third, self.broken = (Ua(place, n, 'udp', h, 5080, udp) for n, h in (
            ('gateway', GATEWAY), ('third', THIRD), ('broken', BROKEN)))

    def turn(self, out):
        self.out, self.versions = out, {}
        self.a, self.b = (self.pbx, self.gw) if out else (self.gw, self.pbx)

    def sdp(self, ua, way='sendrecv', host=None, port=41000):
        self.versions[ua] = self.versions.get(ua, 0) + 1
        return sdp(host or ua.host, port, KEY if ua.transport == 'tls' else '', way, self.versions[ua])

    def dial(self, ua=None, number=None, body=None, headers=()):
        ua = ua or self.a
        of_pbx = ua.transport == 'tls'
        return ua.dial(number or (PSTN if of_pbx else NUMBER), NUMBER if of_pbx else PSTN,
                       self.sdp(ua) if body is None else body, headers)

    def call(self, a=None, b=None, number=None, headers=()):
        """An answered call that rang; the dialogs of both."""
        d = self.dial(a, number, headers=headers)
        e, invite = (b or self.b).called()
        e.reply(invite, 180)
        d.read(180)
        self.answer(d, e, invite)
        return d, e

    def answer(self, d, e, invite, headers=()):
        e.reply(invite, 200, self.sdp(e.ua), headers)
        d.read(200, past=(180,))
        d.ack()
        return e.read('ACK')

    def pbx_first(self, d, e):
        return (d, e) if self.out else (e, d)

    def change(self, x, y, way='sendrecv', back='sendrecv', **how):
        """x offers, y is asked and answers; what y was told."""
        n = x.send('INVITE', self.sdp(x.ua, way, **how))
        m = y.read('INVITE')
        equal(Media(m.body).way, way, 'the direction that goes on')
        y.reply(m, 200, self.sdp(y.ua, back))
        y.read('ACK')
        equal(Media(x.read(200).body).way, back, 'the direction that comes back')
        x.send('ACK', cseq=n)

    def refused(self, status, first=None):
        """b says first, then this; a hears it."""
        d = self.dial()
        e, invite = self.b.called()
        if first:
            e.reply(invite, first)
            d.read(first)
        e.reply(invite, status)
        e.read('ACK')
        d.read(status)


def basic(w):
    hang(*w.call())
    d, e = w.call()
    hang(e, d)


def two_proxies(w):
    """b stands behind two proxies that stay in the way."""
    hops = [f'<sip:{w.b.host}:{w.b.port};transport={w.b.transport};lr;hop={n}>' for n in (2, 1)]
    d = w.dial()
    e, invite = w.b.called()
    ack = w.answer(d, e, invite, [f'Record-Route: {h}' for h in hops])
    d.send('BYE')
    bye = e.take('BYE')
    d.read(200, 'BYE')
    for m in (ack, bye):
        equal((', '.join(m.all('route')), m.line.split()[1]), (', '.join(hops[::-1]), w.b.contact), f'the way of {m.method}')


def next_target(w):
    """The first target answers 503, the next one takes the call."""
    first, second = (w.broken, w.gw) if w.out else (w.pbx, w.pbx2)
    d = w.dial(number=FAILS if w.out else None)
    e, invite = first.called()
    e.reply(invite, 503)
    e.read('ACK')
    e, invite = second.called()
    w.answer(d, e, invite)
    hang(d, e)


def sdp_in_ack(w):
    d = w.dial(body='')
    e, invite = w.b.called()
    equal(invite.body, b'', 'an offer')
    e.reply(invite, 200, w.sdp(w.b))
    check(Media(d.read(200).body).port, 'no offer in the 200')
    d.ack(w.sdp(w.a))
    check(Media(e.read('ACK').body).port, 'no answer in the ACK')
    hang(d, e)


def other_address(w):
    """Each side moves its media; the other one need not know."""
    d, e = w.call()
    for x in (d, e):
        host = '127.0.0.5' if x.ua is w.pbx else '127.0.0.6'
        n = x.send('INVITE', w.sdp(x.ua, host=host, port=41010))
        if x is e:                              # b answered last time: a is asked
            m = d.read('INVITE')
            d.reply(m, 200, w.sdp(d.ua, host='127.0.0.5' if d.ua is w.pbx else '127.0.0.6', port=41010))
            d.read('ACK')
        x.read(200)
        x.send('ACK', cseq=n)
    hang(d, e)


def no_answer(w):
    d = w.dial()
    e, invite = w.b.called()
    e.reply(invite, 180)
    d.read(180)
    d.send('CANCEL')
    d.read(487, past=(200,))
    e.reply(e.read('CANCEL'), 200)
    e.reply(invite, 487)
    e.read('ACK')


def no_response(w):
    """b says nothing until a has given up: no CANCEL before it does (RFC 3261 9.1)."""
    d = w.dial()
    e, invite = w.b.called(trying=False)
    d.send('CANCEL')
    d.read(487, past=(200,))
    equal(len(e.came), 0, 'messages to who said nothing')
    e.reply(invite, 180)
    e.reply(e.read('CANCEL'), 200)
    e.reply(invite, 487)
    e.read('ACK')


def hold(w):
    d, e = w.call()
    for x, y in ((d, e), (e, d)):
        w.change(x, y, 'sendonly', 'recvonly')
        w.change(x, y, 'inactive', 'inactive')
        w.change(x, y)
    hang(d, e)


def consultation(w):
    """The PBX holds, asks a third party, and comes back."""
    d, e = w.pbx_first(*w.call())
    w.change(d, e, 'sendonly', 'recvonly')
    hang(*w.call(w.pbx, w.third, SECOND))
    w.change(d, e)
    hang(d, e)


def music(w):
    """The one who waits hears a server of the PBX: its address, and back."""
    d, e = w.pbx_first(*w.call())
    w.change(d, e, 'sendonly', 'recvonly', host='127.0.0.5', port=41020)
    w.change(d, e)
    hang(d, e)


def message(w):
    """A transfer by a page: MESSAGE inside the call is refused, the call stays."""
    d, e = w.pbx_first(*w.call())
    d.send('MESSAGE', 'sip:somebody@example.test', ('Content-Type: text/plain',))
    check('INFO' in d.read(405, 'MESSAGE').get('allow'), 'no Allow')
    hang(d, e)


def forward(w):
    """The PBX sends the call on itself, and says who was called first."""
    d = w.dial()
    e, invite = w.pbx.called()
    d2, e2 = w.call(w.pbx, w.third, SECOND, (f'Diversion: <sip:{NUMBER}@pbx.example.test>;reason=unconditional',))
    check(NUMBER in e2.invite.get('diversion'), f'Diversion: {e2.invite.all("diversion")}')
    w.answer(d, e, invite)
    hang(d, e)
    hang(d2, e2)


def forward_busy(w, status=486, first=None):
    d = w.dial(number=HUNTS)
    e, invite = w.pbx2.called()
    if first:
        e.reply(invite, first)
        d.read(first)
    e.reply(invite, status)
    e.read('ACK')
    e, invite = w.pbx.called()
    w.answer(d, e, invite)
    hang(d, e)


def forward_no_answer(w):
    forward_busy(w, 408, 180)


def conference(w):
    """The PBX puts two calls to its mixer."""
    d, e = w.pbx_first(*w.call())
    d2, e2 = w.call(w.pbx, w.third, SECOND)
    for x, y in ((d, e), (d2, e2)):
        w.change(x, y, 'sendonly', 'recvonly')
        w.change(x, y, host='127.0.0.5', port=41030)
    hang(e, d)
    hang(d2, e2)


def join(w):
    d, e = w.call()
    other = w.dial(headers=('Require: join', f'Join: {d.call_id};to-tag={d.to_tag};from-tag={d.tag}'))
    equal(other.read(420).get('unsupported'), 'join', 'Unsupported')
    hang(d, e)


def find_me(w):
    """Two phones ring, the second answers: what goes inside the call has its tag."""
    d = w.dial()
    e, invite = w.b.called()
    e.reply(invite, 180)
    d.read(180)
    e.tag = 'second'
    e.reply(invite, 180)
    ack = w.answer(d, e, invite)
    d.send('BYE')
    bye = e.take('BYE')
    d.read(200, 'BYE')
    equal((ack.tag('to'), bye.tag('to')), ('second', 'second'), 'tags')


def screened_out(w):
    """What the account may not call never leaves."""
    w.dial(number='+19005551234').read(403)
    equal(len(w.gw.fresh), 0, 'calls at the gateway')


def redial(w):
    """Busy; nobody may watch whether it still is; the next attempt goes through."""
    w.refused(486)
    d = w.a.begin(PSTN if w.out else NUMBER, NUMBER if w.out else PSTN)
    d.send('SUBSCRIBE', headers=('Event: dialog', 'Expires: 60'))
    d.read(405, 'SUBSCRIBE')
    hang(*w.call())


def click(w):
    """A REFER of no call is refused; the call that a phone makes for one goes through."""
    d = w.a.begin(PSTN if w.out else NUMBER, NUMBER if w.out else PSTN)
    d.send('REFER', headers=(f'Refer-To: <sip:{SECOND}@sbc.example.test>',))
    d.read(405, 'REFER')
    hang(*w.call(headers=('Referred-By: <sip:web@example.test>',)))


# (RFC and section, script, both / out / in, statuses of its calls)
ROWS = [
    ('3665 3.1 and 3.2', basic, 'both', [200, 200]),
    ('3665 3.2', two_proxies, 'both', [200]),
    ('3665 3.4', next_target, 'both', [200]),
    ('3665 3.6', sdp_in_ack, 'both', [200]),
    ('3665 3.7', other_address, 'both', [200]),
    ('3665 3.8', no_answer, 'both', [487]),
    ('3665 3.9', lambda w: w.refused(486), 'both', [486]),
    ('3665 3.10', no_response, 'both', [487]),
    ('3665 3.11', lambda w: w.refused(480, 180), 'both', [480]),
    ('5359 2.1', hold, 'both', [200]),
    ('5359 2.2', consultation, 'both', [200, 200]),
    ('5359 2.3', music, 'both', [200]),
    ('5359 2.6', message, 'both', [200]),
    ('5359 2.7', forward, 'in', [200, 200]),
    ('5359 2.8', forward_busy, 'in', [200]),
    ('5359 2.9', forward_no_answer, 'in', [200]),
    ('5359 2.10', conference, 'both', [200, 200]),
    ('5359 2.11', join, 'both', [200, 420]),
    ('5359 2.12', find_me, 'both', [200]),
    ('5359 2.13', lambda w: w.refused(603), 'both', [603]),
    ('5359 2.14', screened_out, 'out', [403]),
    ('5359 2.17', redial, 'both', [486, 200]),
    ('5359 2.18', click, 'both', [200]),
]


def play_rows(place):
    w = World(place)
    wanted = []
    for out in (True, False):
        for name, script, ways, statuses in ROWS:
            if ways not in ('both', 'out' if out else 'in'):
                continue
            w.turn(out)
            try:
                script(w)
                for ua in (w.pbx, w.pbx2, w.gw, w.third, w.broken):
                    left = [m.line for d in ua.dialogs.values() for m in d.came] + list(ua.fresh)
                    equal(left, [], f'what {ua.name} was sent besides')
                    ua.dialogs.clear()
            except Failed as e:
                raise Failed(f'RFC {name}, the PBX {"calls" if out else "is called"}: {e}') from e
            wanted += [(name, out, s) for s in statuses]
    cdrs = sorted(w.p.wait_cdrs(len(wanted)), key=lambda c: c['invite'])
    equal([c['sip_status'] for c in cdrs], [s for _, _, s in wanted], f'CDRs of {wanted}')
    w.p.wait_idle()
