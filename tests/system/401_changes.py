"""Changes of running calls (field.md rows 27, 33): hold in its three spellings and back, session
refresh, re-INVITE without an offer, from either side; another key; signaling killed between them."""
import re
import time

from lib import agents, rawsip, tone
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import SUITE, offer
from lib.rtpend import RtpEnd

FLIP = {'sendrecv': 'sendrecv', 'sendonly': 'recvonly', 'recvonly': 'sendonly',
        'inactive': 'inactive'}


def direction(m):
    body = m.body.decode()
    return re.search(r'a=(sendrecv|sendonly|recvonly|inactive)', body).group(1) if body else ''


def mirror(gw, m, src):
    """A gateway that answers each offer with what it allows."""
    if m.method not in ('INVITE', 'UPDATE'):
        rawsip.Gateway.answer(gw, m, src)
        return
    sdp = gw.sdp().replace('a=sendrecv', 'a=' + FLIP[direction(m) or 'sendrecv'])
    gw.respond(m, 200, src, body=sdp, extra=('Allow: INVITE, ACK, BYE, UPDATE',))


def loud(end, seconds=1.0):
    """Did the end hear something in the next second?"""
    n = len(end.samples())
    try:
        wait_for('sound', seconds, lambda: len(end.samples()) > n + 2000)
    except Exception:
        return False
    return True


def play_gateway_holds(place):
    """SIPp holds and takes back, baresip answers; sound both ways in the end."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_holds.xml', GATEWAY, 5080, f'{CARRIER_SIDE}:5060',
                     hold_ms=2000, service=NUMBER, keys={'rtp_port': 40000})
    gw.wait(20)
    pbx.quit()
    for who, samples, hz in (('gateway', end.samples(), 440), ('PBX', pbx.heard(), 1000)):
        seconds, share = tone.measure(samples, hz)
        check(seconds > 1.4 and share > 0.9, f'the {who} heard {seconds:.1f} s, {share:.2f} at {hz}')
    c = p.wait_cdrs(1)[0]
    equal((c['sip_status'], c['ended_by'], c['b']['srtp_in']), (200, 'caller', SUITE), 'CDR')
    p.wait_idle()


def play_pbx_holds(place):
    """baresip holds and resumes; the gateway sees it, our key stays."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place).start()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = place.keep(rawsip.Gateway(mirror))
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    pbx.dial(f'sip:{PSTN}@sbc.example.test;transport=tls')
    pbx.wait_event('CALL_ESTABLISHED')
    check(loud(end), 'nothing heard before the hold')
    pbx.command('hold')
    m = gw.wait('INVITE', 2)
    check(direction(m) in ('sendonly', 'inactive'), f'held with {direction(m)}')
    pbx.command('resume')
    equal(direction(gw.wait('INVITE', 3)), 'sendrecv', 'resumed')
    check(loud(end, 2), 'nothing heard after the hold')
    equal([v for v in versions(gw)], [0, 1, 2], 'o= versions that the gateway saw')
    time.sleep(1.2)
    pbx.hangup()
    c = p.wait_cdrs(1)[0]
    equal((c['sip_status'], c['encrypted']), (200, 'a'), 'CDR')
    pbx.quit()
    # its recording ends with the hold, its counters go on
    got, bad = (re.search(rf'{what}:\s+\d+\s+(\d+)', pbx.proc.text()) for what in ('packets', 'errors'))
    check(got and int(got.group(1)) > 70 and int(bad.group(1)) == 0,
          f'baresip received {got and got.group(0)}, {bad and bad.group(0)}')
    p.wait_idle()


def versions(gw):
    """Of the o= lines of what the gateway was sent."""
    return [int(re.search(r'o=- \d+ (\d+) ', m.body.decode()).group(1)) for m in gw.requests()]


def again(pbx, c, sdp, method='INVITE'):
    """A re-INVITE or UPDATE of the PBX, answered with 200 (and acknowledged); its body."""
    c.cseq += 1
    pbx.send(rawsip.request(method, c, sdp, cseq=c.cseq))
    m = pbx.final(c, method=method)
    check(m and m.status == 200, f'{method}: {m and m.line} {m and m.get("warning")}')
    c.learn(m)
    if method == 'INVITE':
        pbx.send(rawsip.request('ACK', c, cseq=c.cseq))
    return m.body.decode()


def key(sdp):
    return re.search(r'inline:(\S+)', sdp).group(1)


def play_new_key_and_restart(place):
    """The PBX names another key in a re-INVITE: what it sends under either is heard. Signaling is
    killed: re-INVITE, UPDATE and BYE over the next connection work, with our same key."""
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway(mirror))
    far = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call()
    ours = key(c.answer)
    end = place.keep(rawsip.Srtp(c))
    check(loud(far), 'nothing heard at first')
    new = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk'
    sdp = again(pbx, c, offer(crypto=(f'1 {SUITE} inline:{new}',)))
    equal(key(sdp), ours, 'our key')
    check(loud(far, 0.5), 'the old key is not taken any more, though it may overlap')
    end.tx = rawsip.session(new, rawsip.OUT)
    check(loud(far), 'the new key is not heard')
    equal(len(gw.requests()), 1, 'INVITEs at the gateway: a key is not its business')
    p.kill('signaling')
    pbx = place.keep(rawsip.Customer(place.ca))
    sdp = again(pbx, c, offer(crypto=(f'1 {SUITE} inline:{new}',)).replace('sendrecv', 'sendonly'))
    equal((key(sdp), 'a=recvonly' in sdp), (ours, True), 'after the restart')
    sdp = again(pbx, c, offer(crypto=(f'1 {SUITE} inline:{new}',)), 'UPDATE')
    equal((key(sdp), 'a=sendrecv' in sdp), (ours, True), 'UPDATE after the restart')
    check(loud(far), 'nothing heard in the end')
    equal(end.refused, 0, 'packets that did not open at the PBX')
    gw.send(gw.bye(gw.requests()[0]))
    bye = pbx.read()
    equal(bye and bye.method, 'BYE', 'at the PBX')
    pbx.send(rawsip.reply(bye, 200))
    x = p.wait_cdrs(1)[0]
    equal((x['ended_by'], x['restored'], x['a']['media']['in_lost']), ('called', True, 0), 'CDR')
    p.wait_idle()
