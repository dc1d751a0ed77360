"""The broker: one thread, one poll loop. What it hears it tells the scheduler, and what that wants done it does.

It never imports torch, so that a `hello` is answered within milliseconds of its start.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import zmq

from scumble.transport.wakeup import Wakeup
from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.wire import Message

from .buffer_files import BufferFiles
from .handlers import Handlers
from .jobs import Client
from .pools.base import Pool
from .removal import Remover
from .replies import Replies, one_line
from .result_store import ResultStore
from .scheduler import Action, Cancel, Deliver, Remove, Scheduler, Start, Store, Tell, Warm, Write
from .spool import Spool
from .status import Settings
from .uploads import Uploads
from .weights_desk import WeightsDesk

log = logging.getLogger(__name__)

TICK_MS = 200
AT_ONCE = 64
"""Messages that are read from one socket before the others have their turn."""


class Broker:
    """Serves the given ROUTER sockets until `stop` is called or nobody has come for `idle_exit` seconds."""

    def __init__(
        self,
        local: list[zmq.Socket[Any]],
        remote: list[zmq.Socket[Any]],
        pool: Pool,
        files: BufferFiles,
        spool: Spool,
        remover: Remover,
        settings: Settings,
    ) -> None:
        self._pool, self._files, self._remover, self._settings = pool, files, remover, settings
        self._sockets = local + remote
        self._scheduler = Scheduler(settings.buffer_size)
        pool.listener = self._scheduler
        self._active = time.monotonic()
        self._replies = Replies(settings.log_path)
        self._stopping = False
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="buffers")
        self._wakeup = Wakeup()
        self._uploads = Uploads(files, self._executor, self._wakeup)
        self._results = ResultStore(spool, self._executor, self._wakeup)
        self._weights = WeightsDesk(self._replies, pool, remote, self._wakeup, settings.get_weights)
        self._handlers = Handlers(
            self._scheduler, self._replies, self._results, pool, settings, remote, self.stop, self._weights
        )

    def stop(self) -> None:
        """End `serve` (from a signal handler, too)."""
        self._stopping = True
        self._wakeup.ring()

    @property
    def signal_fd(self) -> int:
        """For `signal.set_wakeup_fd`."""
        return self._wakeup.signal_fd

    def serve(self) -> None:
        poller = zmq.Poller()
        for pollable in (self._wakeup.fileno(), *self._pool.pollable):
            poller.register(pollable, zmq.POLLIN)
        reading = False
        while not self._stopping:
            wanted = not self._uploads.full
            if wanted != reading:  # back-pressure: libzmq's own limits then hold the clients back
                for s in self._sockets:
                    poller.register(s, zmq.POLLIN) if wanted else poller.unregister(s)
                reading = wanted
            poller.poll(TICK_MS)
            for call in self._wakeup.taken():
                self._guard(call)
            self._guard(self._pool.handle)
            self._work()
            if reading:
                for s in self._sockets:
                    self._read(s)
            self._guard(self._tick)
            self._work()
        self._finish()

    def _guard(self, step: Callable[[], None]) -> None:
        """A defect met in one step must not take the other jobs with it."""
        try:
            step()
        except Exception:
            log.exception("a defect in the broker")

    def _read(self, s: zmq.Socket[Any]) -> None:
        for _ in range(AT_ONCE):
            if self._uploads.full:
                return
            try:
                identity, *frames = s.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._active = time.monotonic()
            client = Client(s, identity.bytes)
            data = [frame.buffer for frame in frames]
            try:
                message = wire.decode(data)
            except ScumbleError as error:
                log.warning("refused a message: %s", one_line(error))
                self._replies.send(client, Message("error", error.as_dict(), parent=wire.id_of(data)))
                continue
            self._handle(client, message)
            self._work()

    def _handle(self, client: Client, message: Message) -> None:
        try:
            self._handlers.handle(client, message)
        except ScumbleError as error:
            self._replies.refuse(client, message, error)
        except Exception:
            log.exception("a message of type %s failed", message.type)
            self._replies.refuse(client, message, self._replies.internal())

    def _tick(self) -> None:
        now = time.monotonic()
        self._pool.tick()
        self._results.settle()
        self._remover.retry()
        self._scheduler.tick()
        self._weights.tick()
        if len(self._scheduler) or self._weights.busy:
            self._active = now
        elif now - self._active > self._settings.idle_exit:
            log.info("nothing to do for %.0f s: ending", self._settings.idle_exit)
            self._stopping = True

    def _finish(self) -> None:
        self._scheduler.shutdown()
        self._perform_all()
        self._weights.stop()
        self._results.settle(at_once=True)
        self._executor.shutdown(wait=True)
        for call in self._wakeup.taken():
            self._guard(call)
        self._perform_all()
        self._pool.stop()
        self._files.close()

    # -- what the scheduler wants done

    def _work(self) -> None:
        """Do what is to be done, and let the pool have the jobs that it would take."""
        self._perform_all()
        while (free := self._pool.free) and self._scheduler.dispatch(free):
            self._perform_all()

    def _perform_all(self) -> None:
        while (action := self._scheduler.next_action()) is not None:
            try:
                self._perform(action)
            except Exception as error:
                self._failed(action, error)

    def _perform(self, action: Action) -> None:
        """Raises ScumbleError, or whatever a defect raises."""
        match action:
            case Tell(job, client, kind, body, buffers):
                if self._replies.send(client, Message(kind, body, buffers, parent=job)):
                    self._scheduler.reached(job)
                else:
                    self._scheduler.unreachable(job, client)
            case Write(name, frame):
                self._uploads.write(name, frame, partial(self._written, name, frame.check))
            case Remove(paths):
                self._remover.remove(paths)
            case Warm():
                self._pool.start()
            case Start(task):
                self._pool.run(task)
            case Cancel(job):
                self._pool.cancel(job)
            case Store(job, body, inputs):
                self._results.keep(job, body, inputs)
                self._scheduler.stored(job)
            case Deliver(job, client, pack):
                self._results.deliver(job, pack, partial(self._replies.result, client, job))

    def _failed(self, action: Action, error: Exception) -> None:
        """Whoever waits for what could not be done hears of it."""
        if isinstance(error, ScumbleError):
            said = error
        else:
            log.error("%s can't be done", type(action).__name__, exc_info=error)
            said = self._replies.internal()
        match action:
            case Write(name):
                self._scheduler.write_failed(name, said)
            case Start(task):
                self._scheduler.failed(task.job, said)
            case Store(job) | Cancel(job):
                self._scheduler.failed(job, said)
            case Deliver(job, client):
                self._replies.send(client, Message("error", {**said.as_dict(), "job": job}, parent=job))

    def _written(self, name: bytes, check: int | None, outcome: Path | ScumbleError) -> None:
        if isinstance(outcome, ScumbleError):
            self._scheduler.write_failed(name, outcome)
        else:
            self._scheduler.written(name, outcome, check)
