"""ICE-lite (RFC 8445, 8839): a real PBX that makes the checks, with keys by DTLS and by a=crypto, both
ways; and a far end by hand, whose media moves to where it nominates, and to nowhere else."""
import hashlib
import hmac
import os
import re
import socket
import struct
import zlib

from lib import agents, rawsip, tone
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN, STRANGER
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, run, wait_for
from lib.rtpend import RtpEnd

GUARDS = ['M14']
PORT = 5070
LITE = ACCOUNTS.replace('security: required', 'security: required\n        ice: lite', 1)
SUITES = 'AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256'
OWN = '192.0.2.2'           # what baresip, which leaves loopback out, can name as a candidate
COOKIE = b'\x21\x12\xa4\x42'
USERNAME, INTEGRITY, PRIORITY, USE, FINGERPRINT, CONTROLLED, CONTROLLING, MAPPED = \
    6, 8, 0x24, 0x25, 0x8028, 0x8029, 0x802a, 0x20


def bed(place, keying):
    run(['ip', 'addr', 'add', f'{OWN}/32', 'dev', 'lo'])
    accounts = LITE.replace('ice: lite', f'ice: lite\n        keying: {keying}', 1) \
        .replace('port: 5061', f'port: {PORT + 1}', 1)
    agents.dnsmasq(place, {'pbx.example.test': POSTERN, 'sbc.example.test': POSTERN})
    p = Postern(place, accounts=accounts).start()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    media = 'dtls_srtp' if keying == 'dtls' else 'srtp-mand'
    pbx = agents.Baresip(place, 'pbx', POSTERN, PORT, 440, NUMBER, cert='pbx', ciphers=SUITES,
                         mux='yes' if keying == 'dtls' else 'no', modules=('ice', 'dtls_srtp'),
                         media=f';medianat=ice;mediaenc={media}')
    return p, end, pbx


def judge(p, end, pbx, least, leg, keying):
    for who, samples, hz in (('gateway', end.samples(), 440), ('PBX', pbx.heard(), 1000)):
        seconds, share = tone.measure(samples, hz)
        check(seconds > least and share > 0.9, f'the {who} heard {seconds:.1f} s, {share:.2f} at {hz}')
    c = p.wait_cdrs(1)[0]
    equal((c[leg]['keying'], c['encrypted'], c['sip_status'], c['refusal']), (keying, leg, 200, None), 'CDR')
    p.wait_idle()


def finish(p, gw, end, pbx, leg, keying):
    pbx.hangup()
    pbx.wait_event('CALL_CLOSED')
    gw.wait('BYE')
    pbx.quit()
    judge(p, end, pbx, 0.5, leg, keying)


def play_pbx_calls(place):
    """Keys by DTLS, one port. The process that was told where the PBX is, is killed; another one goes on.
    (An agent says in a re-INVITE what it nominated, RFC 8839 4.4.1.2; the gateway takes that.)"""
    p, end, pbx = bed(place, 'dtls')
    gw = place.keep(rawsip.Gateway())
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    wait_for('sound', 5, lambda: len(end.heard) > 25)
    gw.wait('ACK', 2)
    equal((p.stat('ice_nominated'), p.stat('dtls_keyed')), (1, 1), 'counted')
    p.kill('signaling')
    p.serves()
    heard = len(end.heard)
    wait_for('sound after the kill', 5, lambda: len(end.heard) > heard + 25)
    finish(p, gw, end, pbx, 'a', 'dtls')


def caller(gw, m, src):
    """A gateway that calls: it takes the answer, too."""
    if m.status < 200 or m.cseq()[1] != 'INVITE':
        return m.status or rawsip.Gateway.answer(gw, m, src)
    gw.send('\r\n'.join([
        f'ACK sip:{CARRIER_SIDE} SIP/2.0', f'Via: SIP/2.0/UDP {GATEWAY}:5080;branch=z9hG4bK{rawsip.token()}',
        f'From: {m.get("from")}', f'To: {m.get("to")}', f'Call-ID: {m.get("call-id")}', 'CSeq: 1 ACK',
        'Max-Forwards: 70', 'Content-Length: 0', '', '']).encode(), src)


