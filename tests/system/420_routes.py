"""Routes: by prefix to the gateways that they name, past one that says nothing within a second; what
it says later is cancelled, or acknowledged and ended. After two in a row it is tried last. `postern route` says the same as the CDR and explain."""
import json
import threading
import time

from lib import agents, rawsip
from lib.place import GATEWAY, PSTN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal

LATE, OTHER = '127.0.0.10', '127.0.0.11'
UK = '+442071838750'
ROUTED = ACCOUNTS + '''  - {{id: late, host: 127.0.0.10, port: 5080, group: west, priority: 1}}
  - {{id: other, host: 127.0.0.11, port: 5080, group: west, priority: 2}}
routes:
  - {{id: uk, prefix: "+44", to: [west]}}
  - {{id: uk-never, prefix: "+4420", account: branch, to: [gw1]}}
  - {{id: rest, to: [gw1]}}
'''


def late(gateway, m, src, waits):
    """Nothing for a second and a half, then what `waits` has next for an INVITE."""
    if m.method == 'INVITE' and m.get('via') not in waits['seen']:
        waits['seen'].append(m.get('via'))
        status = waits['status'].pop(0)

        def speak():
            gateway.respond(m, status, src, body=gateway.sdp() if status == 200 else '')
        threading.Timer(1.5, speak).start()
    elif m.method != 'INVITE':
        gateway.answer(m, src)


def play_by_prefix_and_past_silence(place):
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77'})
    p = Postern(place, accounts=ROUTED).start()
    sipp = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, calls=1,
                       keys={'rtp_port': 40000})
    waits = {'seen': [], 'status': [180, 200]}
    silent = place.keep(rawsip.At(lambda g, m, s: late(g, m, s, waits), LATE))
    other = place.keep(rawsip.At(None, OTHER, media=42000))
    pbx = place.keep(rawsip.Customer(place.ca))

    # by prefix, past the one that says nothing, which speaks late in two ways
    for n in range(3):
        call = rawsip.Call(UK)
        began = time.monotonic()
        pbx.send(rawsip.request('INVITE', call, rawsip.offer()))
        m = pbx.final(call, 5)
        took = time.monotonic() - began
        equal(m.status, 200, f'call {n}')
        # after two in a row it is known to be down, and tried behind the others
        check(took < (1.4 if n < 2 else 0.5), f'call {n}: answered after {took:.2f} s')
        call.learn(m)
        pbx.send(rawsip.request('ACK', call))
        if n < 2:
            silent.wait('BYE' if n else 'CANCEL', seconds=3)
        equal(pbx.bye(call), 200, 'BYE')
    equal((len(silent.requests()), len(other.requests())), (2, 3), 'INVITEs at the gateways')
    alarms = [(a['id'], a['object']) for a in
              json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']]
    check(('carrier-down', 'late') in alarms, f'alarms: {alarms}')

    # without the route's prefix: the other route
    call = rawsip.Call(PSTN)
    pbx.send(rawsip.request('INVITE', call, rawsip.offer()))
    m = pbx.final(call, 5)
    equal(m.status, 200, 'the call by route rest')
    call.learn(m)
    pbx.send(rawsip.request('ACK', call))
    equal(pbx.bye(call), 200, 'BYE')
    sipp.wait(5)

    by = {c['to_received']: c for c in p.wait_cdrs(4)}
    first = p.cdrs()[0]
    equal([(t['trunk'], t['route']) for t in first['targets']],
          [('late', 'uk'), ('other', 'uk')], 'targets of the first call')
    equal([(t['trunk'], t['route']) for t in by[PSTN]['targets']], [('gw1', 'rest')], 'targets')
    said = p.command('explain', '-c', p.conf, first['id'])
    check('by route uk' in said, f'explain: {said}')
    for number, words in (('911', 'not carried, answered 500\nnowhere: emergency calls are carried over trunks without TLS'), ('+19005551234', 'services do not name')):
        rc, text = p.command('route', '-c', p.conf, '--account', 'acme', number, may_fail=True)
        check(rc == 1 and words in text, f'route {number}: {rc} {text}')
    way = json.loads(p.command('route', '-c', p.conf, '--json', '--account', 'acme', UK))
    equal((way['routes'], [t['trunk'] for t in way['targets']]), (['uk'], ['late', 'other']), 'route')
    p.wait_idle()
