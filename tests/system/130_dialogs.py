"""Who may touch a call (reliability A3 A4 A8 R8), and messages that cross on the wire (P12)."""
import socket
import time

from lib import agents, rawsip
from lib.place import CARRIER_SIDE, NUMBER, STRANGER
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import offer, request


def bed(place, script=None, **how):
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77', 'pbx.branch.firm.test': '127.0.0.77'})
    return (Postern(place, **how).start(), place.keep(rawsip.Gateway(script)),
            place.keep(rawsip.Customer(place.ca)))


def other(place):
    """Account B, with its own certificate."""
    return place.keep(rawsip.Customer(place.ca, 'wildone', '127.0.0.3'))


def play_other_account(place):
    """A4: B sends each method with the exact Call-ID, tags and CSeq of a call of A: 481 or silence,
    and the call goes on. A on a new connection (the old one reset): works (R8)."""
    p, gw, pbx = bed(place)
    c, b = pbx.call(), other(place)
    for method in ('BYE', 'INVITE', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'PRACK', 'OPTIONS'):
        body = offer(host='127.0.0.3') if method in ('INVITE', 'UPDATE') else ''
        branch = 'z9hG4bK' + rawsip.token()
        head = ('Refer-To: <sip:+19005551234@x>',) if method == 'REFER' else ()
        b.send(request(method, c, body, head, branch=branch, cseq=c.cseq + 1))
        m = b.final(c, 3)
        check(m and m.status in (481, 405, 501), f'B sent {method}: {m and m.line}')
        if method in ('BYE', 'INVITE'):
            equal(m.status, 481, f'B sent {method}')
        if method == 'INVITE':
            b.send(request('ACK', c, branch=branch, cseq=c.cseq + 1))
    b.send(request('ACK', c, offer(host='127.0.0.3'), cseq=1))
    b.send(request('CANCEL', c, branch=c.branch, cseq=1, uri=c.uri))
    m = b.final(c, 3)
    check(m and m.status == 481, f'B sent CANCEL: {m and m.line}')
    reported = rawsip.Call()
    b.send(request('INVITE', reported, offer(host='127.0.0.3'),
                   (f'Replaces: {c.id};to-tag={c.to_tag};from-tag={c.tag}', 'Require: replaces')))
    m = b.final(reported, 3)
    check(m and m.status in (420, 481, 403), f'B sent Replaces: {m and m.line}')
    b.send(request('ACK', reported, branch=reported.branch))
    time.sleep(0.3)
    equal(len(gw.requests('BYE')), 0, 'BYEs at the gateway')
    equal(len(gw.requests('INVITE')), 1, 'INVITEs at the gateway')
    equal(pbx.closed or pbx.read(0.2), None, 'what A was told')
    pbx.reset()
    again = place.keep(rawsip.Customer(place.ca))
    equal(again.bye(c), 200, 'A sends BYE over a new connection')
    gw.wait('BYE')
    cdrs = p.wait_cdrs(2)
    equal({x['account'] for x in cdrs}, {'acme', 'branch'}, 'accounts in the CDRs')


def play_cancel_of_another(place):
    """A4: B cancels a ringing call of A with its exact branch, ids and tags: 481, it goes on ringing.
    A itself on a new connection may."""
    p, gw, pbx = bed(place, rawsip.Gateway.ring)
    c = rawsip.Call()
    pbx.send(request('INVITE', c, offer()))
    gw.wait('INVITE')
    wait_for('180', 5, lambda: (m := pbx.read(1)) and m.status == 180)
    b = other(place)
    b.send(request('CANCEL', c, cseq=1))
    m = b.final(c, 3)
    check(m and m.status == 481, f'B sent CANCEL: {m and m.line}')
    time.sleep(0.3)
    equal(len(gw.requests('CANCEL')), 0, 'CANCELs at the gateway')
    again = place.keep(rawsip.Customer(place.ca))
    again.send(request('CANCEL', c, cseq=1))
    m = again.final(c, 3, 'CANCEL')
    check(m and m.status == 200, f'A sent CANCEL over a new connection: {m and m.line}')
    gw.wait('CANCEL')
    equal(p.wait_cdrs(1)[0]['sip_status'], 487, 'status')


def play_identity_of_another(place):
    """A3: A calls as a number of B, in each header that may say who calls: the gateway never sees B's
    number as the caller's, or the call is refused."""
    p, gw, pbx = bed(place)
    theirs = '+15557770002'
    for n, (who, heads) in enumerate((
            (theirs, ()), (NUMBER, (f'P-Asserted-Identity: <sip:{theirs}@x>',)),
            (NUMBER, (f'P-Preferred-Identity: <sip:{theirs}@x>',)),
            (NUMBER, (f'Remote-Party-ID: <sip:{theirs}@x>;party=calling',)),
            (NUMBER, (f'Diversion: <sip:{theirs}@x>;reason=unconditional',)),
            (NUMBER, (f'P-Charge-Info: <sip:{theirs}@x>', f'History-Info: <sip:{theirs}@x>;index=1',
                      f'Identity: x;info=<http://{theirs}>', f'Referred-By: <sip:{theirs}@x>')))):
        c = rawsip.Call(caller=who)
        pbx.send(request('INVITE', c, offer(), heads))
        m = pbx.final(c)
        check(m, f'row {n}: no answer')
        c.learn(m)
        pbx.send(request('ACK', c, cseq=1, branch=None if m.status == 200 else c.branch))
        if m.status == 200:
            pbx.bye(c)
            out = gw.requests()[-1]
            check(theirs.encode() not in out.data,
                  f'row {n}: the number of B at the gateway: {out.data!r}')
        else:
            equal(m.status, 403, f'row {n}')


