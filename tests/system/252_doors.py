"""Who may come in, by id: the gateway side (A8) and the control socket (A9)."""
import os
import socket
import stat
import subprocess
import sys

from lib.place import CARRIER_SIDE, GATEWAY, NUMBER, STRANGER
from lib.postern import BASE, Postern
from lib.proc import check, equal, wait_for

GUARDS = ['A8', 'A9']


def options(host, source):
    return (f'OPTIONS sip:{NUMBER}@{host} SIP/2.0\r\n'
            f'Via: SIP/2.0/UDP {source}:5080;branch=z9hG4bK{os.urandom(6).hex()}\r\n'
            f'From: <sip:x@{source}>;tag=1\r\nTo: <sip:{NUMBER}@{host}>\r\n'
            f'Call-ID: {os.urandom(6).hex()}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n'
            'Content-Length: 0\r\n\r\n').encode()


def ask(sock, host, source):
    """Status of the answer, or None."""
    sock.sendto(options(host, source), (CARRIER_SIDE, 5060))
    try:
        return int(sock.recv(4000).split()[1])
    except TimeoutError:
        return None


def play_gateway_side(place):
    """A8: an unlisted source hears nothing and is counted; a listed one that asks for another host
    is refused with 403; a name of the configuration is taken."""
    p = Postern(place, conf=BASE + 'names: [sbc.inside.test]\n').start()
    stranger, gateway = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    stranger.bind((STRANGER, 5080))
    gateway.bind((GATEWAY, 5080))
    stranger.settimeout(0.7)
    gateway.settimeout(2)
    before = p.stat('sip_unknown_source')
    equal(ask(stranger, CARRIER_SIDE, STRANGER), None, 'a stranger')
    equal(p.stat('sip_unknown_source'), before + 1, 'strangers counted')
    for host, want in ((CARRIER_SIDE, 200), ('sbc.example.test', 200), ('sbc.inside.test', 200),
                       ('elsewhere.test', 403), ('192.0.2.7', 403)):
        equal(ask(gateway, host, GATEWAY), want, f'the gateway, for {host}')


# connects to the control socket of argv[1] as nobody; exit 7: it was answered
OTHER_USER = '''import os, socket, sys
os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.settimeout(3)
try:
    s.connect(sys.argv[1]); s.sendall(b'{"cmd":"stats"}\\n'); sys.exit(7 if s.recv(10) else 0)
except OSError:
    sys.exit(0)
'''


def play_control_socket(place):
    """A9: 0600; and where somebody has opened it, another user is turned away all the same."""
    p = Postern(place).start()
    path = p.dir + '/control.sock'
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, 'mode of the control socket')

    def other_user():
        return subprocess.run([sys.executable, '-c', OTHER_USER, path], check=False).returncode
    equal(other_user(), 0, 'another user')
    os.chmod(path, 0o666)
    equal(other_user(), 0, 'another user, with the socket open to all')
    wait_for('a line of the log about it', 2, lambda: p.events('control.stranger'))
    check(p.stats(), 'the owner is answered')
