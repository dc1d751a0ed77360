"""The interface between the broker and whatever runs jobs: local processes, Ray actors, another daemon."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from scumble_client.errors import ScumbleError
from scumble_client.wire import Message


@dataclass(frozen=True)
class Task:
    """A job as a pool gets it: everything is there, and each role's pixels are in a file (`path`)."""

    job: str
    operation: str
    parameters: dict[str, Any]
    seed: int
    roles: dict[str, dict[str, Any]]
    previews: int = 0
    """Longest side, in pixels, of the pictures to be shown on the way; 0 for none."""
    priority: str = "interactive"
    """For a pool that has a queue of its own."""
    view: dict[str, int] | None = None
    """The part of the document to be shown, and how large (`Submission.view`)."""


class Listener(Protocol):
    """What a pool tells the scheduler. All calls come from the loop's own thread, out of `handle`, `tick`, `run`, `cancel`."""

    def progress(self, job: str, fraction: float, message: str) -> None: ...

    def preview(self, job: str, pixels: dict[str, Any], data: bytes) -> None:
        """What a job has come to so far: a layer as the wire describes it, and its bytes. It may be thrown away."""

    def result(self, job: str, body: dict[str, Any]) -> None:
        """`body` has layers, notes, request, seconds; each layer's pixels are in the file `path` if they are new."""

    def failed(self, job: str, error: ScumbleError) -> None: ...


class Pool(ABC):
    """Runs tasks. The broker polls `pollable` and calls `handle` when one of them is readable."""

    listener: Listener
    relays = False
    """Whether weights lie with another daemon, to which messages about them are passed on."""

    def relay(self, message: Message, answer: Callable[[Message], bool]) -> bool:
        """Pass on a client's message about weights to where the work is done; False where that is here.

        `answer` is called with each answer, and says whether whoever asked is still there.
        """
        return False

    @abstractmethod
    def start(self) -> None:
        """Begin to warm up. Returns at once; calling it again does nothing."""

    @property
    @abstractmethod
    def pollable(self) -> list[Any]:
        """ZeroMQ sockets and file descriptors to be polled for reading."""

    @abstractmethod
    def handle(self) -> None:
        """Read whatever has come."""

    @abstractmethod
    def tick(self) -> None:
        """Called a few times a second: deadlines."""

    @property
    @abstractmethod
    def free(self) -> int:
        """How many tasks `run` would take now."""

    @abstractmethod
    def run(self, task: Task) -> None: ...

    @abstractmethod
    def cancel(self, job: str) -> None:
        """End a task: in its own time at first, by force after two seconds. `failed` (cancelled) follows."""

    @abstractmethod
    def status(self) -> list[dict[str, Any]]:
        """One description for each worker: name, device, state, models, memory."""

    @abstractmethod
    def stop(self) -> None:
        """End every worker; returns when they are gone."""
