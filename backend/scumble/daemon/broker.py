"""The broker: one thread, one poll loop. It takes jobs from clients, feeds the pool, and sends results back.

It never imports torch, so that a `hello` is answered within milliseconds of its start.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.version import PROTOCOL, __version__
from scumble_client.wire import Message

from ..workers.pool import Pool, Task
from .buffers import BufferStore
from .jobs import Client, Job, Queue
from .spool import Held, Spool
from .submission import Submission, parse

log = logging.getLogger(__name__)

KEEPALIVE = 2.0
"""Seconds after which a client is told again how its job stands; that is also how a vanished client is noticed."""
TICK_MS = 200
MAX_JOBS = 20_000
MAX_INFLIGHT = 3 * 1024**3
"""Bytes of buffers that are being checked and written; above it, no client is read from."""


@dataclass
class Settings:
    """What `scumble serve` can set. Seconds and bytes."""

    idle_exit: float = 1800.0
    log_path: Path = Path("scumble.log")
    warnings: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)


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
        self.sockets, self._remote = local + remote, remote
        pool.listener = self
        self.jobs: dict[str, Job] = {}
        self.queue = Queue()
        self.started = self.active = time.monotonic()
        self._names: dict[Client, str] = {}
        self._stopping = False
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="buffers")
        self._done: deque[Callable[[], None]] = deque()
        self._inflight = 0
        self._wake_in, self.wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self.wake_out.setblocking(False)
        self._handlers: dict[str, Callable[[Client, Message], None]] = {
            "hello": self._hello,
            "operations": self._operations,
            "submit": self._submit,
            "buffers": self._buffers,
            "cancel": self._cancel,
            "fetch": self._fetch,
            "received": self._received,
            "status": self._status,
            "shutdown": self._shutdown,
        }

    # -- the loop

    def stop(self) -> None:
        """End `serve` (from a signal handler, too)."""
        self._stopping = True
        try:
            self.wake_out.send(b"!")
        except OSError:
            pass

    def serve(self) -> None:
        poller = zmq.Poller()
        for pollable in (self._wake_in.fileno(), *self.pool.pollable):
            poller.register(pollable, zmq.POLLIN)
        reading = False
        while not self._stopping:
            wanted = self._inflight < MAX_INFLIGHT
            if wanted != reading:  # back-pressure: libzmq's own limits then hold the clients back
                for s in self.sockets:
                    poller.register(s, zmq.POLLIN) if wanted else poller.unregister(s)
                reading = wanted
            poller.poll(TICK_MS)
            self._drain_wake()
            while self._done:
                self._guard(self._done.popleft())
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

    def _drain_wake(self) -> None:
        try:
            while self._wake_in.recv(4096):
                pass
        except (BlockingIOError, InterruptedError):
            pass

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
                log.warning("refused a message: %s", error)
                self._send(client, Message("error", error.as_dict(), parent=_id_of(data)))
                continue
            self._handle(client, message)

    def _handle(self, client: Client, message: Message) -> None:
        try:
            handler = self._handlers.get(message.type)
            if handler is None:
                raise ScumbleError(
                    "bad_request",
                    f"The daemon does not know the message “{message.type}”.",
                    "Update Scumble and its plugin to the same version.",
                )
            handler(client, message)
        except ScumbleError as error:
            self._refuse(client, message, error)
        except Exception:
            log.exception("a message of type %s failed", message.type)
            self._refuse(client, message, self._internal())

    def _tick(self) -> None:
        now = time.monotonic()
        self.pool.tick()
        for held in self.spool.unsettled():
            self._executor.submit(self._settle, held)
        for job in [j for j in self.jobs.values() if now - j.told > KEEPALIVE and j.state != "waiting"]:
            if job.state == "queued":
                self._tell(job, "accepted", {"job": job.id, "position": self.queue.position(job)})
            elif job.state == "running":
                self._tell(job, "progress", {"job": job.id, "fraction": job.fraction, "message": job.message})
        if self.jobs:
            self.active = now
        elif now - self.active > self.settings.idle_exit:
            log.info("nothing to do for %.0f s: ending", self.settings.idle_exit)
            self._stopping = True

    def _finish(self) -> None:
        for job in list(self.jobs.values()):
            self._fail(job, ScumbleError("cancelled", "The daemon was stopped.", "Run it again."))
        for held in self.spool.unsettled(at_once=True):
            self._executor.submit(self._settle, held)
        self._executor.shutdown(wait=True)
        while self._done:
            self._done.popleft()()
        self.pool.stop()
        self.buffers.clear()

    # -- messages from clients

    def _hello(self, client: Client, message: Message) -> None:
        name = str(message.body.get("client", "unknown"))[:80]
        log.info("hello from %s (pid %s)", name, message.body.get("pid"))
        self._names[client] = name
        self._answer(
            client,
            message,
            "welcome",
            {
                "version": __version__,
                "protocol": PROTOCOL,
                "pid": os.getpid(),
                "log": str(self.settings.log_path),
                "limits": {"buffer": wire.MAX_BUFFER, "buffers": wire.MAX_BUFFERS, "body": wire.MAX_BODY},
                "warnings": self.settings.warnings,
            },
        )
        if len(self._names) == 1:
            self.pool.start()  # only now, so that the welcome did not wait for the worker's start
            threading.Thread(target=_import_operations, daemon=True).start()

    def _operations(self, client: Client, message: Message) -> None:
        from ..operations import operations

        self._answer(client, message, "operations", {"operations": [o.describe() for o in operations().values()]})

    def _submit(self, client: Client, message: Message) -> None:
        from ..operations import find

        submission = parse(message.body)
        if message.id in self.jobs:
            raise ScumbleError("bad_request", "This job was submitted already.", "Give each job an id of its own.")
        if len(self.jobs) >= MAX_JOBS:
            raise ScumbleError("too_large", "The queue is full.", "Wait until some jobs are done.")
        operation = find(submission.operation)
        operation.check_roles(list(submission.roles))
        operation.validate(submission.parameters)
        arrived = wire.attached(message)
        checks = wire.checksums(message)
        _check_sizes(submission, arrived)
        client = Client(client.socket, client.identity, self._names.get(client, ""))
        job = Job(message.id, client, submission)
        if submission.replaces:
            self._replace(submission.replaces, client)
        self.jobs[job.id] = job
        missing = {name for name in submission.sizes if name not in self.buffers}
        self.buffers.pin(submission.sizes.keys() - missing)
        job.missing = set(missing)
        for name in missing & arrived.keys():
            self._take(name, arrived[name], checks.get(name), job)
        asked = missing - arrived.keys()
        if asked:
            self._tell(job, "need", {"job": job.id, "digests": sorted(asked)})
        elif not missing:
            self._enqueue(job)

    def _buffers(self, client: Client, message: Message) -> None:
        job = self.jobs.get(str(message.body.get("job")))
        arrived, checks = wire.attached(message), wire.checksums(message)
        if job is None or job.state != "waiting" or job.client != client:
            return  # it was cancelled meanwhile
        try:
            _check_sizes(job.submission, arrived)
        except ScumbleError as error:
            self._fail(job, error)
            return
        for name, data in arrived.items():
            if name in job.missing:
                self._take(name, data, checks.get(name), job)

    def _cancel(self, client: Client, message: Message) -> None:
        job = self.jobs.get(str(message.body.get("job")))
        if job and job.client == client:
            self._end_early(job, "The job was cancelled.")

    def _fetch(self, client: Client, message: Message) -> None:
        job_id = str(message.body.get("job"))
        if job_id in self.jobs:
            job = self.jobs[job_id]  # its client has a new connection
            job.client = Client(client.socket, client.identity, self._names.get(client, ""))
            job.told = 0.0
        elif job_id in self.spool:
            self._deliver(client, job_id)
        else:
            raise ScumbleError(
                "bad_request", "The daemon has no such result any more.", "Run the operation again: same seed, same pixels."
            )

    def _received(self, client: Client, message: Message) -> None:
        self.spool.drop(str(message.body.get("job")))

    def _status(self, client: Client, message: Message) -> None:
        self._answer(client, message, "status", self.status())

    def _shutdown(self, client: Client, message: Message) -> None:
        log.info("asked to stop by %s", self._names.get(client, "a client"))
        self._answer(client, message, "shutdown", {"pid": os.getpid()})
        self._stopping = True

    def status(self) -> dict[str, Any]:
        """What `scumble status` shows."""
        jobs = [j for j in self.jobs.values() if j.state == "running"] + list(self.queue)
        jobs += [j for j in self.jobs.values() if j.state == "waiting"]
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime": time.monotonic() - self.started,
            "idle_exit": self.settings.idle_exit,
            "endpoints": self.settings.endpoints,
            "log": str(self.settings.log_path),
            "warnings": self.settings.warnings,
            "workers": self.pool.status(),
            "jobs": [
                {
                    "job": j.id,
                    "operation": j.submission.operation,
                    "client": j.client.name,
                    "state": j.state,
                    "priority": j.submission.priority,
                    "fraction": j.fraction,
                    "message": j.message,
                    "age": time.time() - j.submitted,
                }
                for j in jobs[:1000]
            ],
            "buffers": {"count": len(self.buffers), "bytes": self.buffers.bytes, "limit": self.buffers.limit},
            "spool": {"bytes": self.spool.bytes, "limit": self.spool.limit, "dropped": self.spool.dropped},
            "results": [
                {"job": job, "operation": kept.body.get("request", {}).get("operation", ""), "bytes": kept.size, "time": kept.time}
                for job, kept in list(self.spool.results().items())[-1000:]
            ],
        }

    # -- what the pool says

    def on_progress(self, job: str, fraction: float, message: str) -> None:
        running = self.jobs.get(job)
        if running:
            running.fraction, running.message = fraction, message
            self._tell(running, "progress", {"job": job, "fraction": fraction, "message": message})

    def on_error(self, job: str, error: ScumbleError) -> None:
        failed = self.jobs.get(job)
        if failed:
            self._fail(failed, error)

    def on_free(self) -> None:
        self._dispatch()

    def on_result(self, job: str, body: dict[str, Any]) -> None:
        done = self.jobs.get(job)
        if done is None:
            return
        try:
            self._keep(done, body)
            self._deliver(done.client, job)
            self._forget(done)
            log.info("job %s (%s) done in %.2f s", job, done.submission.operation, body["seconds"])
        except ScumbleError as error:
            self._fail(done, error)
        except Exception:
            log.exception("the result of job %s can't be handled", job)
            self._fail(done, self._internal())

    def _keep(self, job: Job, body: dict[str, Any]) -> None:
        """Put a result into the spool. Raises ScumbleError."""
        paths: dict[bytes, Path] = {}
        borrowed: dict[bytes, Path] = {}
        checks: dict[bytes, int | None] = {}
        for layer in body["layers"]:
            pixels = layer["pixels"]
            path = pixels.pop("path", None)
            for name in filter(None, (pixels["buffer"] if path is None else None, pixels.get("icc"))):
                borrowed[name], checks[name] = self.buffers.path(name), self.buffers.check(name)
            if path is not None:
                paths[pixels["buffer"]], checks[pixels["buffer"]] = Path(path), pixels.pop("check")
        body["job"] = job.id
        body["buffers"] = [*paths, *(name for name in borrowed if name not in paths)]
        if all(checks[name] is not None for name in body["buffers"]):
            body["checks"] = [checks[name] for name in body["buffers"]]
        try:
            paths |= {name: self.spool.hold(job.id, name, path) for name, path in borrowed.items() if name not in paths}
        except OSError as error:
            log.warning("a result can't be kept: %s", error)
            raise ScumbleError(
                "out_of_memory", "There is no room for the result.", "Make room on the disk, then run it again."
            ) from error
        self.spool.add(job.id, body, paths, time.time())

    def _settle(self, held: Held) -> None:
        """Copy to disk what a result has in common with its input, in a thread."""
        try:
            copy = self.spool.adopt(*held)
        except OSError as error:
            log.info("a result is not kept on disk: %s", error)  # it was fetched meanwhile, or the disk is full
        else:
            self._post(lambda: self.spool.settle(held, copy))

    def _deliver(self, client: Client, job: str) -> None:
        from ..workers.process import map_file

        kept = self.spool.get(job)
        assert kept
        try:
            buffers = [map_file(kept.paths[name]) for name in kept.body["buffers"]]
        except OSError as error:
            log.warning("the result of %s is gone: %s", job, error)
            self.spool.drop(job)
            raise ScumbleError("bad_request", "The daemon has lost this result.", "Run the operation again.") from error
        if not self._send(client, Message("result", kept.body, buffers, parent=job)):
            log.info("nobody is there for the result of %s; it stays in the spool", job)

    # -- buffers

    def _take(self, name: bytes, data: wire.Buffer, check: int | None, job: Job) -> None:
        """Verify and write a buffer in a thread: 100 MB must not hold up the others.

        A program of this user's, on this machine, is believed its names; from elsewhere, only the digest counts: a
        wrong name would put its pixels into other people's jobs.
        """
        view = memoryview(data)
        if job.client.socket in self._remote:
            check = None
        self._inflight += view.nbytes

        def work() -> None:
            outcome: Path | ScumbleError
            try:
                outcome = self.buffers.write(name, view, check)
            except ScumbleError as error:
                outcome = error
            self._post(lambda: self._taken(name, view.nbytes, check, job, outcome))

        self._executor.submit(work)

    def _taken(self, name: bytes, size: int, check: int | None, job: Job, outcome: Path | ScumbleError) -> None:
        self._inflight -= size
        if isinstance(outcome, ScumbleError):
            if job.id in self.jobs:
                self._fail(job, outcome)
            return
        alive = job.id in self.jobs and name in job.missing
        self.buffers.add(name, outcome, size, check)
        if alive:
            self.buffers.pin([name])
            job.missing.discard(name)
            if not job.missing:
                self._enqueue(job)

    # -- jobs

    def _enqueue(self, job: Job) -> None:
        job.state = "queued"
        self.queue.push(job)
        self._tell(job, "accepted", {"job": job.id, "position": self.queue.position(job)})
        self.pool.start()
        self._dispatch()

    def _dispatch(self) -> None:
        while self.pool.free and len(self.queue):
            job = self.queue.pop()
            assert job
            job.state = "running"
            roles = {name: self._located(described) for name, described in job.submission.roles.items()}
            s = job.submission
            self.pool.run(Task(job.id, s.operation, s.parameters, s.seed, roles))

    def _located(self, described: dict[str, Any]) -> dict[str, Any]:
        out = {**described, "path": str(self.buffers.path(described["buffer"]))}
        if "icc" in described:
            out["icc_path"] = str(self.buffers.path(described["icc"]))
        return out

    def _replace(self, old: str, client: Client) -> None:
        job = self.jobs.get(old)
        if job and job.client == client:
            self._end_early(job, "A newer version of this job took its place.")

    def _end_early(self, job: Job, why: str) -> None:
        """Cancel: at once if it waits; a running one ends when the pool says so."""
        if job.state == "running":
            self.pool.cancel(job.id)
        else:
            self._fail(job, ScumbleError("cancelled", why, ""))

    def _fail(self, job: Job, error: ScumbleError) -> None:
        if self._forget(job):
            if error.code == "cancelled":
                log.info("job %s: %s", job.id, error.message)
            else:
                log.warning("job %s (%s) failed: %s: %s", job.id, job.submission.operation, error.code, error)
            self._send(job.client, Message("error", {**error.as_dict(), "job": job.id}, parent=job.id))

    def _forget(self, job: Job) -> bool:
        """Take a job out of everything; False if it had ended before."""
        if self.jobs.pop(job.id, None) is None:
            return False
        self.queue.remove(job)
        self.buffers.unpin(job.submission.sizes.keys() - job.missing)
        job.state = "ended"
        return True

    # -- sending

    def _tell(self, job: Job, kind: str, body: dict[str, Any]) -> None:
        job.told = time.monotonic()
        if not self._send(job.client, Message(kind, body, parent=job.id)):
            log.info("the client of job %s is gone; cancelling", job.id)
            self._end_early(job, "The program that asked for it has ended.")

    def _refuse(self, client: Client, message: Message, error: ScumbleError) -> None:
        job = message.id if message.type == "submit" else message.body.get("job")
        self._answer(client, message, "error", {**error.as_dict(), **({"job": job} if isinstance(job, str) else {})})

    def _answer(self, client: Client, to: Message, kind: str, body: dict[str, Any]) -> None:
        self._send(client, Message(kind, body, parent=to.id))

    def _send(self, client: Client, message: Message) -> bool:
        """False if the client is gone. A client that does not read misses what can be said again later."""
        large = any(memoryview(b).nbytes > 65536 for b in message.buffers)
        try:
            client.socket.send_multipart([client.identity, *wire.encode(message)], zmq.NOBLOCK, copy=not large)
        except zmq.Again:
            log.warning("%s does not read what it is sent", client.name or "a client")
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._names.pop(client, None)
            return False
        return True

    def _post(self, call: Callable[[], None]) -> None:
        """Have the broker's thread make a call."""
        self._done.append(call)
        try:
            self.wake_out.send(b"!")
        except BlockingIOError:
            pass

    def _internal(self) -> ScumbleError:
        return ScumbleError(
            "internal",
            "Scumble's daemon made a mistake.",
            f"Please report it, with the log file: {self.settings.log_path}",
        )


def _check_sizes(submission: Submission, arrived: dict[bytes, wire.Buffer]) -> None:
    for name, data in arrived.items():
        if name not in submission.sizes:
            raise ScumbleError("bad_request", "The request carries a buffer that it does not use.", "Please report it.")
        expected, size = submission.sizes[name], memoryview(data).nbytes
        if expected is not None and size != expected:
            raise ScumbleError(
                "bad_request", f"A layer should have {expected} bytes and has {size}.", "Please report it."
            )
        if expected is None and size > 16 * 1024**2:
            raise ScumbleError("too_large", "The colour profile is too large.", "Convert the layer to sRGB.")


def _id_of(frames: list[memoryview]) -> str | None:
    """The id in a header that is otherwise unusable, so that its sender knows what the error is about."""
    try:
        header = wire.unpack(frames[0]) if frames and len(frames[0]) <= wire.MAX_HEADER else None
        name = header.get("id") if isinstance(header, dict) else None
        return name if isinstance(name, str) and len(name) <= 64 else None
    except ValueError:
        return None


def _import_operations() -> None:
    """Import them in the background, so that the first submission does not wait for pydantic and numpy."""
    from ..operations import operations

    operations()
