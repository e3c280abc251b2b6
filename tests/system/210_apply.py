"""apply and the list commands: the difference is shown first, all or nothing; TLS/SRTP is switched on
with a passed report or an override; where, what and what to do stand in each error."""
import json
import sqlite3
import subprocess
import time

from lib.postern import Postern
from lib.proc import check, equal

DAY_US = 86400 * 1000000

ONE = '''accounts:
  - id: acme
    name: Acme Test
    tls_srtp: {state}
    need: calls cross the Internet
    questionnaire: {{make: Example 9, SRTP: "yes"}}
    {more}
    trunks:
      - {{id: acme-pbx, fqdn: pbx.example.test, {trunk} numbers: ["+15557770001"]}}
carriers:
  - {{id: gw1, host: 127.0.0.9}}
rates:
  - {{prefix: "+44", price: "0.0120"}}
'''


def apply(p, text, *words, rc=0):
    path = p.write('one.yaml', text)
    got, out = p.command('apply', '-c', p.conf, *words, path, may_fail=True)
    equal(got, rc, f'exit status of apply: {out[-600:]}')
    return out


def as_json(p, text, *words, rc=0):
    """What apply --json says on its output; the lines for people go elsewhere."""
    ran = subprocess.run([p.place.binary(), 'apply', '-c', p.conf, '--json', *words, p.write('one.yaml', text)],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20, check=False)
    equal(ran.returncode, rc, 'exit status of apply --json')
    return json.loads(ran.stdout)


def store(p):
    return sqlite3.connect(p.dir + '/store.db')


def report(p, age_days, passed=1, issuer='CN=Test CA', names='DNS pbx.example.test'):
    with store(p) as db:
        db.execute('INSERT OR REPLACE INTO report (account, at_us, fqdn, passed, issuer, names, json) '
                   'VALUES (?, ?, ?, ?, ?, ?, ?)',
                   ('acme', int(time.time() * 1e6) - int(age_days * DAY_US), 'pbx.example.test', passed,
                    issuer, names, '{"result":"passed"}'))


def listing(p, *words):
    return json.loads(p.command(words[0], '-c', p.conf, '--json', *words[1:]))


def text_of(state, more='', trunk=''):
    return ONE.format(state=state, more=more or 'max_calls: 5', trunk=trunk)


def play_ready_before_on(place):
    """off, requested, ready, on: only with a passed report not older than 90 days, or an override."""
    p = Postern(place)
    out = apply(p, text_of('on'), rc=1)
    check('one.yaml:2:5: account "acme" cannot be on: no report of postern ready passed' in out
          and 'override: "reason"' in out and 'nothing was changed' in out, out)
    check('+ account acme' in out and '+ rate +44*' in out, 'the difference stands first: ' + out)
    check('    max_calls: 5\n' in out and 'limit_status' not in out and 'max_spend' not in out,
          'of what is new the fields that are set: ' + out)
    equal(listing(p, 'accounts')['accounts'], [], 'all or nothing')
    for text, n, error in ((text_of('on'), 5, '2:5: account "acme" cannot be on'),
                           (text_of('maybe'), 0, 'tls_srtp: "maybe" is not known')):
        said = as_json(p, text, '-n', rc=1)
        equal((said['ok'], said['applied'], len(said['changes']), said['n']), (False, False, n, n), f'{said}')
        check('one.yaml:' in said['error'] and error in said['error'], said['error'])
    said = as_json(p, text_of('requested'))
    equal((said['ok'], said['applied'], 'error' in said), (True, True, False), f'{said}')
    rc, out = p.command('route', '-c', p.conf, '+15557770001', may_fail=True)
    check(rc == 1 and 'nowhere: ' in out and 'passed over: acme-pbx: TLS and SRTP are not switched on' in out,
          f'route to a trunk that takes no calls yet: {rc} {out}')
    report(p, 1, passed=0)
    apply(p, text_of('ready'), rc=1)
    report(p, 91)
    out = apply(p, text_of('ready'), rc=1)
    check('older than 90 days' in out, out)
    report(p, 89)
    apply(p, text_of('ready'))
    out = apply(p, text_of('on'), '--dry-run')
    check('tls_srtp: ready -> on' in out and 'not applied' in out, out)
    equal(listing(p, 'accounts')['accounts'][0]['tls_srtp'], 'ready', 'after a dry run')
    apply(p, text_of('on'))
    check('1. acme-pbx' in p.command('route', '-c', p.conf, '+15557770001'), 'route to a trunk that is on')
    got = listing(p, 'accounts', 'acme')['accounts'][0]
    equal(got['readiness']['state'], 'passed', 'readiness')
    equal(got['report'], {'result': 'passed'}, 'the report')
    equal(got['questionnaire'], 'make: Example 9\nSRTP: yes\n', 'the questionnaire')
    # the report grows old: warned, and other changes still go through
    with store(p) as db:
        db.execute('UPDATE report SET at_us = at_us - ?', (2 * DAY_US,))
    out = apply(p, text_of('on', 'max_calls: 6'))
    check('stays on, but the report that passed is older' in out and 'max_calls: 5 -> 6' in out, out)
    equal(listing(p, 'accounts')['accounts'][0]['readiness']['state'], 'expired', 'readiness')
    apply(p, text_of('on', 'max_spend: "2.00"'))
    out = apply(p, text_of('on', 'max_calls: 6'))
    check('max_spend: 2.00 -> -\n' in out, 'no limit is not 0.00: ' + out)


