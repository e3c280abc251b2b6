"""The place of one play: a folder, a certificate authority, and the programs that it started.

Everything runs inside a network namespace of its own (tests/system/run.py makes it), so ports are
fixed: postern 127.0.0.1 to customers and 127.0.0.8 to carriers, the PBX 127.0.0.2, the gateway
127.0.0.9, a stranger 127.0.0.66.
"""
import os

from lib import tone
from lib.ca import CA
from lib.proc import Proc

LATE = int(os.environ.get('LATE', 0)) / 1000        # s: see --late of run.py
POSTERN, CARRIER_SIDE, PBX, GATEWAY, STRANGER = \
    '127.0.0.1', '127.0.0.8', '127.0.0.2', '127.0.0.9', '127.0.0.66'
NUMBER, PSTN = '+15557770001', '+15551234567'       # of the customer; of the rest of the world


def at(host, port):
    """As it stands in a URI."""
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


class Place:
    def __init__(self, folder, shared, build, full=False):
        self.dir, self.shared, self.build, self.full = folder, shared, build, full
        os.makedirs(folder, exist_ok=True)
        self.ca = CA.__new__(CA)                    # made once a run, see share()
        self.ca.dir = os.path.join(shared, 'ca')
        self.procs = []
        self.posterns = []
        self.spaces = os.environ.get('SPACES', '').split()

    def start(self, name, cmd, env=None, cwd=None, space=None):
        """space: another namespace to run it in; `ip netns exec` keeps the pid."""
        if space:
            cmd = ['ip', 'netns', 'exec', space, *cmd]
        p = Proc(name, cmd, os.path.join(self.dir, name + '.log'), env, cwd or self.dir)
        self.procs.append(p)
        return p

    def keep(self, thing):
        """Something with stop() that ends with the play."""
        self.procs.append(thing)
        return thing

    def wav(self, hz):
        return os.path.join(self.shared, f't{hz}.wav')

    def binary(self):
        return os.path.join(self.build, 'src', 'postern')

    def tool(self, name):
        return os.path.join(self.build, 'tests', name)

    def close(self):
        for p in reversed(self.procs):
            p.stop()


def share(folder, hostile=True):
    """What all plays of a run use: certificates and tones."""
    os.makedirs(folder, exist_ok=True)
    ca = CA(os.path.join(folder, 'ca')).standard()
    if hostile:
        ca.hostile()
    for hz in (440, 1000):
        tone.write_wav(os.path.join(folder, f't{hz}.wav'), hz, 60)
