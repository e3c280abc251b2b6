#!/usr/bin/python3
"""Take each guard out, one after the other, and see that some test fails without it.

usage: red.py BUILD [--results FILE] [ID...]      BUILD was configured with -Dred=true

Guards are the GUARD(ID, condition) in src. For each id first the unit programs run with
POSTERN_GUARD_OFF=ID; if all pass, the plays of tests/system that name the id in GUARDS run. A test
counts when it fails without the guard, passes with it, and fails without it once more. A guard that
is missed over one back end of packet I/O must be missed over each.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

EACH = {'media-trust': 4}    # programs whose tests are one thing in so many places
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')


def guards():
    """id -> the files that hold it"""
    found = {}
    for d, _, names in os.walk(os.path.join(ROOT, 'src')):
        for name in (n for n in names if n.endswith('.c')):
            with open(os.path.join(d, name), encoding='utf-8') as f:
                for g in re.findall(r'\bGUARD\(\s*(\w+)\s*,', f.read()):
                    found.setdefault(g, set()).add(os.path.relpath(os.path.join(d, name), ROOT))
    return found


def failing(test, guard):
    env = {**os.environ, **test['env'], 'POSTERN_GUARD_OFF': guard}
    try:
        p = subprocess.run(test['cmd'], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=120, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return [test['name'] + ' (time-out)']
    out = p.stdout.decode(errors='replace')
    bad = re.findall(r'^not ok \d+ *-? *([^\n]*)', out, re.M)
    return [f'{test["name"]}: {b}' for b in bad] or ([test['name']] if p.returncode else [])


def missed(test, guard):
    """What fails in test because the guard is out, and not by chance."""
    seen = [x for x in failing(test, guard) if 'setup failed' not in x]     # that is no finding
    return [x for x in seen if x not in failing(test, 'none') and x in failing(test, guard)]


def plays_of(guard):
    folder = os.path.join(ROOT, 'tests/system')
    for name in sorted(n for n in os.listdir(folder) if re.match(r'\d{3}_\w+\.py$', n)):
        with open(os.path.join(folder, name), encoding='utf-8') as f:
            m = re.search(r'^GUARDS = (\[[^\]]*\])', f.read(), re.M)
        if m and guard in json.loads(m.group(1).replace("'", '"')):
            yield name[:-3]


def play_fails(build, play, guard):
    p = subprocess.run([sys.executable, os.path.join(ROOT, 'tests/system/run.py'), '--build', build,
                        play], env={**os.environ, 'POSTERN_GUARD_OFF': guard}, cwd=ROOT,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.returncode != 0


def main():
    a = argparse.ArgumentParser()
    a.add_argument('build')
    a.add_argument('--results')
    a.add_argument('ids', nargs='*')
    a = a.parse_intermixed_args()
    tests = json.loads(subprocess.run(['meson', 'introspect', '--tests', a.build], check=True,
                                      stdout=subprocess.PIPE).stdout)
    lines = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for t in pool.map(lambda t: failing(t, 'none'), tests):
            lines += [f'fail red baseline: {x} fails with every guard in' for x in t]
        for guard, where in sorted(guards().items()):
            if a.ids and guard not in a.ids:
                continue
            seen = [x for r in pool.map(lambda t: missed(t, guard), tests) for x in r]
            if not seen:
                seen = [p for p in plays_of(guard)
                        if play_fails(a.build, p, guard) and not play_fails(a.build, p, 'none')]
            part = [f'{p} misses it in {n} places of {EACH[p]}' for p in EACH
                    if 0 < (n := sum(x.startswith(p + ':') for x in seen)) < EACH[p]]
            if part:
                lines.append(f'fail red {guard}: {part[0]}')
            elif seen:
                lines.append(f'pass red {guard}: without it fails {seen[0]}')
            else:
                lines.append(f'fail red {guard} ({", ".join(sorted(where))}): no test misses it')
            print(lines[-1])
    if a.results:
        with open(a.results, 'w', encoding='utf-8') as f:
            f.writelines(x + '\n' for x in lines)
    return 1 if any(x.startswith('fail') for x in lines) else 0


if __name__ == '__main__':
    sys.exit(main())
