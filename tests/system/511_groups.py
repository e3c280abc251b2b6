"""Gateways in a group: its capacity is that of all of them together, and its codes count where a
gateway has none of its own."""
import json

from lib import agents, rawsip
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for

UK = '+442071838750'
GROUPED = ACCOUNTS + '''  - {{id: west1, host: 127.0.0.10, port: 5080, group: west, priority: 1}}
  - {{id: west2, host: 127.0.0.11, port: 5080, group: west, priority: 2}}
  - {{id: last, host: 127.0.0.12, port: 5080, priority: 3}}
groups:
  - {{id: west, max_calls: 1, hunt: [404], stop: [503]}}
routes:
  - {{id: uk, prefix: "+44", to: [west, last]}}
'''


def play_groups(place):
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77'})
    p = Postern(place, accounts=GROUPED).start()
    status = {'127.0.0.10': 404}

    def answer(gateway, m, src):
        if m.method == 'INVITE' and gateway.host in status:
            gateway.respond(m, status[gateway.host], src)
        else:
            gateway.answer(m, src)

    for n in (10, 11, 12):
        place.keep(rawsip.At(answer, f'127.0.0.{n}', media=40000 + 100 * n))
    pbx = place.keep(rawsip.Customer(place.ca))

    # 404 is one to hunt at, says the group; then it is full, whatever its gateways have room for
    for call in [pbx.call(number=UK), pbx.call(number=UK)]:
        equal(pbx.bye(call), 200, 'BYE')
    took = [[(t['trunk'], t['status']) for t in c['targets']]
            for c in sorted(p.wait_cdrs(2), key=lambda c: c['invite'])]
    equal(took, [[('west1', 404), ('west2', 200)], [('west1', -1), ('west2', -1), ('last', 200)]],
          'targets')
    # room again; and 503 is one to stop at
    status['127.0.0.10'] = 503
    equal(pbx.ask(number=UK)[1].status, 500, 'the third call')  # what a 503 is for others (RFC 3261 16.7)
    targets = wait_for('its CDR', 5, lambda: len(p.cdrs()) == 3 and p.cdrs()[2]['targets'])
    equal([t['trunk'] for t in targets], ['west1'], 'its targets')
    shown = json.loads(p.command('groups', '-c', p.conf, '--json'))['groups']
    equal(shown, [{'id': 'west', 'max_calls': 1, 'attempts': 0, 'hunt': '404', 'stop': '503'}], 'groups')
    check('max_calls: 1' in p.command('groups', '-c', p.conf, 'west'), 'one group')
    p.wait_idle()


play_groups.limit = 60


def play_asks_for_none(place):
    """A carrier takes one call, and asks for no further ones (RFC 7339, oc=100): the next caller is told so at
    once, 500 with Retry-After, and nobody blames the carrier."""
    def full(gateway, m, src):
        if m.method != 'INVITE':
            gateway.answer(m, src)
            return
        data = rawsip.reply(m, 486, gateway.tag(m))
        check(b';oc;oc-algo="loss"' in data, f'the INVITE does not take oc: {m.get("via")}')
        gateway.send(data.replace(b';oc;oc-algo="loss"', b';oc=100;oc-algo="loss";oc-validity=30000;oc-seq=1.1'), src)

    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77'})
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway(full))
    pbx = place.keep(rawsip.Customer(place.ca))
    equal(pbx.ask()[1].status, 486, 'the first call')
    m = pbx.ask()[1]
    equal(m and m.status, 500, 'the next one')
    check(0 < int(m.get('retry-after')) < 60 and 'asks for fewer calls' in m.get('warning'), m.data)
    equal(len(gw.requests()), 1, 'INVITEs at the carrier')
    equal([c['refusal'] for c in sorted(p.wait_cdrs(2), key=lambda c: c['invite'])], [None, 'CARRIER_BUSY'], 'CDRs')
    equal(p.events(r'^carrier\.down$'), [], 'what was blamed')
