"""Guards that only unit programs missed before, end to end: no byte that ends a line or a string goes on
to the other side (P6); a request inside a call that is older than one before is refused, and the call
goes on (P12, RFC 3261 12.2.2)."""
from lib import rawsip
from lib.postern import Postern
from lib.proc import check, equal
from lib.rawsip import offer, request

GUARDS = ['P6', 'P12']


def play_nul_and_old(place):
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway())
    # P6: the connection may end for it, or the INVITE is refused; the gateway never sees it
    for line in ('Subject: one\0two', 'X-U: \0', 'Contact: <sip:a\0b@127.0.0.2>'):
        bad = place.keep(rawsip.Customer(place.ca))
        c = rawsip.Call()
        bad.send(request('INVITE', c, offer(), (line,)))
        good = place.keep(rawsip.Customer(place.ca))
        equal(good.bye(good.call()), 200, f'a call beside {line!r}')
        while (m := bad.read(0.3)) and m.status < 200:
            pass
        check(not m or m.status >= 400, f'{line!r}: {m and m.line}')
        good.stop()
        bad.stop()
    equal((len(gw.requests()), gw.strange, [m.faults for m in gw.seen if m.faults]), (3, [], []),
          'INVITEs at the gateway, and what is no SIP')
    # P12: after CSeq 10 one with 5 is none of this call
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call()
    pbx.send(request('INVITE', c, offer(), cseq=10))
    m = pbx.final(c, method='INVITE')
    equal(m and m.status, 200, 're-INVITE')
    pbx.send(request('ACK', c, cseq=10))
    byes = len(gw.requests('BYE'))
    pbx.send(request('BYE', c, cseq=5))
    m = pbx.final(c, method='BYE')
    equal(m and m.status, 500, 'a BYE with an older CSeq')
    equal(len(gw.requests('BYE')), byes, 'BYEs at the gateway')
    pbx.send(request('BYE', c, cseq=11))
    m = pbx.final(c, method='BYE')
    equal(m and m.status, 200, 'the next BYE')
    gw.wait('BYE', byes + 1)
    p.wait_idle()