def play_difference(place):
    """Of values with many parts what went and what came is shown, of certificates whose they are."""
    p = Postern(place)
    rules = 'headers: {out: ["remove X-A", "remove X-B"]},'
    ca = 'tls: {ca: ' + place.ca.path('inter.crt') + '}'
    apply(p, text_of('on', 'override: a test', rules))
    out = apply(p, text_of('on', f'override: a test\n    {ca}', rules.replace('X-B', 'X-C'))
                .replace('Example 9', 'Example 10'))
    for want in ('questionnaire:\n        - make: Example 9\n        + make: Example 10\n',
                 'headers.out:\n        - remove X-B\n        + remove X-C\n', 'tls.ca:\n        + '):
        check(want in out, f'{want!r} in {out}')
    check('until 20' in out and 'SHA-256 ' in out and 'BEGIN' not in out and 'X-A' not in out, out)
    out = apply(p, text_of('on', f'override: a test\n    {ca}', 'headers: {out: ["remove X-C", "remove X-A"]},')
                .replace('Example 9', 'Example 10'))
    check('headers.out: the same in another order:\n        + remove X-C\n' in out, out)


def play_override(place):
    """An override is kept, shown by apply and by accounts; without a need it is all there is."""
    p = Postern(place)
    out = apply(p, text_of('on', 'override: seen at the fair'))
    check('! account acme is on by override: seen at the fair' in out, out)
    got = listing(p, 'accounts')['accounts'][0]
    equal((got['override'], got['tls_srtp'], got['readiness']['state']),
          ('seen at the fair', 'on', 'none'), 'the override')
    shown = p.command('accounts', '-c', p.conf, 'acme')
    for want in ('override: seen at the fair', 'need: calls cross', '    make: Example 9',
                 'readiness: none: no report', 'trunk: acme-pbx pbx.example.test'):
        check(want in shown, f'{want!r} in {shown}')
    equal(listing(p, 'rates')['rates'], [{'prefix': '+44*', 'price': '0.012', 'increment': 60}], 'rates')
    check('price: 0.012' in p.command('rates', '-c', p.conf, '+442079460000'), 'the rate of a number')
    check('prefix: +44*' in p.command('rates', '-c', p.conf, '4420'), 'a prefix without its +')
    rc, out = p.command('rates', '-c', p.conf, '+49', may_fail=True)
    check(rc == 1 and 'counted as the dearest' in out, f'a prefix without a rate: {out}')
    table = p.command('accounts', '-c', p.conf)
    check('readiness' in table and 'seen at the fair' in table, table)
    rc, out = p.command('accounts', '-c', p.conf, 'nobody', may_fail=True)
    check(rc == 1 and 'there is no "nobody"' in out, out)
    # taken away: nothing holds the account there
    out = apply(p, text_of('on'), rc=1)
    check('account "acme" cannot be on: no report of postern ready passed' in out, out)
    out = apply(p, text_of('on', 'override: x').replace('need: calls cross the Internet', 'enabled: yes')
                .replace('override: x', 'max_calls: 1'), rc=1)
    check('tls_srtp: on, but no need is stated' in out and ':4:15:' in out, out)


