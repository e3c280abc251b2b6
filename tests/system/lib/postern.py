"""postern under test: its configuration, its start and end, its log, CDRs and figures."""
import contextlib
import glob
import json
import os
import re
import signal
import threading
import time

from lib import proc
from lib.place import CARRIER_SIDE, GATEWAY, LATE, NUMBER, POSTERN
from lib.proc import Failed, check, equal, run, wait_for

BASE = '''node:
  name: test
  id: 1
  run_dir: {dir}/run
stop_timeout: 5s
log:
  level: debug
store: {dir}/store.db
cdr: {dir}/cdr.jsonl
control: {dir}/control.sock
zones:
  - fqdn: sbc.example.test
    certificate: {ca}/sbc-chain.pem
    key: {ca}/sbc.key
    trust: [{ca}/trust.pem]
    profile: carrier
    client_certificate: required
listeners:
  - {{name: customers, transport: tls, bind: "{tls}", side: customer, zone: sbc.example.test{tls_adv}}}
  - {{name: carriers, transport: udp, bind: "{udp}", side: carrier{udp_adv}}}
media:
  addresses:
    - {{name: outside, bind: {media_out}{out_adv}}}
    - {{name: inside, bind: {media_in}{in_adv}}}
  ports: {ports}
  customer: outside
  carrier: inside
dns: [127.0.0.53]
'''

ACCOUNTS = '''accounts:
  - id: acme
    name: Acme Test
    services: [origination, toll_free, termination, international]
    tls_srtp: on
    override: a test
    trunks:
      - id: acme-pbx
        fqdn: pbx.example.test
        port: 5061
        transport: tls
        security: required
        numbers: ["{number}"]
  - id: branch
    name: Branch Test
    services: [origination, termination]
    tls_srtp: on
    override: a test
    trunks:
      - id: branch-pbx
        fqdn: pbx.branch.firm.test
        port: 5061
        transport: tls
        security: required
        numbers: ["+15557770002"]
carriers:
  - id: gw1
    host: {gateway}
    port: {gateway_port}
    transport: udp
    security: refused
    sources: [{gateway}]
'''


