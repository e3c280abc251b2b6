"""A PBX in a namespace of its own, with a real name server (nsd) and an authority of our own that
the zone accepts: it finds the zone by SRV, we call it by its A record; under another name it is
refused, and accepted again when the account has changed, without a restart and without harm to a
call that runs all the time.

   PBX 198.51.100.2 (other namespace) --- 198.51.100.1 postern, nsd .53, branch PBX .3, gateway .9
"""
import time

from lib import agents, tone
from lib.lan import lan
from lib.place import NUMBER, PSTN
from lib.postern import ACCOUNTS, BASE, Postern
from lib.proc import check, equal, wait_for
from lib.rtpend import RtpEnd

POSTERN, CARRIER_SIDE, PBX, BRANCH, GATEWAY, DNS = (f'198.51.100.{n}' for n in (1, 8, 2, 3, 9, 53))
ZONE = ['_sips._tcp.sbc SRV 10 100 5061 sbc1.example.test.', f'sbc1 A {POSTERN}']


def bed(place):
    lan([f'{a}/24' for a in (POSTERN, CARRIER_SIDE, BRANCH, GATEWAY, DNS)],
        {place.spaces[0]: [f'{PBX}/24']})
    dns = agents.Nsd(place, DNS, {'example.test': [*ZONE, f'pbx A {PBX}'],
                                  'firm.test': [f'pbx.branch A {BRANCH}']})
    p = Postern(place, conf=BASE.replace('127.0.0.53', DNS), tls=f'{POSTERN}:5061',
                udp=f'{CARRIER_SIDE}:5060', media_out=POSTERN, media_in=CARRIER_SIDE,
                gateway=GATEWAY).start()
    return dns, p


def start_pbx(place, name, cert):
    return agents.Baresip(place, name, PBX, 5060, 440, NUMBER, cert=cert, space=place.spaces[0],
                          dns=DNS)


def play_found_refused_and_back(place):
    dns, p = bed(place)
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    other = place.keep(RtpEnd(GATEWAY, 41000, 1000))
    gw = agents.Sipp(place, 'gw', 'gateway_answers.xml', GATEWAY, 5080, calls=1,
                     keys={'rtp_port': 41000})
    # the call that runs all the time
    branch = agents.Baresip(place, 'branch', BRANCH, 5060, 440, '+15557770002', cert='wildone',
                            ctrl=4445, rtp='21000-21199', dns=DNS)
    branch.dial(f'sip:{PSTN}@sbc.example.test;transport=tls')
    branch.wait_event('CALL_ESTABLISHED')
    pids = p.roles()

    def gateway(n):
        return agents.Sipp(place, f'gw{n}', 'gateway_calls.xml', GATEWAY, 5081 + n,
                           f'{CARRIER_SIDE}:5060', hold_ms=2000, service=NUMBER,
                           keys={'rtp_port': 40000})

    # we call it at its A record
    pbx = start_pbx(place, 'pbx', 'pbx')
    gateway(0).wait(15)
    pbx.wait_event('CALL_ESTABLISHED')
    seconds, share = tone.measure(pbx.heard(), 1000)
    check(seconds > 1 and share > 0.9, f'the PBX heard {seconds:.1f} s, {share:.2f}')
    pbx.quit()

    # its name changes: a certificate for another name of the same authority
    place.ca.leaf('moved', 'moved.example.test')
    dns.change('example.test', [*ZONE, f'pbx A {PBX}', f'moved A {PBX}'])
    pbx = start_pbx(place, 'moved', 'moved')
    pbx.dial(f'sip:{PSTN}@sbc.example.test;transport=tls')
    pbx.wait_event('CALL_CLOSED')
    check(not pbx.seen('CALL_ESTABLISHED'), 'it called under a name that no account has')
    wait_for('the refusal in the log', 2, lambda: any(
        'moved.example.test' in e['msg'] and 'no account has a name' in e['msg']
        for e in p.events('tls.refused')))
    agents.Sipp(place, 'gwx', 'gateway_calls_refused.xml', GATEWAY, 5090, f'{CARRIER_SIDE}:5060',
                service=NUMBER, keys={'rtp_port': 40000})  # we do not reach it either
    wait_for('our own refusal', 8, lambda: p.events('call.target'))

    # the account changes; nothing is restarted
    with open(p.accounts, encoding='utf-8') as f:
        text = f.read().replace('fqdn: pbx.example.test', 'fqdn: moved.example.test')
    p.write('moved.yaml', text)
    swaps = len(p.events('accounts.swap'))
    p.command('apply', '-c', p.conf, p.dir + '/moved.yaml')
    wait_for('the new accounts', 4, lambda: len(p.events('accounts.swap')) > swaps)
    end.to = None                               # another call, other ports
    gateway(1).wait(15)
    seconds, share = tone.measure(pbx.heard(), 1000)
    check(seconds > 1 and share > 0.9, f'the PBX heard {seconds:.1f} s afterwards, {share:.2f}')
    equal(p.roles(), pids, 'processes: nothing was restarted')

    # the call that ran all the time has lost nothing
    before = len(other.heard)
    time.sleep(1)
    check(len(other.heard) > before + 40, 'the running call has no media any more')
    equal(other.lost(), 0, 'packets that the running call lost')
    branch.hangup()
    gw.wait(10)
    branch.quit()
    pbx.quit()
    done = [c for c in p.wait_cdrs(4) if c['sip_status'] == 200]
    equal(sorted(c['account'] for c in done), ['acme', 'acme', 'branch'], 'accounts of good calls')
    p.wait_idle()


play_found_refused_and_back.spaces = 1
play_found_refused_and_back.limit = 80


def play_name_server_dies(place):
    """R16: the running connection and, for an hour, what was looked up before go on without DNS; a
    call that needs a new connection is put through after the TTL (5 s) is long over."""
    dns, p = bed(place)
    end = place.keep(RtpEnd(GATEWAY, 40000, 1000))
    pbx = start_pbx(place, 'pbx', 'pbx')
    for n in range(2):
        end.to = None
        gw = agents.Sipp(place, f'gw{n}', 'gateway_calls.xml', GATEWAY, 5081 + n,
                         f'{CARRIER_SIDE}:5060', hold_ms=1000, service=NUMBER,
                         keys={'rtp_port': 40000})
        gw.wait(20)
        pbx.quit()                              # and with it the connection
        if n == 0:
            dns.proc.stop()
            time.sleep(6)
            pbx = start_pbx(place, 'again', 'pbx')
    equal([c['sip_status'] for c in p.wait_cdrs(2)], [200, 200], 'calls')
    p.wait_idle()


play_name_server_dies.spaces = 1
