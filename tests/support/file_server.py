"""A web server on this machine that misbehaves as it is told."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

CONTENT = np.random.default_rng(7).integers(0, 256, 300_000, dtype=np.uint8).tobytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers the requests one after the other as `FileServer.script` says, then as a good server does."""

    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        script = self.server.script
        behaviour = script.pop(0) if script else serve
        behaviour(self)

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"", length: int | None = None) -> None:
        """`length`: what the header claims, where that is not the truth. The connection ends with the answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    @property
    def first(self) -> int:
        """Where the range that was asked for begins."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])

    def log_message(self, *_: Any) -> None:
        pass


class FileServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.headers = {"ETag": '"one"'}
        self.script: list[Behaviour] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.release = threading.Event()
        self.thread = threading.Thread()

    def finish(self) -> None:
        """Let go of whoever waits, and end."""
        self.release.set()
        self.shutdown()
        self.thread.join()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights.bin"

    @property
    def ranges(self) -> list[str | None]:
        """The Range header of each request."""
        return [headers.get("Range") for _, headers in self.requests]


Behaviour = Callable[[Handler], None]


def serve(handler: Handler) -> None:
    """As a good server: ranges, and If-Range honoured."""
    server, first = handler.server, handler.first
    if_range = handler.headers.get("If-Range")
    if if_range is not None and if_range not in server.headers.values():
        first = 0
    total = len(server.content)
    if first and first >= total:
        handler.answer(416, {"Content-Range": f"bytes */{total}"})
    elif first:
        place = {"Content-Range": f"bytes {first}-{total - 1}/{total}"}
        handler.answer(206, {**server.headers, **place}, server.content[first:])
    else:
        handler.answer(200, server.headers, server.content)


def breaks_off_after(count: int) -> Behaviour:
    """Sends `count` bytes from where it was asked, then hangs up."""

    def behaviour(handler: Handler) -> None:
        server, first = handler.server, handler.first
        rest = server.content[first:]
        headers = dict(server.headers)
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(server.content) - 1}/{len(server.content)}"
        handler.answer(206 if first else 200, headers, rest[:count], length=len(rest))

    return behaviour


def answers(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Behaviour:
    return lambda handler: handler.answer(status, headers or {}, body)


def ignores_ranges(handler: Handler) -> None:
    handler.answer(200, handler.server.headers, handler.server.content)


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True


def stalls_after(count: int) -> Behaviour:
    """Sends `count` bytes and then nothing, until the test is over."""

    def behaviour(handler: Handler) -> None:
        breaks_off_after(count)(handler)
        handler.wfile.flush()
        handler.server.release.wait(60)

    return behaviour


def serving() -> FileServer:
    """A server that runs; `finish` ends it."""
    server = FileServer()
    server.thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    server.thread.start()
    return server
