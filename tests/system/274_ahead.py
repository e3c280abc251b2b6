"""postern.yaml ahead of the postern that runs: apply says what has to be done first, and changes
nothing. A store that the file does not fit: said at the start, and calls over such a trunk are
refused, never carried over another address. A leaf is no authority."""
import json
import re
import signal

from lib import agents, rawsip
from lib.place import PBX, POSTERN
from lib.postern import BASE, Postern
from lib.proc import check, equal, wait_for

PROFILE = 'tls_profiles:\n  - {name: own, min: "1.2", max: "1.2", suites: [AES128-SHA]}\n'
THIRD = '    - {{name: third, bind: 127.0.0.7}}\n    - {{name: inside'
SECOND = ('listeners:\n  - {{name: second, transport: tls, bind: "127.0.0.1:5091", side: customer, '
          'zone: sbc.example.test}}\n')


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def alarms(p, kind):
    said = json.loads(p.command('alarms', '-c', p.conf, '--json'))['list']
    return [x for x in said if x['id'] == kind]


def invite(place, p):
    c, call = place.keep(rawsip.Customer(place.ca)), rawsip.Call()
    c.send(rawsip.request('INVITE', call, rawsip.offer(port=45000)))
    return c.final(call)


def play_ahead(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place).start()
    conf, was = read(p.conf), read(p.accounts)
    trunk = was.replace('fqdn: pbx.example.test', 'fqdn: pbx.example.test\n        {}')
    table = (
        (PROFILE + conf, was.replace('name: Acme Test\n',
                                     'name: Acme Test\n    tls: {profile: own}\n'),
         'TLS profile "own" stands in', 'reload postern first'),
        (conf.replace('    - {name: inside', THIRD.replace('{{', '{').replace('}}', '}')),
         trunk.format('media: third'), 'media address "third" stands in', 'restart postern first'),
        (conf.replace('listeners:\n', SECOND.replace('{{', '{').replace('}}', '}')),
         trunk.format('listener: second'), 'listener "second" stands in', 'restart postern first'),
    )
    p.write('ahead.yaml', '')
    for text, accounts, what, then in table:
        p.write('postern.yaml', text)
        p.write('ahead.yaml', accounts)
        rc, said = p.command('apply', '-c', p.conf, p.dir + '/ahead.yaml', may_fail=True)
        check(rc == 1 and what in said and then in said and 'nothing was changed' in said, said)
    # what a reload brings in may be applied after it
    p.write('postern.yaml', table[0][0])
    p.write('ahead.yaml', table[0][1])
    p.command('reload', '-c', p.conf)
    p.command('apply', '-c', p.conf, p.dir + '/ahead.yaml')
    p.command('apply', '-c', p.conf, p.accounts)
    # the same where control was changed, too: the node is found by its store
    elsewhere = re.sub('(?m)^control: .*$', f'control: {p.dir}/elsewhere', table[1][0])
    check(elsewhere != table[1][0], 'control in postern.yaml')
    p.write('postern.yaml', elsewhere)
    p.write('ahead.yaml', table[1][1])
    rc, said = p.command('apply', '-c', p.conf, p.dir + '/ahead.yaml', may_fail=True)
    check(rc == 1 and 'restart postern first' in said, said)
    # a reload behind an apply is held against the accounts that were applied, asked for either way
    for ask in ('reload', 'SIGHUP'):
        p.write('postern.yaml', table[0][0])
        p.command('reload', '-c', p.conf)
        p.write('ahead.yaml', table[0][1])
        p.command('apply', '-c', p.conf, p.dir + '/ahead.yaml')
        p.write('postern.yaml', conf)
        if ask == 'reload':
            rc, said = p.command('reload', '-c', p.conf, may_fail=True)
            check(rc == 1 and 'TLS profile "own"' in said, said)
        else:
            p.proc.signal(signal.SIGHUP)
            wait_for('the second refusal', 5, lambda: len(p.events('reload.refused', 'error')) == 2)
        p.command('apply', '-c', p.conf, p.accounts)
        p.command('reload', '-c', p.conf)
    # a certificate of the equipment is no authority
    p.write('postern.yaml', conf.replace('trust.pem]', 'trust.pem, ' + place.ca.path('pbx.crt')
                                         + ']'))
    for word in ('check', 'reload'):
        rc, said = p.command(word, '-c', p.conf, may_fail=True)
        check(rc == 1 and 'pbx.crt: a certificate in it is not of an authority' in said, said)
    # OpenSSL's own form is named wherever certificates are read
    trusted = ('-----BEGIN TRUSTED CERTIFICATE-----\nMIIB\n'
               '-----END TRUSTED CERTIFICATE-----\n')
    p.write('form.pem', read(place.ca.path('pbx.crt')) + trusted)
    p.write('postern.yaml', conf.replace('trust.pem]', f'trust.pem, {p.dir}/form.pem]'))
    p.write('ahead.yaml', was.replace('name: Acme Test\n',
                                      'name: Acme Test\n    tls: {ca: form.pem}\n'))
    for words in (('check',), ('apply', p.dir + '/ahead.yaml')):
        rc, said = p.command(words[0], '-c', p.conf, *words[1:], may_fail=True)
        check(rc == 1 and 'form.pem' in said and 'holds a TRUSTED CERTIFICATE' in said, said)
        p.write('postern.yaml', conf)
    equal(alarms(p, 'accounts-unfit'), [], 'alarms about accounts that fit')


play_ahead.limit = 60


def play_unfit(place):
    agents.dnsmasq(place, {'pbx.example.test': PBX, 'sbc.example.test': POSTERN})
    p = Postern(place, conf=BASE.replace('    - {{name: inside', THIRD))
    conf = read(p.conf)
    p.write('accounts.yaml', read(p.accounts).replace(
        'fqdn: pbx.example.test', 'fqdn: pbx.example.test\n        media: third'))
    p.command('apply', '-c', p.conf, p.accounts)
    p.write('postern.yaml', conf.replace('    - {name: third, bind: 127.0.0.7}\n', ''))
    p.proc = place.start('postern', [place.binary(), 'run', '-c', p.conf])
    wait_for('postern serves', 15, p.serves)
    p.base = p.resources()
    wait_for('the alarm', 5, lambda: alarms(p, 'accounts-unfit'))
    check('media address "third", which is not in use' in alarms(p, 'accounts-unfit')[0]['text'],
          alarms(p, 'accounts-unfit'))
    check(p.events('accounts.unfit', 'warn'), 'no line in the log')
    said = p.command('reload', '-c', p.conf)
    check('warning: trunk "acme-pbx" in the store uses media address "third"' in said, said)
    m = invite(place, p)
    check(m.status == 500 and 'media address that is not in use' in m.get('warning'),
          f'{m.line} {m.get("warning")}')
    equal(p.wait_cdrs(1)[0]['refusal'], 'MEDIA_ADDRESS', 'reason in the CDR')


play_unfit.limit = 60
