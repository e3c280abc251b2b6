"""Mixed calls both ways against ends whose messages are lost, come twice or late, and whose connections
are cut at any byte (tests/bench/calls/mixed.h): each leg is paired, nothing is left over, each call has
one CDR. Short: 250 calls. Full: 200,000, in four runs of other calls and faults."""
import json
import os

from lib.proc import Failed, check, run, sanitized


def play_faults(place):
    runs, calls, rate = (4, 50000, 400) if place.full else (1, 250, 100)
    if place.full and sanitized(place):
        runs, calls, rate = 1, 20000, 150
    for seed in range(1, runs + 1):
        _, text = run([place.tool('bench-calls'), '--mixed', str(calls), '--rate', str(rate), '--seed',
                    str(seed)], calls // rate + 110, may_fail=True,
                   env={'TMPDIR': place.dir, 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')})
        line = [x for x in text.splitlines() if x.startswith('{"bench":"mixed"')]
        if not line:
            raise Failed(f'no result: {text[-1500:]}')
        seen = json.loads(line[0])
        check(seen['ok'] and seen['calls'] == calls, f'seed {seed}: {text[-1500:]}')
        check(seen['answered'] > calls // 2 and seen['lost'] > calls // 10, f'no mix: {seen}')


play_faults.limit = 900
