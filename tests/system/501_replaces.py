"""An INVITE with Replaces (RFC 3891): another phone of the PBX takes the place of the one that talks."""
from lib import rawsip
from lib.place import GATEWAY
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import offer
from lib.rtpend import RtpEnd


def named(c, to, tag):
    return f'Replaces: {c.id};to-tag={to};from-tag={tag}'


def play_taken(place):
    """Its offer goes to the gateway, what that says is the answer; sound at the new port, BYE for the old
    one. Before that: a dialog that nobody has."""
    p = Postern(place, accounts=ACCOUNTS.replace('transport: tls\n',
                                                 'transport: tls\n        refer: local\n', 1)).start()
    place.keep(RtpEnd(GATEWAY, 40000, 1000))
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    first = pbx.call()
    wrong = rawsip.Call()
    pbx.send(rawsip.request('INVITE', wrong, offer(41020), (named(first, first.tag, first.to_tag),)))
    m = pbx.final(wrong)
    equal(m and m.status, 481, 'tags the other way round')
    pbx.send(rawsip.request('ACK', wrong))
    second = rawsip.Call()
    pbx.send(rawsip.request('INVITE', second, offer(41010), (named(first, first.to_tag, first.tag),)))
    m = pbx.final(second)
    check(m and m.status == 200, f'{m and m.line} {m and m.get("warning")}')
    second.learn(m)
    pbx.send(rawsip.request('ACK', second))
    equal(len(set(i.get('call-id') for i in gw.requests())), 1, 'calls that the gateway saw')
    end = place.keep(rawsip.Srtp(second, 41010))
    wait_for('sound at the new phone', 5, lambda: len(end.heard) > 20)
    equal(end.refused, 0, 'packets that do not open')
    wait_for('BYE for the old one', 5, lambda: pbx.read(0.2) and False or any(
        b.method == 'BYE' and b.get('call-id') == first.id for b in pbx.seen))
    bye = next(b for b in pbx.seen if b.method == 'BYE')
    pbx.send(rawsip.reply(bye, 200))
    equal(pbx.bye(second), 200, 'BYE')
    cdrs = p.wait_cdrs(2)
    equal(sorted(bool(c.get('transfer_of')) for c in cdrs), [False, True], 'one names the other')
    equal([c['sip_status'] for c in cdrs], [200, 200], 'CDRs')
    p.wait_idle()
