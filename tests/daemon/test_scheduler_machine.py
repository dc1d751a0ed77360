"""The scheduler as a state machine: whatever happens in whatever order, each job ends, once, and nothing is lost on the way.

The world around it is played: clients that answer late, wrongly or never, and come and go; files that can't be written;
a pool of two. After each step it is looked at whether anybody waits for something that nobody will do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scumble.daemon.buffer_ledger import StoredBuffer
from scumble.daemon.jobs import Client
from scumble.daemon.scheduler import (
    LAYER_PATIENCE,
    Cancel,
    Deliver,
    Remove,
    Scheduler,
    Start,
    Store,
    Tell,
    Warm,
    Write,
)
from scumble.daemon.submission import MAX_PROFILE, PRIORITIES, Frame, Packed, Submission
from scumble_client import ScumbleError
from scumble_client.wire import digest

MIB = 1024**2
LIMIT = 100 * MIB
LAYERS = {digest(bytes([number])): size * MIB for number, size in enumerate((20, 30, 40, 60, 130))}
PROFILE = digest(b"profile")
NAMES = [*LAYERS, PROFILE]
PLACES = 2
ERROR = ScumbleError("internal", "It went wrong.", "")

numbers = st.integers(0, 10**6)
some_names = st.lists(st.sampled_from([NAMES[0], NAMES[0], *NAMES]), max_size=2, unique=True)
"""One layer more often than the others, so that jobs share it."""


def frame(name: bytes) -> Frame:
    """A buffer that says how long it is without being it."""
    return Frame(bytes(1000)) if name == PROFILE else Frame(b"", None, Packed(4, LAYERS[name]))


def submission(names: list[bytes], priority: str, replaces: str | None, patience: float) -> Submission:
    roles: dict[str, dict[str, Any]] = {name.hex(): {"buffer": name} for name in names if name != PROFILE}
    if PROFILE in names and roles:
        next(iter(roles.values()))["icc"] = PROFILE
    sizes = {name: LAYERS.get(name) for name in names if name != PROFILE or roles}
    return Submission("identity", {}, 0, priority, replaces, roles, sizes, 0, patience)


@dataclass
class Connection:
    client: Client
    alive: bool = True
    needs: list[tuple[str, list[bytes]]] = field(default_factory=list)
    """What it was asked for and has not answered: job and names."""


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.scheduler = Scheduler(LIMIT, lambda: self.now)
        self.connections: list[Connection] = []
        self.jobs: dict[str, Submission] = {}
        self.hears: dict[str, Client] = {}
        self.ended: Counter[str] = Counter()
        self.files: dict[Path, tuple[bytes, int]] = {}
        self.writing: dict[bytes, tuple[int, Frame]] = {}
        self.running: dict[str, set[Path]] = {}
        self.number = 0
        self.disk_is_full = False
        self.connect()
        self.connect()

    # -- the world's part

    def connection(self, client: Client) -> Connection:
        return next(c for c in self.connections if c.client == client)

    def present(self) -> set[bytes]:
        return {name for name, _ in self.files.values()}

    def open_needs(self, connection: Connection) -> set[bytes]:
        """What this client may still be expected to send."""
        return {name for job, names in connection.needs if job not in self.ended for name in names}

    def work(self) -> None:
        """What the broker does after each event."""
        self.perform_all()
        while len(self.running) < PLACES and self.scheduler.dispatch(PLACES - len(self.running)):
            self.perform_all()

    def perform_all(self) -> None:
        while (action := self.scheduler.next_action()) is not None:
            self.perform(action)

    def perform(self, action: Any) -> None:
        match action:
            case Tell(job, client, kind, body):
                connection = self.connection(client)
                assert job not in self.ended, "something was said of a job that had ended"
                if kind == "need":
                    self.check_need(connection, body["digests"])
                    connection.needs.append((job, list(body["digests"])))
                if kind == "error":
                    self.ended[job] += 1
                if connection.alive:
                    self.scheduler.reached(job)
                else:
                    self.scheduler.unreachable(job, client)
            case Write(name, written):
                assert name not in self.writing
                self.writing[name] = (self.number, written)
                self.number += 1
            case Remove(paths):
                for path in paths:
                    used = [job for job, used in self.running.items() if path in used]
                    assert not used, "a layer of a job that runs was dropped"
                    del self.files[path]
            case Start(task):
                located = {
                    Path(role[key]) for role in task.roles.values() for key in ("path", "icc_path") if key in role
                }
                assert located <= self.files.keys(), "a layer of a job that is to run is not there"
                assert len(self.running) < PLACES
                self.running[task.job] = located
            case Cancel(job):
                assert job in self.running
            case Store(job, _, inputs):
                assert all(isinstance(stored, StoredBuffer) and stored.path in self.files for stored in inputs.values())
                if self.disk_is_full:
                    self.scheduler.failed(job, ERROR)
                else:
                    self.scheduler.stored(job)
            case Deliver(job):
                self.ended[job] += 1
            case Warm():
                pass

    def check_need(self, connection: Connection, names: list[bytes]) -> None:
        """A layer travels once."""
        assert names
        assert not set(names) & self.writing.keys(), "asked for what is being written"
        assert not set(names) & self.present(), "asked for what is there"
        assert not set(names) & self.open_needs(connection), "asked for what was asked for"

    def some_client(self, number: int) -> Connection:
        return self.connections[number % len(self.connections)]

    def some_job(self, number: int) -> str:
        """The later ones more often: those are not likely to have ended."""
        names = list(self.jobs)
        return names[-1 - number % min(len(names), 6)]

    # -- what may happen

    @rule()
    def connect(self) -> None:
        if sum(c.alive for c in self.connections) < 3 and len(self.connections) < 20:
            self.connections.append(Connection(Client(None, bytes([len(self.connections)]))))

    @rule(
        who=numbers,
        names=some_names,
        attached=st.sets(st.integers(0, 2), max_size=1),
        priority=st.sampled_from(PRIORITIES),
        replaces=st.none() | numbers,
        patience=st.sampled_from([0.0, 5.0]),
    )
    def submit(
        self,
        who: int,
        names: list[bytes],
        attached: set[int],
        priority: str,
        replaces: int | None,
        patience: float,
    ) -> None:
        connection = self.some_client(who)
        old = self.some_job(replaces) if replaces is not None and self.jobs else None
        asked = submission(names, priority, old, patience)
        job = f"job{len(self.jobs)}"
        frames = {name: frame(name) for n, name in enumerate(asked.sizes) if n in attached}
        if sum(size or 0 for size in asked.sizes.values()) > LIMIT:
            with pytest.raises(ScumbleError, match="larger than all the room"):
                self.scheduler.submit(connection.client, job, asked, frames)
            return
        self.scheduler.submit(connection.client, job, asked, frames)
        self.jobs[job], self.hears[job] = asked, connection.client
        self.work()

    @precondition(lambda self: any(c.needs for c in self.connections))
    @rule(number=numbers, part=st.sets(st.integers(0, 2), min_size=1))
    def answer(self, number: int, part: set[int]) -> None:
        asked = [(c, index) for c in self.connections for index in range(len(c.needs))]
        connection, index = asked[number % len(asked)]
        job, names = connection.needs[index]
        sent = [name for n, name in enumerate(names) if n in part or len(names) == 1]
        rest = [name for name in names if name not in sent]
        connection.needs[index : index + 1] = [(job, rest)] if rest else []
        expected = self.scheduler.expects(connection.client, job)
        if expected:
            self.scheduler.arrived(connection.client, job, {name: frame(name) for name in sent})
        self.work()

    @precondition(lambda self: self.writing)
    @rule(number=numbers, fails=st.booleans())
    def a_write_ends(self, number: int, fails: bool) -> None:
        name = list(self.writing)[number % len(self.writing)]
        version, written = self.writing.pop(name)
        if fails:
            self.scheduler.write_failed(name, ERROR)
        else:
            path = Path(f"{name.hex()}-{version}")
            self.files[path] = name, written.size
            self.scheduler.written(name, path, None)
        self.work()

    @precondition(lambda self: self.running)
    @rule(number=numbers, how=st.sampled_from(["result", "failed"]))
    def a_run_ends(self, number: int, how: str) -> None:
        job = list(self.running)[number % len(self.running)]
        del self.running[job]
        if how == "result":
            self.scheduler.result(job, {"layers": [], "seconds": 1.0})
        else:
            self.scheduler.failed(job, ERROR)
        self.work()

    @precondition(lambda self: self.running)
    @rule(number=numbers)
    def a_run_goes_on(self, number: int) -> None:
        job = list(self.running)[number % len(self.running)]
        self.scheduler.progress(job, 0.5, "Working")
        self.scheduler.preview(job, {"buffer": PROFILE}, b"")
        self.work()

    @precondition(lambda self: self.jobs)
    @rule(who=numbers, number=numbers)
    def cancel(self, who: int, number: int) -> None:
        job = self.some_job(number)
        client = self.some_client(who).client
        before = self.ended[job]
        queued = job not in self.running and job not in self.ended
        self.scheduler.cancel(client, job)
        self.work()
        if self.hears[job] != client:
            assert self.ended[job] == before, "another's job was cancelled"
        elif queued:
            assert self.ended[job] == 1, "a job that waited was not cancelled"

    @precondition(lambda self: self.jobs)
    @rule(who=numbers, number=numbers)
    def fetch(self, who: int, number: int) -> None:
        job, client = self.some_job(number), self.some_client(who).client
        for connection in self.connections:  # what another was asked for this one is asked for
            if connection.client != client:
                connection.needs = [need for need in connection.needs if need[0] != job]
        assert self.scheduler.fetch(client, job) == (job not in self.ended)
        self.hears[job] = client
        self.work()

    @precondition(lambda self: self.jobs)
    @rule(who=numbers, number=numbers)
    def say_seen(self, who: int, number: int) -> None:
        self.scheduler.seen(self.some_client(who).client, self.some_job(number))

    @rule(who=numbers)
    def vanish(self, who: int) -> None:
        connection = self.some_client(who)
        connection.alive = False
        connection.needs.clear()

    @rule(seconds=st.sampled_from([0.1, 3.0, 11.0, LAYER_PATIENCE + 1]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds
        self.scheduler.tick()
        self.work()

    @rule(full=st.booleans())
    def the_disk_fills(self, full: bool) -> None:
        self.disk_is_full = full

    # -- what always holds

    @invariant()
    def each_ends_at_most_once(self) -> None:
        assert all(count == 1 for count in self.ended.values())
        assert not self.running.keys() & self.ended.keys(), "it has ended, and its layers may go, while it is computed"
        assert {job["job"] for job in self.scheduler.describe()} == self.jobs.keys() - self.ended.keys()

    @invariant()
    def memory_is_bounded(self) -> None:
        used = sum(size for _, size in self.files.values()) + sum(f.size for _, f in self.writing.values())
        assert used <= LIMIT + MAX_PROFILE
        assert self.scheduler.describe_buffers()["bytes"] == used

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """Whoever waits, waits for something that somebody else is to do."""
        jobs = self.scheduler.describe()
        states = Counter(job["state"] for job in jobs)
        for job in jobs:
            if job["state"] == "queued":
                assert len(self.running) == PLACES, "a job is queued while the pool is free"
            elif job["state"] == "running":
                assert job["job"] in self.running
            elif job["state"] == "held":
                assert states["waiting"] + states["queued"] + states["running"] or self.writing, "held by nobody"
            else:
                assert job["state"] == "waiting"
                connection = self.connection(self.hears[job["job"]])
                lacking = self.jobs[job["job"]].sizes.keys() - self.present() - self.writing.keys()
                assert lacking or self.jobs[job["job"]].sizes.keys() & self.writing.keys(), "it has all it needs"
                assert not connection.alive or lacking <= self.open_needs(connection), "waits for what nobody sends"

    def teardown(self) -> None:
        """With some good will, everything ends."""
        for _ in range(20 * len(self.jobs) + 20):
            for _ in range(len(self.writing)):
                self.a_write_ends(0, False)
            for _ in range(len(self.running)):
                self.a_run_ends(0, "result")
            for connection in self.connections:
                for job, names in list(connection.needs):
                    connection.needs.remove((job, names))
                    if self.scheduler.expects(connection.client, job):
                        self.scheduler.arrived(connection.client, job, {name: frame(name) for name in names})
                        self.work()
            self.time_goes_by(3.0)
            self.nobody_waits_for_nothing()
        assert len(self.scheduler) == 0
        assert self.ended.keys() == self.jobs.keys()
        assert all(count == 1 for count in self.ended.values())
        for account in ("_asked", "_lacking", "_uploaders", "_owned"):
            assert not getattr(self.scheduler, account), f"{account} keeps what nobody needs"
        self.scheduler.shutdown()
        self.work()
        assert not self.files


World.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestScheduler = World.TestCase