def play_gateway_calls(place):
    """Keys in SDP, and a port for RTCP with checks of its own."""
    if not place.full:
        return
    p, end, pbx = bed(place, 'sdes')
    gw = place.keep(rawsip.Gateway(caller))
    body = gw.sdp()
    gw.send('\r\n'.join([
        f'INVITE sip:{NUMBER}@{CARRIER_SIDE} SIP/2.0',
        f'Via: SIP/2.0/UDP {GATEWAY}:5080;branch=z9hG4bK{rawsip.token()}', 'Max-Forwards: 70',
        f'From: <sip:{PSTN}@{GATEWAY}>;tag={rawsip.token()}', f'To: <sip:{NUMBER}@{CARRIER_SIDE}>',
        f'Call-ID: {rawsip.token()}', 'CSeq: 1 INVITE', f'Contact: <sip:gw@{GATEWAY}:5080>',
        'Content-Type: application/sdp', f'Content-Length: {len(body)}', '', body]).encode(),
        (CARRIER_SIDE, 5060))
    pbx.wait_event('CALL_ESTABLISHED')
    wait_for('sound', 5, lambda: len(end.heard) > 40)
    wait_for('both ports nominated', 5, lambda: p.stat('ice_nominated') == 2)
    finish(p, gw, end, pbx, 'b', 'sdes')


# ---- by hand ----

def attr(kind, value=b''):
    return struct.pack('!HH', kind, len(value)) + value + bytes(-len(value) % 4)


def stun(user, password, more=b''):
    """A check that nominates; (transaction, datagram)."""
    def head(n):
        return struct.pack('!HH', 1, n) + COOKIE + transaction
    transaction = os.urandom(12)
    body = attr(USERNAME, user.encode()) + attr(PRIORITY, b'\x6e\0\1\xff') + attr(USE) + \
        (more or attr(CONTROLLING, bytes(8)))
    if password:
        body += attr(INTEGRITY, hmac.new(password.encode(), head(len(body) + 24) + body, hashlib.sha1).digest())
    data = head(len(body) + 8) + body
    return transaction, data + attr(FINGERPRINT, struct.pack('!I', zlib.crc32(data) ^ 0x5354554e))


def read_answer(data, transaction, password):
    """{attribute: value} and type of an answer whose form, integrity and print are right."""
    equal((data[4:8], data[8:20], struct.unpack('!H', data[2:4])[0]), (COOKIE, transaction, len(data) - 20),
          'head of the answer')
    found, at = {}, 20
    while at < len(data):
        kind, n = struct.unpack('!HH', data[at:at + 4])
        found[kind] = data[at + 4:at + 4 + n]
        if kind == INTEGRITY:
            text = data[:2] + struct.pack('!H', at + 4) + data[4:at]
            equal(hmac.new(password.encode(), text, hashlib.sha1).digest(), found[kind], 'MESSAGE-INTEGRITY')
        if kind == FINGERPRINT:
            equal(zlib.crc32(data[:at]) ^ 0x5354554e, struct.unpack('!I', found[kind])[0], 'FINGERPRINT')
        at += 4 + n + -n % 4
    check(INTEGRITY in found and FINGERPRINT in found, f'not signed: {found}')
    return found, struct.unpack('!H', data[:2])[0]


