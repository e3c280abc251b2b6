"""One customer that keeps postern's transactions busy with ordinary calls: the others call and hang up
as ever, what it has too many of is refused with Retry-After, and its running calls end."""
from lib import agents, rawsip
from lib.place import PBX, PSTN
from lib.postern import BASE, Postern
from lib.proc import check, equal

OTHER = '+15557770002'
BUSY = 3000                     # calls, more than there is room for


def play_burst(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'pbx.branch.firm.test': '127.0.0.77'})
    conf = BASE.replace('media:\n', 'limits: {{calls: 200}}\nmedia:\n', 1)
    p = Postern(place, conf=conf, ports='30000-35999').start()  # ports rest after a call
    gw = place.keep(rawsip.Gateway())
    b = place.keep(rawsip.Customer(place.ca, cert='wildone', source='127.0.0.77'))
    a = place.keep(rawsip.Customer(place.ca))
    theirs = b.call(number=PSTN, caller=OTHER, sdp=rawsip.offer(port=45000))
    own = a.call(number=PSTN, sdp=rawsip.offer(port=45002))
    refused = None
    for _ in range(BUSY):
        c = rawsip.Call()
        a.send(rawsip.request('INVITE', c, rawsip.offer(port=46000)))
        m = a.final(c)
        check(m, 'no answer to one of many calls')
        if m.status == 503:
            refused = m
            break
        equal(m.status, 200, 'one of many calls')
        c.learn(m)
        a.send(rawsip.request('ACK', c))
        equal(a.bye(c), 200, 'BYE of one of many calls')
    check(refused and refused.get('retry-after') and 'in hand' in refused.get('warning'),
          f'{BUSY} calls, then {refused and refused.get("warning")}')
    for _ in range(3):
        m = b.call(number=PSTN, caller=OTHER, sdp=rawsip.offer(port=45004))
        equal(b.bye(m), 200, 'BYE of another customer meanwhile')
    n = len(gw.requests('BYE'))
    equal(b.bye(theirs), 200, 'BYE of a call that ran before')
    equal(a.bye(own), 200, 'its own BYE')
    gw.wait('BYE', n + 2)
    equal([x for x in p.events('carrier.down')], [], 'carriers that were blamed')


play_burst.limit = 60
