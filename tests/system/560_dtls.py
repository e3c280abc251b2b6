"""SRTP with keys by DTLS (RFC 5763, 5764) with a real PBX, both ways; who is not the far end gets
nothing and changes nothing; a call goes on without the process that shook hands."""
import base64
import hashlib
import re
import socket
import ssl
import struct

from lib import agents, rawsip, tone
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN, STRANGER
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, run, wait_for
from lib.rtpend import RtpEnd

# Our own address, because that is where baresip sends from, whatever its SDP names.
HERE, PORT = POSTERN, 5070
DTLS = ACCOUNTS.replace('security: required', 'security: required\n        keying: dtls', 1) \
    .replace('port: 5061', f'port: {PORT + 1}', 1)
SUITE = 'AES_CM_128_HMAC_SHA1_80'
SUITES = 'AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256'
GUARDS = ['M14']


def hello(epoch=0):
    """A DTLS record with a ClientHello: P-256, ECDSA with SHA-256, SRTP_AES128_CM_SHA1_80."""
    more = b''.join(struct.pack('!HH', kind, len(b)) + b for kind, b in (
        (10, b'\0\x02\0\x17'), (11, b'\x01\0'), (13, b'\0\x02\x04\x03'), (14, b'\0\x02\0\x01\0')))
    body = b'\xfe\xfd' + bytes(32) + b'\0\0' + b'\0\x02\xc0\x2b' + b'\x01\0' + \
        struct.pack('!H', len(more)) + more
    head = b'\x01' + struct.pack('!I', len(body))[1:] + b'\0\0' + bytes(3) + \
        struct.pack('!I', len(body))[1:]
    return b'\x16\xfe\xfd' + struct.pack('!HHI', epoch, 0, 0) + struct.pack('!H', len(head + body)) + \
        head + body


def bed(place):
    agents.dnsmasq(place, {'pbx.example.test': HERE, 'sbc.example.test': POSTERN})
    p = Postern(place, accounts=DTLS).start()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = agents.Baresip(place, 'pbx', HERE, PORT, 440, NUMBER, cert='pbx', ciphers=SUITES, mux='yes',
                         modules=('dtls_srtp',), media=';mediaenc=dtls_srtp')
    return p, end, pbx


def judge(p, end, pbx, least, leg):
    for who, samples, hz in (('gateway', end.samples(), 440), ('PBX', pbx.heard(), 1000)):
        seconds, share = tone.measure(samples, hz)
        check(seconds > least and share > 0.9, f'the {who} heard {seconds:.1f} s, {share:.2f} at {hz}')
    c = p.wait_cdrs(1)[0]
    equal((c[leg]['keying'], c[leg]['srtp_in'], c[leg]['srtp_out'], c['encrypted']),
          ('dtls', SUITE, SUITE, leg), 'CDR: keys')
    equal((c['sip_status'], c['refusal']), (200, None), 'CDR: end')
    p.wait_idle()
    return c


def play_pbx_calls(place):
    """We are active. The process that shook hands is killed, and the call goes on."""
    p, end, pbx = bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, keys={'rtp_port': 40000})
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    wait_for('sound', 5, lambda: len(end.heard) > 50)
    p.kill('signaling')
    p.serves()
    heard = len(end.heard)
    wait_for('sound after the kill', 5, lambda: len(end.heard) > heard + 60)
    equal(p.stat('calls'), 1, 'calls')
    pbx.hangup()
    pbx.wait_event('CALL_CLOSED')
    gw.wait(10)
    pbx.quit()
    judge(p, end, pbx, 2, 'a')


def play_gateway_calls(place):
    """The PBX is active."""
    p, end, pbx = bed(place)
    gw = agents.Sipp(place, 'gw', 'gateway_calls.xml', GATEWAY, 5080, f'{CARRIER_SIDE}:5060',
                     hold_ms=2500, service=NUMBER, keys={'rtp_port': 40000})
    pbx.wait_event('CALL_ESTABLISHED')
    gw.wait(15)
    pbx.quit()
    judge(p, end, pbx, 1, 'b')


def fingerprint(pem):
    return ':'.join(f'{x:02X}' for x in hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest())


def dtls_offer(place, wrong=False):
    with open(place.ca.path('pbx.crt'), encoding='ascii') as f:
        print_ = fingerprint(f.read())
    if wrong:
        print_ = ('00' if print_[:2] != '00' else '01') + print_[2:]
    return rawsip.offer(profile='UDP/TLS/RTP/SAVP', crypto=(), extra=[
        f'a=fingerprint:sha-256 {print_}', 'a=setup:active', 'a=rtcp-mux'])


def shake(place, port):
    """What `openssl s_client` says as the far end: the handshake, then it ends."""
    return run(['openssl', 's_client', '-dtls1_2', '-connect', f'{POSTERN}:{port}',
                '-bind', f'{PBX}:41000', '-cert', place.ca.path('pbx.crt'),
                '-key', place.ca.path('pbx.key'), '-use_srtp', 'SRTP_AES128_CM_SHA1_80',
                '-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', '60'], may_fail=True)[1]