class Postern:
    """One node. start() returns when it serves; stop() is SIGTERM."""

    def __init__(self, place, name='postern', accounts=None, conf=None, space=None, wrap=(),
                 **change):
        """wrap: words before the program's own when it is started."""
        self.place, self.name, self.space, self.wrap = place, name, space, wrap
        self.dir = os.path.join(place.dir, name)
        os.makedirs(os.path.join(self.dir, 'run'))
        words = {'dir': self.dir, 'ca': place.ca.dir, 'tls': f'{POSTERN}:5061',
                 'udp': f'{CARRIER_SIDE}:5060', 'media_out': POSTERN, 'media_in': CARRIER_SIDE,
                 'ports': '30000-30999', 'number': NUMBER, 'gateway': GATEWAY,
                 'gateway_port': 5080, 'tls_adv': '', 'udp_adv': '', 'out_adv': '', 'in_adv': ''}
        words.update(change)
        self.tls = words['tls']
        self.conf = self.write('postern.yaml', (conf or BASE).format(**words))
        self.accounts = self.write('accounts.yaml', (accounts or ACCOUNTS).format(**words))
        self.proc, self.ended, self.closed = None, False, False
        self.killed = self.frozen = False
        place.posterns.append(self)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def command(self, *words, seconds=20, may_fail=False):
        inside = ['ip', 'netns', 'exec', self.space] if self.space else []
        return run([*inside, self.place.binary(), *words], seconds, may_fail=may_fail,
                   env={'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')})

    def start(self):
        self.command('check', '-c', self.conf)
        self.command('apply', '-c', self.conf, self.accounts)
        self.proc = self.place.start(self.name, [*self.wrap, self.place.binary(), 'run', '-c',
                                                 self.conf], space=self.space)
        wait_for('postern serves', 15, self.serves)
        self.base = self.resources()
        if LATE:
            threading.Thread(target=self.slow_admin, daemon=True).start()
        return self

    def slow_admin(self):
        """What admin does for others is done later: CDRs, alarms, answers of commands."""
        while self.proc.alive():
            for sig in (signal.SIGSTOP, signal.SIGCONT):
                with contextlib.suppress(ProcessLookupError, KeyError):
                    if not self.frozen:
                        os.kill(self.roles()['admin'], sig)
                time.sleep(LATE)

    def freeze_admin(self, frozen=True):
        self.frozen = frozen
        time.sleep(LATE)
        os.kill(self.roles()['admin'], signal.SIGSTOP if frozen else signal.SIGCONT)

    def serves(self):
        check(self.proc.alive(), f'postern ended at once: {self.proc.text()[-1500:]}')
        if len(self.roles()) < 3:
            return False
        try:
            return self.stat('roles_ready') == 3
        except Failed:
            return False

    def roles(self):
        """{role: pid} of the living children of keeper"""
        found = {}
        for pid in proc.children(self.proc.pid):
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as f:
                    words = f.read().split(b'\0')
            except OSError:
                continue
            if b'--role' in words:
                found[words[words.index(b'--role') + 1].decode()] = pid
        return found

    def kill(self, role, sig=signal.SIGKILL):
        """End one role; the new pid when keeper has started it again."""
        old = self.roles()[role]
        self.killed = True
        os.kill(old, sig)
        return wait_for(f'{role} again', 10,
                        lambda: (p := self.roles().get(role)) and p != old and p, 0.01)

    def stats(self):
        return json.loads(self.command('stats', '-c', self.conf, '--json', seconds=5))

    def stat(self, name):
        """One figure by name, wherever it stands in the answer of `stats --json`."""
        def find(o):
            if isinstance(o, dict):
                if name in o and not isinstance(o[name], (dict, list)):
                    return o[name]
                o = list(o.values())
            if isinstance(o, list):
                for x in o:
                    if (v := find(x)) is not None:
                        return v
            return None
        value = find(self.stats())
        check(value is not None, f'stats --json has no {name}')
        return value

    def calls(self):
        return json.loads(self.command('calls', '-c', self.conf, '--json', seconds=5))

    def resources(self):
        """What must be back at its base when all calls are over."""
        return {role: {'fds': proc.fds(pid), 'rss': proc.rss_kib(pid)}
                for role, pid in self.roles().items()}

    def log(self):
        """All lines as objects, without one half written; one that is not JSON is a failure (a
        sanitizer's report)."""
        lines = []
        end = time.strftime('%FT%T', time.gmtime(now := time.time() - LATE)) + f'{now % 1:.6f}'[1:]
        text = self.proc.text()
        for line in text[:text.rfind('\n') + 1 if self.proc.alive() else None].splitlines():
            try:
                o = json.loads(line)
                if not LATE or o['t'] <= end:
                    lines.append(o)
            except ValueError:
                at = text.find(line)
                raise Failed(f'not a JSON line in the log: {text[at:at + 3000]}') from None
        return lines

    def events(self, pattern, level=None):
        return [x for x in self.log() if re.search(pattern, x.get('event', ''))
                and (not level or x.get('level') == level)]

    def cdrs(self):
        path = os.path.join(self.dir, 'cdr.jsonl')
        if not os.path.exists(path):
            return []
        with open(path, encoding='utf-8') as f:
            return [json.loads(x) for x in f.read().split('\n')[:-1]]

    def wait_cdrs(self, n, seconds=8):
        try:
            wait_for('CDRs', seconds, lambda: len(self.cdrs()) >= n)
        except Failed:
            pass
        equal(len(self.cdrs()), n, 'number of CDRs')
        return self.cdrs()

    def wait_idle(self, seconds=10):
        """No call, no flow, no port in use (ports rest some seconds before they are free)."""
        try:
            wait_for('all calls, flows and ports back', seconds,
                     lambda: self.serves() and self.idle() is None, 0.2)
        except Failed as e:
            raise Failed(f'{e}: {self.idle()}') from None

    def idle(self):
        """None, or what is still in use."""
        left = {k: v for k in ('calls', 'ports_used') if (v := self.stat(k))}
        return left or None

    def stop(self, seconds=10):
        """SIGTERM; the exit status."""
        self.proc.signal(signal.SIGTERM)
        rc = self.proc.wait(seconds)
        self.ended = True
        return rc

    def tail(self):
        if not self.proc:
            return ''
        lines = [x for x in self.proc.text().splitlines() if '"level":"debug"' not in x]
        return 'postern said:\n' + '\n'.join('  ' + x[:400] for x in lines[-25:])

    def invariants(self):
        """What must hold after every play, whatever it was about."""
        if not self.proc:
            return
        if not self.ended and self.proc.alive():
            self.wait_idle()
            equal(self.stop(), 0, 'exit status of postern after SIGTERM')
        self.log()                                          # each line is one JSON object
        ids = [c['id'] for c in self.cdrs()]
        equal(len(ids), len(set(ids)), 'each call has one CDR')
        self.no_secret()

    def no_secret(self):
        """The canary: no key of an SDP and no private key in a log or a CDR."""
        text = self.proc.text()
        for path in glob.glob(os.path.join(self.dir, '*.jsonl')):
            with open(path, encoding='utf-8') as f:
                text += f.read()
        canaries = ['inline:', 'a=crypto:', 'PRIVATE KEY']
        for other in self.place.procs:                      # keys that the agents printed
            if hasattr(other, 'text') and other is not self.proc:
                canaries += re.findall(r'inline:([A-Za-z0-9+/]{38,})', other.text())
        for word in set(canaries):
            check(word not in text, f'a secret in the log or a CDR: {word[:12]}...')


