#!/usr/bin/python3
"""`./dev demo`: a call each way between a real PBX (baresip: TLS, SRTP) and a real gateway (SIPp:
UDP, RTP) through postern, in a throw-away folder and network namespace, and what was seen and heard.

Exit status 0 only if all of it held. What is printed is measured from outside: from captures on both
sides (TLS opened with the throw-away keys, SRTP with the keys of the SDP by libsrtp2), from what each
end recorded, and from postern's own call records, which have to agree.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lib import agents, oracle, tone                                    # noqa: E402
from lib.place import (CARRIER_SIDE, GATEWAY, NUMBER, PBX, POSTERN, PSTN,  # noqa: E402
                       Place, share)
from lib.postern import Postern                                          # noqa: E402
from lib.proc import Failed                                              # noqa: E402
from lib.rtpend import RtpEnd                                            # noqa: E402

TALK = 4                # seconds of sound a call
SUITES = {0x002f: 'AES128-SHA', 0x003c: 'AES128-SHA256', 0x003d: 'AES256-SHA256'}
HELD, LOST = [], []


def say(text=''):
    print(text, flush=True)


def fact(ok, what, seen):
    """One line, with a mark; all must hold."""
    (HELD if ok else LOST).append(what)
    say(f'  {"ok " if ok else "NOT"} {what + ":":<34} {seen}')


def ladder(customer, carrier, ca):
    """Both legs in order of time, as arrows between three poles."""
    rows = [(m['time'], 0, m['from_pbx'], m) for m in oracle.sip_messages(customer, ca)]
    rows += [(m['time'], 1, m['src'] == GATEWAY, m)
             for m in oracle.sip_messages(carrier, ca, plain=(5060, 5080))]
    say(f'    {"PBX (TLS)":<31}{"postern":^10}{"gateway (UDP)":>31}')
    start = min((r[0] for r in rows), default=0)
    for at, side, inward, m in sorted(rows, key=lambda r: r[0]):
        words = m['line'].split()
        name = words[0] if words[0] != 'SIP/2.0' else ' '.join(words[1:])
        if words[0] == 'SIP/2.0':
            name += f' ({m["method"]})'
        right = inward == (side == 0)
        width = 30 - len(name) - 3
        arrow = f'-- {name} {"-" * max(1, width - 2)}>' if right else \
            f'<{"-" * max(1, width - 2)} {name} --'
        left, other = (arrow, '') if side == 0 else ('', arrow)
        say(f'    |{left:<33}|{other:<33}|  {1000 * (at - start):6.0f} ms')
    return rows


def judge(place, p, end, pbx, captures, name, cdr):
    customer, carrier = captures
    say(f'\n{name}: the ladder of both legs\n')
    rows = ladder(customer, carrier, place.ca)
    say()
    facts = oracle.tls_facts(customer)
    suites = ', '.join(SUITES.get(s, hex(s)) for s in sorted(facts['suites']))
    fact(facts['versions'] == {'0x0303'}, 'TLS version',
         'TLS 1.2' if facts['versions'] == {'0x0303'} else facts['versions'])
    fact(suites == 'AES128-SHA', 'TLS suite', suites)
    fact(not oracle.clear_sip(customer), 'SIP readable on the customer side', 'none'
         if not oracle.clear_sip(customer) else oracle.clear_sip(customer)[:3])
    fact(bool([r for r in rows if r[3]['method'] == 'BYE' and r[1] == 0])
         and bool([r for r in rows if r[3]['method'] == 'BYE' and r[1] == 1]),
         'hung up on both legs', 'BYE and 200 on each')
    fact('pbx.example.test' in str(cdr['peer']), 'names in the certificate', cdr['peer'])
    fact(cdr['account'] == 'acme' and cdr['trunk'] == 'acme-pbx',
         'account that they selected', f'{cdr["account"]}, trunk {cdr["trunk"]}')
    media(place, end, pbx, customer, cdr)


def media(place, end, pbx, customer, cdr):
    bodies = [b for _, b in oracle.sdp_bodies(customer, place.ca)]
    theirs = next((b for b in bodies if b.host == PBX), None)
    ours = next((b for b in bodies if b.host == POSTERN), None)
    if not theirs or not ours or not ours.crypto or not theirs.crypto:
        fact(False, 'SRTP keys in the SDP', 'not on both sides')
        return
    fact(True, 'SRTP suite to and from the PBX', f'{ours.crypto[0][1]} / {theirs.crypto[0][1]}')
    out = oracle.open_media(customer, ours.port, theirs.port, *ours.crypto[0][1:])
    back = [x for x in oracle.packets(customer) if x[1] == 'udp' and x[5] == ours.port
            and not oracle.is_rtcp(x[6])]
    fact(out.rtp > TALK * 40 and not out.refused, 'SRTP postern -> PBX',
         f'{out.rtp} packets, all opened by libsrtp2' if not out.refused else
         f'{out.refused} of {out.rtp + out.refused} do not authenticate')
    fact(not out.refused_rtcp and not out.clear_rtcp, 'SRTCP postern -> PBX',
         f'{out.rtcp} packets, all encrypted and authentic' if out.rtcp else 'none yet, none clear')
    fact(len(end.heard) > TALK * 40 and end.lost() == 0, 'RTP postern -> gateway',
         f'{len(end.heard)} packets, {end.lost()} lost')
    # the PBX goes on sending until the BYE of the other side reaches it
    fact(0 <= len(back) - len(end.heard) <= 5, 'SRTP PBX -> postern',
         f'{len(back)} packets, {len(end.heard)} of them went on to the gateway')
    for leg, who in (('a', 'caller'), ('b', 'called')):
        m = cdr[leg]['media']
        fact(m['in_packets'] > TALK * 40 and not m['in_lost'], f'call record, {who} side',
             f'{m["in_packets"]} packets in, {m["in_lost"]} lost, {m["out_packets"]} out')
    for who, samples, hz, wrong in (('the gateway', end.samples(), 440, 1000),
                                    ('the PBX', pbx.heard(), 1000, 440)):
        seconds, part = tone.measure(samples, hz)
        other = tone.measure(samples, wrong)[1]
        fact(seconds >= TALK - 1.5 and part > 0.9 and other < 0.1, f'{who} heard',
             f'{hz} Hz for {seconds:.1f} s, {100 * part:.1f} % of the sound '
             f'({100 * other:.1f} % at {wrong} Hz)')


def captures(place, name):
    # the PBX's media ports: on loopback its packets carry postern's own address
    return (agents.Capture(place, name + '-customer',
                           'port 5061 or (udp and portrange 20000-20199)'),
            agents.Capture(place, name + '-carrier', f'host {GATEWAY}'))


def call_out(place, p, pbx):
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    caps = captures(place, 'out')
    gw = agents.Sipp(place, 'gw-out', 'gateway_answers.xml', GATEWAY, 5080,
                     keys={'rtp_port': 40000})
    pbx.dial(f'sip:{PSTN}@{POSTERN}:5061')
    pbx.wait_event('CALL_ESTABLISHED')
    time.sleep(TALK)
    pbx.hangup()
    gw.wait(10)
    cdr = p.wait_cdrs(1)[0]
    end.stop()
    judge(place, p, end, pbx, [c.stop() for c in caps], 'The PBX calls the gateway', cdr)


def call_in(place, p, pbx):
    pbx.forget()
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    caps = captures(place, 'in')
    gw = agents.Sipp(place, 'gw-in', 'gateway_calls.xml', GATEWAY, 5080, f'{CARRIER_SIDE}:5060',
                     hold_ms=TALK * 1000, service=NUMBER, keys={'rtp_port': 40000})
    gw.wait(TALK + 12)
    cdr = p.wait_cdrs(2)[1]
    end.stop()
    judge(place, p, end, pbx, [c.stop() for c in caps], 'The gateway calls the PBX', cdr)


def inside(folder, shared, build):
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(Failed('time is over')))
    place = Place(folder, shared, build)
    try:
        agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
        p = Postern(place).start()
        say(f'postern runs: {", ".join(f"{r} {pid}" for r, pid in p.roles().items())}')
        pbx = agents.Baresip(place, 'pbx', PBX, 5060, 440, NUMBER, cert='pbx')
        call_out(place, p, pbx)
        # one agent a call: its recordings must not mix
        pbx.quit()
        pbx = agents.Baresip(place, 'pbx2', PBX, 5060, 440, NUMBER, cert='pbx')
        call_in(place, p, pbx)
        pbx.quit()
        say('\nAfterwards')
        p.invariants()
        fact(True, 'call, flow and port left', 'none')
        fact(True, 'keys in logs and call records', 'none')
    except Failed as e:
        fact(False, 'the demonstration', e)
        for q in place.posterns:
            say(q.tail())
    finally:
        place.close()
    return 1 if LOST else 0


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--build', default='build-gcc')
    a.add_argument('--inside', nargs=2)
    args = a.parse_args()
    if args.inside:
        return inside(*args.inside, os.path.abspath(args.build))
    from run import Namespace
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix='postern-demo-')
    os.chmod(folder, 0o755)
    try:
        say(f'A throw-away folder, certificate authority and network: {folder}')
        share(os.path.join(folder, 'shared'), hostile=False)
        with Namespace() as ns:
            p = subprocess.Popen(['ip', 'netns', 'exec', ns.name, sys.executable, __file__,
                                  '--build', args.build, '--inside',
                                  os.path.join(folder, 'demo'), os.path.join(folder, 'shared')],
                                 start_new_session=True)
            try:
                rc = p.wait(55)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGTERM)
                rc = 1
                say('NOT within a minute')
            except KeyboardInterrupt:
                os.killpg(p.pid, signal.SIGTERM)
                rc = 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f'\n{"All of it held" if rc == 0 else "Something did not hold"}, '
        f'{time.monotonic() - began:.0f} s.')
    return rc


if __name__ == '__main__':
    sys.exit(main())
