"""Jobs and the queue they wait in: interactive before batch, and in each, one client after the other."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .submission import PRIORITIES, Submission


@dataclass(frozen=True)
class Client:
    """Where to send what concerns a job: the socket that the client came in by, and its routing id there."""

    socket: Any
    identity: bytes
    name: str = field(default="", compare=False)


@dataclass(eq=False)
class Job:
    """One submission on its way. States: waiting (for buffers), queued, running, ended."""

    id: str
    client: Client
    submission: Submission
    state: str = "waiting"
    missing: set[bytes] = field(default_factory=set)
    fraction: float = 0.0
    message: str = ""
    submitted: float = field(default_factory=time.time)
    told: float = field(default_factory=time.monotonic)
    """When its client last heard of it."""
    unseen: float | None = None
    """When a preview was sent that the client has not said it has seen."""
    lost: float | None = None
    """Since when its client can't be reached."""

    def __post_init__(self) -> None:
        self.owner = self.client
        """Who submitted it; `client` is who hears of it."""


class Queue:
    """Jobs that have all they need."""

    def __init__(self) -> None:
        self._lanes: dict[str, OrderedDict[Client, deque[Job]]] = {p: OrderedDict() for p in PRIORITIES}

    def push(self, job: Job) -> None:
        self._lanes[job.submission.priority].setdefault(job.client, deque()).append(job)

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
        jobs = lane.get(job.client)
        if jobs and job in jobs:
            jobs.remove(job)
            if not jobs:
                del lane[job.client]

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
            own = lane.get(job.client)
            if own is None or job not in own:
                return 0
            turn = own.index(job)
            passed = False  # each client before ours in the round has one turn more
            for client, jobs in lane.items():
                if client == job.client:
                    before, passed = before + turn, True
                else:
                    before += min(len(jobs), turn if passed else turn + 1)
            return before
        return 0
