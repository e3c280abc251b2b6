#!/usr/bin/python3
"""Run the plays of this folder, each function of each play in a network namespace of its own.

usage: run.py --build BUILD [--full] [--results FILE] [--keep] [--again] [--late MS] [--list]
              [NAME...]

A play is a file NNN_name.py; its functions play_*(place) are run in order of definition. A function
may carry .limit (seconds), .spaces (further namespaces, in place.spaces) and .needs (a reason to
skip, or None, as a function of the place). A module with ALONE = True runs with no other beside it.
A sanitizer's report of any program fails the play that started it, whatever it asserted.
--again: what failed runs twice more at the end, alone; when both hold it is told as flaky, not as
failed (a sanitizer's report is never forgiven). --late: gateways of ours and the log are seen so
much later; a play that asserts what it did not wait for fails. NAME selects plays, or single
functions as 010_call.play_out. Needs root.
"""
import argparse
import concurrent.futures
import contextlib
import glob
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lib.place import Place, share          # noqa: E402
from lib.proc import Failed, REPORT         # noqa: E402

LIMIT, WORKERS = 60, 3


def load(path):
    spec = importlib.util.spec_from_file_location('play', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plays(names):
    """(file, function name, limit, alone, number of further namespaces)"""
    for path in sorted(glob.glob(os.path.join(HERE, '[0-9][0-9][0-9]_*.py'))):
        stem = os.path.basename(path)[:-3]
        module = load(path)
        for name, fn in vars(module).items():
            if name.startswith('play_') and callable(fn):
                if not names or any(n in (stem, f'{stem}.{name}') or stem.startswith(n)
                                    for n in names):
                    yield (path, name, getattr(fn, 'limit', LIMIT),
                           getattr(module, 'ALONE', False), getattr(fn, 'spaces', 0))


def ip(*words, check=True):
    p = subprocess.run(['ip', *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check and p.returncode:
        raise Failed(f'ip {" ".join(words)}: {p.stdout.decode(errors="replace").strip()}')
    return p


class Namespace:
    """lo up, resolver 127.0.0.53; at the end everything that still runs in it is killed."""

    numbers = itertools.count(1)

    def __init__(self):
        self.name = f'postern-{os.getpid()}-{next(Namespace.numbers)}'
        self.etc = f'/etc/netns/{self.name}'

    def __enter__(self):
        ip('netns', 'add', self.name)
        try:
            ip('-n', self.name, 'link', 'set', 'lo', 'up')
            os.makedirs(self.etc, exist_ok=True)
            with open(self.etc + '/resolv.conf', 'w', encoding='ascii') as f:
                f.write('nameserver 127.0.0.53\noptions timeout:1 attempts:2\n')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for _ in range(20):
            pids = ip('netns', 'pids', self.name, check=False).stdout.split()
            if not pids:
                break
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
        ip('netns', 'del', self.name, check=False)
        shutil.rmtree(self.etc, ignore_errors=True)


def report(folder):
    """What a sanitizer said in the log of some program of a play; empty: nothing."""
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), '*.log'))):
        with open(path, encoding='utf-8', errors='replace') as f:
            text = f.read()
        if m := REPORT.search(text):
            at = text.rfind('\n', 0, m.start()) + 1
            return f'a report in {os.path.basename(path)}: {text[at:at + 3000]}\n'
    return ''


def one(job, args, shared, folder):
    """Run one function in a child inside a namespace; (name, 'pass'|'fail'|'skip', text, s)."""
    path, fn, limit, _, spaces = job
    name = f'{os.path.basename(path)[:-3]}.{fn[5:]}'
    place = os.path.join(folder, name)
    began = time.monotonic()
    limit = limit * (4 if args.full else 1)
    with contextlib.ExitStack() as stack:
        ns = stack.enter_context(Namespace())
        others = [stack.enter_context(Namespace()).name for _ in range(spaces)]
        cmd = ['ip', 'netns', 'exec', ns.name, sys.executable, os.path.join(HERE, 'run.py'),
               '--inside', path, fn, place, shared, '--build', args.build]
        cmd += ['--full'] if args.full else []
        p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True,
                             env={**os.environ, 'SPACES': ' '.join(others), 'LATE': args.late})
        try:
            out = p.communicate(timeout=limit)[0].decode(errors='replace')
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGTERM)
            try:
                out = p.communicate(timeout=8)[0].decode(errors='replace')
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                out = p.communicate()[0].decode(errors='replace')
            out += f'\nthe play took more than {limit} s'
    state = {0: 'pass', 77: 'skip'}.get(p.returncode, 'fail')
    if said := report(place):
        state, out = 'fail', said + out
    return name, state, out.strip(), time.monotonic() - began


