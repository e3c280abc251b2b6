"""A PBX made of Python's own TLS: a server that is wrong in one way, for `postern ready`."""
import re
import socket
import ssl
import threading

from lib.place import PBX

CARRIER = 'AES128-SHA:AES128-SHA256:AES256-SHA256:@SECLEVEL=1'
V = ssl.TLSVersion


class Pbx:
    """Listens until stop(). cert: name of the CA's files; leaf: without its issuer; ask: trust file
    for the client's certificate (None: does not ask); say: what it answers to OPTIONS; foreign: it
    answers with another branch than that of the request."""

    def __init__(self, place, port, cert='pbx', leaf=False, ask='trust.pem', lo=V.TLSv1_2,
                 hi=V.TLSv1_2, ciphers=CARRIER, say=';transport=tls', host=PBX, silent=False, foreign=False):
        ca = place.ca
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.set_ciphers(ciphers)
        self.ctx.minimum_version, self.ctx.maximum_version = lo, hi
        self.ctx.load_cert_chain(ca.path(cert + ('.crt' if leaf else '-chain.pem')),
                                 ca.path(cert + '.key'))
        if ask:
            self.ctx.verify_mode = ssl.CERT_REQUIRED
            self.ctx.load_verify_locations(ca.path(ask))
        self.say, self.silent, self.host, self.port = say, silent, host, port
        self.sock = socket.create_server((host, port), backlog=64)
        self.seen, self.foreign = [], foreign
        place.keep(self)
        threading.Thread(target=self.serve, daemon=True).start()

    def stop(self, *_):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def serve(self):
        while True:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(s,), daemon=True).start()

    def talk(self, s):
        try:
            s.settimeout(20)
            with self.ctx.wrap_socket(s, server_side=True) as t:
                buf = b''
                while True:
                    data = t.recv(65536)
                    if not data:
                        return
                    buf += data
                    if b'\r\n\r\n' in buf and not self.silent:
                        head, _, buf = buf.partition(b'\r\n\r\n')
                        t.sendall(self.answer(head.decode()))
        except (OSError, ssl.SSLError, ValueError):
            s.close()

    def answer(self, head):
        self.seen.append(head)
        keep = [x for x in head.split('\r\n')
                if re.match(r'(via|from|to|call-id|cseq)\s*:', x, re.I)]
        keep = [x + ';tag=pbx' if x.lower().startswith('to') else x for x in keep]
        if self.foreign:
            keep = [re.sub(r'branch=z9hG4bK', 'branch=z9hG4bKno', x) for x in keep]
        lines = ['SIP/2.0 200 OK', *keep, f'Contact: <sip:pbx@{self.host}:{self.port}{self.say}>',
                 'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS', 'Server: test', 'Content-Length: 0']
        return ('\r\n'.join(lines) + '\r\n\r\n').encode()
