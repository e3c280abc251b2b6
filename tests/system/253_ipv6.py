"""All of it over IPv6: the PBX's TLS and SRTP, the gateway's UDP and RTP. Addresses stand in
brackets in Via and Contact, without them in SDP; packets arrive both ways."""
import re
import socket
import struct
import time

from lib import agents, rawsip
from lib.place import NUMBER, PSTN
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import check, equal, run
from lib.rawsip import Call, offer, reply, request

OUTSIDE, INSIDE, PBX, GATEWAY = (f'fd00::{n}' for n in (1, 8, 2, 9))
PACKETS = 50


def media_socket(host, port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind((host, port))
    s.settimeout(1)
    return s


def rtp(n):
    return struct.pack('!BBHII', 0x80, 8, 1000 + n, 160 * n, 0x11223344) + b'\xd5' * 160


def send_all(s, to, protect=bytes):
    for n in range(PACKETS):
        s.sendto(protect(rtp(n)), to)
        time.sleep(0.004)


def hear_all(s, unprotect=bytes):
    """Payloads of RTP packets that came."""
    heard = []
    try:
        while len(heard) < PACKETS:
            data = s.recv(2000)
            if data[1] & 0x7f == 8:
                heard.append(unprotect(data)[12:])
    except TimeoutError:
        pass
    return heard


def bed(place):
    for a in (OUTSIDE, INSIDE, PBX, GATEWAY):
        run(['ip', 'addr', 'add', a + '/64', 'dev', 'lo', 'nodad'])
    conf = BASE.replace('bind: {media_out}', 'bind: "{media_out}"') \
        .replace('bind: {media_in}', 'bind: "{media_in}"')
    accounts = ACCOUNTS.replace('host: {gateway}', 'host: "{gateway}"') \
        .replace('sources: [{gateway}]', 'sources: ["{gateway}"]')
    agents.Nsd(place, '127.0.0.53', {'example.test': [f'pbx AAAA {PBX}']})
    return Postern(place, conf=conf, accounts=accounts, tls=f'[{OUTSIDE}]:5061',
                   udp=f'[{INSIDE}]:5060', media_out=OUTSIDE, media_in=INSIDE,
                   gateway=GATEWAY).start()


def answer(gw, m, src):
    if m.method == 'INVITE':
        gw.send(reply(m, 200, gw.tag(m), offer(40000, 'RTP/AVP', (), GATEWAY),
                      f'sip:gw@[{GATEWAY}]:5080'), src)
    elif m.method and m.method != 'ACK':
        gw.respond(m, 200, src)


def play_call_over_ipv6(place):
    p = bed(place)
    gw = place.keep(rawsip.Gateway(answer, GATEWAY, 5080))
    far, near = media_socket(GATEWAY, 40000), media_socket(PBX, 41000)
    pbx = place.keep(rawsip.Customer(place.ca, source=PBX, address=(OUTSIDE, 5061)))
    c = Call()
    c.uri = f'sip:{PSTN}@[{OUTSIDE}]:5061;transport=tls'
    sent_by = f'[{PBX}]:5061'
    pbx.send(request('INVITE', c, offer(host=PBX), sent_by=sent_by))
    m = pbx.final(c)
    check(m and m.status == 200, f'wanted 200: {m and m.line}')
    c.learn(m)
    pbx.send(request('ACK', c, sent_by=sent_by))
    inv = gw.wait('INVITE')
    check(f'[{INSIDE}]:5060' in inv.get('via'), f'Via towards the gateway: {inv.get("via")}')
    check(f'[{INSIDE}]:5060' in inv.get('contact'), f'Contact: {inv.get("contact")}')
    check(f'[{OUTSIDE}]:5061' in m.get('contact'), f'Contact towards the PBX: {m.get("contact")}')
    body = inv.body.decode()
    check(f'c=IN IP6 {INSIDE}\r\n' in body, f'SDP towards the gateway: {body}')
    host, port, key = c.where()
    equal(host, OUTSIDE, 'SDP towards the PBX')
    to_gw = int(re.search(r'^m=audio (\d+)', body, re.M).group(1))
    out, into = rawsip.session(rawsip.KEY, rawsip.OUT), rawsip.session(key, rawsip.IN)
    send_all(near, (OUTSIDE, port), out.protect)
    equal(len(hear_all(far)), PACKETS, 'RTP packets at the gateway')
    send_all(far, (INSIDE, to_gw))
    equal(len(hear_all(near, into.unprotect)), PACKETS, 'SRTP packets at the PBX')
    equal(pbx.bye(c), 200, 'BYE')
    p.wait_cdrs(1)


def play_called_over_ipv6(place):
    """The PBX has only an AAAA record: it is looked up and dialled over IPv6."""
    p = bed(place)
    door = socket.create_server((PBX, 5061), family=socket.AF_INET6)
    door.settimeout(8)
    gw = place.keep(rawsip.Gateway(lambda *_: None, GATEWAY, 5080))
    gw.send((f'INVITE sip:{NUMBER}@[{INSIDE}]:5060 SIP/2.0\r\n'
             f'Via: SIP/2.0/UDP [{GATEWAY}]:5080;branch=z9hG4bKsix\r\nFrom: <sip:{PSTN}@[{GATEWAY}]>;tag=6\r\n'
             f'To: <sip:{NUMBER}@[{INSIDE}]>\r\nCall-ID: six\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n'
             f'Contact: <sip:gw@[{GATEWAY}]:5080>\r\nContent-Type: application/sdp\r\n'
             f'Content-Length: {len(offer(40000, "RTP/AVP", (), GATEWAY))}\r\n\r\n'
             + offer(40000, 'RTP/AVP', (), GATEWAY)).encode(), (INSIDE, 5060))
    conn, peer = door.accept()
    equal(peer[0], OUTSIDE, 'where it was dialled from')
    conn.close()
    door.close()
