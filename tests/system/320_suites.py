"""SRTP suites by trunk (RFC 4568, 6188, 7714): with baresip under AES-GCM, with an end of our own on
libsrtp2 under AES-256; the list of a trunk is what is offered and taken, an MKI as its word says."""
import os
import re
import time

from lib import agents, rawsip, tone
from lib.load import MediaEnds
from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd

GCM256, GCM128, WIDE = 'AEAD_AES_256_GCM', 'AEAD_AES_128_GCM', 'AES_256_CM_HMAC_SHA1_80'
KEY_44 = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXI='
KEY_46 = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdA=='


def accounts(suites):
    return ACCOUNTS.replace('security: required', f'security: required\n        srtp: {suites}', 1)


def change(p, old, new):
    with open(p.accounts, encoding='utf-8') as f:
        text = f.read()
    check(old in text, f'no {old} in the accounts')
    p.write(os.path.basename(p.accounts), text.replace(old, new, 1))
    before = len(p.events('accounts.swap'))
    p.command('apply', '-c', p.conf, p.accounts)
    wait_for('the new accounts in use', 5, lambda: len(p.events('accounts.swap')) > before)


def agreed(pbx):
    """Suites that baresip says it uses, in order."""
    return re.findall(r'cryptosuite=(\S+)\)', pbx.proc.text())


def play_gcm_with_baresip(place):
    """Calls to baresip that offer it GCM alone, 256 and then, by apply, 128: sound both ways."""
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place, accounts=accounts(f'[{GCM256}]')).start()
    pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
    for i, suite in enumerate((GCM256, GCM128)):
        if i:
            change(p, f'[{GCM256}]', f'[{GCM128}]')
        end = RtpEnd(GATEWAY, 40000, 1000)
        gw = agents.Sipp(place, f'gw{i}', 'gateway_calls.xml', GATEWAY, 5080 + i, f'{CARRIER_SIDE}:5060',
                         hold_ms=2500, service=NUMBER, keys={'rtp_port': 40000})
        pbx.wait_event('CALL_ESTABLISHED', count=i + 1)
        gw.wait(15)
        end.stop()
        c = p.wait_cdrs(i + 1)[i]
        equal((c['b']['srtp_in'], c['b']['srtp_out']), (suite, suite), 'CDR: suites')
        equal(agreed(pbx)[-1], suite, 'suite that baresip speaks of')
        seconds, share = tone.measure(end.samples(), 440)
        check(seconds > 1.5 and share > 0.9, f'the gateway heard {seconds:.1f} s, {share:.2f}')
    pbx.quit()
    seconds, share = tone.measure(pbx.heard(), 1000)
    check(seconds > 1.5 and share > 0.9, f'the PBX heard {seconds:.1f} s, {share:.2f}')


def play_aes_256(place):
    """A customer that offers AES-256 under its other name, once with an MKI: the line without one is
    taken, its spelling said again, and both ends hear the tone."""
    p = Postern(place).start()
    place.keep(rawsip.Gateway())
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = place.keep(rawsip.Customer(place.ca))
    ends = MediaEnds(place)
    name = 'AES_CM_256_HMAC_SHA1_80'
    c = pbx.call(rawsip.offer(crypto=(f'1 {name} inline:{KEY_46}|2^31|1:1', f'2 {name} inline:{KEY_46}'),
                              extra=('a=rtcp-mux',)))
    check('a=rtcp-mux\r' in c.answer, f'answer without rtcp-mux: {c.answer}')
    ours = re.search(rf'a=crypto:2 {name} inline:(\S+)\r', c.answer)
    check(ours, f'answer: {c.answer}')
    host, port, _ = c.where()
    ends.tell(f'add pbx {PBX}:41000 {host}:{port} {KEY_46} {ours.group(1)} {WIDE} 8 440 3 hear=1000 rtcp=1 mux=1')
    time.sleep(3.3)
    pbx.bye(c)
    s = ends.finish()['pbx']
    equal([s[x] for x in ('lost', 'auth_fail', 'rtcp_auth_fail', 'srtcp_e0', 'bad')], [0] * 5, f'{s}')
    check(s['received'] > 120 and s['tone_hz_ok'] and s['rtcp_received'] > 0, f'the PBX heard {s}')
    seconds, share = tone.measure(end.samples(), 440)
    check(seconds > 2.5 and share > 0.7, f'the gateway heard {seconds:.1f} s, {share:.2f}')
    equal(p.wait_cdrs(1)[0]['a']['srtp_in'], WIDE, 'CDR: suite')


def play_lists(place):
    """What a trunk's list does not name is refused; of what it names its own order counts; an MKI in
    the answer as the trunk's word says (M9)."""
    p = Postern(place, accounts=accounts(f'[{GCM256}, {WIDE}]')).start()
    place.keep(rawsip.Gateway())
    pbx = place.keep(rawsip.Customer(place.ca))
    wide, gcm = f'1 {WIDE} inline:{KEY_46}|1:4', f'2 {GCM256} inline:{KEY_44}|1:4'
    c = pbx.call(rawsip.offer(crypto=(wide, gcm)))
    check(re.search(rf'a=crypto:2 {GCM256} inline:\S+\|1:4\r', c.answer), f'answer: {c.answer}')
    equal(pbx.bye(c), 200, 'BYE')
    c = rawsip.Call()
    pbx.send(rawsip.request('INVITE', c, rawsip.offer()))
    m = pbx.final(c)
    check(m and m.status == 488 and f'this trunk takes {GCM256}, {WIDE}' in m.get('warning'),
          f'SHA1_80: {m and m.get("warning")}')
    c.learn(m)
    pbx.send(rawsip.request('ACK', c, cseq=1, branch=c.branch))
    change(p, f'{WIDE}]', f'{WIDE}]\n        mki: never')
    wait_for('an answer without MKI', 5, lambda: answered_without(pbx, wide))


def answered_without(pbx, line):
    c = pbx.call(rawsip.offer(crypto=(line,)))
    pbx.bye(c)
    return '|1:4' not in c.answer
