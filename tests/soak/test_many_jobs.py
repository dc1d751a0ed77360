"""Ten thousand jobs from 64 clients at once: all answered, by priority, fairly, in flat memory. In CI there are fewer."""

from __future__ import annotations

import selectors
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scumble_client import Client, wire
from scumble_client.wire import Message
from scumble_client.zmtp import Dealer
from tests.support.daemon import Daemon, Folders, request, square, status

from .size import PATIENCE, figures, resident, size, wait_for

CLIENTS = 64
JOBS = size(640, 10_000)
SETTLED = size(200, 1_000)
"""Jobs after which memory is to be flat."""


class Crowd:
    """64 connections in one thread, each with its share of the jobs; every other job is of low priority."""

    def __init__(self, endpoint: str) -> None:
        self.selector = selectors.DefaultSelector()
        self.dealers = [Dealer(endpoint, heartbeat=0) for _ in range(CLIENTS)]
        self.pixels = square(50)
        self.jobs: dict[str, tuple[int, str]] = {}
        self.accepted: set[str] = set()
        self.done: list[tuple[float, int, str]] = []
        """When the daemon sent a result, to whom, and of which priority."""
        self.failed: list[str] = []
        for number, dealer in enumerate(self.dealers):
            self.selector.register(dealer.fileno(), selectors.EVENT_READ, number)

    def submit(self, count: int) -> None:
        for index in range(count):
            number, priority = index % CLIENTS, ("batch", "interactive")[index // CLIENTS % 2]
            asked = request("test-slow")
            asked.roles = {"image": self.pixels}
            asked.priority = priority
            message = Message("submit", asked.describe())
            message.body["buffers"], message.buffers = [self.pixels.digest], [self.pixels.data]
            self.jobs[message.id] = number, priority
            self.dealers[number].send(wire.encode(message))
            if index % 200 == 0:
                self.turn(0)

    def turn(self, wait: float = 0.05) -> None:
        """Send and receive what is possible now."""
        writing = [d for d in self.dealers if d.wants_write]
        ready = {key.data for key, _ in self.selector.select(0 if writing else wait)}
        for number, dealer in enumerate(self.dealers):
            if number in ready or dealer.wants_write:
                for frames in dealer.poll():
                    self.hear(number, wire.decode(frames))

    def close(self) -> None:
        for dealer in self.dealers:
            dealer.close()
        self.selector.close()

    def hear(self, number: int, message: Message) -> None:
        job = str(message.body.get("job"))
        if message.type == "accepted":
            self.accepted.add(job)
        elif message.type == "result":
            assert self.jobs[job][0] == number, "somebody else's result"
            self.done.append((message.time, *self.jobs[job]))
            self.dealers[number].send(wire.encode(Message("received", {"job": job})))
        elif message.type == "error":
            self.failed.append(str(message.body))


def test_many(start_daemon: Callable[..., Daemon], folders: Folders, tmp_path: Path) -> None:
    daemon = start_daemon()
    marker, gate = tmp_path / "began", tmp_path / "gate"
    memory: defaultdict[str, list[int]] = defaultdict(list)
    with Client("test", launch=False) as client:
        first = client.submit(request("test-gated", marker=str(marker), gate=str(gate)))
        wait_for(marker.exists)
        pids = {"broker": daemon.process.pid, "worker": status(client)["workers"][0]["pid"]}
        crowd = Crowd(f"ipc://{folders.runtime / 'daemon.ipc'}")
        crowd.submit(JOBS)
        end = time.monotonic() + PATIENCE
        while len(crowd.accepted) < JOBS and time.monotonic() < end:
            crowd.turn()
        assert len(crowd.accepted) == JOBS
        gate.write_text("1")
        client.wait(first, PATIENCE)
        client.received(first)
        started = time.monotonic()
        seen = 0
        while len(crowd.done) + len(crowd.failed) < JOBS and time.monotonic() - started < PATIENCE:
            crowd.turn()
            if len(crowd.done) >= SETTLED and len(crowd.done) - seen >= 50:
                seen = len(crowd.done)
                for name, pid in pids.items():
                    memory[name].append(resident(pid))
        seconds = time.monotonic() - started

        def heard() -> bool:
            crowd.turn(0)
            return not status(client)["results"]

        wait_for(heard)
        crowd.close()
    assert crowd.failed == []
    assert len(crowd.done) == JOBS
    done = [(number, priority) for _, number, priority in sorted(crowd.done)]
    order = [priority for _, priority in done]
    urgent = order.count("interactive")
    rounds = _unfairness(done)
    flat = {name: round(max(values) / min(values) - 1, 4) for name, values in memory.items()}
    figures(
        "many jobs",
        jobs=JOBS,
        clients=CLIENTS,
        per_second=round(JOBS / seconds),
        memory_growth=flat,
        megabytes={name: round(values[-1] / 1e6, 1) for name, values in memory.items()},
        most_ahead_of_another=rounds,
    )
    assert order[:urgent] == ["interactive"] * urgent
    assert rounds <= 1
    assert all(growth <= 0.05 for growth in flat.values())


def _unfairness(done: list[tuple[int, str]]) -> int:
    """By how many jobs, at most, one client was ahead of another that had as many to be done."""
    worst = 0
    for lane in ("interactive", "batch"):
        mine = [number for number, priority in done if priority == lane]
        total = Counter(mine)
        so_far: Counter[Any] = Counter(dict.fromkeys(total, 0))
        for number in mine:
            so_far[number] += 1
            open_ones = [count for who, count in so_far.items() if count < total[who]]
            if open_ones:
                worst = max(worst, max(so_far.values()) - min(open_ones))
    return worst
