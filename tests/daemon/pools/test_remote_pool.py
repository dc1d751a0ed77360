"""The pool of another machine, without that machine: what it does when its link goes, or jobs end while it speaks of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble.daemon.pools import remote as remote_module
from scumble.daemon.pools.base import Task
from scumble.daemon.pools.remote import RemotePool
from scumble.daemon.pools.remote_link import RemoteLink
from scumble_client import ScumbleError, wire
from scumble_client.version import __version__
from scumble_client.wire import Message


class PlayedLink:
    """A link whose other end the test plays."""

    endpoint = "tcp://box:1"
    since = 0.0
    socket = monitor = None

    def __init__(self) -> None:
        self.state = "up"
        self.sent: list[Message] = []
        self.coming: list[Message] = []
        self.happened: list[str] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def send(self, message: Message) -> bool:
        if self.state == "up":
            self.sent.append(message)
        return self.state == "up"

    def receive(self) -> Message | None:
        return self.coming.pop(0) if self.coming else None

    def events(self) -> list[str]:
        happened, self.happened = self.happened, []
        return happened


class Ear:
    """Who hears of jobs, and may cancel one while it hears of it."""

    def __init__(self) -> None:
        self.pool: RemotePool
        self.cancels = False
        self.errors: dict[str, str] = {}

    def progress(self, job: str, fraction: float, message: str) -> None:
        if self.cancels:
            self.pool.cancel(job)

    def preview(self, job: str, pixels: dict[str, Any], data: bytes) -> None: ...

    def result(self, job: str, body: dict[str, Any]) -> None: ...

    def failed(self, job: str, error: ScumbleError) -> None:
        self.errors[job] = error.code


class Bench:
    def __init__(self, folder: Path) -> None:
        self.link = PlayedLink()
        played: Any = self.link
        assert {name for name in vars(RemoteLink) if not name.startswith("_")} <= set(dir(self.link))
        self.pool = RemotePool(played, [folder], 1e9)
        self.ear = self.pool.listener = Ear()
        self.ear.pool = self.pool

    def greet(self) -> None:
        self.link.state = "up"
        self.link.happened.append("up")
        self.pool.handle()
        self.link.coming.append(Message("welcome", {"version": __version__}))
        self.pool.handle()

    def lose(self) -> None:
        self.link.state = "down"
        self.link.happened.append("down")
        self.pool.handle()

    def run(self, *jobs: str) -> None:
        for job in jobs:
            self.pool.run(Task(job, "identity", {}, 0, {}))

    def said(self, job: str) -> list[str]:
        return [m.type for m in self.link.sent if job in (m.id, m.body.get("job"))]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.greet()
    yield made
    made.pool.stop()


def test_jobs_that_end_while_it_speaks_of_all_of_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can be reached, the client has gone, and so each job is cancelled when it hears of that."""
    bench.run("one", "two", "three")
    bench.lose()
    bench.ear.cancels = True
    monkeypatch.setattr(bench.pool, "_said_at", 0.0)
    bench.pool.tick()
    assert bench.ear.errors == dict.fromkeys(("one", "two", "three"), "cancelled")


def test_a_job_cancelled_without_a_link_is_cancelled_there_when_there_is_one(bench: Bench) -> None:
    bench.run("one")
    bench.lose()
    bench.pool.cancel("one")
    assert bench.ear.errors == {"one": "cancelled"}
    assert bench.said("one") == ["submit"]
    bench.greet()
    assert bench.said("one") == ["submit", "fetch", "cancel"]


def test_layers_that_can_t_be_packed_end_their_job_alone(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(remote_module, "SLOW", float("inf"))
    monkeypatch.setattr("scumble.daemon.pools.remote_flight.Flight.buffers", fail)
    monkeypatch.setattr(bench.pool, "_rate", 1.0)
    bench.run("one", "two")
    bench.link.coming.append(Message("need", {"job": "one", "digests": [wire.digest(b"x")]}, parent="one"))
    bench.pool.handle()
    while not bench.ear.errors:
        bench.pool.handle()
    assert bench.ear.errors == {"one": "internal"}
