"""Transfers that end at the border (field.md row 34): blind, to a busy number, attended, and a BYE
of who transfers at once. The two gateways that are left hear each other."""
import json
import re

from lib import rawsip, tone
from lib.place import GATEWAY
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd

SECOND = '+15552223333'


def gateway(gw, m, src):
    """Each call has a media port of its own; an INVITE without an offer gets one."""
    if m.method == 'INVITE':
        calls = list(dict.fromkeys(i.get('call-id') for i in gw.requests()))
        gw.media = 40000 + 10 * calls.index(m.get('call-id'))
        if SECOND[-4:] in m.line and getattr(gw, 'busy', False):
            gw.respond(m, 486, src)
            return
    rawsip.Gateway.answer(gw, m, src)


def begin(place):
    p = Postern(place, accounts=ACCOUNTS.replace('transport: tls\n', 'transport: tls\n        refer: local\n', 1))
    p.start()
    gw = place.keep(rawsip.Gateway(gateway))
    ends = [place.keep(RtpEnd(GATEWAY, 40000, 440)), place.keep(RtpEnd(GATEWAY, 40010, 1000))]
    pbx = place.keep(rawsip.Customer(place.ca))
    return p, gw, ends, pbx


def notify(pbx, status):
    """The next NOTIFY, which says this."""
    while (m := pbx.read(5)) and m.method != 'NOTIFY':
        pass
    check(m and m.body.decode().startswith(f'SIP/2.0 {status} '), f'NOTIFY: {m and m.data}')
    pbx.send(rawsip.reply(m, 200))
    return m


def refer(pbx, c, to):
    pbx.send(rawsip.request('REFER', c, headers=(f'Refer-To: <{to}>',)))
    while (m := pbx.read(5)) and m.cseq()[1] != 'REFER':
        pass
    check(m, 'no answer to REFER')
    return m.status


def hear(gw, ends):
    """Both hear the tone of the other, and nothing else. Each begins, towards the port that its
    call was shown last."""
    calls = list(dict.fromkeys(m.get('call-id') for m in gw.requests()))
    for end, call in zip(ends, calls):
        sdp = [m.body.decode() for m in gw.requests() if m.get('call-id') == call and m.body]
        sdp += [m.body.decode() for m in gw.requests('ACK') if m.get('call-id') == call and m.body]
        end.start(re.search(r'c=IN IP4 (\S+)', sdp[-1]).group(1),
                  int(re.search(r'm=audio (\d+)', sdp[-1]).group(1)))
    at = [len(e.samples()) for e in ends]
    wait_for('sound at both', 5, lambda: all(len(e.samples()) > n + 9000 for e, n in zip(ends, at)))
    for e, n, hz in zip(ends, at, (1000, 440)):
        seconds, share = tone.measure(e.samples()[n + 800:], hz)
        check(seconds > 0.8 and share > 0.9, f'{e.port} heard {seconds:.1f} s, {share:.2f} at {hz}')


def shown(p):
    """Both of its legs are the gateway's now, and it is acme's all the same."""
    rows = [c['record'] for c in json.loads(p.command('calls', '-c', p.conf, '--json'))['list']]
    equal([c['account'] for c in rows], ['acme'] * 2, 'accounts of the calls that go on')
    host = next(c for c in rows if 'transfers' in c)
    said = ' '.join(p.command('explain', '-c', p.conf, host['id']).split())
    check('(account acme, class' in said and 'The number belongs' not in said, said)


def finish(p, gw):
    """The called one of the second call hangs up; two CDRs."""
    calls = {m.get('call-id'): m for m in reversed(gw.requests())}
    gw.send(gw.bye(list(calls.values())[0], cseq=9))
    cdrs = p.wait_cdrs(2)
    p.wait_idle()
    first = next(c for c in cdrs if 'transfers' in c)
    second = next(c for c in cdrs if c is not first)
    equal((first['transfers'], first['a']['trunk'], first['b']['trunk'], second['b']['trunk'],
           first['sip_status'], second['sip_status']), (1, 'acme-pbx', 'gw1', 'gw1', 200, 200), 'CDRs')
    equal(second.get('transfer_of'), first['id'], 'transfer_of')


def play_blind(place):
    p, gw, ends, pbx = begin(place)
    c = pbx.call()
    equal(refer(pbx, c, f'sip:{SECOND}@sbc.example.test'), 202, 'REFER')
    notify(pbx, 100)
    check('active' in notify(pbx, 180).get('subscription-state'), 'subscription')
    m = notify(pbx, 200)
    check('terminated' in m.get('subscription-state'), 'the end of the subscription')
    bye = pbx.read(5)
    equal(bye and bye.method, 'BYE', 'who transferred is let go')
    pbx.send(rawsip.reply(bye, 200))
    hear(gw, ends)
    shown(p)
    finish(p, gw)


def play_busy_then_gone(place):
    """A busy target leaves all as it was; then who transfers hangs up without waiting."""
    p, gw, ends, pbx = begin(place)
    gw.busy = True
    c = pbx.call()
    equal(refer(pbx, c, f'sip:{SECOND}@sbc.example.test'), 202, 'REFER')
    notify(pbx, 100)
    notify(pbx, 486)
    equal(refer(pbx, c, 'sip:+442071234567@sbc.example.test;method=BYE'), 400, 'no INVITE')
    gw.busy = False
    gw.tags.clear()
    pbx.send(rawsip.request('REFER', c, headers=(f'Refer-To: <tel:{SECOND}>',)))
    pbx.send(rawsip.request('BYE', c))
    wait_for('three calls at the gateway', 5,
             lambda: len({m.get('call-id') for m in gw.requests()}) == 3)
    place.keep(RtpEnd(GATEWAY, 40020, 1000))
    wait_for('re-INVITEs', 5, lambda: len(gw.requests()) >= 5)
    last = [m for m in gw.requests() if SECOND[-4:] in m.line][-1]
    gw.send(gw.bye(last, cseq=9))
    equal(sorted(x['sip_status'] for x in p.wait_cdrs(3)), [200, 200, 486], 'CDRs')
    p.wait_idle()


def play_attended(place):
    p, gw, ends, pbx = begin(place)
    c = pbx.call()
    d = pbx.call(number=SECOND)
    replaces = f'{d.id}%3Bto-tag%3D{d.to_tag}%3Bfrom-tag%3D{d.tag}'
    equal(refer(pbx, c, f'sip:{SECOND}@sbc.example.test?Replaces={replaces}'), 202, 'REFER')
    notify(pbx, 100)
    notify(pbx, 200)
    for _ in range(2):
        bye = pbx.read(5)
        equal(bye and bye.method, 'BYE', 'who transferred is let go')
        pbx.send(rawsip.reply(bye, 200))
    hear(gw, ends)
    finish(p, gw)
