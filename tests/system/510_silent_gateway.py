"""A gateway that says nothing: the call ends, and explain and gateways say what to look at."""
import socket

from lib import rawsip
from lib.place import GATEWAY
from lib.postern import BASE, Postern
from lib.proc import check, equal, wait_for


def play_silent(place):
    p = Postern(place, conf=BASE + 'timers: {{t1: 30ms}}\n').start()
    with open(p.accounts, encoding='utf-8') as f:
        text = f.read().replace('- id: gw1\n', '- id: gw1\n    options: {every: 1s}\n')
    p.command('apply', '-c', p.conf, p.write('accounts.yaml', text))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((GATEWAY, 5080))
        c, call = place.keep(rawsip.Customer(place.ca)), rawsip.Call()
        c.send(rawsip.request('INVITE', call, rawsip.offer(port=45000)))
        equal(c.final(call, 20).status, 504, 'status of the call')
        said = p.command('explain', '-c', p.conf, p.wait_cdrs(1)[0]['id'])
        check('What to do: gw1 said nothing: see whether it is up' in said, said)
        said = wait_for('gateways', 15, lambda: (x := p.command('gateways', '-c', p.conf))
                        and 'What to do about gw1: see whether it is up' in x and x)
        check('down' in said, said)


play_silent.limit = 60
