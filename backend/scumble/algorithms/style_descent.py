"""Lowering a style objective by L-BFGS or Adam, with previews, the best picture so far, and a way to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch

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


@dataclass
class Found:
    """Where a descent came to."""

    picture: torch.Tensor
    """The one with the lowest loss, (1, 3, H, W)."""

    loss: float
    losses: list[float] = field(default_factory=list)
    """The loss at every iteration."""


Watch = Callable[[int, torch.Tensor], None]
"""Called after each iteration with its number (from 1) and the picture; what it raises ends the work."""


def descend(loss: Loss, start: torch.Tensor, descent: Descent, watch: Watch | None = None) -> Found:
    """Lower `loss` from `start`, (1, 3, H, W).

    A step of L-BFGS is taken without a line search, as in the published programs; where that makes the loss rise to
    more than four times the best, or not a number, it starts anew from the best picture with an empty history.
    """
    picture = start.detach().clone().requires_grad_()
    found = Found(picture.detach().clone(), float("inf"))
    optimiser = _optimiser(picture, descent)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(picture)
        value.backward()  # type: ignore[no-untyped-call]
        now = float(value.detach())
        if now < found.loss:
            found.loss, found.picture = now, picture.detach().clone()
        latest[0] = now
        return value

    latest = [float("inf")]
    fresh = True
    for number in range(1, descent.iterations + 1):
        if descent.optimiser == "lbfgs":
            # The first step of torch's L-BFGS is 1 / N grey levels wide, too little to learn a curvature from in float32.
            optimiser.param_groups[0]["lr"] = FIRST_STEP * picture.numel() if fresh else 1.0
        fresh = False
        optimiser.step(closure)  # type: ignore[arg-type]
        found.losses.append(latest[0])
        if not latest[0] <= 4 * found.loss:  # a loss that is not a number is not, either
            with torch.no_grad():
                picture.copy_(found.picture)
            optimiser, fresh = _optimiser(picture, descent), True
        if watch is not None:
            watch(number, picture.detach())
    with torch.no_grad():  # what the last step led to has not been looked at yet
        last = float(loss(picture))
    if last < found.loss:
        found.loss, found.picture = last, picture.detach().clone()
    return found


def _optimiser(picture: torch.Tensor, descent: Descent) -> torch.optim.Optimizer:
    if descent.optimiser == "adam":
        return torch.optim.Adam([picture], lr=descent.learning_rate)
    # one iteration at a time, so that each can be watched; the history stays with the optimizer
    return torch.optim.LBFGS(
        [picture], lr=1.0, max_iter=1, max_eval=1, history_size=descent.history, tolerance_grad=0, tolerance_change=0
    )
