"""A job in a script's hands: how far it is, its end, its layers."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scumble.imaging import layer as imaging
from scumble_client.errors import ScumbleError

from .layer import Layer

LOOK = 0.1
"""Seconds after which a thread that waits looks whether it was interrupted, and tells of progress."""


@dataclass(frozen=True)
class Order:
    """What a job is to do, and where that belongs."""

    operation: str
    layers: Mapping[str, imaging.Layer]
    parameters: Mapping[str, Any]
    image: Layer | None
    """What the new layers lie over."""

    seed: int = 0
    name: str = ""
    priority: str = "interactive"
    previews: int = 0
    notes: tuple[str, ...] = ()
    """What was said when the inputs were read."""


@dataclass(frozen=True)
class Outcome:
    """What came back: layers with names and seeds, sentences, the request as it is stored with a layer, seconds of computing."""

    layers: Sequence[tuple[str, imaging.Layer, int]]
    notes: Sequence[str]
    request: Mapping[str, Any]
    seconds: float


class Job(ABC):
    """One run of an operation. It ends in its layers or in an error; `layers`, `notes`, `seconds` and `request` wait for that, and
    raise the error.

    Attributes
    ----------
    name
        What the caller called it; the picture's path where `map` was given paths.
    operation
        The operation's name.
    """

    def __init__(self, order: Order | None, name: str, operation: str) -> None:
        self._order = order  # until it has ended: it holds the inputs
        self.name = name
        self.operation = operation
        self._image = order.image if order else None
        self._said = order.notes if order else ()
        self._ended = threading.Event()
        self._outcome: Outcome | None = None
        self._layers: list[Layer] | None = None
        self._error: ScumbleError | None = None
        self._listeners: list[Callable[[Job], None]] = []
        self._guard = threading.Lock()

    # -- how far it is

    @property
    @abstractmethod
    def state(self) -> str:
        """`waiting` (on its way), `queued`, `running`, `done` or `failed`."""

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return 1.0 if self._outcome else 0.0

    @property
    def message(self) -> str:
        """A few words on what is being done."""
        return ""

    @property
    def position(self) -> int:
        """Jobs before it in the daemon's queue."""
        return 0

    @property
    def preview(self) -> Layer | None:
        """What it has come to so far, small and in 8 bits, where `previews` were asked for and the operation has them."""
        return None

    @property
    def ended(self) -> bool:
        """Whether there are layers or an error."""
        return self._ended.is_set()

    @property
    def error(self) -> ScumbleError | None:
        """Why it has failed; None while it goes on, and where it has not."""
        return self._error

    # -- its end

    def wait(self, timeout: float | None = None, progress: Callable[[Job], None] | None = None) -> list[Layer]:
        """The new layers.

        Parameters
        ----------
        timeout
            Seconds after which ScumbleError `cancelled` is raised; the job itself goes on (`cancel` ends it).
        progress
            Called in this thread whenever something has changed, at most ten times a second.
        """
        end = None if timeout is None else time.monotonic() + timeout
        last: tuple[Any, ...] = ()
        while not self._await(LOOK if end is None else max(0.0, min(LOOK, end - time.monotonic()))):
            if progress and (now := self._seen()) != last:
                last = now
                progress(self)
            if end is not None and time.monotonic() >= end:
                raise ScumbleError(
                    "cancelled",
                    f"It was not done within {timeout:g} seconds.",
                    "Give it more time, or a smaller picture.",
                )
        if self._error:
            raise self._error
        if progress:
            progress(self)
        return self.layers

    @property
    def layers(self) -> list[Layer]:
        """The new layers, transparent where nothing was changed; several where variations were asked for."""
        outcome = self._finished()
        with self._guard:
            if self._layers is None:
                notes, image = self.notes, self._image
                self._layers = [
                    Layer(
                        made,
                        image.canvas if image else made.bounds,
                        name,
                        seed,
                        tuple(notes),
                        image.metadata.only_resolution() if image else Layer(made, made.bounds).metadata,
                        placed=True,
                    )
                    for name, made, seed in outcome.layers
                ]
            return list(self._layers)

    @property
    def notes(self) -> list[str]:
        """Sentences for the artist: a conversion, a mask that was understood in some way."""
        return [*self._said, *(n for n in self._finished().notes if n not in self._said)]

    @property
    def seconds(self) -> float:
        """How long it was computed."""
        return self._finished().seconds

    @property
    def request(self) -> dict[str, Any]:
        """What makes the same pixels again: operation, parameters, seed, weights, version."""
        return dict(self._finished().request)

    @abstractmethod
    def cancel(self) -> None:
        """Ask for its end. It ends with the error `cancelled`, or with its layers if these were quicker."""

    def received(self) -> None:  # noqa: B027 (there may be nobody to tell)
        """Say that the result is safe, so that the daemon may forget it. `run` and `map` do that by themselves."""

    def add_done_callback(self, call: Callable[[Job], None]) -> None:
        """Have `call(job)` called at its end, from any thread, or at once where it has ended."""
        with self._guard:
            if not self._ended.is_set():
                self._listeners.append(call)
                return
        call(self)

    # -- for engines

    def _await(self, seconds: float) -> bool:
        return self._ended.wait(seconds)

    def _finished(self) -> Outcome:
        while not self._await(LOOK):
            pass
        if self._error:
            raise self._error
        assert self._outcome
        return self._outcome

    def _end(self, outcome: Outcome | None = None, error: ScumbleError | None = None) -> None:
        with self._guard:
            if self._ended.is_set():
                return
            self._outcome, self._error = outcome, error
            self._ended.set()
            listeners, self._listeners = self._listeners, []
        for call in listeners:
            call(self)

    def _seen(self) -> tuple[Any, ...]:
        return self.state, self.fraction, self.message, self.position, self.preview

    def __repr__(self) -> str:
        return f"<Job {self.operation} {self.name!r}: {self.state}>"


class FailedJob(Job):
    """One that could not even begin: its picture can't be read."""

    def __init__(self, name: str, operation: str, error: ScumbleError) -> None:
        super().__init__(None, name, operation)
        self._end(error=error)

    @property
    def state(self) -> str:
        return "failed"

    def cancel(self) -> None:
        pass
