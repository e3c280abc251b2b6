#!/usr/bin/python3
"""Run the unit programs and corpus replays of a build directory, then the failing-allocation ladder.

usage: unit.py BUILD [--results FILE] [--ladder SECONDS] [--full] [--again] [NAME...]

--again: a program that failed runs twice more, alone. Each TAP line counts. The ladder (tests/ladder.c) runs each unit program again with allocation k
failing, k = 0, 1, 2 ..; a failed assertion is fine there (no memory is no memory), a signal, a
time-out, a sanitizer's report or a leak without a failed assertion is not. Without --full at most
SHORT_STEPS values of k a program are tried, spread over all; what was not tried is said.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time

os.environ.setdefault('ASAN_OPTIONS', 'exitcode=99:handle_segv=2:handle_abort=1:detect_leaks=1:'
                      'allocator_may_return_null=1')
SHORT_STEPS, FULL_STEPS, RUN_LIMIT, WORKERS = 60, 4000, 60, os.cpu_count() or 2
SANITIZER = re.compile(r'ERROR: AddressSanitizer|runtime error:|AddressSanitizer:DEADLYSIGNAL|'
                       r'failed with exception|stack-overflow')
LEAK = 'LeakSanitizer: detected memory leaks'


def run(cmd, env, limit=RUN_LIMIT):
    """(output, exit status or 'time-out')"""
    try:
        p = subprocess.run(cmd, env={**os.environ, **env}, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=limit, stdin=subprocess.DEVNULL)
        return p.stdout.decode(errors='replace'), p.returncode
    except FileNotFoundError:
        return 'not ok 1 - was not built', 127
    except subprocess.TimeoutExpired as e:
        return (e.stdout or b'').decode(errors='replace'), 'time-out'


def tap(name, out, rc):
    """Result lines of one program."""
    lines, bad = [], 0
    for ok, words in re.findall(r'^(ok|not ok) \d+ *-? *([^\n]*)', out, re.M):
        if ok == 'ok' and re.search(r'# *SKIP', words, re.I):
            lines.append(f'skip {name}: {words}')
        elif ok == 'ok':
            lines.append(f'pass {name}: {words}')
        else:
            bad += 1
            lines.append(f'fail {name}: {words}')
    if (rc != 0 and not bad) or SANITIZER.search(out) or LEAK in out:
        lines.append(f'fail {name}: exit {rc}, sanitizer report or early end')
        bad += 1
    if not lines:
        lines.append(f'fail {name}: no TAP line')
        bad += 1
    return lines, bad


def step(test, k):
    """None, or what went wrong with allocation k failing."""
    out, rc = run(test['cmd'], {**test['env'], 'LADDER_FAIL': str(k)}, 30)
    if rc == 'time-out' or (isinstance(rc, int) and rc < 0):
        return f'k={k}: {"time-out" if rc == "time-out" else f"signal {-rc}"}', out
    if SANITIZER.search(out):
        return f'k={k}: {SANITIZER.search(out).group(0)}', out
    if LEAK in out and not re.search(r'^not ok', out, re.M):
        return f'k={k}: leak', out
    return None, out


def again(test, lines, out):
    """Result lines of a program that failed, after two more runs with nothing beside it: flaky when
    both hold. A sanitizer's report is never forgiven."""
    if SANITIZER.search(out) or LEAK in out:
        return lines
    both = [tap(test['name'], *run(test['cmd'], test['env'])) for _ in range(2)]
    print(f'# again {test["name"]}: {both[0][1]} and {both[1][1]} failed')
    if both[0][1] or both[1][1]:
        return lines
    return both[0][0] + [x.replace('fail', 'flaky', 1) for x in lines if x.startswith('fail')]


def first_run(test):
    """(output, exit status, number of allocations) with none of them failing"""
    with tempfile.NamedTemporaryFile('r') as f:
        out, rc = run(test['cmd'], {**test['env'], 'LADDER_COUNT': f.name})
        words = f.read().split()
    return out, rc, int(words[0]) if words else 0


def ladder(tests, calls, seconds, full, pool):
    """Result lines of the ladder; prints the first report of each program that falls."""
    lines, end = [], time.monotonic() + seconds
    left = len(tests)
    for test in sorted(tests, key=lambda t: calls[t['name']]):
        name, n = test['name'], calls[test['name']]
        most = FULL_STEPS if full else SHORT_STEPS
        ks = list(range(n)) if n <= most else \
            list(range(most // 2)) + [most // 2 + i * (n - most // 2) // (most // 2)
                                      for i in range(most // 2)]
        stop = time.monotonic() + max(0.3, (end - time.monotonic()) / left)
        left -= 1
        bad, done = None, 0
        for at in range(0, len(ks), WORKERS):
            if bad or (time.monotonic() > stop and done):
                break
            batch = ks[at:at + WORKERS]
            for why, out in pool.map(lambda k: step(test, k), batch):
                done += 1
                if why and not bad:
                    bad = why
                    print(f'# ladder {name} {why}\n' + '\n'.join(
                        '    ' + x for x in out.splitlines()[-40:]))
        lines.append(f'fail ladder {name}: {bad}' if bad else f'pass ladder {name}')
        print(f'{"not ok" if bad else "ok"} - ladder {name}: {done} of {n} allocations failed one '
              'by one' + (f', {bad}' if bad else ''))
    return lines


def main():
    with tempfile.TemporaryDirectory(prefix='postern-unit-') as folder:
        os.environ['TMPDIR'] = folder       # what a test that was cut off leaves goes with it
        return work()


def work():
    a = argparse.ArgumentParser()
    a.add_argument('build')
    a.add_argument('--results')
    a.add_argument('--ladder', type=int, default=0)
    a.add_argument('--full', action='store_true')
    a.add_argument('--again', action='store_true')
    a.add_argument('names', nargs='*')
    a = a.parse_intermixed_args()
    tests = json.loads(subprocess.run(['meson', 'introspect', '--tests', a.build], check=True,
                                      stdout=subprocess.PIPE).stdout)
    tests = [t for t in tests if not a.names or any(n in t['name'] for n in a.names)]
    lines = []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        calls, failed = {}, []
        for test, (out, rc, calls[test['name']]) in zip(tests, pool.map(first_run, tests)):
            got, bad = tap(test['name'], out, rc)
            if bad and a.again:
                failed.append((test, got, out))
            else:
                lines += got
            print(f'{"not ok" if bad else "ok"} - {test["name"]}: {len(got)} tests')
            if bad:
                print('\n'.join('    ' + x for x in out.splitlines()[-60:]))
        for test, got, out in failed:
            lines += again(test, got, out)
        if a.ladder:
            units = [t for t in tests if any('unit' in s for s in t['suite'])]
            lines += ladder(units, calls, a.ladder, a.full, pool)
    if a.results:
        with open(a.results, 'w', encoding='utf-8') as f:
            f.writelines(x + '\n' for x in lines)
    bad = [x for x in lines if x.startswith('fail')]
    print(f'{len([x for x in lines if x.startswith("pass")])} passed, {len(bad)} failed')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
