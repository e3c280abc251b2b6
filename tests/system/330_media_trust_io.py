"""What play 110 does to calls (M1 to M5, M8, M10, M11) over Ethernet to another namespace, on each back
end of packet I/O. Short: two on `xdp`, one on `sockets`; full: all of them on each. POSTERN_IO=steer
takes all of them, on that one alone."""
import importlib
import importlib.util
import os
import sys

import lib.place
from lib.lan import ip

ALONE = True
GUARDS = ['M1', 'M3', 'M5']
TRUST = ('strangers_spray', 'bad_tags', 'replays', 'other_protocols', 'bad_rtcp')
SHORT = (('xdp', 'strangers_spray'), ('xdp', 'bad_tags'), ('sockets', 'bad_tags'))
ALL = os.environ.get('POSTERN_IO', 'sockets steer packet xdp').split()
FULL = [(io, name) for io in ALL for name in TRUST]


def load(stem):
    path = os.path.join(os.path.dirname(__file__), stem + '.py')
    spec = importlib.util.spec_from_file_location(stem[4:], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_on(place, io, name):
    b = load('300_backends')
    b.net(place)
    ip('addr', 'add', '198.51.100.66/24', 'dev', 'lan0')
    # the addresses of that net, for all that was written for those of the loopback
    for where, host in (('POSTERN', b.POSTERN), ('CARRIER_SIDE', b.CARRIER_SIDE), ('PBX', b.PBX),
                        ('GATEWAY', b.GATEWAY), ('STRANGER', '198.51.100.66')):
        setattr(lib.place, where, host)
    importlib.reload(sys.modules['lib.rawsip'] if 'lib.rawsip' in sys.modules
                     else importlib.import_module('lib.rawsip'))
    trust = load('110_media_trust')
    trust.Postern = lambda place, **more: b.node(place, io, **more)
    getattr(trust, 'play_' + name)(place)


def add_play(io, name):
    def play(place):
        run_on(place, io, name)
    play.spaces = 1
    globals()[f'play_{io}_{name}'] = play


for pair in FULL if '--full' in sys.argv or 'POSTERN_IO' in os.environ else SHORT:
    add_play(*pair)
