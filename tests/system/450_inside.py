"""Requests inside a call that go on to its other side (field.md rows 29, 34): DTMF by INFO, both
ways, over TLS and UDP; another INFO, MESSAGE, SUBSCRIBE."""
from lib import rawsip
from lib.postern import Postern
from lib.proc import check, equal


def answer(pbx, c, method, headers=(), body=''):
    """Our answer to such a request of the PBX. headers: with the type of the body."""
    c.cseq += 1
    raw = rawsip.request(method, c, '', headers, cseq=c.cseq)
    if body:
        raw = raw.replace(b'Content-Length: 0\r\n\r\n',
                          f'Content-Length: {len(body)}\r\n\r\n{body}'.encode())
    pbx.send(raw)
    m = pbx.final(c, method=method)
    check(m, f'no answer to {method}')
    return m


def play_dtmf_by_info(place):
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call()
    relay = ('Content-Type: application/dtmf-relay', 'X-Inner: 10.9.9.9')
    m = answer(pbx, c, 'INFO', relay, 'Signal=5\r\nDuration=160\r\n')
    equal(m.status, 200, 'INFO with DTMF')
    seen = gw.wait('INFO')
    equal((seen.get('content-type'), seen.body, seen.get('x-inner')),
          ('application/dtmf-relay', b'Signal=5\r\nDuration=160\r\n', ''), 'at the gateway')
    check('INFO' in gw.requests()[0].get('allow'), 'our Allow')
    for method, headers, body, status, says in (
            ('INFO', ('Content-Type: text/plain',), 'x', 415, ('accept', 'application/dtmf-relay')),
            ('MESSAGE', ('Content-Type: text/plain',), 'x', 405, ('allow', 'INFO')),
            ('SUBSCRIBE', ('Event: dialog',), '', 405, ('allow', 'INFO'))):
        m = answer(pbx, c, method, headers, body)
        equal(m.status, status, method)
        check(says[1] in m.get(says[0]), f'{method}: {m.data}')
    equal(len(gw.requests('INFO')) + len(gw.requests('MESSAGE')), 1, 'requests at the gateway')
    raw = gw.bye(gw.requests()[0], method='INFO', headers=('Content-Type: application/dtmf',))
    gw.send(raw.replace(b'Content-Length: 0\r\n\r\n', b'Content-Length: 1\r\n\r\n#'))
    m = pbx.read()
    equal((m.method, m.get('content-type'), m.body), ('INFO', 'application/dtmf', b'#'), 'at the PBX')
    pbx.send(rawsip.reply(m, 200))
    equal(pbx.bye(c), 200, 'BYE')
    equal(p.wait_cdrs(1)[0]['sip_status'], 200, 'CDR')
    p.wait_idle()