def bound(place, host, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((host, port))
    s.settimeout(3)
    place.keep(type('Kept', (), {'stop': lambda self, *_: s.close()})())
    return s


def ask(s, to, message, password):
    s.sendto(message[1], to)
    data = s.recv(2000)
    check(len(data) <= len(message[1]), f'{len(data)} bytes for {len(message[1])}')
    return read_answer(data, message[0], password)


def offer(ufrag, host=PBX, port=41000):
    return rawsip.offer(host=PBX, port=41000, extra=[
        'a=rtcp-mux', f'a=ice-ufrag:{ufrag}', 'a=ice-pwd:theirpasswordtheirpassw',
        f'a=candidate:1 1 UDP 2130706431 {host} {port} typ host'])


def play_by_hand(place):
    """M8, M14: checks that are not signed with what signalling told are not answered, and hellos and
    checks of strangers move nothing; a good one moves the media, and media alone comes from where it
    was. Where SDP was changed on the way, and on a trunk without, there is none."""
    p = Postern(place, accounts=LITE).start()
    place.keep(rawsip.Gateway())
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    mangled = pbx.call(offer('changed', host='192.0.2.77'))
    check('a=ice-mismatch' in mangled.answer and 'a=candidate' not in mangled.answer, mangled.answer)
    equal(pbx.bye(mangled), 200, 'BYE')
    c = pbx.call(offer('their'))
    media = place.keep(rawsip.Srtp(c))
    wait_for('sound both ways', 5, lambda: len(end.heard) > 5 and len(media.heard) > 5)
    check('a=ice-lite' in c.answer and 'a=candidate:1 1 UDP ' in c.answer and 'candidate:1 2' not in c.answer,
          c.answer)
    port = int(re.search(r'^m=audio (\d+)', c.answer, re.M).group(1))
    user = re.search(r'ice-ufrag:(\S+)', c.answer).group(1) + ':their'
    password = re.search(r'ice-pwd:(\S+)', c.answer).group(1)
    check(len(password) >= 22, 'RFC 8445 5.3: 128 bits')
    stranger, moved, to = bound(place, STRANGER, 41000), bound(place, STRANGER, 43000), (POSTERN, port)
    for bad in (stun(user, password[::-1]), stun(user, None), stun(user[:-1], password), stun('x' * 12, password)):
        for _ in range(5):
            stranger.sendto(bad[1], to)
        stranger.sendto(b'\x16\xfe\xfd' + bytes(60), to)
    found, kind = ask(moved, to, stun(user, password, attr(CONTROLLED, bytes(8))), password)
    equal((kind, found[9][2:4]), (0x111, b'\x04\x57'), 'a role conflict: 487')
    heard = len(media.heard)
    wait_for('sound where it was', 5, lambda: len(media.heard) > heard + 10)
    equal((p.stat('ice_nominated'), media.refused), (0, 0), 'nominated by strangers')
    media.paused = True
    heard = len(end.heard)
    found, kind = ask(moved, to, stun(user, password), password)
    equal((kind, found[MAPPED][:2]), (0x101, b'\0\1'), 'success')
    seen = bytes(x ^ y for x, y in zip(found[MAPPED][2:8], COOKIE[:2] + COOKIE))
    equal((socket.inet_ntoa(seen[2:]), struct.unpack('!H', seen[:2])[0]), (STRANGER, 43000), 'as it is seen')
    key = rawsip.session(c.where()[2], rawsip.IN)
    rtp = wait_for('media where it was nominated', 5,
                   lambda: next((d for d in iter(lambda: moved.recv(2000), b'') if d[0] >> 6 == 2
                                 and not 192 <= d[1] <= 223), None))
    check(len(key.unprotect(rtp)) == 172, 'under the same key')
    moved.sendto(media.next(), to)
    wait_for('media from there', 5, lambda: len(end.heard) > heard)
    stranger.setblocking(False)
    try:
        check(False, f'the stranger was answered: {stranger.recv(2000)!r}')
    except BlockingIOError:
        pass
    equal((p.stat('ice_nominated'), p.stat('stun_answered')), (1, 2), 'counted')
    check(p.stat('stun_refused') >= 3, 'refused')
    equal(pbx.bye(c), 200, 'BYE')
    p.wait_cdrs(2)
