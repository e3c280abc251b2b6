"""Processes: started with a log file, ended by pid, never waited for without a limit."""
import os
import re
import signal
import subprocess
import time

# what a sanitizer says, of ours or of a library
REPORT = re.compile(r'ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|\.[ch]:\d+:\d+: runtime error:')


class Failed(Exception):
    """A check that did not hold; the text says what was wanted and what was seen."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def equal(got, wanted, what):
    if got != wanted:
        raise Failed(f'{what}: wanted {wanted!r}, got {got!r}')


def wait_for(what, seconds, question, step=0.05):
    """Ask until the answer is true; the answer, or Failed."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f'{what}: not within {seconds} s')
        time.sleep(step)


class Proc:
    """One program. Its stdin is a pipe that stays open (baresip needs that)."""

    def __init__(self, name, cmd, log, env=None, cwd=None):
        self.name, self.log = name, log
        self.file = open(log, 'ab')
        self.p = subprocess.Popen([str(c) for c in cmd], stdin=subprocess.PIPE, stdout=self.file,
                                  stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True,
                                  env={**os.environ, **(env or {})})
        self.pid = self.p.pid

    @property
    def rc(self):
        return self.p.poll()

    def alive(self):
        return self.p.poll() is None

    def text(self):
        with open(self.log, encoding='utf-8', errors='replace') as f:
            return f.read()

    def wait(self, seconds):
        """Exit status; Failed when it does not end in time."""
        try:
            return self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f'{self.name} did not end within {seconds} s') from None

    def signal(self, sig):
        if self.alive():
            os.kill(self.pid, sig)

    def stop(self, seconds=3):
        """SIGTERM, then SIGKILL to it and the processes of its session."""
        if self.alive():
            self.signal(signal.SIGTERM)
            try:
                self.p.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        try:
            self.p.wait(2)
        except subprocess.TimeoutExpired:
            pass
        if self.p.stdin:
            try:
                self.p.stdin.close()
            except OSError:
                pass
        self.file.close()


def run(cmd, seconds=20, env=None, cwd=None, stdin=b'', may_fail=False):
    """Output (both streams, text) of a short program; with may_fail a pair (exit status, text). A
    sanitizer's report is never expected."""
    try:
        p = subprocess.run([str(c) for c in cmd], input=stdin, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=seconds, cwd=cwd,
                           env={**os.environ, **(env or {})}, check=False)
    except subprocess.TimeoutExpired as e:
        raise Failed(f'{cmd[0]} took more than {seconds} s: '
                     f'{(e.stdout or b"")[-500:]!r}') from None
    out = p.stdout.decode(errors='replace')
    check(not REPORT.search(out), f'{" ".join(str(c) for c in cmd)}: {out[-3000:]}')
    if may_fail:
        return p.returncode, out
    check(p.returncode == 0, f'{" ".join(str(c) for c in cmd)}: exit {p.returncode}: {out[-800:]}')
    return out


def children(pid):
    """pids of all descendants"""
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        try:
            with open(f'/proc/{p}/task/{p}/children', encoding='ascii') as f:
                kids = [int(x) for x in f.read().split()]
        except OSError:
            kids = []
        found += kids
        todo += kids
    return found


def fds(pid):
    try:
        return len(os.listdir(f'/proc/{pid}/fd'))
    except OSError:
        return 0


def anon_kib(pid):
    """Resident memory that is its own: without files and segments that are shared."""
    try:
        with open(f'/proc/{pid}/status', encoding='ascii') as f:
            return int(re.search(r'RssAnon:\s+(\d+)', f.read()).group(1))
    except OSError:
        return 0


def rss_kib(pid):
    try:
        with open(f'/proc/{pid}/statm', encoding='ascii') as f:
            return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') // 1024
    except OSError:
        return 0


def sanitized(place):
    """Was what is tested built with the address sanitizer?"""
    return '__asan_init' in run(['sh', '-c', f'nm -D {place.binary()} | grep -m1 __asan_init || :'])
