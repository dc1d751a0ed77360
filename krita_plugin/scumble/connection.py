"""The daemon as the plugin sees it: one client, polled from Krita's event loop, and what is known of its state."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, Optional

from .qt import QObject, QTimer, Signal
from .scumble_client import Client
from .scumble_client.editor.background import Background
from .scumble_client.editor.messages import daemon_line
from .scumble_client.paths import ConnectionFile

if TYPE_CHECKING:
    from .scumble_client.client import Job
    from .scumble_client.errors import ScumbleError
    from .scumble_client.request import Request


BUSY_MS, IDLE_MS = 10, 250
STATUS_SECONDS = 1.0
LOOK_SECONDS = 2.0


class DaemonConnection(QObject):
    """`happened` passes on the client's events; `changed` says that the state or the line about it is another."""

    happened = Signal(object)
    changed = Signal()
    operations = Signal(object)

    def __init__(self, parent: QObject, name: str) -> None:
        super().__init__(parent)
        self.background = Background()
        self.state = "off"
        self.error: Optional[ScumbleError] = None
        self.status: Optional[Dict[str, Any]] = None
        self._client = Client(name)
        self._asked = {"status": False, "operations": False}
        self._asked_at = self._looked_at = 0.0
        self._jobs = 0
        self._closed = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.poll)
        self._timer.start(IDLE_MS)

    @property
    def client(self) -> Client:
        """For what has a subject of its own."""
        return self._client

    @property
    def line(self) -> str:
        """The daemon's state in one line."""
        return daemon_line(self.state, self.status, self.error)

    @property
    def reachable(self) -> bool:
        """Whether a daemon runs, as far as one can tell without asking it."""
        return self.state != "off" or ConnectionFile.read() is not None

    @property
    def warm(self) -> bool:
        return any(w.get("state") not in ("starting", "dead") for w in (self.status or {}).get("workers", []))

    def connect_daemon(self) -> None:
        """Connect, and start the daemon where there is none."""
        self._client.connect()
        self._hurry()

    def submit(self, request: Request) -> Job:
        job = self._client.submit(request)
        self._jobs += 1
        self._hurry()
        return job

    def cancel(self, job: Job) -> None:
        self._client.cancel(job)

    def received(self, job: Job) -> None:
        self._client.received(job)

    def close(self) -> None:
        """End the connection; jobs that run are given up by the daemon, which sees that nobody is there."""
        self._closed = True
        self._timer.stop()
        self.background.close()
        self._client.close()

    def poll(self) -> None:
        """Hand out what has come. Called by the timer."""
        if self._closed:
            return
        for event in self._client.poll():
            if event.kind == "state":
                self._state(event.state, event.error)
            elif event.kind in ("result", "error"):
                self._jobs -= 1
            self.happened.emit(event)
        self.background.poll()
        self._ask()
        busy = self._jobs > 0 or self.background.busy or self.state in ("starting", "connecting")
        if not busy and self._timer.interval() != IDLE_MS:
            self._timer.setInterval(IDLE_MS)

    def hurry(self) -> None:
        """Poll often until what runs in the background is done."""
        self._hurry()

    def _hurry(self) -> None:
        if self._timer.interval() != BUSY_MS:
            self._timer.setInterval(BUSY_MS)

    def _state(self, state: str, error: Optional[ScumbleError]) -> None:
        self.state, self.error = state, error
        if state != "ready":
            self.status = None
        else:
            self._ask_for("operations")
            self._ask_for("status")
        self.changed.emit()

    def _ask(self) -> None:
        """Look for a daemon that somebody else has started; ask how it is while that changes.

        Not all the time: a daemon that is asked is not idle, and would never end by itself.
        """
        now = time.monotonic()
        if self.state == "off":
            if now - self._looked_at > LOOK_SECONDS:
                self._looked_at = now
                if ConnectionFile.read() is not None:
                    self.connect_daemon()
        elif self.state == "ready" and now - self._asked_at > STATUS_SECONDS and (self._jobs or not self.warm):
            self._ask_for("status")

    def _ask_for(self, kind: str) -> None:
        if self._asked[kind]:
            return
        self._asked[kind] = True
        self._asked_at = time.monotonic()

        def done(answer: Any, error: Optional[BaseException]) -> None:
            self._asked[kind] = False
            if error is not None or self.state != "ready":
                return
            if kind == "status":
                self.status = answer.body
                self.changed.emit()
            else:
                self.operations.emit(answer.body.get("operations"))

        self.background.start(lambda: self._client.call(kind, timeout=10.0), done)
        self._hurry()
