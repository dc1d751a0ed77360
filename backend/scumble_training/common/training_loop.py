"""The steps of a training that may be stopped at any time: checkpoints of all that changes, and the rate of learning.

A step draws its pictures and masks from the seed and its own number alone, so a training that was stopped and gone on
with ends with the same bits as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .checkpoints import load_checkpoint, save_checkpoint
from .trainer import Run


class Stateful(Protocol):
    """A network, an optimizer, an average: whatever has to be there again."""

    def state_dict(self) -> Mapping[str, Any]: ...

    def load_state_dict(self, state_dict: Any, /) -> Any: ...


class TrainingLoop:
    """Counts steps, and keeps what they have come to.

    Parameters
    ----------
    parts
        All that the steps change, by name.
    keep_every
        Steps between checkpoints; the last step, and the last before the time is up, are kept as well.
    """

    def __init__(self, run: Run, name: str, total: int, parts: Mapping[str, Stateful], keep_every: int = 200) -> None:
        self.run, self.total, self.parts, self.keep_every = run, total, parts, keep_every
        self.path: Path = run.folder / f"{name}.checkpoint"
        self.done = 0
        found = load_checkpoint(self.path, run.device)
        if found is not None:
            for part, state in parts.items():
                state.load_state_dict(found[part])
            self.done = int(found["step"])
            run.say(f"{name}: going on after step {self.done} of {total}")

    def steps(self) -> Iterator[int]:
        """The numbers of the steps that are left."""
        for step in range(self.done, self.total):
            yield step
            self.done = step + 1
            ends = self.done == self.total or self.run.time_is_up
            if ends or self.done % self.keep_every == 0:
                self.keep()
            if ends:
                break

    def keep(self) -> None:
        states = {name: dict(part.state_dict()) for name, part in self.parts.items()}
        save_checkpoint(self.path, {"step": self.done, **states})

    def generator(self, step: int, *more: int) -> np.random.Generator:
        """Random numbers of one step."""
        return np.random.default_rng([self.run.seed, step, *more])


def cosine_rate(step: int, total: int, rate: float, warm_up: int = 100, least: float = 0.01) -> float:
    """Rises linearly over the first steps, then falls as half a cosine to `least` of the rate."""
    if step < warm_up:
        return rate * (step + 1) / warm_up
    done = (step - warm_up) / max(1, total - warm_up)
    return rate * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
