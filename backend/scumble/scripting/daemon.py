"""A daemon in a script's hands: this machine's own, which is started where there is none, or another machine's."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scumble.transport.exchange import to_layer, to_pixels
from scumble_client import Client, Event, Request
from scumble_client import Job as Sent
from scumble_client.errors import ScumbleError
from scumble_client.paths import process_alive
from scumble_client.version import __version__

from .descriptions import Operation
from .engine import Engine, Progress
from .jobs import LOOK, Job, Order, Outcome
from .layer import Layer

ANSWER = 60.0
"""Seconds in which a daemon that has just been started says what there is."""


def connect(endpoint: str | None = None, key: str | None = None, *, name: str = "", launch: bool = True) -> Daemon:
    """Connect to a daemon.

    Parameters
    ----------
    endpoint
        None for this machine's own. `tcp://HOST:PORT` for another machine's that runs `scumble serve --listen`: encrypted, and only for
        those whose key it allows (docs/studio.md).
    key
        With an endpoint: that daemon's public key, as `scumble keys make` prints it there.
    name
        Who is asking, for the daemon's log and `scumble status`; by default the script's file name.
    launch
        Whether this machine's daemon is started where there is none.

    Raises
    ------
    ScumbleError
        `unreachable`, `unauthorized`, `version_mismatch`; `invalid_parameter` for an endpoint or a key that is none.
    """
    dial = None
    if endpoint is not None or key is not None:
        from .remote import dialling

        dial = dialling(endpoint, key)
    return Daemon(name or _script(), launch, dial)


class Daemon(Engine):
    """A connection to a daemon, made by `connect`. Several threads may use it at once.

    Where the daemon dies, jobs that it had end with the error `unreachable`, and the next one connects anew (and starts one).
    """

    def __init__(self, name: str, launch: bool = True, dial: Callable[[], Any] | None = None) -> None:
        self._jobs: dict[str, DaemonJob] = {}
        self._lock = threading.RLock()
        self._changed = threading.Condition()
        self._operations: dict[str, Operation] | None = None
        self._faults: list[dict[str, Any]] = []
        self._client = Client(name, launch, self._wake, dial)
        try:
            if launch or dial:
                self._client.connect()
            self._client.call("status", timeout=ANSWER)
            theirs = str(self._client.welcome.get("version"))
            if dial and theirs != __version__:
                raise ScumbleError(
                    "version_mismatch",
                    f"That machine has Scumble {theirs}, this one {__version__}.",
                    "Install the same version on both.",
                )
        except BaseException:
            self._client.close()
            raise

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All that the daemon can do, add-ons included, by name."""
        if self._operations is None:
            body = self._client.call("operations", timeout=ANSWER).body
            self._faults = list(body.get("faults", []))
            self._operations = {one["name"]: Operation(one, self.run, self.submit) for one in body["operations"]}
        return self._operations

    @property
    def faults(self) -> list[dict[str, Any]]:
        """What of the add-ons the daemon left out: `origin` (the package), `message`, `hint`, `names`."""
        assert self.operations is not None
        return list(self._faults)

    @property
    def protocol(self) -> int:
        """The protocol that the daemon speaks."""
        return int(self._client.welcome.get("protocol", 0))

    def status(self) -> dict[str, Any]:
        """Version, workers with their devices, jobs, memory; what `scumble status --json` prints."""
        return self._client.call("status").body

    def stop(self, timeout: float = 15.0) -> None:
        """End the daemon, and wait until it has ended. Raises ScumbleError `unauthorized` for one of another machine."""
        pid = int(self._client.call("shutdown").body["pid"])
        end = time.monotonic() + timeout
        while process_alive(pid):
            if time.monotonic() > end:
                raise ScumbleError("internal", "The daemon does not end.", f"End it by force: kill -9 {pid}")
            time.sleep(0.02)

    def close(self) -> None:
        """End the connection. Jobs that go on are cancelled; the daemon itself goes on. A second time does nothing."""
        with self._lock:
            left = list(self._jobs.values())
            self._jobs.clear()  # what the closing connection says of them is not what they end by
        for job in left:
            job.cancel()
        self._client.close()
        for job in left:
            job._lost()

    def _begin(self, order: Order) -> Job:
        roles = {role: to_pixels(layer) for role, layer in order.layers.items()}
        request = Request(
            order.operation, roles, dict(order.parameters), order.seed, order.priority, previews=order.previews
        )
        with self._lock:  # what is said of it from here on finds it
            job = DaemonJob(self._client, self._client.submit(request), order)
            self._jobs[job.id] = job
        if job.sent.state in ("done", "failed"):  # it was refused at once
            self._on(Event("error", job.sent))
        return job

    def _wait_for_change(self, jobs: list[Job], progress: Progress | None) -> None:
        with self._changed:
            if not any(job.ended for job in jobs):
                self._changed.wait(LOOK)
        for job in jobs:
            if progress and isinstance(job, DaemonJob) and job.news():
                progress(job)

    # -- called by the connection's thread

    def _wake(self) -> None:
        for event in self._client.poll():
            self._on(event)
        with self._changed:
            self._changed.notify_all()

    def _on(self, event: Event) -> None:
        if event.job is None:
            return
        with self._lock:
            job = self._jobs.get(event.job.id)
            if job and event.job.state in ("done", "failed"):
                del self._jobs[job.id]
        if job:
            job.heard()


