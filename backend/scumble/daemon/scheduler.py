"""The scheduler: which jobs there are, what each waits for, and what is to be done next. No socket, thread or file in it.

Events come in as calls; what is to be done comes out as actions, which the broker takes with `next_action` and carries
out. So nothing is called back while the state changes. A job goes

    held → waiting → queued → running → storing → ended

and from any of these to `ended` with an error. It is *held* until the store has room for all its layers beside those of
the jobs before it, and *waiting* until they are there; from then on they stay until the job has ended.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scumble_client.errors import ScumbleError
from scumble_client.wire import Buffer

from .buffer_ledger import BufferLedger, StoredBuffer
from .jobs import Client, Job, Queue
from .pools.base import Task
from .submission import Frame, Submission

log = logging.getLogger(__name__)

KEEPALIVE = 2.0
"""Seconds after which a client is told again how its job stands; that is also how a vanished client is noticed."""
PREVIEW_PATIENCE = 10.0
"""Seconds after which a client that has not said that it has seen a preview is sent another one all the same."""
LAYER_PATIENCE = 600.0
"""Seconds without any layer from a client that was asked for some, after which its waiting jobs end: they hold room."""
MAX_JOBS = 20_000
MAX_OF_ONE = 5_000
"""Jobs of one client, so that the others' still find room."""


@dataclass(frozen=True)
class Tell:
    """Send a client what concerns a job; where it can't be reached, that is to be reported by `unreachable`."""

    job: str
    client: Client
    kind: str
    body: dict[str, Any]
    buffers: tuple[Buffer, ...] = ()


@dataclass(frozen=True)
class Write:
    """Verify and write a buffer; then call `written` or `write_failed`."""

    name: bytes
    frame: Frame


@dataclass(frozen=True)
class Remove:
    """Remove files: nobody needs them."""

    paths: list[Path]


@dataclass(frozen=True)
class Warm:
    """Tell the pool that there will be work."""


@dataclass(frozen=True)
class Start:
    """Have the pool run a task; then call `progress`, `preview`, and `result` or `failed`."""

    task: Task


@dataclass(frozen=True)
class Cancel:
    """Have the pool end a task; `failed` or `result` follows as ever."""

    job: str


@dataclass(frozen=True)
class Store:
    """Keep a result; then call `stored` or `failed`. `inputs` are the request's buffers, which it may name."""

    job: str
    body: dict[str, Any]
    inputs: Mapping[bytes, StoredBuffer]


@dataclass(frozen=True)
class Deliver:
    """Send a result that is kept. The job has ended."""

    job: str
    client: Client
    pack: bool


Action = Tell | Write | Remove | Warm | Start | Cancel | Store | Deliver


@dataclass
class _Asked:
    """The buffers that a client has been asked for and has not sent yet, each on behalf of a job."""

    heard: float
    names: dict[bytes, str] = field(default_factory=dict)


