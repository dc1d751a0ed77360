"""The pool that is another Scumble daemon: the one strong machine in the next room (`--pool tcp://HOST:PORT`).

It speaks the protocol of docs/protocol.md as a client does. A cable that is cut costs nothing but time: the daemon
there goes on for a while (`patience`), and when the link is back, each job is asked for, and sent again if it is lost.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from scumble.transport.result_files import ResultFiles
from scumble.transport.wakeup import Wakeup
from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.version import __version__
from scumble_client.wire import Message

from .base import Pool, Task
from .remote_flight import AT_ONCE, Flight
from .remote_link import RemoteLink
from .remote_relay import Relayed
from .remote_result import keep

log = logging.getLogger(__name__)

SLOW = 12e6
"""Bytes in a second below which layers are packed: more than that, and packing takes longer than sending."""
FAR = 0.005
"""Seconds for a message and its answer from which on a link is thought slow until it has been measured."""
ASK = 5.0
"""Seconds between questions about the other machine's workers."""
HELLO_AGAIN = 3.0
CANCEL_PATIENCE = 10.0
MAX_ATTEMPTS = 3


class RemotePool(Pool):
    """Another daemon.

    Weights are that machine's, too: what clients say about them is passed on.

    Parameters
    ----------
    folders
        Where results are put: the spool, then where to turn when that is full.
    patience
        Seconds for which jobs wait for a machine that is gone; then they, and those that come, end with an error.
    """

    relays = True

    def __init__(self, link: RemoteLink, folders: list[Path], patience: float) -> None:
        self._link, self._patience = link, patience
        self._files = ResultFiles(folders)
        self._flights: dict[str, Flight] = {}
        self._greeted = False
        self._refusal: ScumbleError | None = None
        self._hello_at = self._asked_at = self._said_at = 0.0
        self._rate = float("inf")
        self._stale: set[str] = set()
        self._workers: list[dict[str, Any]] = []
        self._relayed = Relayed(link)
        self._wakeup = Wakeup()
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="remote")
        self._where = link.endpoint.removeprefix("tcp://")

    def start(self) -> None:
        self._link.open()

    def relay(self, message: Message, answer: Callable[[Message], bool]) -> bool:
        self.start()
        self._relayed.ask(message, answer, None if self._greeted else self._why_not() or _not_yet(self._where))
        return True

    @property
    def pollable(self) -> list[Any]:
        return [self._link.socket, self._link.monitor, self._wakeup.fileno()]

    @property
    def free(self) -> int:
        if self._why_not():
            return 1  # tasks are taken, and fail with the reason
        if not self._greeted:
            return 0
        # one more for each worker than it computes: its layers travel meanwhile
        return max(0, 2 * max(1, len(self._workers)) - len(self._flights))

    def run(self, task: Task) -> None:
        reason = self._why_not()
        if reason:
            self.listener.failed(task.job, reason)
            return
        flight = self._flights[task.job] = Flight(task)
        self._submit(flight)

    def cancel(self, job: str) -> None:
        flight = self._flights.get(job)
        if flight and flight.deadline is None:
            flight.deadline = time.monotonic() + CANCEL_PATIENCE
            if not (self._greeted and self._link.send(Message("cancel", {"job": job}))):
                if flight.attempts:
                    self._stale.add(job)  # it may be running there
                self._give_up(flight, _cancelled())

    def handle(self) -> None:
        for call in self._wakeup.taken():
            self._guard(call)
        # what came before the end of a connection still counts, and what comes after its beginning must wait for that
        self._read()
        for event in self._link.events():
            self._greeted = False
            if event == "up":
                self._say_hello()
            else:
                self._relayed.fail(_not_yet(self._where))
                log.warning("%s is gone; %d jobs wait for it", self._where, len(self._flights))
        self._read()

    def tick(self) -> None:
        now = time.monotonic()
        for flight in list(self._flights.values()):
            if flight.deadline is not None and now > flight.deadline:
                self._stale.add(flight.task.job)
                self._give_up(flight, _cancelled())
        reason = self._why_not()
        if reason:
            for flight in list(self._flights.values()):
                self._stale.add(flight.task.job)
                self._give_up(flight, reason)
        elif self._greeted and now - self._asked_at > ASK:
            self._asked_at = now
            self._link.send(Message("status"))
        elif not self._greeted and now - self._said_at > 1.0:
            self._said_at = now
            if self._link.state == "up" and now - self._hello_at > HELLO_AGAIN:
                self._say_hello()  # the first came too early, or was lost with a connection
            for flight in list(self._flights.values()):
                sentence = f"{self._where} can't be reached; waiting for it"
                self.listener.progress(flight.task.job, flight.fraction, sentence)

    def status(self) -> list[dict[str, Any]]:
        state = "ready" if self._greeted else self._link.state
        own = {"worker": self._where, "name": self._where, "device": "", "state": state, "memory": 0}
        rate = {} if self._rate == float("inf") else {"bytes_per_second": round(self._rate)}
        return [{**own, **rate, "packing": self._slow}, *self._workers]

    def stop(self) -> None:
        for job in list(self._flights):
            self._link.send(Message("cancel", {"job": job}))
        self._link.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._wakeup.close()
        self._files.close()

    # -- the link

    @property
    def _slow(self) -> bool:
        return self._rate < SLOW

    def _why_not(self) -> ScumbleError | None:
        """Why nothing can be computed there, if that is so for good or for too long."""
        if self._refusal:
            return self._refusal
        if self._link.state == "refused":
            return ScumbleError(
                "unauthorized",
                f"{self._where} does not let this machine in.",
                "Run here: scumble keys make; and there: scumble keys allow NAME KEY",
            )
        if self._link.state == "down" and time.monotonic() - self._link.since > self._patience:
            return ScumbleError(
                "worker_died",
                f"The machine that computes for this one, {self._where}, can't be reached.",
                "See that it is on, that `scumble serve --listen` runs there, and that --pool-key is its key.",
            )
        return None

    def _read(self) -> None:
        while (message := self._link.receive()) is not None:
            try:
                self._on_message(message)
            except (ScumbleError, KeyError, TypeError, ValueError, AttributeError) as error:
                log.warning("%s sent an odd %s: %s", self._where, message.type, error)

    def _guard(self, call: Callable[[], None]) -> None:
        """What goes wrong with one job must not take the others with it."""
        try:
            call()
        except Exception:
            log.exception("a defect in the pool of %s", self._where)

    def _say_hello(self) -> None:
        self._hello_at = time.monotonic()
        body = {"client": f"scumble broker {os.getpid()}", "version": __version__, "pid": os.getpid()}
        self._link.send(Message("hello", body))

    def _on_welcome(self, message: Message) -> None:
        theirs = str(message.body.get("version"))
        if theirs != __version__:
            self._refusal = ScumbleError(
                "version_mismatch",
                f"{self._where} has Scumble {theirs}, and this machine {__version__}.",
                "Install the same version on both.",
            )
            return
        self._refusal = None
        self._greeted = True
        if self._rate == float("inf") and time.monotonic() - self._hello_at > FAR:
            self._rate = SLOW / 2  # until it is measured
        for job in self._stale:
            self._link.send(Message("fetch", {"job": job}))  # makes it this connection's, so that it can be cancelled
            self._link.send(Message("cancel", {"job": job}))
        self._stale.clear()
        for flight in list(self._flights.values()):
            if flight.state == "new":
                self._submit(flight)
            elif flight.state != "storing":
                flight.state, flight.sent = "fetching", None
                self._link.send(Message("fetch", {"job": flight.task.job, "pack": self._slow}))
        self._asked_at = time.monotonic()
        self._link.send(Message("status"))

    # -- jobs

    def _submit(self, flight: Flight) -> None:
        message = flight.submit(self._patience, self._slow)
        sent = self._greeted and self._link.send(message)
        flight.state = "sent" if sent else "new"
        flight.attempts += sent

    def _on_need(self, flight: Flight, message: Message) -> None:
        """Send layers, out of a thread where they are packed first."""
        slow, digests = self._slow, list(message.body["digests"])
        flight.state = "sent"

        def send(ready: Message) -> None:
            if self._flights.get(flight.task.job) is flight:
                flight.sent = time.monotonic(), wire.total_size(ready.buffers)
                self._link.send(ready)

        def sent(done: Future[Message]) -> None:
            failure = done.exception()
            if failure is None:
                send(done.result())
            elif self._flights.get(flight.task.job) is flight:
                log.error("layers of %s can't be sent", flight.task.job, exc_info=failure)
                self._give_up(flight, _unsent())

        if slow:
            work = self._executor.submit(flight.buffers, digests, True, message.id)
            work.add_done_callback(lambda done: self._wakeup.post(lambda: sent(done)))
        else:
            try:
                send(flight.buffers(digests, False, message.id))
            except OSError as error:
                log.warning("layers of %s can't be read: %s", flight.task.job, error)
                self._give_up(flight, _unsent())

    def _on_message(self, message: Message) -> None:
        job = str(message.body.get("job") or message.parent or "")
        flight = self._flights.get(job)
        if message.type == "welcome":
            self._on_welcome(message)
        elif message.type == "status":
            self._on_status(message)
        elif self._relayed.take(message):
            pass
        elif flight is None or flight.state == "storing":
            if message.type == "result" and flight is None:
                self._link.send(Message("received", {"job": job}))  # of a job that was given up
        elif message.type == "need":
            self._on_need(flight, message)
        elif message.type == "accepted":
            self._on_accepted(flight, int(message.body.get("position", 0)))
        elif message.type == "progress":
            flight.state, flight.fraction = "sent", float(message.body.get("fraction", 0.0))
            self.listener.progress(job, flight.fraction, str(message.body.get("message", "")))
        elif message.type == "preview":
            pixels = dict(message.body["pixels"])
            self.listener.preview(job, pixels, bytes(wire.attached(message)[pixels["buffer"]]))
            self._link.send(Message("seen", {"job": job}))
        elif message.type == "result":
            self._on_result(flight, message)
        elif message.type == "error":
            self._on_error(flight, ScumbleError.from_dict(message.body))

    def _on_accepted(self, flight: Flight, position: int) -> None:
        flight.state = "sent"
        if flight.sent:
            began, count = flight.sent
            flight.sent = None
            if count > AT_ONCE:
                rate = count / max(time.monotonic() - began, 1e-6)
                self._rate = rate if self._rate == float("inf") else 0.5 * self._rate + 0.5 * rate
        if position:
            self.listener.progress(flight.task.job, 0.0, f"Waiting for {self._where} ({position} before)")

    def _on_result(self, flight: Flight, message: Message) -> None:
        flight.state = "storing"
        job = flight.task.job
        work = self._executor.submit(keep, message, job, flight.paths.keys(), self._files)

        def stored(done: Any) -> None:
            failure = done.exception()
            if self._flights.get(job) is not flight:
                return
            if failure is None:
                del self._flights[job]
                self.listener.result(job, done.result())
                self._link.send(Message("received", {"job": job}))
            else:
                log.warning("the result of %s can't be kept: %s", job, failure)
                known = isinstance(failure, ScumbleError)
                self._give_up(flight, failure if known else _lost(self._where))

        work.add_done_callback(lambda done: self._wakeup.post(partial(stored, done)))

    def _on_error(self, flight: Flight, error: ScumbleError) -> None:
        lost = flight.state == "fetching" and error.code == "bad_request"
        stopped = error.code == "cancelled" and flight.deadline is None  # by somebody there, not by us
        if (lost or stopped) and flight.deadline is None and flight.attempts < MAX_ATTEMPTS:
            log.info("job %s is sent again to %s", flight.task.job, self._where)
            self._submit(flight)
        elif lost or stopped:
            self._give_up(flight, _cancelled() if flight.deadline is not None else _lost(self._where))
        else:
            self._give_up(flight, error)

    def _give_up(self, flight: Flight, error: ScumbleError) -> None:
        self._flights.pop(flight.task.job, None)
        self.listener.failed(flight.task.job, error)

    def _on_status(self, message: Message) -> None:
        self._workers = [
            {**worker, "worker": f"{self._where} {worker.get('worker', '')}"}
            for worker in message.body.get("workers", [])
            if isinstance(worker, dict)
        ]


def _cancelled() -> ScumbleError:
    return ScumbleError("cancelled", "The job was cancelled.", "")


def _unsent() -> ScumbleError:
    return ScumbleError(
        "internal", "A layer could not be sent to the other machine.", "The log says why: scumble status"
    )


def _lost(where: str) -> ScumbleError:
    return ScumbleError("worker_died", f"{where} has lost this job, more than once.", "Look at the log there.")


def _not_yet(where: str) -> ScumbleError:
    return ScumbleError("unreachable", f"{where}, where the weights are, can't be reached.", "Try again in a moment.")