def again(job, first, args, shared, folder):
    """A result that failed, after two more runs: flaky when both hold. A sanitizer's report, or what
    else is no line of the log, is never forgiven."""
    if first[1] != 'fail' or REPORT.search(first[2]) or 'not a JSON line' in first[2]:
        return first
    both = [one(job, args, shared, os.path.join(folder, f'again{i}')) for i in range(2)]
    print(f'# again {first[0]}: {both[0][1]}, {both[1][1]}', flush=True)
    if any(r[1] != 'pass' for r in both):
        return first
    return first[0], 'flaky', first[2], first[3]


def inside(path, fn, folder, shared, args):
    """In the namespace: run the function, stop what it started, say what failed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)    # also begun in the background
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(Failed('time is over')))
    place = Place(folder, shared, os.path.abspath(args.build), args.full)
    function = getattr(load(path), fn)
    try:
        reason = function.needs(place) if hasattr(function, 'needs') else None
        if reason:
            print(reason)
            return 77
        function(place)
        for p in place.posterns:
            p.invariants()
        return 0
    except Failed as e:
        print(e)
        where = traceback.extract_tb(e.__traceback__)
        print('  at ' + ' < '.join(f'{os.path.basename(x.filename)}:{x.lineno}'
                                   for x in reversed(where[1:])))
        for p in place.posterns:
            print(p.tail())
        return 1
    except Exception:                           # a bug of the play itself
        traceback.print_exc()
        return 1
    finally:
        place.close()


def summary(results, args):
    lines = []
    for name, state, text, _ in results:
        first = (text.splitlines() or [''])[0]
        lines.append(f'{state} system {name}' + (f': {first}' if state != 'pass' else ''))
    if args.results:
        with open(args.results, 'w', encoding='utf-8') as f:
            f.writelines(x + '\n' for x in lines)
    count = {s: len([r for r in results if r[1] == s]) for s in ('pass', 'fail', 'flaky', 'skip')}
    print(f'{count["pass"]} passed, {count["fail"]} failed'
          + ''.join(f', {count[s]} {s}' for s in ('flaky', 'skip') if count[s]))
    return 1 if count['fail'] else 0


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--build', default='build-gcc')
    a.add_argument('--full', action='store_true')
    a.add_argument('--results')
    a.add_argument('--late', default='0', metavar='MS')
    a.add_argument('--keep', action='store_true')
    a.add_argument('--again', action='store_true')
    a.add_argument('--list', action='store_true')
    a.add_argument('--inside', nargs=4, metavar=('PATH', 'FN', 'DIR', 'SHARED'))
    a.add_argument('names', nargs='*')
    args = a.parse_intermixed_args()
    if args.inside:
        return inside(*args.inside, args)
    jobs = list(plays(args.names))
    if args.list:
        print('\n'.join(f'{os.path.basename(p)[:-3]}.{f}' for p, f, *_ in jobs))
        return 0
    if os.geteuid() != 0:
        print('system tests need root: network namespaces')
        return 2
    folder = tempfile.mkdtemp(prefix='postern-system-')
    os.chmod(folder, 0o755)
    shared = os.path.join(folder, 'shared')
    share(shared)
    results = []

    def note(r):
        results.append(r)
        print(f'{"ok" if r[1] != "fail" else "not ok"} {len(results)} - {r[0]} ({r[3]:.1f} s)'
              + (f' # SKIP {r[2].splitlines()[0]}' if r[1] == 'skip' else ''), flush=True)
        if r[1] == 'fail':
            print('\n'.join('    ' + x for x in r[2].splitlines()[-60:]), flush=True)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        todo = [pool.submit(one, j, args, shared, folder) for j in jobs if not j[3]]
        for t in concurrent.futures.as_completed(todo):
            note(t.result())
    alone = [j for j in jobs if j[3]]           # those that count packets or time
    for j in alone:
        note(one(j, args, shared, folder))
    if args.again:
        by_name = {f'{os.path.basename(j[0])[:-3]}.{j[1][5:]}': j for j in jobs}
        results = [again(by_name[r[0]], r, args, shared, folder) for r in results]
    print(f'1..{len(results)}')
    rc = summary(results, args)
    if args.keep:
        print('kept:', folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return rc


if __name__ == '__main__':
    sys.exit(main())