def play_strangers(place):
    """M8, M14: hellos and STUN from elsewhere are not answered and change nothing; the far end's own
    handshake works after that, and gives the keys that RFC 5764 4.2 says. In clear: nothing."""
    p = Postern(place, accounts=DTLS).start()
    place.keep(rawsip.Gateway())
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    m = pbx.ask(rawsip.offer())[1]
    equal(m and m.status, 488, 'a=crypto on a trunk that takes DTLS')
    c = pbx.call(dtls_offer(place))
    check('m=audio' in c.answer and 'UDP/TLS/RTP/SAVP 8' in c.answer and 'a=setup:passive' in c.answer
          and 'a=rtcp-mux' in c.answer and 'crypto' not in c.answer, c.answer)
    port = int(re.search(r'^m=audio (\d+)', c.answer, re.M).group(1))
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind((STRANGER, 41000))
    for n in range(200):
        stranger.sendto(hello(), (POSTERN, port))
        stranger.sendto(b'\0\1\0\0\x21\x12\xa4\x42' + bytes(12), (POSTERN, port))
    clear = struct.pack('!BBHII', 0x80, 8, 1, 0, 1) + bytes(160)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((PBX, 41000))
        for n in range(20):
            s.sendto(clear, (POSTERN, port))
    said = shake(place, port)
    equal(fingerprint(re.search('-----BEGIN.*?END CERTIFICATE-----', said, re.S).group(0)),
          re.search(r'fingerprint:sha-256 (\S+)', c.answer).group(1), 'our certificate')
    material = bytes.fromhex(re.search(r'Keying material: ([0-9A-F]+)', said).group(1))
    wait_for('the keys', 5, lambda: p.stat('dtls_keyed') == 1)
    equal(end.heard, [], 'in clear from the PBX to the gateway')
    stranger.setblocking(False)
    try:
        check(False, f'the stranger was answered: {stranger.recv(2000)!r}')
    except BlockingIOError:
        pass
    key = {'tx': material[:16] + material[32:46], 'rx': material[16:32] + material[46:60]}
    c.answer += 'a=crypto:1 x inline:' + base64.b64encode(key['rx']).decode().rstrip('=') + '\r\n'
    media = place.keep(rawsip.Srtp(c, mine=base64.b64encode(key['tx']).decode()))
    wait_for('sound both ways', 5, lambda: len(end.heard) > 20 and len(media.heard) > 20)
    equal(media.refused, 0, 'packets under another key')
    equal(pbx.bye(c), 200, 'BYE')
    cdr = p.wait_cdrs(2)[1]
    equal((cdr['a']['keying'], cdr['refusal']), ('dtls', None), 'CDR')
    equal(p.cdrs()[0]['refusal'], 'DTLS', 'CDR of the first')
    check('keys by DTLS' in p.command('explain', '-c', p.conf, cdr['id']), 'explain')


def play_hello_first(place):
    """RFC 5763 5: the hello of who is called is here before its answer: it is answered once that names
    where it came from, without being said again. M14: a stranger's is not."""
    p = Postern(place, accounts=DTLS.replace('keying: dtls', 'keying: dtls\n        reuse: inbound', 1)).start()
    place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    ping = rawsip.Call()                        # its connection is one that calls may go over
    pbx.send(rawsip.request('OPTIONS', ping))
    equal(pbx.final(ping).status, 200, 'OPTIONS')
    gw = agents.Sipp(place, 'gw', 'gateway_calls.xml', GATEWAY, 5080, f'{CARRIER_SIDE}:5060',
                     hold_ms=500, service=NUMBER, keys={'rtp_port': 40000})
    while (m := pbx.read(5)) and m.method != 'INVITE':
        pass
    check(m and b'a=setup:actpass' in m.body, f'no offer at the PBX: {m and m.data}')
    port = int(re.search(rb'^m=audio (\d+)', m.body, re.M).group(1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for s, host in ((stranger, STRANGER), (media, PBX)):
            s.bind((host, 41000))
            s.settimeout(5)
            s.sendto(hello(), (POSTERN, port))
        pbx.send(rawsip.reply(m, 200, contact=f'sip:{NUMBER}@{PBX}:5061;transport=tls', body=dtls_offer(place)))
        try:
            equal(media.recv(2000)[:1], b'\x16', 'a handshake')
        except (TimeoutError, socket.timeout):
            check(False, 'the hello before the answer was not answered')
        while (m := pbx.read(5)) and m.method != 'BYE':
            pass
        check(m, 'no BYE at the PBX')
        pbx.send(rawsip.reply(m, 200))
        gw.wait(10)
        stranger.setblocking(False)
        try:
            check(False, f'the stranger was answered: {stranger.recv(2000)!r}')
        except BlockingIOError:
            pass
    equal(p.wait_cdrs(1)[0]['sip_status'], 200, 'CDR')
    p.wait_idle()


def play_wrong_certificate(place):
    """M13: another certificate than SDP named: the call ends on both legs, and says why."""
    p = Postern(place, accounts=DTLS).start()
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call(dtls_offer(place, wrong=True))
    shake(place, int(re.search(r'^m=audio (\d+)', c.answer, re.M).group(1)))
    check(gw.wait('BYE'), 'BYE to the gateway')
    m = pbx.read(3)
    equal(m and m.method, 'BYE', 'to the PBX')
    pbx.send(rawsip.reply(m, 200))
    cdr = p.wait_cdrs(1)[0]
    equal((cdr['refusal'], cdr['ended_by'], cdr['a']['srtp_in']), ('DTLS_PRINT', 'postern', None), 'CDR')
    equal((p.stat('dtls_keyed'), p.stat('dtls_failed')), (0, 1), 'counted')
