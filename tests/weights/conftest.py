"""A web server on this machine that misbehaves as it is told (`tests.support.file_server`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.file_server import (
    CONTENT,
    MD5,
    SHA256,
    Behaviour,
    FileServer,
    Handler,
    answers,
    breaks_off_after,
    hangs_up,
    ignores_ranges,
    serve,
    serving,
    stalls_after,
)

__all__ = [
    "CONTENT",
    "MD5",
    "SHA256",
    "Behaviour",
    "FileServer",
    "Handler",
    "answers",
    "breaks_off_after",
    "hangs_up",
    "ignores_ranges",
    "serve",
    "server",
    "stalls_after",
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    server = serving()
    yield server
    server.finish()
