"""The back end `xdp` over Ethernet to another namespace: a call with sound both ways, kill -9 of media
under load, and what must not suffer: other programs' packets. Full: R5 (200 calls, 20 kills)."""
import importlib.util
import os
import socket

from lib.proc import check, equal, run

ALONE = True
IO = 'xdp'


def backends():
    """Play 300: its net, its node, its call and its kill."""
    path = os.path.join(os.path.dirname(__file__), '300_backends.py')
    spec = importlib.util.spec_from_file_location('backends', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def links(place):
    return run(['ip', '-n', place.spaces[0], 'link', 'show', 'lan0'])


def play_call(place):
    b = backends()
    b.net(place)
    b.call(place, IO)
    check('xdp' not in links(place), 'the program outlives postern')


def play_others(place):
    """Another program of the same host hears what is not media's, whole and in fragments."""
    b = backends()
    b.net(place)
    p = b.node(place, IO).start()
    check('prog/xdp' in links(place), 'no program: ' + links(place))
    ports = {}
    for port in (19999, 23000, 7):
        ports[port] = place.start(f'udp-{port}', ['/usr/bin/python3', '-c', f'''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("{b.POSTERN}", {port}))
print("here", flush=True)
while True:
    data, who = s.recvfrom(65535)
    s.sendto(data, who)
'''], space=place.spaces[0])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((b.PBX, 0))
    s.settimeout(0.3)
    for port in ports:
        for size in (1, 1472, 4000):
            for _ in range(20):
                s.sendto(b'x' * size, (b.POSTERN, port))
                try:
                    equal(len(s.recv(65535)), size, f'port {port}')
                    break
                except TimeoutError:
                    continue
            else:
                check(False, f'port {port}: {size} bytes are not heard')
    s.close()
    for proc in ports.values():
        proc.stop()
    p.wait_idle()
    p.stop()


def play_kill(place):
    b = backends()
    b.net(place)
    if place.full:
        b.kill(place, IO, 200, 20, 6)
    else:
        b.kill(place, IO, 10, 2, 1)


play_call.spaces = play_others.spaces = play_kill.spaces = 1
play_kill.limit = 700
