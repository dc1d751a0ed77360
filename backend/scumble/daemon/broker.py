"""The broker: one thread, one poll loop. It takes jobs from clients, feeds the pool, and sends results back.

It never imports torch, so that a `hello` is answered within milliseconds of its start.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from scumble.transport.wakeup import Wakeup
from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.wire import Message

from .buffers import BufferStore
from .handlers import Messages
from .jobs import Client, Job, Queue
from .pools.base import Pool, Task
from .replies import Replies, one_line
from .result_store import ResultStore
from .spool import Spool
from .submission import Packed
from .uploads import Uploads

log = logging.getLogger(__name__)

KEEPALIVE = 2.0
"""Seconds after which a client is told again how its job stands; that is also how a vanished client is noticed."""
PREVIEW_PATIENCE = 10.0
"""Seconds after which a client that has not said that it has seen a preview is sent another one all the same."""
TICK_MS = 200


@dataclass
class Settings:
    """What `scumble serve` can set. Seconds and bytes."""

    idle_exit: float = 1800.0
    log_path: Path = Path("scumble.log")
    warnings: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    pool: str = "local"


class Broker:
    """Serves the given ROUTER sockets until `stop` is called or nobody has come for `idle_exit` seconds."""

    def __init__(
        self,
        local: list[zmq.Socket[Any]],
        remote: list[zmq.Socket[Any]],
        pool: Pool,
        buffers: BufferStore,
        spool: Spool,
        settings: Settings,
    ) -> None:
        self.pool, self.buffers, self.spool, self.settings = pool, buffers, spool, settings
        self.sockets, self.remote = local + remote, remote
        pool.listener = self
        self.jobs: dict[str, Job] = {}
        self.queue = Queue()
        self.owned: Counter[Client] = Counter()
        self.started = self.active = time.monotonic()
        self.replies = Replies(settings.log_path)
        self.stopping = False
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="buffers")
        self.wakeup = Wakeup()
        self._uploads = Uploads(buffers, self._executor, self.wakeup)
        self._results = ResultStore(spool, buffers, self._executor, self.wakeup)
        self._messages = Messages(self)

    # -- the loop

    def stop(self) -> None:
        """End `serve` (from a signal handler, too)."""
        self.stopping = True
        self.wakeup.ring()

    def serve(self) -> None:
        poller = zmq.Poller()
        for pollable in (self.wakeup.fileno(), *self.pool.pollable):
            poller.register(pollable, zmq.POLLIN)
        reading = False
        while not self.stopping:
            wanted = not self._uploads.full
            if wanted != reading:  # back-pressure: libzmq's own limits then hold the clients back
                for s in self.sockets:
                    poller.register(s, zmq.POLLIN) if wanted else poller.unregister(s)
                reading = wanted
            poller.poll(TICK_MS)
            for call in self.wakeup.taken():
                self._guard(call)
            self._guard(self.pool.handle)
            if reading:
                for s in self.sockets:
                    self._read(s)
            self._guard(self._dispatch)
            self._guard(self._tick)
        self._finish()

    def _guard(self, step: Callable[[], None]) -> None:
        """A defect met in one step must not take the other jobs with it."""
        try:
            step()
        except Exception:
            log.exception("a defect in the broker")

    def _read(self, s: zmq.Socket[Any]) -> None:
        for _ in range(64):  # then the others have their turn
            try:
                identity, *frames = s.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self.active = time.monotonic()
            client = Client(s, identity.bytes)
            data = [frame.buffer for frame in frames]
            try:
                message = wire.decode(data)
            except ScumbleError as error:
                log.warning("refused a message: %s", one_line(error))
                self.replies.send(client, Message("error", error.as_dict(), parent=wire.id_of(data)))
                continue
            self._handle(client, message)

    def _handle(self, client: Client, message: Message) -> None:
        try:
            self._messages.handle(client, message)
        except ScumbleError as error:
            self.replies.refuse(client, message, error)
        except Exception:
            log.exception("a message of type %s failed", message.type)
            self.replies.refuse(client, message, self.replies.internal())

    def _tick(self) -> None:
        now = time.monotonic()
        self.pool.tick()
        self._results.settle()
        for job in [j for j in self.jobs.values() if now - j.told > KEEPALIVE]:
            if job.state == "waiting":
                self.tell(job, "progress", {"job": job.id, "fraction": 0.0, "message": "Waiting for its layers"})
            elif job.state == "queued":
                self.tell(job, "accepted", {"job": job.id, "position": self.queue.position(job)})
            elif job.state == "running":
                self.tell(job, "progress", {"job": job.id, "fraction": job.fraction, "message": job.message})
        if self.jobs:
            self.active = now
        elif now - self.active > self.settings.idle_exit:
            log.info("nothing to do for %.0f s: ending", self.settings.idle_exit)
            self.stopping = True

    def _finish(self) -> None:
        for job in list(self.jobs.values()):
            self.fail(job, ScumbleError("cancelled", "The daemon was stopped.", "Run it again."))
        self._results.settle(at_once=True)
        self._executor.shutdown(wait=True)
        for call in self.wakeup.taken():
            call()
        self.pool.stop()
        self.buffers.clear()

    # -- what the pool says

    def on_progress(self, job: str, fraction: float, message: str) -> None:
        running = self.jobs.get(job)
        if running:
            running.fraction, running.message = fraction, message
            self.tell(running, "progress", {"job": job, "fraction": fraction, "message": message})

    def on_preview(self, job: str, pixels: dict[str, Any], data: bytes) -> None:
        """Pass it on, unless the client has yet to say that it has seen the one before: a slow one gets fewer."""
        running = self.jobs.get(job)
        now = time.monotonic()
        if running and (running.unseen is None or now - running.unseen > PREVIEW_PATIENCE):
            running.unseen = now
            body = {"job": job, "pixels": pixels, "buffers": [pixels["buffer"]]}
            self.replies.send(running.client, Message("preview", body, [data], parent=job))

    def on_error(self, job: str, error: ScumbleError) -> None:
        failed = self.jobs.get(job)
        if failed:
            self.fail(failed, error)

    def on_free(self) -> None:
        self._dispatch()

    def on_result(self, job: str, body: dict[str, Any]) -> None:
        done = self.jobs.get(job)
        if done is None:
            return
        try:
            self._results.keep(job, body)
            self.deliver(done.client, job, done.submission.pack)
            self._forget(done)
            log.info("job %s (%s) done in %.2f s", job, done.submission.operation, body["seconds"])
        except ScumbleError as error:
            self.fail(done, error)
        except Exception:
            log.exception("the result of job %s can't be handled", job)
            self.fail(done, self.replies.internal())

    def deliver(self, client: Client, job: str, pack: bool) -> None:
        """Send a result out of the spool, packed if its client wants it so. Raises ScumbleError."""

        def send(message: Message) -> None:
            if not self.replies.send(client, message):
                log.info("nobody is there for the result of %s; it stays in the spool", job)

        message = self._results.message(job)
        if pack:
            self._results.pack(message, send)
        else:
            send(message)

    # -- jobs

    def take(self, name: bytes, data: wire.Buffer, check: int | None, packed: Packed | None, job: Job) -> None:
        # A program of this user's, on this machine, is believed its names. From elsewhere, only the digest counts: a
        # wrong name would put its pixels into other people's jobs.
        if job.client.socket in self.remote:
            check = None

        def done(error: ScumbleError | None) -> None:
            if error and job.id in self.jobs:
                self.fail(job, error)
            elif job.id in self.jobs and name in job.missing:
                self.buffers.pin([name])
                job.missing.discard(name)
                if not job.missing:
                    self.enqueue(job)

        self._uploads.take(name, data, check, done, packed)

    def enqueue(self, job: Job) -> None:
        job.state = "queued"
        self.queue.push(job)
        self.tell(job, "accepted", {"job": job.id, "position": self.queue.position(job)})
        self.pool.start()
        self._dispatch()

    def _dispatch(self) -> None:
        while self.pool.free and len(self.queue):
            job = self.queue.pop()
            assert job
            job.state = "running"
            roles = {name: self._located(described) for name, described in job.submission.roles.items()}
            s = job.submission
            self.pool.run(Task(job.id, s.operation, s.parameters, s.seed, roles, s.previews, s.priority))

    def _located(self, described: dict[str, Any]) -> dict[str, Any]:
        out = {**described, "path": str(self.buffers.path(described["buffer"]))}
        if "icc" in described:
            out["icc_path"] = str(self.buffers.path(described["icc"]))
        return out

    def end_early(self, job: Job, why: str) -> None:
        """Cancel: at once if it waits; a running one ends when the pool says so."""
        if job.state == "running":
            self.pool.cancel(job.id)
        else:
            self.fail(job, ScumbleError("cancelled", why, ""))

    def fail(self, job: Job, error: ScumbleError) -> None:
        if self._forget(job):
            if error.code == "cancelled":
                log.info("job %s: %s", job.id, error.message)
            else:
                log.warning("job %s (%s) failed: %s: %s", job.id, job.submission.operation, error.code, error)
            self.replies.send(job.client, Message("error", {**error.as_dict(), "job": job.id}, parent=job.id))

    def _forget(self, job: Job) -> bool:
        """Take a job out of everything; False if it had ended before."""
        if self.jobs.pop(job.id, None) is None:
            return False
        self.queue.remove(job)
        self.owned[job.owner] -= 1
        if not self.owned[job.owner]:
            del self.owned[job.owner]
        self.buffers.unpin(job.submission.sizes.keys() - job.missing)
        job.state = "ended"
        return True

    # -- sending

    def tell(self, job: Job, kind: str, body: dict[str, Any]) -> None:
        job.told = time.monotonic()
        if self.replies.send(job.client, Message(kind, body, parent=job.id)):
            job.lost = None
            return
        job.lost = job.lost or job.told
        if job.told - job.lost >= job.submission.patience:
            log.info("the client of job %s is gone; cancelling", job.id)
            self.end_early(job, "The program that asked for it has ended.")
