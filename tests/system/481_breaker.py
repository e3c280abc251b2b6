"""What a customer, a carrier or bad luck may do that harms others: each was found, and mended."""
import importlib

from lib import agents, rawsip
from lib.place import NUMBER, PBX
from lib.postern import Postern
from lib.proc import check, equal

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
