"""One-way audio mended while the call runs: a PBX whose key is not the one that it showed is asked for another
one, and heard from then on."""
import base64

from lib import rawsip
from lib.place import GATEWAY
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd

WRONG = base64.b64encode(bytes(range(30))).decode()


def play_another_key(place):
    p = Postern(place, accounts=ACCOUNTS.replace('transport: tls\n', 'transport: tls\n        repair: yes\n', 1)).start()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    call = pbx.call(rawsip.offer(crypto=(f'1 {rawsip.SUITE} inline:{WRONG}',)))
    place.keep(rawsip.Srtp(call))
    while (m := pbx.read(10)) and m.method != 'INVITE':
        pass
    check(m, 'no INVITE of postern')
    shown = p.calls()
    equal([(c['record']['a']['audio'], c['record']['a']['repair']) for c in shown['list']], [('auth', 'auth')],
          'what is said meanwhile')
    equal(len(end.samples()), 0, 'samples at the gateway')
    pbx.send(rawsip.reply(m, 200, body=rawsip.offer(), contact='sip:pbx@127.0.0.2:5061;transport=tls'))
    wait_for('sound at the gateway', 5, lambda: len(end.samples()) > 4000)
    equal(pbx.bye(call), 200, 'BYE')
    leg = p.wait_cdrs(1)[0]['a']
    equal((leg['audio'], leg['repair']), ('ok', 'auth'), 'CDR')
    check(leg['media']['dropped']['auth'] >= 25, leg['media'])
    said = ' '.join(p.command('explain', '-c', p.conf, p.cdrs()[0]['id']).split())
    check('asked anew for its address and key (auth), and was heard then' in said, said)
    p.wait_idle()
