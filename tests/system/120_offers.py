"""What an offer may ask of the protection of a call (reliability M9): on an encrypted leg nothing but
SRTP under a whole key gets through, on a clear leg no key is taken, each refusal has its CDR."""
from lib import rawsip
from lib.place import NUMBER, PBX, POSTERN, CARRIER_SIDE, GATEWAY
from lib.postern import Postern
from lib.proc import check, equal, wait_for
from lib.rawsip import KEY, SUITE, offer

K32, LONG = KEY[:-4], KEY + 'AAAA'
GOOD = f'1 {SUITE} inline:{KEY}'


def crypto(*lines, **how):
    return offer(crypto=lines, **how)


def two_streams(first, second):
    return offer(crypto=(GOOD,)).replace('a=sendrecv\r\n', '') \
        + f'm=audio 41010 {first} 8\r\n{second}'


# name, SDP, statuses that are right; 200 means: taken, and it is SRTP that we answer with
OFFERS = [
    ('AVP', offer(profile='RTP/AVP', crypto=()), {488}),
    ('AVP with a=crypto', offer(profile='RTP/AVP'), {488}),
    ('AVPF with a=crypto', offer(profile='RTP/AVPF'), {488}),
    ('SAVP without a=crypto', offer(crypto=()), {488}),
    ('UDP/TLS/RTP/SAVP', offer(profile='UDP/TLS/RTP/SAVP',
                               extra=('a=fingerprint:sha-1 00:11', 'a=setup:actpass')), {488}),
    ('udptl', offer(profile='udptl'), {488}),
    ('a profile of nobody', offer(profile='RTP/XAVP'), {488}),
    ('key too short', crypto(f'1 {SUITE} inline:{K32}'), {488, 400}),
    ('key too long', crypto(f'1 {SUITE} inline:{LONG}'), {488, 400}),
    ('no key', crypto(f'1 {SUITE} inline:'), {488, 400}),
    ('no inline', crypto(f'1 {SUITE}'), {488, 400}),
    ('key that is no base64', crypto(f'1 {SUITE} inline:{"!" * 40}'), {488, 400}),
    ('key of another method', crypto(f'1 {SUITE} http://127.0.0.66/key'), {488, 400}),
    ('empty a=crypto', crypto(''), {488, 400}),
    ('tag 0', crypto(f'0 {SUITE} inline:{KEY}'), {488, 400, 200}),
    ('tag of text', crypto(f'one {SUITE} inline:{KEY}'), {488, 400}),
    ('tag of ten digits', crypto(f'1234567890 {SUITE} inline:{KEY}'), {488, 400}),
    ('tag negative', crypto(f'-1 {SUITE} inline:{KEY}'), {488, 400}),
    ('the same tag twice', crypto(GOOD, GOOD), {488, 400}),
    ('unknown suite only', crypto(f'1 ROT13_SHA0 inline:{KEY}'), {488}),
    ('NULL cipher', crypto(f'1 NULL_HMAC_SHA1_80 inline:{KEY}'), {488}),
    ('suite of lower case', crypto(f'1 {SUITE.lower()} inline:{KEY}'), {488, 200}),
    ('UNENCRYPTED_SRTP', crypto(f'{GOOD} UNENCRYPTED_SRTP'), {488}),
    ('UNENCRYPTED_SRTCP', crypto(f'{GOOD} UNENCRYPTED_SRTCP'), {488}),
    ('UNAUTHENTICATED_SRTP', crypto(f'{GOOD} UNAUTHENTICATED_SRTP'), {488}),
    ('unknown session parameter', crypto(f'{GOOD} SURPRISE=1'), {488}),
    ('KDR', crypto(f'{GOOD} KDR=1'), {488}),
    ('MKI', crypto(f'{GOOD}|2^20|1:4'), {488, 200}),
    ('lifetime 0', crypto(f'{GOOD}|0'), {488, 400}),
    ('lifetime 2^99', crypto(f'{GOOD}|2^99'), {488, 400}),
    ('two keys of two lengths', crypto(f'{GOOD};inline:{K32}'), {488, 400}),
    ('a=crypto for the session only',
     offer(crypto=()).replace('t=0 0\r\n', f't=0 0\r\na=crypto:{GOOD}\r\n'), {488, 400}),
    ('port 0', offer(port=0), {488}),
    ('no stream', offer().split('m=')[0], {488, 400}),
    ('no c=', offer().replace(f'c=IN IP4 {PBX}\r\n', ''), {488, 400}),
    ('c= of 0.0.0.0 is hold', offer().replace(f'c=IN IP4 {PBX}', 'c=IN IP4 0.0.0.0'), {200, 488}),
    ('c= of us', offer().replace(f'c=IN IP4 {PBX}', f'c=IN IP4 {POSTERN}'), {200, 488}),
    ('a media port of ours', offer(port=30400).replace(f'c=IN IP4 {PBX}', f'c=IN IP4 {POSTERN}'),
     {488}),
    ('c= of a group', offer().replace(f'c=IN IP4 {PBX}', 'c=IN IP4 224.0.0.1'), {488, 400}),
    ('no SDP in it', 'hello', {488, 400}),
    ('suites good and bad', crypto(f'1 ROT13_SHA0 inline:{KEY}', f'2 {SUITE} inline:{KEY}'), {200}),
    ('tag of tomorrow', crypto(f'999999999 {SUITE} inline:{KEY}'), {200}),
    ('_32', crypto(f'7 AES_CM_128_HMAC_SHA1_32 inline:{KEY}'), {200}),
    ('second stream clear', two_streams('RTP/AVP', ''), {200, 488}),
    ('second stream SAVP without key', two_streams('RTP/SAVP', ''), {200, 488, 400}),
]


