"""Digits that are turned (field.md row 29): a PBX that takes INFO alone, over SRTP, and a gateway that
speaks RFC 4733 alone, each told in SDP what it speaks; digits both ways, sound around them."""
from lib import rawsip
from lib.place import GATEWAY, PBX
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd, SecureEnd

EVENT = 'a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n'


def answer(gw, m, src):
    """It has its events under 96, and knows no INFO."""
    if m.method == 'INVITE':
        gw.respond(m, 200, src, body=gw.sdp().replace('RTP/AVP 8\r\n', 'RTP/AVP 8 96\r\n' + EVENT))
    elif m.method == 'INFO':
        gw.respond(m, 405, src)
    else:
        gw.answer(m, src)


def info(pbx, c, body):
    c.cseq += 1
    raw = rawsip.request('INFO', c, '', ('Content-Type: application/dtmf-relay',), cseq=c.cseq)
    pbx.send(raw.replace(b'Content-Length: 0\r\n\r\n',
                         f'Content-Length: {len(body)}\r\n\r\n{body}'.encode()))
    equal(pbx.final(c, method='INFO').status, 200, 'INFO')


def play_digits(place):
    p = Postern(place, accounts=ACCOUNTS.replace('transport: tls\n',
                                                 'transport: tls\n        dtmf: info\n', 1)).start()
    gw = place.keep(rawsip.Gateway(answer))
    far = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    far.events = 96
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call()
    asked = gw.requests()[0].body.decode()
    check('RTP/AVP 8 101\r\n' in asked and 'telephone-event/8000' in asked, asked)
    check('telephone-event' not in c.answer, c.answer)
    near = place.keep(SecureEnd(PBX, 41000, 400))
    host, port, key = c.where()
    near.keys(rawsip.KEY, key)
    near.start(host, port)
    wait_for('sound both ways', 5, lambda: len(far.heard) > 10 and len(near.heard) > 10)

    info(pbx, c, 'Signal=5\r\nDuration=80\r\n')
    info(pbx, c, 'Signal=#\r\nDuration=80\r\n')
    wait_for('two digits at the gateway', 5, lambda: far.digits == '5#')
    after = len(far.heard)
    wait_for('sound behind them', 5, lambda: sum(h[1] == 8 for h in far.heard[after:]) > 5)
    equal(far.lost(), 0, 'packets that are missing at the gateway')
    kinds = ''.join('e' if h[1] == 96 else '.' for h in far.heard).strip('.')
    equal([len(k) for k in kinds.split('.') if k], [6, 6], 'packets of each digit, nothing between')

    far.press = '42'
    for digit in '42':
        m = pbx.read(5)
        check(m and m.method == 'INFO', f'{m and m.line}')
        check(m.body.startswith(f'Signal={digit}\r\nDuration='.encode()), f'{m.body}')
        pbx.send(rawsip.reply(m, 200))
    after = len(near.heard)
    wait_for('sound behind them', 5, lambda: len(near.heard) > after + 5)
    equal(({h[1] for h in near.heard}, near.refused, near.lost()), ({8}, 0, 0), 'at the PBX')
    wait_for('digits counted', 5, lambda: (p.stat('digits_to_events'), p.stat('digits_to_info')) == (2, 2))
    equal(p.stat('digits_lost'), 0, 'lost ones')
    equal(len(gw.requests('INFO')), 0, 'INFO at the gateway')
    equal(pbx.bye(c), 200, 'BYE')
    equal(p.wait_cdrs(1)[0]['sip_status'], 200, 'CDR')
    p.wait_idle()
