"""What a customer, a carrier or bad luck may do that harms others: each was found, and mended."""
import importlib
import json

from lib import agents, rawsip
from lib.place import PBX, PSTN
from lib.postern import BASE, Postern
from lib.proc import check, equal, wait_for

identity = importlib.import_module('211_identity')


def play_child(place):
    """A call of an account below another one, whose connection breaks: its end finds the provider's next
    connection, for nobody can be dialled."""
    agents.dnsmasq(place, {'pbx.example.test': '127.0.0.77'})
    Postern(place, accounts=identity.FAMILY).start()
    gw = place.keep(rawsip.Gateway())
    c = place.keep(rawsip.Customer(place.ca))
    for when in ('before the BYE', 'after it'):
        up = c.call(caller='+15557770002')
        invite = gw.requests('INVITE')[-1]
        c.reset()
        if when == 'before the BYE':
            c = place.keep(rawsip.Customer(place.ca))
            gw.send(gw.bye(invite))
        else:
            gw.send(gw.bye(invite))
            c = place.keep(rawsip.Customer(place.ca))
        m = c.read(5)
        check(m and m.method == 'BYE' and m.get('call-id') == up.id, f'{when}: {m and m.line}')
        c.send(rawsip.reply(m, 200))


def play_words(place):
    """A caller writes what looks like a key into a header that goes to carriers: its calls go through,
    and no carrier is blamed."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    place.keep(rawsip.Gateway())
    c = place.keep(rawsip.Customer(place.ca))
    for _ in range(2):
        up = c.call(headers=[f'Subject: a=crypto:1 {rawsip.SUITE} inline:{rawsip.KEY}'])
        equal(c.bye(up), 200, 'BYE')
    equal(p.events(r'^(carrier\.down|edge\.key)$'), [], 'what was blamed')


OTHER = '+15557770002'


def refused(c, status, **how):
    """One call that is refused at once."""
    call = rawsip.Call(number=how.pop('number'))
    data = rawsip.request('INVITE', call, rawsip.offer())
    for old, new in how.pop('change', ()):
        data = data.replace(old, new)
    c.send(data)
    m = c.final()
    equal(m and m.status, status, f'a call that is refused: {m and m.line}')
    c.send(rawsip.request('ACK', call, branch=call.branch))


def play_no_admin(place):
    """admin is away, and one customer makes calls that are refused, also such for help that cannot be read:
    they leave no CDR once half of the records wait, and others find records as ever."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'pbx.branch.firm.test': '127.0.0.77'})
    p = Postern(place, conf=BASE.replace('media:\n', 'limits: {{calls: 30}}\nmedia:\n', 1)).start()
    place.keep(rawsip.Gateway())
    a = place.keep(rawsip.Customer(place.ca))
    b = place.keep(rawsip.Customer(place.ca, cert='wildone', source='127.0.0.77'))
    p.freeze_admin()
    for k in range(70):
        refused(a, 484, number='12')
        refused(a, 400, number='911', change=[(b'Call-ID: ', b'Call-ID: a,b')])
    for _ in range(4):
        equal(b.bye(b.call(number=PSTN, caller=OTHER, sdp=rawsip.offer(port=45000))), 200, 'a call of another')
    p.freeze_admin(False)
    wait_for('CDRs of the others', 5, lambda: sum(x['sip_status'] == 200 for x in p.cdrs()) == 4)
    left = p.stat('calls_unrecorded')
    check(110 < left < 130, f'{left} calls without a CDR')
    equal(len(p.wait_cdrs(144 - left)), 144 - left, 'CDRs')
    equal(p.stat('calls_emergency_refused'), 70, 'calls for help')


def play_nobodys_help(place):
    """A provider whose certificate has no trunk of its own, and a caller that is nobody's: its call for help is
    answered as all others are over TLS, and somebody hears of it."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    accounts = identity.FAMILY.replace('''    trunks:
      - {{id: platform-1, fqdn: pbx.example.test, numbers: ["+15557770000"]}}
''', '', 1)
    p = Postern(place, accounts=accounts).start()
    c = place.keep(rawsip.Customer(place.ca))
    call = rawsip.Call(number='911', caller='anonymous')
    c.send(rawsip.request('INVITE', call, rawsip.offer()))
    m = c.final(call)
    equal(m and m.status, 500, f'a call for help: {m and m.line}')
    check('retry-after' not in m.names(), 'nobody waits with that')
    wait_for('its alarm', 5, lambda: [x for x in json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']
                                      if x['id'] == 'emergency-call-refused' and 'platform called 911' in x['text']])
    call = rawsip.Call(number=PSTN, caller='anonymous')
    c.send(rawsip.request('INVITE', call, rawsip.offer()))
    equal(c.final(call).status, 403, 'another call')


def play_ports(place):
    """One of several customers may have seven of eight media ports, those that rest among them."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'pbx.branch.firm.test': '127.0.0.77'})
    p = Postern(place, ports='30000-30079').start()     # 40 ports on each side, 8 of them for calls for help
    place.keep(rawsip.Gateway())
    a = place.keep(rawsip.Customer(place.ca))
    b = place.keep(rawsip.Customer(place.ca, cert='wildone', source='127.0.0.77'))
    calls, m = [], None
    while not m or m.status == 200:
        c, m = a.ask(number=PSTN)
        check(m and len(calls) < 33, f'{len(calls)} calls, and {m and m.line}')
        calls += [c] if m.status == 200 else []
    a.send(rawsip.request('ACK', c, branch=c.branch))
    equal((len(calls), m.status), (29, 503), 'calls of one, and the next')
    check('the account has most of them' in m.get('warning'), m.get('warning'))
    for c in calls:
        equal(a.bye(c), 200, 'BYE')
    for _ in range(3):
        equal(b.bye(b.call(number=PSTN, caller=OTHER, sdp=rawsip.offer(port=45000))), 200, 'a call of another')
    wait_for('the BYEs at the gateway answered', 5, lambda: p.stat('calls') == 0)
    p.kill('signaling')                                 # the rests are not known to the next one
    wait_for('signaling serves again', 10, lambda: p.serves())