def judge_answer(name, sdp, body):
    """The answer is SRTP for each stream that it takes, with one line of crypto of the offer."""
    for part in body.split('m=')[1:]:
        words = part.split()
        if words[1] == '0':
            continue
        check(words[2] == 'RTP/SAVP', f'{name}: answered with {words[:3]}')
        lines = [x for x in part.split('\r\n') if x.startswith('a=crypto:')]
        equal(len(lines), 1, f'{name}: lines of a=crypto in the answer')
        tag, suite = lines[0][9:].split()[:2]
        check(f'a=crypto:{tag} {suite}'.lower() in sdp.lower(),
              f'{name}: {lines[0][:50]} was not offered')
        check(KEY not in lines[0], f'{name}: our key is theirs')


def play_offers(place):
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    bad, cdrs, heard = [], 0, 0
    for name, sdp, right in OFFERS:
        c = rawsip.Call()
        pbx.send(rawsip.request('INVITE', c, sdp))
        m = pbx.final(c)
        if not m:
            bad.append(f'{name}: no answer; closed={pbx.closed}')
            if pbx.closed:
                pbx = place.keep(rawsip.Customer(place.ca))
            continue
        cdrs += 1
        if m.status not in right:
            bad.append(f'{name}: {m.line}, {m.get("warning")}; wanted {right}')
        c.learn(m)
        pbx.send(rawsip.request('ACK', c, cseq=1,
                                branch=None if m.status == 200 else c.branch))
        if m.status == 200:
            heard += 1
            judge_answer(name, sdp, m.body.decode())
            equal(pbx.bye(c), 200, f'{name}: BYE')
        elif not m.get('warning'):
            bad.append(f'{name}: {m.status} without a Warning')
    check(not bad, '\n'.join(bad))
    equal(len(gw.requests()), heard, 'INVITEs at the gateway')
    for m in gw.requests():
        check(b'crypto' not in m.body and b'RTP/AVP' in m.body, 'a key at the gateway')
    got = p.wait_cdrs(cdrs)
    check(all(x['refusal'] for x in got if x['sip_status'] != 200), 'a refusal without a name')


def play_late_offer(place):
    """M9: no offer in INVITE: refused, or what we offer in 200 is SRTP and nothing else."""
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    c = rawsip.Call()
    pbx.send(rawsip.request('INVITE', c))
    m = pbx.final(c)
    check(m, 'no final answer')
    c.learn(m)
    pbx.send(rawsip.request('ACK', c, cseq=1, branch=None if m.status == 200 else c.branch))
    if m.status == 200:
        check('RTP/SAVP' in m.body.decode() and 'RTP/AVP' not in m.body.decode(), f'{m.body}')
        pbx.bye(c)
    else:
        check(m.status in (488, 400, 501, 500), m.line)
        equal(len(gw.requests()), 0, 'INVITEs at the gateway')
    p.wait_cdrs(1)


def play_reinvite_to_clear(place):
    """M9: a re-INVITE and an UPDATE of a running call that offer RTP/AVP are refused; the call stays
    what it was, and the gateway hears nothing of it."""
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    c = pbx.call()
    for method in ('INVITE', 'UPDATE'):
        for sdp in (offer(profile='RTP/AVP', crypto=()), offer(profile='RTP/AVP'),
                    offer(crypto=()), offer(crypto=(f'1 {SUITE} inline:{K32}',))):
            c.cseq += 1
            branch = 'z9hG4bK' + rawsip.token()
            pbx.send(rawsip.request(method, c, sdp, cseq=c.cseq, branch=branch))
            m = pbx.final(c, method=method)
            check(m and 400 <= m.status < 700 and m.status not in (408, 481, 500),
                  f'{method}: {m and m.line}')
            if method == 'INVITE':
                pbx.send(rawsip.request('ACK', c, cseq=c.cseq, branch=branch))
    equal(len(gw.requests()), 1, 'INVITEs at the gateway')
    equal(pbx.bye(c), 200, 'BYE')
    equal(len(p.wait_cdrs(1)), 1, 'CDRs')


def gateway_call(gw, sdp, number=NUMBER):
    """The bytes of an INVITE of the gateway."""
    c = rawsip.Call()
    body = sdp.encode()
    return (f'INVITE sip:{number}@{CARRIER_SIDE}:5060 SIP/2.0\r\n'
            f'Via: SIP/2.0/UDP {GATEWAY}:5080;branch=z9hG4bK{rawsip.token()}\r\n'
            f'From: <sip:+15551230000@{GATEWAY}>;tag={c.tag}\r\nTo: <sip:{number}@{CARRIER_SIDE}>\r\n'
            f'Call-ID: {c.id}\r\nCSeq: 1 INVITE\r\nContact: <sip:gw@{GATEWAY}:5080>\r\n'
            f'Max-Forwards: 70\r\nContent-Type: application/sdp\r\n'
            f'Content-Length: {len(body)}\r\n\r\n').encode() + body


def play_key_on_clear_leg(place):
    """M9: a=crypto over clear signalling is not accepted, whatever the profile says."""
    p = Postern(place).start()
    gw = place.keep(rawsip.Gateway(script=lambda *_: None))
    for n, sdp in enumerate((offer(host=GATEWAY), offer(profile='RTP/AVP', host=GATEWAY))):
        gw.send(gateway_call(gw, sdp), (CARRIER_SIDE, 5060))
        wait_for('a final answer', 5, lambda: any(m.status == 488 for m in gw.seen[n:]))
        gw.seen[:] = [m for m in gw.seen if m.status == 488]
        check(b'crypto' not in gw.seen[n].data, 'a key in the clear')
    p.wait_cdrs(2)
