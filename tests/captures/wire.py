"""A proxy that ends every TLS connection itself, so that an SDK with its own settings, asking its vendor's own address, is
answered here. What the SDK sent is kept. It forwards nothing: no request leaves the machine.

It knows nothing of any SDK or fixture; `answers` says what to answer.
"""

import datetime
import gzip
import pathlib
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import answers


@dataclass
class Request:
    """One request as it came over the wire. `target` is its path and query, undecoded."""

    method: str
    host: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def url(self):
        return f"https://{self.host}{self.target}"

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), "")


class Authority:
    """A certificate authority that lives as long as the recording, and signs for any host."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.lock = threading.Lock()
        self.contexts = {}
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "captures")])
        self.certificate = self.sign(self.name, self.key, authority=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, subject, key, authority=False, names=()):
        now = datetime.datetime.now(datetime.timezone.utc)
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(own, critical=False)
            .add_extension(issuer, critical=False)
        )
        if not authority:
            server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            built = built.add_extension(server, critical=False).add_extension(alternative, critical=False)
        return built.sign(self.key, hashes.SHA256())

    def context(self, host):
        with self.lock:
            if host not in self.contexts:
                self.contexts[host] = self.make(host)
            return self.contexts[host]

    def make(self, host):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        certificate = self.sign(subject, key, names=[host])
        pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self.folder / f"{len(self.contexts)}.pem"
        file.write_bytes(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@dataclass
class Wire:
    """The running proxy, and what it was asked since it was last read."""

    folder: pathlib.Path
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self):
        self.authority = Authority(self.folder)
        wire = self

        class Handler(Connection):
            pass

        Handler.wire = wire
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self):
        taken, self.requests[:] = list(self.requests), []
        return taken


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: Wire
    host = ""

    def do_CONNECT(self):
        self.host = self.path.rsplit(":", 1)[0]
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.wfile.flush()
        try:
            self.connection = self.wire.authority.context(self.host).wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError) as error:
            print(f"{self.host}: no TLS: {error}")
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def answer(self):
        body = self.read()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        request = Request(self.command, self.host, self.path, list(self.headers.items()), body)
        self.wire.requests.append(request)
        status, kind, answer = answers.answer(request)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.wfile.flush()

    def read(self):
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

    def log_message(self, *_):
        pass
