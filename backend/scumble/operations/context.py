"""What an operation is given besides its inputs: a seed, a device, a place for models, and a way to report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from scumble.imaging.layer import Layer

Model = TypeVar("Model")


class Models(Protocol):
    """The models that a worker keeps warm."""

    def get(self, key: str, load: Callable[[], Model]) -> Model:
        """The model of that key, loaded by `load` if it is not there."""


@dataclass
class Context:
    """One run of an operation.

    `report` takes a fraction from 0 to 1 and a word on what is being done. Each call is a point at which the job
    may be cancelled: it then raises ScumbleError `cancelled`, which the operation lets through.
    `memory_scale` falls from 1 when memory ran out: work on proportionally fewer pixels at a time.
    """

    seed: int
    device: str
    models: Models
    report: Callable[[float, str], None]
    memory_scale: float = 1.0
    notes: list[str] = field(default_factory=list)
    weights: dict[str, str] = field(default_factory=dict)
    """Names and SHA-256 digests of the weights that were used; they are stored with the layer."""

    copied_from: list[str] = field(default_factory=list)
    """Collections that pixels of the layer are from, with their licence; they are stored with the layer."""

    preview: Callable[[Layer], None] | None = None
    """Takes what a long optimization has come to so far, at its working size; None where nobody looks."""

    def note(self, sentence: str) -> None:
        """Tell the artist something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def copies_from(self, collections: Iterable[str]) -> None:
        """Pixels of these were used; each is named once."""
        self.copied_from += [one for one in dict.fromkeys(collections) if one not in self.copied_from]

    def part(self, start: float, end: float, message: str = "") -> Callable[[float], None]:
        """A progress function for an algorithm that takes the share from `start` to `end` of the whole."""
        return lambda fraction: self.report(start + (end - start) * min(max(fraction, 0.0), 1.0), message)
