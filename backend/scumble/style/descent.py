"""Lowering a style objective by L-BFGS or Adam, with previews, the best picture so far, and a way to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch

from .lbfgs import Evaluate, Lbfgs

FIRST_STEP = 1.0
"""Mean change of the first step of L-BFGS, in grey levels."""

Loss = Callable[[torch.Tensor], torch.Tensor]
Optimiser = Literal["lbfgs", "adam"]


@dataclass(frozen=True)
class Descent:
    """How to go down. Pictures are in 0 to 255, and the learning rate is in those units."""

    optimiser: Optimiser = "lbfgs"
    iterations: int = 1000
    learning_rate: float = 10.0
    """Of Adam. L-BFGS finds its own step."""

    history: int = 100
    """Corrections that L-BFGS keeps."""

    search: bool = True
    """Whether each step of L-BFGS must lower the loss; see `Lbfgs`."""


@dataclass
class DescentResult:
    """Where a descent came to."""

    picture: torch.Tensor
    """The one with the lowest loss, (1, 3, H, W)."""

    loss: float
    losses: list[float] = field(default_factory=list)
    """The loss at every iteration."""


Watch = Callable[[int, torch.Tensor], None]
"""Called after each iteration with its number (from 1) and the picture; what it raises ends the work."""


def descend(loss: Loss, start: torch.Tensor, descent: Descent, watch: Watch | None = None) -> DescentResult:
    """Lower `loss` from `start`, (1, 3, H, W); in L-BFGS an iteration is a step, which may look at several pictures."""
    found = DescentResult(start.detach().clone(), float("inf"))

    def evaluate(picture: torch.Tensor) -> tuple[float, torch.Tensor]:
        seen = picture.detach().clone().requires_grad_()
        value = loss(seen)
        value.backward()  # type: ignore[no-untyped-call]
        now = float(value.detach())
        if now < found.loss:
            found.loss, found.picture = now, seen.detach().clone()
        assert seen.grad is not None
        return now, seen.grad

    lower = _adam if descent.optimiser == "adam" else _lbfgs
    lower(evaluate, start.detach(), descent, found, watch)
    return found


def _lbfgs(
    evaluate: Evaluate, start: torch.Tensor, descent: Descent, found: DescentResult, watch: Watch | None
) -> None:
    optimiser = Lbfgs(evaluate, start, descent.history, FIRST_STEP, descent.search)
    for number in range(1, descent.iterations + 1):
        found.losses.append(optimiser.loss)
        optimiser.step()
        if not optimiser.loss <= 4 * found.loss:  # only without a search; a loss that is not a number is not, either
            optimiser.restart(found.picture)
        if watch is not None:
            watch(number, optimiser.picture)


def _adam(evaluate: Evaluate, start: torch.Tensor, descent: Descent, found: DescentResult, watch: Watch | None) -> None:
    picture = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([picture], lr=descent.learning_rate)
    for number in range(1, descent.iterations + 1):
        value, picture.grad = evaluate(picture)
        found.losses.append(value)
        optimiser.step()
        if not value <= 4 * found.loss:
            with torch.no_grad():
                picture.copy_(found.picture)
            optimiser = torch.optim.Adam([picture], lr=descent.learning_rate)
        if watch is not None:
            watch(number, picture.detach())
    evaluate(picture)  # what the last step led to has not been looked at yet
