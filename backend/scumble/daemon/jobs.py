"""Jobs, their states, and the queues they wait in: interactive before batch, and in each, one client after the other."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from .submission import PRIORITIES, Submission

State = Literal["held", "waiting", "queued", "running", "storing", "ended"]
TRANSITIONS: dict[State, tuple[State, ...]] = {
    "held": ("waiting", "ended"),
    "waiting": ("queued", "ended"),
    "queued": ("running", "ended"),
    "running": ("storing", "ended"),
    "storing": ("ended",),
    "ended": (),
}
"""held: until there is room for its layers; waiting: for them to arrive; queued: for a worker; storing: its result."""


@dataclass(frozen=True)
class Client:
    """Where to send what concerns a job: the socket that the client came in by, and its routing id there."""

    socket: Any
    identity: bytes
    name: str = field(default="", compare=False)


@dataclass(eq=False)
class Job:
    """One submission on its way. Only the scheduler changes it."""

    id: str
    owner: Client
    """Who submitted it: whose turn it is to have it run, and whose share it counts to. It stays the same."""
    submission: Submission
    told: float
    """When its client last heard of it."""
    state: State = "held"
    lacking: set[bytes] = field(default_factory=set)
    """Its buffers that are not in the store, while it waits for them."""
    fraction: float = 0.0
    message: str = ""
    seconds: float = 0.0
    """How long it was computed."""
    cancelling: bool = False
    submitted: float = field(default_factory=time.time)
    unseen: float | None = None
    """When a preview was sent that the client has not said it has seen."""
    lost: float | None = None
    """Since when its client can't be reached."""

    def __post_init__(self) -> None:
        self.client = self.owner
        """Who hears of it: another connection, once that has asked for it."""

    def move(self, state: State) -> None:
        assert state in TRANSITIONS[self.state], f"a job can't go from {self.state} to {state}"
        self.state = state


class Queue:
    """Jobs that wait for the same thing."""

    def __init__(self) -> None:
        self._lanes: dict[str, OrderedDict[Client, deque[Job]]] = {p: OrderedDict() for p in PRIORITIES}

    def push(self, job: Job) -> None:
        self._lanes[job.submission.priority].setdefault(job.owner, deque()).append(job)

    def peek(self) -> Job | None:
        """The job that `pop` would give."""
        return next((next(iter(lane.values()))[0] for lane in self._lanes.values() if lane), None)

    def pop(self) -> Job | None:
        """The next job; its client then goes behind the others of the same priority."""
        for lane in self._lanes.values():
            if lane:
                client, jobs = next(iter(lane.items()))
                job = jobs.popleft()
                del lane[client]
                if jobs:
                    lane[client] = jobs
                return job
        return None

    def remove(self, job: Job) -> None:
        lane = self._lanes[job.submission.priority]
        jobs = lane.get(job.owner)
        if jobs and job in jobs:
            jobs.remove(job)
            if not jobs:
                del lane[job.owner]

    def __iter__(self) -> Iterator[Job]:
        """In the order in which `pop` would give them."""
        for lane in self._lanes.values():
            waiting = [list(jobs) for jobs in lane.values()]
            for turn in range(max(map(len, waiting), default=0)):
                yield from (jobs[turn] for jobs in waiting if turn < len(jobs))

    def __len__(self) -> int:
        return sum(len(jobs) for lane in self._lanes.values() for jobs in lane.values())

    def position(self, job: Job) -> int:
        """How many jobs come before it. Counted, not walked through: there may be thousands."""
        before = 0
        for priority, lane in self._lanes.items():
            if priority != job.submission.priority:
                before += sum(len(jobs) for jobs in lane.values())
                continue
            own = lane.get(job.owner)
            if own is None or job not in own:
                return 0
            turn = own.index(job)
            passed = False  # each client before ours in the round has one turn more
            for client, jobs in lane.items():
                if client == job.owner:
                    before, passed = before + turn, True
                else:
                    before += min(len(jobs), turn if passed else turn + 1)
            return before
        return 0
