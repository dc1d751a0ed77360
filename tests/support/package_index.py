"""A package index on this machine that can be made to fail as real ones do, and small packages for it."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import ssl
import subprocess
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def make_wheel(name: str, version: str, files: Mapping[str, bytes | str], requires: tuple[str, ...] = ()) -> bytes:
    """A wheel for any Python; its name is `wheel_name`'s."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    everything: dict[str, bytes | str] = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for path, content in everything.items():
            data = content.encode() if isinstance(content, str) else content
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(data)}\n"
            archive.writestr(path, data)
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return held.getvalue()


def wheel_name(name: str, version: str) -> str:
    return f"{name}-{version}-py3-none-any.whl"


@dataclass(eq=False)
class PackageIndex:
    """What is served, and how badly. Every attribute may be changed while it serves."""

    wheels: dict[str, bytes | Path] = field(default_factory=dict)
    """File name → content, or the file with it."""
    port: int = 0
    breaks_after: int = 0
    """Bytes of a wheel after which a line breaks; 0: never."""
    breaks: int = 1_000_000
    """How often it does."""
    bytes_per_second: float = 0.0
    """0: as fast as it can."""
    wrong_sum: str = ""
    """The beginning of the names of wheels whose check sum is wrong."""
    damaged: dict[str, int] = field(default_factory=dict)
    """File name → how often it is sent with a wrong byte."""
    status: int = 200
    """Of every answer."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Path and range of each request."""

    def content(self, name: str) -> bytes:
        held = self.wheels[name]
        return held if isinstance(held, bytes) else held.read_bytes()

    @functools.cache  # noqa: B019 (it lives as long as a test)
    def digest(self, held: bytes | Path) -> str:
        """SHA-256 of a wheel."""
        return hashlib.sha256(held if isinstance(held, bytes) else held.read_bytes()).hexdigest()

    certificate: str = ""
    """Of TLS, where it is served so: then pip keeps what it has fetched."""

    @property
    def address(self) -> str:
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}/simple"

    def asked_for(self, name: str) -> list[str]:
        """The ranges that were asked for of a wheel."""
        return [range_ for path, range_ in self.requests if path.rpartition("/")[2].startswith(name)]


def certify(index: PackageIndex, folder: Path) -> None:
    """Have it served over TLS, with a certificate of its own in that folder."""
    index.certificate = str(folder / "certificate.pem")
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    keys = ["-keyout", index.certificate + ".key", "-out", index.certificate]
    subprocess.run([*command, *keys], check=True, capture_output=True, timeout=60)


@contextmanager
def serving(index: PackageIndex) -> Iterator[PackageIndex]:
    """Serve it until the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            index.requests.append((self.path, self.headers.get("Range", "")))
            if index.status != 200:
                self.answer(index.status, b"no")
            elif self.path.startswith("/simple/"):
                self.page(self.path.strip("/").rpartition("/")[2])
            else:
                self.wheel(urllib.parse.unquote(self.path.rpartition("/")[2]))

        def page(self, project: str) -> None:
            links = ""
            for name, held in index.wheels.items():
                if name.split("-")[0].replace("_", "-").lower() == project:
                    wrong = index.wrong_sum and name.startswith(index.wrong_sum)
                    digest = index.digest(b"another" if wrong else held)
                    links += f'<a href="/files/{name}#sha256={digest}">{name}</a>\n'
            self.answer(200 if links else 404, f"<html><body>{links}</body></html>".encode())

        def wheel(self, name: str) -> None:
            data = index.content(name)
            if index.damaged.get(name, 0) > 0:
                index.damaged[name] -= self.command == "GET"
                data = data[:-1] + bytes([data[-1] ^ 1])
            start = 0
            asked = self.headers.get("Range", "")
            if asked.startswith("bytes="):
                start = int(asked[6:].split("-")[0])
            self.send_response(206 if asked else 200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Cache-Control", "max-age=365000000, immutable, public")  # as PyPI's files
            self.send_header("ETag", f'"{index.digest(index.wheels[name])}"')
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            end = len(data)
            if self.command == "HEAD":
                return
            if index.breaks_after and index.breaks > 0 and end - start > index.breaks_after:
                index.breaks -= 1
                end = start + index.breaks_after
            for at in range(start, end, 65536):
                block = data[at : min(at + 65536, end)]
                try:
                    self.wfile.write(block)
                except OSError:
                    break  # the other side has had enough
                if index.bytes_per_second:
                    time.sleep(len(block) / index.bytes_per_second)
            if end < len(data):
                self.close_connection = True

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if index.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(index.certificate, index.certificate + ".key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    index.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
