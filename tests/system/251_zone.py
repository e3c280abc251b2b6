"""`postern zone` and what a real name server (nsd) makes of it: the printed records, served, verify;
each record spoilt is named."""
import json

from lib import agents
from lib.place import POSTERN
from lib.postern import Postern
from lib.proc import check, equal

DNS, OTHERS = '127.0.0.54', '127.0.0.55'
# what is changed in the records of example.test, and the words that must come of it
SPOILT = [
    ('no SRV', lambda r: [x for x in r if ' SRV ' not in x], 'srv-missing'),
    ('wrong port', lambda r: [x.replace('5061', '5066') for x in r], 'wrong-port'),
    ('wrong target', lambda r: [x.replace(f'A {POSTERN}', 'A 9.9.9.9') for x in r], 'address-missing'),
    ('a target of no address', lambda r: [x for x in r if ' A ' not in x], 'target-unknown'),
    ('CNAME', lambda r: [x.replace('5061 sbc.example.test.', '5061 other') for x in r]
     + ['other CNAME sbc.example.test.'], 'cname'),
    ('a private address', lambda r: r + ['sbc A 10.1.2.3'], 'private-address'),
    ('TTL', lambda r: [x.replace(' 3600 ', ' 604800 ') for x in r], 'ttl-long'),
    ('NAPTR to UDP only', lambda r: [x.replace('SIPS+D2T', 'SIP+D2U') for x in r], 'naptr'),
]


def verify(p, *words, server=DNS):
    rc, out = p.command('zone', '-c', p.conf, '--verify', '--server', server, *words, may_fail=True)
    return rc, out


def play_printed_served_verified(place):
    p = Postern(place)
    records = p.command('zone', '-c', p.conf, 'sbc.example.test').splitlines()
    records = [x for x in records if x.startswith(('sbc.', '_sips.'))]
    equal([x.split()[3] for x in records], ['NAPTR', 'SRV', 'A'], 'types of the records')
    as_json = json.loads(p.command('zone', '-c', p.conf, '--json').splitlines()[-1])
    equal([r['type'] for r in as_json['zones'][0]['records']], ['NAPTR', 'SRV', 'A'], '--json')
    dns = agents.Nsd(place, DNS, {'example.test': records})
    rc, out = verify(p)
    check(rc == 0 and 'wrong' not in out, f'what we print is not right: {rc} {out}')
    check('private address' in out, f'no warning of 127.0.0.1: {out}')
    for name, spoil, word in SPOILT:
        dns.change('example.test', spoil(records))
        rc, out = verify(p, '--json')
        seen = json.loads(out.splitlines()[-1])['zones'][0]
        words = {d['what']: d for d in seen['differences']}
        check(word in words, f'{name}: wanted {word}, got {list(words)}')
        wrong = any(d['level'] == 'wrong' for d in words.values())
        equal((rc, seen['right']), (1 if wrong else 0, not wrong), f'{name}: exit status, right')
    dns.proc.stop()
    rc, out = verify(p)
    check(rc == 1 and 'no name server answers' in out, f'without a name server: {rc} {out}')
    agents.Nsd(place, OTHERS, {'other.test': ['sbc A 9.9.9.9']})
    rc, out = verify(p, server=OTHERS)
    check(rc == 1 and 'refuses to answer (REFUSED)' in out, f'a name server of others: {rc} {out}')
    rc, out = p.command('zone', '-c', p.conf, 'nowhere.test', may_fail=True)
    check(rc == 2 and 'nowhere.test' in out, f'an unknown zone: {rc} {out}')
