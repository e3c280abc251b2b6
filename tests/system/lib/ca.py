"""A throw-away certificate authority, and the certificates good and bad that the plays show."""
import os

from lib.proc import run

EXTENSIONS = '''
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[inter]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[leaf]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=${ENV::SAN}
[self]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectKeyIdentifier=hash
subjectAltName=${ENV::SAN}
'''


class CA:
    """Files in dir: NAME.key, NAME.crt, NAME-chain.pem (leaf and issuer), NAME-all.pem (key
    first), trust.pem (the root alone), full.pem (root and issuer)."""

    def __init__(self, folder):
        self.dir = folder
        os.makedirs(folder, exist_ok=True)
        with open(self.path('ext.cnf'), 'w', encoding='ascii') as f:
            f.write(EXTENSIONS)
        self.authority('root', 'root', None, 'Test Root')
        self.authority('inter', 'inter', 'root', 'Test Issuer')
        self.join('trust.pem', 'root.crt')
        self.join('full.pem', 'root.crt', 'inter.crt')

    def path(self, name):
        return os.path.join(self.dir, name)

    def openssl(self, *words, san='DNS:unused.invalid', before=()):
        run([*before, 'openssl', *words], 30, env={'SAN': san, 'OPENSSL_CONF': '/dev/null'},
            cwd=self.dir)

    def join(self, out, *parts):
        with open(self.path(out), 'w', encoding='ascii') as f:
            for p in parts:
                with open(self.path(p), encoding='ascii') as part:
                    f.write(part.read())
        os.chmod(self.path(out), 0o600)

    def make_key(self, name, kind='RSA'):
        opt = 'ec_paramgen_curve:P-256' if kind == 'EC' else 'rsa_keygen_bits:2048'
        self.openssl('genpkey', '-algorithm', kind, '-pkeyopt', opt,
                     '-out', name + '.key')

    def request(self, name, cn):
        self.openssl('req', '-new', '-sha256', '-key', name + '.key', '-subj',
                     f'/O=Test Lab/CN={cn}', '-out', name + '.csr', '-config', 'req.cnf')

    def authority(self, name, section, issuer, cn):
        with open(self.path('req.cnf'), 'w', encoding='ascii') as f:
            f.write('[req]\ndistinguished_name=dn\n[dn]\n')
        self.make_key(name)
        self.request(name, cn)
        self.sign(name, section, issuer, 3650)

    def sign(self, name, section, issuer, days, san='DNS:unused.invalid', before=()):
        by = ['-CA', issuer + '.crt', '-CAkey', issuer + '.key'] if issuer else \
            ['-signkey', name + '.key']
        self.openssl('x509', '-req', '-sha256', '-in', name + '.csr', *by, '-set_serial',
                     '0x' + os.urandom(8).hex(), '-days', str(days), '-extfile', 'ext.cnf',
                     '-extensions', section, '-out', name + '.crt', san=san, before=before)

    def leaf(self, name, cn, san=None, issuer='inter', kind='RSA', expired=False):
        """A certificate for SIP peers. issuer None: self-signed."""
        self.make_key(name, kind)
        self.request(name, cn)
        self.sign(name, 'leaf' if issuer else 'self', issuer, 30 if expired else 90,
                  san or f'DNS:{cn}', ['faketime', '60 days ago'] if expired else ())
        chain = [name + '.crt'] + ([issuer + '.crt'] if issuer else [])
        self.join(name + '-chain.pem', *chain)
        self.join(name + '-all.pem', name + '.key', *chain)
        return self

    def standard(self):
        """What most plays need."""
        self.leaf('sbc', 'sbc.example.test', 'DNS:sbc.example.test,DNS:localhost')
        self.leaf('pbx', 'pbx.example.test')
        return self

    def hostile(self):
        """What a listener must refuse."""
        self.authority('otherroot', 'root', None, 'Unrelated Root')
        self.leaf('stranger', 'pbx.example.test', issuer='otherroot')
        self.leaf('selfsigned', 'pbx.example.test', issuer=None)
        self.leaf('expired', 'pbx.example.test', expired=True)
        self.leaf('ec', 'pbx.example.test', kind='EC')
        self.leaf('wildother', '*.elsewhere.test')
        self.leaf('wildtwo', '*.firm.test')      # must not cover pbx.branch.firm.test
        self.leaf('wildone', '*.branch.firm.test')
        return self
