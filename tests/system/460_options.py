"""OPTIONS to gateways: one that does not answer gets no call while another is up, with an alarm; where
all are down it is tried all the same; OPTIONS to us are answered with 200, and 503 while we stop."""
import json
import time

from lib import rawsip
from lib.place import NUMBER, PSTN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for

ONE, TWO = '127.0.0.10', '127.0.0.11'
ASK = 'options: {every: 1s, timeout: 1s, slow: 800, down_after: 1, up_after: 1}'
ASKED = ACCOUNTS + f'''  - {{{{id: one, host: {ONE}, port: 5080, group: west, priority: 1, {ASK.replace('{', '{{').replace('}', '}}')}}}}}
  - {{{{id: two, host: {TWO}, port: 5080, group: west, priority: 2, {ASK.replace('{', '{{').replace('}', '}}')}}}}}
routes:
  - {{{{id: west, to: [west]}}}}
'''


class Deaf(rawsip.At):
    """A gateway that answers nothing while it is deaf."""
    deaf = False

    def respond(self, m, status, to=None, **how):
        if not self.deaf:
            super().respond(m, status, to, **how)


def play_health_by_options(place):
    p = Postern(place, accounts=ASKED).start()
    one, two = place.keep(Deaf(None, ONE)), place.keep(Deaf(None, TWO, media=42000))
    pbx = place.keep(rawsip.Customer(place.ca))

    def known():
        rows = json.loads(p.command('gateways', '-c', p.conf, '--json'))['list']
        return {r['trunk']: (r['options'], r['calls']) for r in rows if r['options']}

    def call():
        c, m = pbx.ask(seconds=6)
        if m.status == 200:
            equal(pbx.bye(c), 200, 'BYE')
        return m.status

    wait_for('both to be up', 5, lambda: known() == {'one': ('up', 'usual'), 'two': ('up', 'usual')})
    m = one.requests('OPTIONS')[0]
    check(m.get('accept') == 'application/sdp' and not m.faults, f'OPTIONS: {m.data!r}')
    equal(call(), 200, 'a call')
    equal((len(one.requests()), len(two.requests())), (1, 0), 'INVITEs')

    # what is down gets no call
    one.deaf = True
    wait_for('one to be down', 6, lambda: known()['one'] == ('down', 'last'))
    alarms = [(a['id'], a['object']) for a in
              json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']]
    check(('carrier-down', 'one') in alarms, f'alarms: {alarms}')
    began = time.monotonic()
    equal(call(), 200, 'a call past one that is down')
    check(time.monotonic() - began < 0.6, 'it waited for one')
    equal((len(one.requests()), len(two.requests())), (1, 1), 'INVITEs')

    # all down: still tried
    two.deaf = True
    wait_for('both to be down', 6, lambda: known()['two'] == ('down', 'last'))
    two.script = lambda g, m, src: g.answer(m, src) if m.method != 'OPTIONS' else None
    two.deaf = False
    equal(call(), 200, 'a call where all are down')
    one.deaf = False
    wait_for('one to be up', 6, lambda: known()['one'] == ('up', 'usual'))
    text = p.command('gateways', '-c', p.conf)
    check('TRUNK' in text and 'one' in text, f'gateways: {text}')

    # we are asked
    c = rawsip.Call(PSTN)
    pbx.send(rawsip.request('OPTIONS', c))
    m = pbx.final(c, 3, 'OPTIONS')
    equal((m.status, m.get('accept')), (200, 'application/sdp'), 'OPTIONS to us')
    check('INVITE' in m.get('allow'), f'Allow: {m.get("allow")}')
    p.wait_idle()