class DaemonJob(Job):
    """One that a daemon has."""

    def __init__(self, client: Client, sent: Sent, order: Order) -> None:
        super().__init__(order, order.name, order.operation)
        self._client, self.sent, self.id = client, sent, sent.id
        self._last: tuple[Any, ...] = ()
        self._shown: tuple[Any, Layer] | None = None
        self.on_news: Callable[[], None] | None = None

    @property
    def state(self) -> str:
        return self.sent.state

    @property
    def fraction(self) -> float:
        return self.sent.fraction

    @property
    def message(self) -> str:
        if self.state == "queued":
            return f"Waiting ({self.position} before)" if self.position else "Waiting for the worker"
        return self.sent.message or "Starting"

    @property
    def position(self) -> int:
        return self.sent.position

    @property
    def preview(self) -> Layer | None:
        pixels = self.sent.preview
        if pixels is None:
            return None
        if self._shown is None or self._shown[0] is not pixels:
            made = to_layer(pixels)
            self._shown = pixels, Layer(made, made.bounds, "Preview", placed=True)
        return self._shown[1]

    def cancel(self) -> None:
        if not self.ended:
            self._tell(self._client.cancel)

    def received(self) -> None:
        self._tell(self._client.received)

    def _tell(self, say: Callable[[Sent], None]) -> None:
        try:
            say(self.sent)
        except ScumbleError:
            pass  # the connection is closed: there is nobody to tell

    def news(self) -> bool:
        """Whether anything has changed since the last call."""
        before, self._last = self._last, self._seen()
        return before != self._last

    def heard(self) -> None:
        """Something has changed."""
        result, error = self.sent.result, self.sent.error
        if self.sent.state not in ("done", "failed"):
            if self.on_news:
                self.on_news()
            return
        self.sent.request = None  # the inputs are not needed any more
        self.sent.result = None
        if error is not None or result is None:
            self._end(error=error or ScumbleError("internal", "The job ended without a result.", "Try it again."))
            return
        try:
            layers = [(one.name, to_layer(one.pixels), one.seed) for one in result.layers]
        except ValueError:
            self._end(error=ScumbleError("bad_request", "The daemon sent a layer that can't be read.", "Try again."))
            return
        self._end(Outcome(layers, result.notes, result.request, result.seconds))

    def _end(self, outcome: Outcome | None = None, error: ScumbleError | None = None) -> None:
        self._order = None
        super()._end(outcome, error)

    def _lost(self) -> None:
        """The connection was closed by its own side, and nothing more will be heard."""
        self._end(
            error=ScumbleError("cancelled", "The connection was closed before the job was done.", "Run it again.")
        )


def _script() -> str:
    name = Path(sys.argv[0]).name if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python"
    return f"{name} {os.getpid()}"
