"""T.38 in the middle of a call (field 28): between two legs in clear it is passed, bytes and all, and voice
comes back after it; where a leg is encrypted it is refused and voice goes on."""
import re
import select
import socket

from lib import rawsip
from lib.place import CARRIER_SIDE, GATEWAY, PBX
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import offer
from lib.rtpend import RtpEnd

CLEAR = ACCOUNTS.replace('security: required', 'security: refused', 1)


def t38(host, port):
    return '\r\n'.join(['v=0', f'o=- 1 2 IN IP4 {host}', 's=-', f'c=IN IP4 {host}', 't=0 0',
                        f'm=image {port} udptl t38', 'a=T38FaxVersion:0', 'a=T38MaxBitRate:14400', ''])


def reinvite(pbx, call, sdp):
    """The final response, acknowledged."""
    call.cseq += 1
    branch = 'z9hG4bK' + rawsip.token()
    pbx.send(rawsip.request('INVITE', call, sdp, cseq=call.cseq, branch=branch))
    m = pbx.final(call, method='INVITE')
    check(m, 'no answer to the re-INVITE')
    pbx.send(rawsip.request('ACK', call, cseq=call.cseq,
                            branch=None if m.status == 200 else branch))
    return m


def port_of(body):
    return int(re.search(r'^m=\w+ (\d+)', body, re.M).group(1))


def udp(host, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((host, port))
    s.settimeout(3)
    return s


def arrived(s):
    return bool(select.select([s], [], [], 0.05)[0])


def takes_fax(gw, m, src):
    """A gateway that answers a change to T.38 with T.38."""
    if m.method == 'INVITE' and b'm=image' in m.body:
        gw.respond(m, 200, src, body=t38(GATEWAY, 40100))
    else:
        gw.answer(m, src)


def play_fax_in_clear(place):
    p = Postern(place, accounts=CLEAR).start()
    gw = place.keep(rawsip.Gateway(takes_fax))
    pbx = place.keep(rawsip.Customer(place.ca))
    a, b = udp(PBX, 41100), udp(GATEWAY, 40100)
    try:
        c = pbx.call(offer(profile='RTP/AVP', crypto=()))
        m = reinvite(pbx, c, t38(PBX, 41100))
        equal(m.status, 200, 'to T.38')
        check(b'udptl t38\r\na=T38FaxVersion:0' in m.body, m.body)
        asked = gw.requests()[-1].body.decode()
        check('a=T38MaxBitRate:14400' in asked and 'm=audio' not in asked, asked)
        to_a, to_b = port_of(m.body.decode()), port_of(asked)
        wait_for('the first packet, media being told meanwhile', 3,
                 lambda: a.sendto(b'CNG', (p.tls.split(':')[0], to_a)) and arrived(b))
        while arrived(b):
            b.recvfrom(2048)
        for n in range(20):                     # sequence number first: no RTP at all
            a.sendto(bytes([0, n]) + b'page' * n, (p.tls.split(':')[0], to_a))
            data, src = b.recvfrom(2048)
            equal((data, src), (bytes([0, n]) + b'page' * n, (CARRIER_SIDE, to_b)), 'at the gateway')
            b.sendto(bytes([0, n]) + b'ok', src)
            equal(a.recvfrom(2048)[0], bytes([0, n]) + b'ok', 'at the PBX')
        equal(reinvite(pbx, c, offer(profile='RTP/AVP', crypto=())).status, 200, 'and back')
        end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
        end.start(CARRIER_SIDE, to_b)
        heard = udp(PBX, 41000)
        equal(len(heard.recv(2048)), 172, 'bytes of voice at the PBX')
        heard.close()
        equal(pbx.bye(c), 200, 'BYE')
    finally:
        a.close()
        b.close()
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['a']['t38'], cdr['b']['t38'], cdr['a']['codec']), ('passed', 'passed', 'PCMA'), 'CDR')


def play_fax_on_an_encrypted_leg(place):
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway(takes_fax))
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call()
    media = place.keep(rawsip.Srtp(c))
    wait_for('sound both ways', 5, lambda: end.heard and media.heard)
    gw.send(gw.bye(gw.requests()[0], method='INVITE', sdp=t38(GATEWAY, 40100)),
            (CARRIER_SIDE, 5060))
    wait_for('a refusal', 3, lambda: any(m.status == 488 for m in gw.seen))
    m = next(m for m in gw.seen if m.status == 488)
    check('send the fax as G.711' in m.get('warning'), m.get('warning'))
    n = len(media.heard)
    wait_for('voice that goes on', 3, lambda: len(media.heard) > n + 20)
    equal(pbx.bye(c), 200, 'BYE')
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['a']['t38'], cdr['b']['t38']), (None, None), 'CDR')