class Scheduler:
    """All calls are the loop's. `limit`: bytes of layers that are kept; `clock`: seconds that never go back."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ledger = BufferLedger(limit)
        self._jobs: dict[str, Job] = {}
        self._owned: Counter[Client] = Counter()
        self._held, self._queue = Queue(), Queue()
        self._lacking: dict[bytes, dict[str, Job]] = {}
        """For each buffer that is not there, the jobs that wait for it."""
        self._asked: dict[Client, _Asked] = {}
        self._uploaders: dict[bytes, str] = {}
        """For each buffer that is being written, the job that it came for."""
        self._actions: deque[Action] = deque()
        self._closed = False

    # -- what is to be done

    def next_action(self) -> Action | None:
        """What is to be done next, in this order; None when there is nothing."""
        return self._actions.popleft() if self._actions else None

    def dispatch(self, free: int) -> bool:
        """Let the pool, which would take `free` tasks, have them. Whether there were any."""
        started = 0
        while started < free and (job := self._queue.pop()) is not None:
            started += 1
            job.move("running")
            s = job.submission
            roles = {name: self._located(described) for name, described in s.roles.items()}
            self._do(Start(Task(job.id, s.operation, s.parameters, s.seed, roles, s.previews, s.priority, s.view)))
        return started > 0

    # -- what clients say

    def check_room(self, client: Client, job: str) -> None:
        """Raises ScumbleError where a job of this name can't be taken: it is known, or there are too many."""
        if job in self._jobs:
            # This also refuses a message that somebody has recorded and replays.
            raise ScumbleError("bad_request", "This job was submitted already.", "Give each job an id of its own.")
        if len(self._jobs) >= MAX_JOBS or self._owned[client] >= MAX_OF_ONE:
            raise ScumbleError("too_large", "The queue is full.", "Wait until some jobs are done.")

    def submit(self, client: Client, job_id: str, submission: Submission, frames: Mapping[bytes, Frame]) -> None:
        """Take a job. Raises ScumbleError as `check_room` does, and `too_large` for more layers than there is room for.

        `frames` are those of its buffers that came along. They are let go where it has to wait for room, and asked for
        again when it has some.
        """
        self.check_room(client, job_id)
        if not self._ledger.could_hold(submission.sizes):
            raise ScumbleError(
                "too_large",
                "The layers of this job are larger than all the room that the daemon has for layers.",
                "Send a smaller part, or give the daemon more room: scumble serve --buffer-size",
            )
        if submission.replaces:
            self._cancel(client, submission.replaces, "A newer version of this job took its place.")
        job = self._jobs[job_id] = Job(job_id, client, submission, self._clock())
        self._owned[client] += 1
        self._held.push(job)
        self._admit({job_id: frames})
        if job.state == "held":
            self._keep_alive(job)

    def expects(self, client: Client, job_id: str) -> Submission | None:
        """What a job asks for whose layers this client may send now; None if there is no such job any more."""
        job = self._of(client, job_id)
        return job.submission if job and job.state in ("held", "waiting") else None

    def arrived(self, client: Client, job_id: str, frames: Mapping[bytes, Frame]) -> None:
        """Layers have come that a job lacks. What it does not lack, any more or yet, is let go."""
        job = self._of(client, job_id)
        if job and job.state == "waiting":
            self._take(job, frames)

    def cancel(self, client: Client, job_id: str) -> None:
        """End a job of this client: at once if it waits; a running one when the pool says so."""
        self._cancel(client, job_id, "The job was cancelled.")
        self._admit()

    def fetch(self, client: Client, job_id: str) -> bool:
        """From now on this client hears of a job. False if there is none: it has ended."""
        job = self._jobs.get(job_id)
        if job is None:
            return False
        # What the same connection was asked for it still brings.
        dropped = self._drop_asks(job) if client != job.client else []
        job.client, job.unseen, job.lost = client, None, None
        job.told = float("-inf")
        if job.state == "waiting":
            self._ask(job)
        self._ask_others(dropped)
        return True

    def seen(self, client: Client, job_id: str) -> None:
        """A client has shown a preview, and may have the next."""
        job = self._of(client, job_id)
        if job:
            job.unseen = None

    def reached(self, job_id: str) -> None:
        """A message about a job found its client."""
        job = self._jobs.get(job_id)
        if job:
            job.lost = None

    def unreachable(self, job_id: str, client: Client) -> None:
        """A message about a job did not find its client: the job ends when its patience does."""
        job = self._jobs.get(job_id)
        if job is None or job.client != client:
            return
        now = self._clock()
        job.lost = now if job.lost is None else job.lost
        if now - job.lost >= job.submission.patience and not job.cancelling:
            log.info("the client of job %s is gone; cancelling", job.id)
            self._end_early(job, "The program that asked for it has ended.")
            self._admit()

    # -- what becomes of buffers

    def written(self, name: bytes, path: Path, check: int | None) -> None:
        """A buffer is there."""
        if self._closed:
            self._do(Remove([path]))
            return
        self._uploaders.pop(name)
        self._ledger.finish(name, path, check)
        stored = self._ledger.get(name)
        assert stored
        for job in list(self._lacking.get(name, {}).values()):
            try:
                job.submission.check_size(name, stored.size)
            except ScumbleError as error:
                self._fail(job, error)
            else:
                self._no_longer_lacks(job, name)
        self._admit()

    def write_failed(self, name: bytes, error: ScumbleError) -> None:
        """A buffer could not be written. That ends the job that it came for; others are asked for it anew."""
        if self._closed:
            return
        uploader = self._jobs.get(self._uploaders.pop(name))
        self._ledger.abort(name)
        if uploader and name in uploader.lacking:
            self._fail(uploader, error)
        self._ask_others([name])
        self._admit()

    # -- what the pool says

    def progress(self, job_id: str, fraction: float, message: str) -> None:
        job = self._running(job_id)
        if job:
            job.fraction, job.message = fraction, message
            self._tell(job, "progress", {"fraction": fraction, "message": message})

    def preview(self, job_id: str, pixels: dict[str, Any], data: bytes) -> None:
        """Pass it on, unless the client has yet to say that it has seen the one before: a slow one gets fewer."""
        job, now = self._running(job_id), self._clock()
        if job and (job.unseen is None or now - job.unseen > PREVIEW_PATIENCE):
            job.unseen = now
            body = {"job": job_id, "pixels": pixels, "buffers": [pixels["buffer"]]}
            self._do(Tell(job_id, job.client, "preview", body, (data,)))

    def result(self, job_id: str, body: dict[str, Any]) -> None:
        """A job has been computed; `body` is the pool's."""
        job = self._running(job_id)
        if job is None:
            paths = [Path(layer["pixels"]["path"]) for layer in body["layers"] if "path" in layer["pixels"]]
            self._do(Remove(paths))
            return
        job.move("storing")
        job.seconds = float(body.get("seconds", 0.0))
        inputs = {name: stored for name in job.submission.sizes if (stored := self._ledger.get(name))}
        self._do(Store(job_id, body, inputs))

    def stored(self, job_id: str) -> None:
        """A result is safe: the job has ended, and its client gets it."""
        job = self._jobs.get(job_id)
        if job:
            log.info("job %s (%s) done in %.2f s", job_id, job.submission.operation, job.seconds)
            self._end(job)
            self._do(Deliver(job_id, job.client, job.submission.pack))
            self._admit()

    def failed(self, job_id: str, error: ScumbleError) -> None:
        """A job can't be finished."""
        job = self._jobs.get(job_id)
        if job:
            self._fail(job, error)
            self._admit()

    # -- time

    def tick(self) -> None:
        """Say again how jobs stand, and end those whose layers never come. A few times a second."""
        now = self._clock()
        for job in [job for job in self._jobs.values() if now - job.told > KEEPALIVE]:
            self._keep_alive(job)
        silent = {client for client, asked in self._asked.items() if now - asked.heard > LAYER_PATIENCE}
        if silent:
            for job in [job for job in self._jobs.values() if job.client in silent and job.state == "waiting"]:
                if not all(map(self._ledger.is_written, job.lacking)):
                    self._fail(
                        job, ScumbleError("bad_request", "The layers of this job did not come.", "Run it again.")
                    )
            self._admit()

    def shutdown(self) -> None:
        """End every job, and take no more in; forget all buffers."""
        self._closed = True
        for job in list(self._jobs.values()):
            self._fail(job, ScumbleError("cancelled", "The daemon was stopped.", "Run it again."))
        self._do(Remove(self._ledger.clear()))

    # -- what there is

    def __len__(self) -> int:
        """How many jobs have not ended."""
        return len(self._jobs)

    def describe(self, client: Client | None = None, most: int = 1000) -> list[dict[str, Any]]:
        """The jobs for `scumble status`: those that run, then in their order those that wait. Of all clients, or one's."""
        by_state: dict[str, list[Job]] = {"running": [], "storing": [], "waiting": []}
        for job in self._jobs.values():
            by_state.setdefault(job.state, []).append(job)
        order = [*by_state["running"], *by_state["storing"], *self._queue, *by_state["waiting"], *self._held]
        shown = [job for job in order if client is None or job.client == client][:most]
        return [
            {
                "job": job.id,
                "operation": job.submission.operation,
                "client": job.client.name,
                "state": job.state,
                "priority": job.submission.priority,
                "fraction": job.fraction,
                "message": job.message,
                "age": time.time() - job.submitted,
            }
            for job in shown
        ]

    def describe_buffers(self) -> dict[str, Any]:
        """The store of layers for `scumble status`."""
        return self._ledger.describe()

    # -- inside

    def _do(self, action: Action) -> None:
        if not isinstance(action, Remove) or action.paths:
            self._actions.append(action)

    def _of(self, client: Client, job_id: str) -> Job | None:
        job = self._jobs.get(job_id)
        return job if job and job.client == client else None

    def _running(self, job_id: str) -> Job | None:
        job = self._jobs.get(job_id)
        return job if job and job.state == "running" else None

    def _located(self, described: dict[str, Any]) -> dict[str, Any]:
        """A role with the paths of its buffers."""
        out = {**described, "path": str(self._path(described["buffer"]))}
        if "icc" in described:
            out["icc_path"] = str(self._path(described["icc"]))
        return out

    def _path(self, name: bytes) -> Path:
        stored = self._ledger.get(name)
        assert stored, "a layer of a job that is to run was dropped"
        return stored.path

    def _admit(self, frames: Mapping[str, Mapping[bytes, Frame]] | None = None) -> None:
        """Let in as many jobs as there is room for. Strictly in turn, or a large job would never have its room."""
        while not self._closed and (job := self._held.peek()) is not None and self._ledger.fits(job.submission.sizes):
            self._held.pop()
            job.move("waiting")
            self._ledger.claim(job.submission.sizes)
            try:
                self._enter(job, (frames or {}).get(job.id, {}))
            except ScumbleError as error:
                self._fail(job, error)

    def _enter(self, job: Job, frames: Mapping[bytes, Frame]) -> None:
        """Find what a job lacks, take what has come along, and ask for the rest. Raises ScumbleError."""
        for name in job.submission.sizes:
            stored = self._ledger.get(name)
            if stored is None:
                job.lacking.add(name)
                self._lacking.setdefault(name, {})[job.id] = job
            else:
                job.submission.check_size(name, stored.size)
        self._take(job, frames)
        if job.lacking:
            self._ask(job)
        else:
            self._ready(job)

    def _take(self, job: Job, frames: Mapping[bytes, Frame]) -> None:
        """Have those of the arrived buffers written that the job lacks and nobody is writing yet."""
        asked = self._asked.get(job.client)
        for name, frame in frames.items():
            if asked:
                asked.heard = self._clock()
                if (
                    asked.names.get(name) == job.id
                ):  # what came along with another job is no answer: that is still to come
                    del asked.names[name]
            if name in job.lacking and not self._ledger.is_written(name):
                self._do(Remove(self._ledger.begin(name, frame.size)))
                self._uploaders[name] = job.id
                self._do(Write(name, frame))
        if asked and not asked.names:
            del self._asked[job.client]

    def _ask(self, job: Job) -> None:
        """Ask a job's client for what nobody is writing, and this client has not been asked for yet."""
        asked = self._asked.get(job.client) or _Asked(self._clock())
        wanted = sorted(n for n in job.lacking if not self._ledger.is_written(n) and n not in asked.names)
        if wanted:
            self._asked[job.client] = asked
            asked.names.update(dict.fromkeys(wanted, job.id))
            self._tell(job, "need", {"digests": wanted})

    def _ask_others(self, names: list[bytes]) -> None:
        """Whoever relied on another job's question, or its upload, asks now."""
        for name in names:
            for job in list(self._lacking.get(name, {}).values()):
                self._ask(job)

    def _drop_asks(self, job: Job) -> list[bytes]:
        """Forget what a client was asked for on behalf of a job: that may never be answered."""
        asked = self._asked.get(job.client)
        if asked is None:
            return []
        names = [name for name, asker in asked.names.items() if asker == job.id]
        for name in names:
            del asked.names[name]
        if not asked.names:
            del self._asked[job.client]
        return names

    def _no_longer_lacks(self, job: Job, name: bytes) -> None:
        job.lacking.discard(name)
        self._forget_lack(job, name)
        if not job.lacking:
            self._ready(job)

    def _forget_lack(self, job: Job, name: bytes) -> None:
        jobs = self._lacking.get(name, {})
        jobs.pop(job.id, None)
        if not jobs:
            self._lacking.pop(name, None)

    def _ready(self, job: Job) -> None:
        """All its layers are there."""
        self._drop_asks(job)
        job.move("queued")
        self._queue.push(job)
        self._keep_alive(job)
        self._do(Warm())

    def _keep_alive(self, job: Job) -> None:
        """Say how a job stands."""
        if job.state == "queued":
            self._tell(job, "accepted", {"position": self._queue.position(job)})
        else:
            waiting = {"held": "Waiting for room for its layers", "waiting": "Waiting for its layers"}
            self._tell(job, "progress", {"fraction": job.fraction, "message": waiting.get(job.state, job.message)})

    def _tell(self, job: Job, kind: str, body: dict[str, Any]) -> None:
        job.told = self._clock()
        self._do(Tell(job.id, job.client, kind, {"job": job.id, **body}))

    def _cancel(self, client: Client, job_id: str, why: str) -> None:
        job = self._of(client, job_id)
        if job:
            self._end_early(job, why)

    def _end_early(self, job: Job, why: str) -> None:
        if job.state in ("held", "waiting", "queued"):
            self._fail(job, ScumbleError("cancelled", why, ""))
        elif job.state == "running" and not job.cancelling:
            job.cancelling = True
            self._do(Cancel(job.id))

    def _fail(self, job: Job, error: ScumbleError) -> None:
        if error.code == "cancelled":
            log.info("job %s: %s", job.id, error.message)
        else:
            log.warning("job %s (%s) failed: %s: %s", job.id, job.submission.operation, error.code, error)
        self._tell(job, "error", error.as_dict())
        self._end(job)

    def _end(self, job: Job) -> None:
        """Take a job out of everything."""
        del self._jobs[job.id]
        self._held.remove(job)
        self._queue.remove(job)
        self._owned[job.owner] -= 1
        if not self._owned[job.owner]:
            del self._owned[job.owner]
        for name in job.lacking:
            self._forget_lack(job, name)
        dropped = self._drop_asks(job)
        if job.state != "held":
            self._do(Remove(self._ledger.release(job.submission.sizes)))
        job.move("ended")
        if not self._closed:
            self._ask_others(dropped)
