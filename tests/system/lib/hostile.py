"""TLS clients that a listener must refuse, and the alert that each one gets."""
import os
import re
import socket
import ssl
import struct

from lib.proc import Failed, check, run

ALERTS = {40: 'handshake_failure', 42: 'bad_certificate', 43: 'unsupported_certificate',
          44: 'certificate_revoked', 45: 'certificate_expired', 46: 'certificate_unknown',
          48: 'unknown_ca', 49: 'access_denied', 51: 'decrypt_error', 70: 'protocol_version',
          71: 'insufficient_security', 80: 'internal_error', 112: 'unrecognized_name'}


def by_openssl(ca, address, cert=None, options=()):
    """Alert number that `openssl s_client` was sent; 0 when the handshake was accepted."""
    words = ['openssl', 's_client', '-connect', address, '-servername', 'sbc.example.test',
             '-CAfile', ca.path('trust.pem'), *options]
    if cert:
        words += ['-cert', ca.path(cert + '.crt'), '-key', ca.path(cert + '.key'),
                  '-cert_chain', ca.path(cert + '-chain.pem')]
    rc, out = run(words, 10, env={'OPENSSL_CONF': '/dev/null'}, may_fail=True)
    m = re.search(r'SSL alert number (\d+)', out)
    if m:
        return int(m.group(1))
    check('Cipher is ' in out and 'Cipher is (NONE)' not in out, f'openssl: {out[-500:]}')
    return 0


def by_python(ca, address, cert, ciphers='AES128-SHA:@SECLEVEL=1', version=ssl.TLSVersion.TLSv1_2,
              sni='sbc.example.test'):
    """(alert or 0, TLS version, suite) with Python's own TLS."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.load_verify_locations(ca.path('trust.pem'))
    ctx.minimum_version = ctx.maximum_version = version
    ctx.set_ciphers(ciphers)
    if cert:
        ctx.load_cert_chain(ca.path(cert + '-chain.pem'), ca.path(cert + '.key'))
    host, port = address.split(':')
    with socket.create_connection((host, int(port)), 5) as s:
        s.settimeout(5)
        try:
            with ctx.wrap_socket(s, server_hostname=sni) as t:
                return 0, t.version(), t.cipher()[0]
        except ssl.SSLError as e:
            words = (e.reason or '').lower()
            for number, name in ALERTS.items():
                if name.replace('_', ' ') in words.replace('_', ' '):
                    return number, None, None
            raise Failed(f'TLS ended with {e.reason}, which names no alert') from None
        except (ConnectionResetError, OSError) as e:
            raise Failed(f'no alert, the connection just ended: {e}') from None


class RawTls:
    """As much of a TLS 1.2 client as it takes to show a certificate that nobody asked for."""

    def __init__(self, address):
        host, port = address.split(':')
        self.s = socket.create_connection((host, int(port)), 5)
        self.s.settimeout(5)
        self.buf, self.asked = b'', None

    def record(self, kind, body):
        self.s.sendall(struct.pack('!BHH', kind, 0x0303, len(body)) + body)

    @staticmethod
    def message(kind, body):
        return struct.pack('!B', kind) + struct.pack('!I', len(body))[1:] + body

    def hello(self, sni=b'sbc.example.test'):
        def ext(kind, body):
            return struct.pack('!HH', kind, len(body)) + body
        name = struct.pack('!HBH', len(sni) + 3, 0, len(sni)) + sni
        exts = ext(0, name) + ext(13, bytes.fromhex('0008' '0401' '0403' '0501' '0201')) \
            + ext(10, bytes.fromhex('0004' '0017' '001d')) + ext(11, b'\x01\x00')
        body = b'\x03\x03' + os.urandom(32) + b'\0' + bytes.fromhex('0004' '002f' '003c') + b'\1\0'
        self.record(22, self.message(1, body + struct.pack('!H', len(exts)) + exts))

    def read_record(self):
        while len(self.buf) < 5 or len(self.buf) < 5 + struct.unpack('!H', self.buf[3:5])[0]:
            data = self.s.recv(65536)
            if not data:
                return None, b''
            self.buf += data
        n = 5 + struct.unpack('!H', self.buf[3:5])[0]
        rec, self.buf = self.buf[:n], self.buf[n:]
        return rec[0], rec[5:]

    def until_done(self):
        """Read to ServerHelloDone; the client certificate types that were asked for."""
        flight = b''
        while True:
            kind, body = self.read_record()
            check(kind == 22, f'wanted the server\'s handshake, got record type {kind} {body!r}')
            flight += body
            at = 0
            while at + 4 <= len(flight):
                n = int.from_bytes(flight[at + 1:at + 4], 'big')
                if at + 4 + n > len(flight):
                    break
                if flight[at] == 13:
                    self.asked = list(flight[at + 5:at + 5 + flight[at + 4]])
                if flight[at] == 14:
                    return self.asked
                at += 4 + n

    def show(self, ca, chain):
        """Send the Certificate message with the certificates of a PEM file."""
        with open(ca.path(chain), encoding='ascii') as f:
            ders = [ssl.PEM_cert_to_DER_cert(p) for p in re.findall(
                r'-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----', f.read(), re.S)]
        body = b''.join(len(d).to_bytes(3, 'big') + d for d in ders)
        self.record(22, self.message(11, len(body).to_bytes(3, 'big') + body))

    def alert(self):
        """The alert's number; 0 when the server just closes."""
        while True:
            try:
                kind, body = self.read_record()
            except OSError:
                return 0
            if kind == 21:
                return body[1]
            if kind is None:
                return 0


def uninvited(ca, address, chain):
    """(alert, certificate types that the server asked for) of a client that shows a chain all the
    same."""
    t = RawTls(address)
    t.hello()
    asked = t.until_done()
    t.show(ca, chain)
    return t.alert(), asked
