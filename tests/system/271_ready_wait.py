"""`postern ready --wait`: equipment that has no account yet connects to the zone itself, in a
quarantine, and the report says what it did."""
import importlib
import json
import signal
import socket
import ssl
import subprocess
import time

from lib import agents, rawsip
from lib.pbx import CARRIER
from lib.place import PBX, POSTERN
from lib.postern import ACCOUNTS, Postern
from lib.proc import check, equal, wait_for

ready_play = importlib.import_module('270_ready')
GUEST, NUMBER = 'guest.example.test', '+15550009999'
SOON = '''  - id: soon
    services: [origination, termination]
    tls_srtp: requested
    need: a test
    emergency: {{action: redirect, target: "sip:911@psap.example.test"}}
    trunks:
      - {{id: soon-pbx, fqdn: guest.example.test}}
carriers:
'''


def connect(place, cert):
    ctx = ssl.create_default_context(cafile=place.ca.path('trust.pem'))
    ctx.set_ciphers(CARRIER)
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    ctx.load_cert_chain(place.ca.path(cert + '-chain.pem'), place.ca.path(cert + '.key'))
    s = socket.create_connection((POSTERN, 5061), 3, (PBX, 0))
    return ctx.wrap_socket(s, server_hostname='sbc.example.test')


def ask(t, method, number, body=''):
    """Status of the answer to a request outside a dialog."""
    call = rawsip.Call(number)
    t.sendall(rawsip.request(method, call, body))
    buf = b''
    while True:
        m, buf = rawsip.cut(buf)
        if m:
            return m.status
        data = t.recv(65536)
        check(data, f'closed at {method}')
        buf += data


def play_guest(place):
    agents.dnsmasq(place, {GUEST: PBX})
    place.ca.leaf('guest', GUEST)
    p = Postern(place).start()
    try:
        connect(place, 'guest').recv(1)
        check(False, 'a guest got in before anybody waited')
    except OSError:
        pass
    words = [place.binary(), 'ready', '-c', p.conf, '--json', '--wait', '4', '--call', NUMBER, GUEST]
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    wait_for('the check begins', 5, lambda: p.events(r'^ready\.begin$'))
    t = connect(place, 'guest')
    t.settimeout(3)
    t.sendall(b'\r\n\r\n')
    equal(t.recv(16), b'\r\n', 'the pong')
    equal(ask(t, 'OPTIONS', NUMBER), 200, 'OPTIONS')
    equal(ask(t, 'INVITE', '+15551234567', rawsip.offer()), 403, 'an INVITE to another number')
    equal(ask(t, 'MESSAGE', NUMBER), 403, 'MESSAGE')
    equal(ask(t, 'INVITE', NUMBER, rawsip.offer()), 480, 'an INVITE to the test number')
    equal(ask(t, 'INVITE', '911', rawsip.offer()), 500, 'a call for help')
    wait_for('its line in the log', 3, lambda: p.events(r'^call\.emergency$'))
    wait_for('its alarm', 3, lambda: 'emergency-call-refused' in p.command('alarms', '-c', p.conf, '--json'))
    equal(len(p.calls()['list']), 0, 'calls')
    out = run.communicate(timeout=20)[0].decode()
    report = json.loads(out)
    state = {x['check']: x['state'] for x in report['lines']}
    for word in ('connect', 'sni', 'tls', 'alive', 'invite', 'contact', 'crypto'):
        equal(state.get('wait.' + word), 'passed', f'wait.{word}\n{ready_play.table(report)}')
    w = report['facts']['wait']
    equal((w['pings'], w['options'], w['refused'], w['help'], w['sni']), (1, 1, 2, 1, 'sbc.example.test'), 'seen')
    equal(t.recv(16), b'', 'the connection is closed when the waiting is over')
    time.sleep(0.1)
    try:
        connect(place, 'guest').recv(1)
        check(False, 'a guest got in after the waiting')
    except OSError:
        pass
    equal(p.cdrs(), [], 'CDRs')


def play_guest_of_an_account(place):
    """A guest that is to be of an account calls for help: what that account says becomes of it, and it is
    known whose call it was."""
    agents.dnsmasq(place, {GUEST: PBX})
    place.ca.leaf('guest', GUEST)
    p = Postern(place, accounts=ACCOUNTS.replace('carriers:\n', SOON)).start()
    run = subprocess.Popen([place.binary(), 'ready', '-c', p.conf, '--wait', '2', '--call', NUMBER, GUEST],
                           stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    wait_for('the check begins', 5, lambda: p.events(r'^ready\.begin$'))
    t = connect(place, 'guest')
    t.settimeout(3)
    equal(ask(t, 'INVITE', '911', rawsip.offer()), 302, 'a call for help')
    said = wait_for('its line in the log', 3, lambda: p.events(r'^call\.emergency$'))
    check('soon' in json.dumps(said), f'{said}')
    wait_for('its alarm', 3, lambda: 'soon' in next(
        (x['text'] for x in json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']
         if x['id'] == 'emergency-call-refused'), ''))
    run.wait(20)


def play_interrupted(place):
    """Who waits goes away: the check ends with it, and the next one is not in its way. While it
    runs, another one is told whose check it is and until when."""
    agents.dnsmasq(place, {GUEST: PBX})
    p = Postern(place).start()
    words = [place.binary(), 'ready', '-c', p.conf, '--wait', '300', '--call', NUMBER, GUEST]
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for('the check begins', 5, lambda: p.events(r'^ready\.begin$'))
    time.sleep(1)
    rc, out = p.command('ready', '-c', p.conf, 'pbx.example.test', may_fail=True)
    equal(rc, 2, out)
    check(f'a check of {GUEST} runs and waits for its connection, since ' in out and ', until ' in out,
          f'who is in the way: {out}')
    run.send_signal(signal.SIGINT)
    run.wait()
    wait_for('the check ends', 5, lambda: p.events(r'^ready\.stop$'))
    began = time.monotonic()
    while 'is being ended' in (out := p.command('ready', '-c', p.conf, 'pbx.example.test',
                                                may_fail=True)[1]):
        check(time.monotonic() - began < 8, 'the interrupted check does not end')
        time.sleep(0.2)
    check('pbx.example.test' in out and 'a check of' not in out, f'the next check: {out}')
    p.wait_idle()
