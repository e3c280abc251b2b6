"""A call with everything in it, and the same from the other side: late offer, targets that fail, PRACK,
early media, hold by re-INVITE with a new key, resume, digits both ways, session refreshes, a transfer,
ended by the far side. What each side hears is measured in each phase; the CDR is exact."""
import time

from lib import agents, tone
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import SUITE
from lib.rtpend import RtpEnd, SecureEnd
from lib.ua import ALLOW, Media, Ua, sdp

SECOND = '+15552223333'
KEYS = ['QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk', 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz']
SILENT, BROKEN, THIRD, PBX2 = '127.0.0.10', '127.0.0.11', '127.0.0.12', '127.0.0.3'
TIMER = ('Supported: 100rel, timer', 'Session-Expires: 90;refresher=uac', ALLOW)

# transfers of acme end here, its digits are 96, its second PBX takes what the first does not
FULL = ACCOUNTS.replace('        transport: tls\n', '''        transport: tls
        refer: local
        events: 96
        overflow: acme-two
''', 1).replace('  - id: branch\n', '''      - {{id: acme-two, fqdn: pbx2.example.test, reference: pbx.example.test, names: [pbx.example.test],
          identity: certificate+address, sources: [127.0.0.3], refer: local, events: 96}}
  - id: branch
''', 1).replace('security: refused\n', 'security: refused\n    events: 101\n') + '''  - {{id: silent, host: 127.0.0.10, port: 5080, group: west, priority: 1}}
  - {{id: broken, host: 127.0.0.11, port: 5080, group: west, priority: 2}}
  - {{id: third, host: 127.0.0.12, port: 5080, events: 101}}
routes:
  - {{id: second, prefix: "+1555222", to: [third]}}
  - {{id: rest, to: [west, gw1]}}
'''


class Side:
    """One side of the call: its dialog d, its media end; key: of what it sends, '' in clear."""

    def __init__(self, place, host, port, hz, key=''):
        self.end = place.keep((SecureEnd if key else RtpEnd)(host, port, hz))
        self.key, self.version, self.d, self.said, self.hz = key, 0, None, None, hz
        self.number = 96 if key else 101        # of its digits

    def sdp(self, way='sendrecv'):
        self.version += 1
        return sdp(self.end.host, self.end.port, self.key, way, self.version, self.number)

    def go(self, m):
        """Media goes to where postern's SDP says, digits under its number; what it said."""
        self.said = said = Media(m.body)
        equal((said.profile, bool(said.key), said.events),
              ('RTP/SAVP' if self.key else 'RTP/AVP', bool(self.key), self.number), f'{said.text}')
        if self.key:
            self.end.keys(self.key, said.key)
        self.end.events = self.number
        self.end.start(said.host, said.port)
        return said


class Room:
    def __init__(self, place, pbx):
        """pbx: address of the PBX that speaks in the end."""
        agents.dnsmasq(place, {'pbx.example.test': PBX, 'pbx2.example.test': PBX2})
        self.p = Postern(place, accounts=FULL).start()
        self.gw = Ua(place, 'gateway', 'udp', GATEWAY, 5080, (CARRIER_SIDE, 5060))
        self.third = Ua(place, 'third', 'udp', THIRD, 5080, (CARRIER_SIDE, 5060))
        self.near = Side(place, pbx, 41000, 440, KEYS[0])
        self.far, self.away = Side(place, GATEWAY, 40000, 1000), Side(place, THIRD, 42000, 700)

    def hear(self, phase, *pairs):
        """(side, hz): it hears that tone, and nothing else, for half a second; hz None: nothing."""
        at = [(s.end, hz, len(s.end.samples())) for s, hz in pairs if hz]
        wait_for(f'{phase}: sound', 6, lambda: all(len(e.samples()) >= n + 4800 for e, _, n in at))
        for end, hz, n in at:
            seconds, share = tone.measure(end.samples()[n + 800:], hz)
            check(seconds >= 0.4 and share > 0.9,
                  f'{phase}: {end.host} heard {seconds:.1f} s, {share:.2f} of it at {hz} Hz')
        for side, _ in (x for x in pairs if not x[1]):
            wait_for(f'{phase}: silence at {side.end.host}', 6, lambda: quiet(side.end), 0)

    def talk(self, phase):
        self.hear(phase, (self.near, self.far.hz), (self.far, self.near.hz))

    def set_up(self, invite, one, other):
        """one called without an offer: that of other comes in a reliable 183, its answer in PRACK; then
        early media, and the answer."""
        other.d.reply(invite, 183, other.sdp(), (ALLOW, 'Require: 100rel', 'RSeq: 7'))
        m = one.d.read(183)
        check('100rel' in m.get('require'), f'{m.data}')
        one.go(m)
        one.d.send('PRACK', one.sdp(), (f'RAck: {m.get("rseq")} {m.cseq()[0]} INVITE',))
        other.go(other.d.take('PRACK'))
        one.d.read(200, 'PRACK')
        self.talk('early media')
        other.d.reply(invite, 200, '', (ALLOW,))
        equal(one.d.read(200).body, b'', 'an SDP in the 200')
        one.d.ack()
        equal(other.d.read('ACK').body, b'', 'an SDP in the ACK')
        self.talk('answered')

    def change(self, way, back):
        """near offers another direction; far is asked and answers the reverse; what far was told."""
        n = self.near.d.send('INVITE', self.near.sdp(way))
        m = self.far.d.read('INVITE')
        told = Media(m.body)
        equal((told.way, told.key, told.version), (way, '', self.far.said.version + 1), 'at the gateway')
        self.far.said = told
        self.far.d.reply(m, 200, self.far.sdp(back), (ALLOW,))
        self.far.d.read('ACK')
        before, said = self.near.said, self.near.go(self.near.d.read(200))
        self.near.d.send('ACK', cseq=n)
        equal((said.way, said.key, said.version, said.port),
              (back, before.key, before.version + 1, before.port), 'at the PBX')

    def hold(self):
        """Under a new key; music for who waits, nothing for who holds, although it is sent."""
        self.near.key, self.near.end.hz, self.near.hz = KEYS[1], 660, 660
        self.change('sendonly', 'recvonly')
        self.hear('hold', (self.far, 660), (self.near, None))
        self.near.end.hz = self.near.hz = 440
        self.change('sendrecv', 'sendrecv')
        self.talk('resumed')

    def digits(self):
        self.near.end.press, self.far.end.press = '159#', '07*'
        wait_for('digits', 6, lambda: (self.near.end.digits, self.far.end.digits) == ('07*', '159#'))

    def refresh(self):
        """Each side by UPDATE, near by re-INVITE, of which nobody else hears; far's is an offer that
        near answers. No key, port or version changes that should not."""
        m = self.near.d.ask('UPDATE', headers=TIMER)
        equal(m.get('session-expires'), '90;refresher=uac', 'refreshed')
        self.far.d.ask('UPDATE', headers=(ALLOW,))
        for side in (self.near, self.far):
            side.version -= 1
            n = side.d.send('INVITE', side.sdp())
            if side is self.far:
                m = self.near.d.take('INVITE', self.near.sdp(), (ALLOW,))
                equal((Media(m.body).key, Media(m.body).port), (self.near.said.key, self.near.said.port), 'asked')
            m = Media(side.d.read(200).body)
            side.d.send('ACK', cseq=n)
            equal((m.key, m.port), (side.said.key, side.said.port), 'refreshed')
        self.talk('refreshed')

    def transfer(self):
        """near sends far to a third; who is left talk in the clear, until far hangs up."""
        d = self.near.d
        d.send('REFER', headers=(f'Refer-To: <sip:{SECOND}@sbc.example.test>',))
        d.read(202, 'REFER')
        check(b'SIP/2.0 100' in d.take('NOTIFY').body, 'the first NOTIFY')
        self.away.d, invite = self.third.called()
        self.away.d.reply(invite, 180)
        check(b'SIP/2.0 180' in d.take('NOTIFY').body, 'the NOTIFY of 180')
        self.away.d.reply(invite, 200, self.away.sdp(), (ALLOW,))
        self.away.d.read('ACK')
        # one of them is asked for an offer, which goes to the other; the answer comes in ACK
        m = self.far.d.read('INVITE')
        self.far.d.reply(m, 200, self.far.sdp(), (ALLOW,))
        self.away.go(self.away.d.take('INVITE', self.away.sdp(), (ALLOW,)))
        self.far.go(self.far.d.read('ACK'))
        check(b'SIP/2.0 200' in d.take('NOTIFY').body, 'the last NOTIFY')
        d.take('BYE')
        self.hear('transferred', (self.far, 700), (self.away, 1000))
        self.near.end.mute = True
        self.far.d.send('BYE')
        self.far.d.read(200, 'BYE')
        self.away.d.take('BYE')

    def talk_long(self, invite, one, other, began):
        self.set_up(invite, one, other)
        self.hold()
        self.digits()
        self.refresh()
        self.transfer()
        equal(self.near.end.refused, 0, 'packets that do not open at the PBX')
        cdrs = self.p.wait_cdrs(2)
        self.p.wait_idle()
        first = next(c for c in cdrs if 'transfers' in c)
        return first, next(c for c in cdrs if c is not first), time.monotonic() - began


def quiet(end):
    """Does nothing come for 0.4 s?"""
    n = len(end.heard)
    time.sleep(0.4)
    return len(end.heard) == n


def facts(c):
    leg = {s: c[s] and [c[s][k] for k in ('trunk', 'account', 'transport', 'security', 'srtp_in', 'srtp_out',
                                          'codec', 'fell', 't38')] for s in 'ab'}
    return {**{k: c[k] for k in ('account', 'trunk', 'class', 'from_received', 'to_received', 'ended_by',
                                 'sip_status', 'q850', 'refusal', 'encrypted', 'restored', 'crashes')},
            'targets': [(t['trunk'], t['status']) for t in c['targets']], **leg}


SECURE = ['acme', 'tls', 'required', SUITE, SUITE, 'PCMA', None, None]
CLEAR = [None, 'udp', 'refused', None, None, 'PCMA', None, None]


def judge(room, first, second, took, wanted):
    """The CDRs of the call and of the transfer."""
    common = {'account': 'acme', 'sip_status': 200, 'q850': 16, 'refusal': None, 'restored': False,
              'crashes': 0}
    equal(facts(first), {**common, **wanted}, 'CDR')
    pbx = [wanted['a' if wanted['encrypted'] == 'a' else 'b'][0]]
    equal(facts(second), {**common, 'trunk': pbx[0], 'class': 'termination', 'from_received': NUMBER,
                          'to_received': SECOND, 'ended_by': wanted['ended_by'], 'encrypted': 'none',
                          'targets': [('third', 200)], 'a': pbx + SECURE[:3] + [None, None] + SECURE[5:],
                          'b': ['third'] + CLEAR}, 'CDR of the transfer')
    equal((second['transfer_of'], first['transfers']), (first['id'], 1), 'transfer_of, transfers')
    far = first['b' if wanted['encrypted'] == 'a' else 'a']
    equal((far['audio'], far['media']['in_lost'], room.far.end.lost()), ('ok', 0, 0), 'sound of the gateway')
    times = [first['invite'], first['ringing'], first['answer'], second['invite'], second['answer'],
             first['end'], second['end']]
    check(times == sorted(times) and first['duration_ms'] < took * 1000, f'{times}, {first["duration_ms"]} ms')


def play_out(place):
    """The PBX calls: a silent gateway, one that answers 503, then one that answers."""
    room = Room(place, PBX)
    Ua(place, 'silent', 'udp', SILENT, 5080, (CARRIER_SIDE, 5060))
    broken = Ua(place, 'broken', 'udp', BROKEN, 5080, (CARRIER_SIDE, 5060))
    pbx = Ua(place, 'pbx', 'tls', PBX, 5061, (POSTERN, 5061))
    began = time.monotonic()
    room.near.d = pbx.dial(PSTN, NUMBER, '', TIMER)
    d, m = broken.called()
    d.reply(m, 503)
    room.far.d, invite = room.gw.called()
    equal((m.body, invite.body), (b'', b''), 'offers of ours')
    first, second, took = room.talk_long(invite, room.near, room.far, began)
    judge(room, first, second, took, {
        'trunk': 'acme-pbx', 'class': 'termination', 'from_received': NUMBER, 'to_received': PSTN,
        'ended_by': 'called', 'encrypted': 'a', 'targets': [('silent', -1), ('broken', 503), ('gw1', 200)],
        'a': ['acme-pbx'] + SECURE, 'b': ['gw1'] + CLEAR})


def play_in(place):
    """The gateway calls: the first PBX answers 503, its overflow takes the call."""
    room = Room(place, PBX2)
    pbx = Ua(place, 'pbx', 'tls', PBX, 5061, (POSTERN, 5061))
    pbx2 = Ua(place, 'pbx2', 'tls', PBX2, 5061, (POSTERN, 5061))
    began = time.monotonic()
    room.far.d = room.gw.dial(NUMBER, PSTN, '', TIMER)
    d, m = pbx.called()
    d.reply(m, 503)
    room.near.d, invite = pbx2.called()
    equal((m.body, invite.body), (b'', b''), 'offers of ours')
    first, second, took = room.talk_long(invite, room.far, room.near, began)
    judge(room, first, second, took, {
        'trunk': 'acme-two', 'class': 'origination', 'from_received': PSTN, 'to_received': NUMBER,
        'ended_by': 'caller', 'encrypted': 'b', 'targets': [('acme-pbx', 503), ('acme-two', 200)],
        'a': ['gw1'] + CLEAR, 'b': ['acme-two'] + SECURE})
