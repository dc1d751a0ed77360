"""Weights on their way to where Scumble computes: what a client has asked for, and how far it is."""

import threading
from typing import Any, Dict, List, Optional

from .errors import ScumbleError
from .wire import Message


class Fetch:
    """One question to the daemon, for an entry of the manifest (`name`) or for what a folder has (empty).

    `done` of `total` are bytes for an entry, where `total` may be None, and a share of 1 for a folder.
    """

    def __init__(self, name: str, asked: str) -> None:
        self.name = name
        self.asked = asked
        """The id of the message."""
        self.done = 0.0
        self.total: Optional[float] = None
        self.message = ""
        self.files: List[Dict[str, str]] = []
        """Of a folder: what became of each file that was known: `file`, `weights` (empty: none), `message`."""
        self.error: Optional[ScumbleError] = None
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether it is there, or has failed (`error`)."""
        return self._ended.is_set()

    @property
    def fraction(self) -> float:
        """From 0 to 1; 0 where it is not known."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total else 0.0

    def wait(self, timeout: Optional[float] = None) -> None:
        """Wait for the end. Raises its error, or ScumbleError `unreachable` after `timeout` seconds."""
        if not self._ended.wait(timeout):
            raise ScumbleError("unreachable", "The daemon did not finish in time.", "Look at: scumble status")
        if self.error:
            raise self.error

    def take(self, message: Message) -> None:
        """An answer has come."""
        body = message.body
        if message.type == "weights_progress":
            done, total = body.get("done"), body.get("total")
            self.done = float(done) if isinstance(done, (int, float)) else 0.0
            self.total = float(total) if isinstance(total, (int, float)) else None
            self.message = str(body.get("message", ""))
        elif message.type == "weights_done":
            files = body.get("files")
            self.files = [_texts(one) for one in files if isinstance(one, dict)] if isinstance(files, list) else []
            self.end(None)
        else:
            self.end(ScumbleError.from_dict(body))

    def end(self, error: Optional[ScumbleError]) -> None:
        """Nothing more comes; `error` says why, where that is not what was wanted."""
        self.error = error
        self._ended.set()


def _texts(one: Dict[str, Any]) -> Dict[str, str]:
    return {key: str(one.get(key, "")) for key in ("file", "weights", "message")}