def play_strange_gateway(place):
    """A8 P11: unlisted addresses on the carrier's side get silence and are counted; so do a listed
    gateway's answers to what it was never asked."""
    p, gw, pbx = bed(place)
    c = pbx.call()
    invite = gw.requests()[0]
    before = p.stat('sip_unknown_source')
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((STRANGER, 5080))
    s.settimeout(0.5)
    sent = [gw.bye(invite), gw.bye(invite, method='OPTIONS'), b'\r\n\r\n', b'\0' * 100, b'x' * 60000,
            gw.bye(invite, method='INVITE', sdp=gw.sdp(STRANGER)),
            rawsip.reply(invite, 200, gw.tag(invite), gw.sdp(STRANGER)),
            rawsip.reply(invite, 486, gw.tag(invite))]
    for data in sent:
        s.sendto(data, (CARRIER_SIDE, 5060))
    try:
        got = s.recv(2000)
    except socket.timeout:
        got = None
    equal(got, None, 'what a stranger got')
    check(p.stat('sip_unknown_source') >= before + len(sent) - 1, 'strangers are not counted')
    for status in (100, 180, 200, 486, 503):    # the right gateway, an answer too many
        gw.send(rawsip.reply(invite, status, rawsip.token(4), gw.sdp()).replace(
            b'branch=z9', b'branch=z9x'))
    time.sleep(0.3)
    equal(len(gw.requests('BYE')), 0, 'BYEs')
    equal(pbx.bye(c), 200, 'BYE')
    p.wait_cdrs(1)


# ---- crossings ----

def play_bye_from_both(place):
    """P12: BYE of both sides at the same moment, in both orders: both get 200 or 481, one CDR."""
    p, gw, pbx = bed(place)
    for n in range(20 if place.full else 6):
        c = pbx.call()
        invite = gw.requests()[-1]
        if n % 2:
            gw.send(gw.bye(invite))
        pbx.send(request('BYE', c))
        if not n % 2:
            gw.send(gw.bye(invite))
        m = pbx.final(c, method='BYE')
        check(m and m.status in (200, 481), f'round {n}: PBX got {m and m.line}')
        wait_for('an answer at the gateway', 5, lambda: [
            x for x in gw.seen if x.status in (200, 481) and x.cseq()[1] == 'BYE'
            and x.get('call-id') == invite.get('call-id')])
        p.wait_cdrs(n + 1)
    p.wait_idle()


def play_cancel_meets_answer(place):
    """P12: CANCEL and 200 pass each other: either the call is cancelled, or it stands and is ended
    by BYE towards the gateway; nothing half is left, one CDR a call."""
    p, gw, pbx = bed(place, rawsip.Gateway.ring)

    def slow(g, m, src):                        # 200 to INVITE although CANCEL is there already
        if m.method == 'CANCEL':
            i = g.of(m.get('call-id'), 'INVITE')[0]
            if order:
                g.respond(m, 200, src)
            g.respond(i, 200, src, body=g.sdp())
            if not order:
                g.respond(m, 200, src)
        else:
            rawsip.Gateway.ring(g, m, src)
    gw.script = slow
    rounds = 10 if place.full else 4
    for n in range(rounds):
        order = n % 2
        c = rawsip.Call()
        pbx.send(request('INVITE', c, offer()))
        invite = gw.wait('INVITE', n + 1)
        time.sleep(0.05)
        pbx.send(request('CANCEL', c))
        m = pbx.final(c, method='CANCEL')
        check(m and m.status == 200, f'round {n}: CANCEL got {m and m.line}')
        m = next((x for x in pbx.seen if x.status >= 200 and x.cseq()[1] == 'INVITE'
                  and x.get('call-id') == c.id), None) or pbx.final(c, method='INVITE')
        check(m and m.status == 487, f'round {n}: INVITE got {m and m.line}')
        pbx.send(request('ACK', c, branch=c.branch, cseq=1))
        wait_for(f'round {n}: ACK and BYE for the answered leg', 5, lambda: (
            gw.of(invite.get('call-id'), 'ACK') and gw.of(invite.get('call-id'), 'BYE')))
    cdrs = p.wait_cdrs(rounds)
    equal({x['sip_status'] for x in cdrs}, {487}, 'status of the CDRs')
    p.wait_idle()


def play_200_again_and_again(place):
    """P12: 200 of the gateway repeated, before and after BYE: each gets an ACK, one call, one CDR; a
    second 200 of another fork (other tag) is ended by BYE and does not move the call."""
    p, gw, pbx = bed(place)
    c = pbx.call()
    invite = gw.requests()[-1]
    for _ in range(3):
        gw.respond(invite, 200, body=gw.sdp())
    wait_for('ACKs', 5, lambda: len(gw.of(invite.get('call-id'), 'ACK')) >= 4)
    gw.send(rawsip.reply(invite, 200, 'another', gw.sdp(STRANGER)))
    time.sleep(0.5)
    check(not [m for m in pbx.seen if m.status == 200 and STRANGER.encode() in m.body],
          'the fork moved the call')
    equal(pbx.bye(c), 200, 'BYE')
    gw.respond(invite, 200, body=gw.sdp())
    time.sleep(0.3)
    equal(len(p.wait_cdrs(1)), 1, 'CDRs')


def play_bye_before_ack(place):
    """P12: the caller sends BYE without the ACK that it owes: the call ends on both sides."""
    p, gw, pbx = bed(place)
    c = rawsip.Call()
    pbx.send(request('INVITE', c, offer()))
    m = pbx.final(c)
    check(m and m.status == 200, f'{m and m.line}')
    c.learn(m)
    equal(pbx.bye(c), 200, 'BYE')
    gw.wait('BYE')
    p.wait_cdrs(1)
    p.wait_idle()