def play_filters(place):
    """trunks and numbers by account."""
    p = Postern(place)
    p.command('apply', '-c', p.conf, p.accounts)
    equal([t['id'] for t in listing(p, 'trunks')['trunks']], ['acme-pbx', 'branch-pbx', 'gw1'], 'all')
    equal([t['id'] for t in listing(p, 'trunks', '--account', 'branch')['trunks']], ['branch-pbx'],
          'of branch')
    equal([n['number'] for n in listing(p, 'numbers', '--account', 'branch')['numbers']],
          ['+15557770002'], 'numbers of branch')
    equal(listing(p, 'numbers', '--trunk', 'gw1')['numbers'], [], 'numbers of a carrier')
    check('identity: certificate\n' in p.command('trunks', '-c', p.conf, 'acme-pbx'), 'one trunk')
    one = open(p.accounts, encoding='utf-8').read()
    check('"+15557770002"' in one, one)
    apply(p, one.replace('"+15557770002"', '"+1555777*"'))
    check('number: +1555777*\ntrunk: branch-pbx' in p.command('numbers', '-c', p.conf, '+15557770009'), 'covered')
    check('number: +15557770001\n' in p.command('numbers', '-c', p.conf, '+15557770001'), 'itself')
    for as_dialled in ('5557770001', '15557770001', '+1 (555) 777-0001'):
        check('number: +15557770001\n' in p.command('numbers', '-c', p.conf, as_dialled), as_dialled)
    check('number: +1555777*\n' in p.command('numbers', '-c', p.conf, '1555777*'), 'a prefix')
    check('no rates are set' in p.command('rates', '-c', p.conf), 'no rates')
    rc, out = p.command('numbers', '-c', p.conf, '+15558880009', may_fail=True)
    check(rc == 1 and 'there is no "+15558880009"' in out, out)


def play_what_the_node_has(place):
    """A trunk that is known by its address alone needs a zone that asks for no certificate, a dedicated
    one its listener."""
    p = Postern(place)
    text = text_of('on', 'override: a test', 'identity: address, sources: [127.0.0.2],')
    out = apply(p, text, rc=1)
    check('one.yaml:9:9: trunk "acme-pbx": identity address over TLS, but every zone' in out, out)
    out = apply(p, text_of('on', 'override: a test', 'transport: udp, security: dedicated, listener: line, '
                           'sources: [127.0.0.2],'), rc=1)
    check('has no listener "line" with transport udp and side customer' in out, out)
    out = apply(p, text_of('on', 'override: a test', 'security: dedicated,'), rc=1)
    check('dedicated is plain SIP' in out and 'needs listener' in out, out)
    out = apply(p, text_of('on', 'override: a test', 'zone: foo.test, media: nope,')
                .replace('    need:', '    tls: {profile: nix, authorities: [bogus]}\n    need:', 1), rc=1)
    for want in ('no zone "foo.test"', 'no media address "nope"', 'no TLS profile "nix"', '"bogus" is not known'):
        check(want in out and 'nothing was changed' in out, f'{want}: {out}')
    # in one go: a field, what is between entries, what the node has not, what a report is missing for
    out = apply(p, text_of('on', trunk='zone: foo.test, media: nope,')
                .replace('carriers:', '  - {id: other, max_calls: many}\n'
                         '  - {id: third, parent: nobody}\ncarriers:'), rc=1)
    for want in ('max_calls: "many"', 'no account "nobody"', 'no zone "foo.test"', 'no media address "nope"',
                 'cannot be on', 'nothing was changed'):
        check(want in out, f'{want}: {out}')
    conf = p.write('broken.yaml', open(p.conf, encoding='utf-8').read() + 'colour: red\n')
    rc, out = p.command('apply', '-c', conf, p.write('one.yaml', 'accounts: none\n'), may_fail=True)
    check(rc == 1 and 'unknown word "colour"' in out and 'accounts: a text stands here' in out, out)
    p.write('postern.yaml', open(p.conf, encoding='utf-8').read()
            .replace('profile: carrier', 'profile: modern')
            .replace('client_certificate: required', 'client_certificate: optional'))
    apply(p, text)
