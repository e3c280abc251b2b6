"""`postern ready --call`: a test call from us to baresip, through the real media engine: SRTP both
ways, a digit, hold, a new key, BYE. baresip asks for no certificate: that alone is wrong."""
import importlib

from lib import agents
from lib.place import NUMBER, PBX
from lib.postern import Postern
from lib.proc import check, equal

ready_play = importlib.import_module('270_ready')


def play_baresip(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    rc, report = ready_play.ready(p, 'pbx.example.test', '--call', NUMBER)
    said = ready_play.table(report)
    equal((rc, ready_play.causes(report)), (1, ['auth.asked']), f'baresip\n{said}')
    state = {x['check']: x['state'] for x in report['lines']}
    for word in ('answer', 'contact', 'media', 'hold', 'rekey', 'dtmf', 'bye'):
        equal(state.get('call.' + word), 'passed', f'call.{word}\n{said}')
    c = report['facts']['call']
    check(c['in_packets'] > 50 and c['bad_tags'] == 0, f'packets: {c}')
    pbx.quit()
    check('telephone-event' in pbx.proc.text() or 'PCMA' in pbx.proc.text(), 'no codec was agreed')
    p.wait_idle()
    equal(p.cdrs(), [], 'CDRs: it is no call of anybody')


def play_refused(place):
    """A number that nobody has; a PBX without SRTP."""
    agents.dnsmasq(place, {'pbx.example.test': PBX})
    p = Postern(place).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx', media='')
    rc, report = ready_play.ready(p, 'pbx.example.test', '--call', NUMBER)
    equal((rc, ready_play.causes(report)), (1, ['auth.asked', 'call.answer']),
          f'no SRTP\n{ready_play.table(report)}')
    pbx.quit()
    p.wait_idle()
