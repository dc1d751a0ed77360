"""L-BFGS for pictures: limited steps and a search along them, so that it neither blows up nor stands still.

Nocedal and Wright, "Numerical Optimization" (2006), algorithms 7.4 and 3.1. The losses of neural style are a fourth power of
what the network sees, and far from flat: full quasi-Newton steps without a search, as the published programs take them,
blow up from noise with some networks. So a step changes the mean pixel by no more than a limit, which widens while steps
are good; and it is shortened until the loss falls enough.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from torch import Tensor

ENOUGH = 1e-4
"""Share of the fall that the slope promises which a step must bring (Armijo's condition)."""

SHORTER, TRIES = 0.3, 5
WIDEST = 32.0
"""Mean change of a step at most, in the picture's units."""

Evaluate = Callable[[Tensor], tuple[float, Tensor]]
"""Loss and gradient at a picture."""


class Lbfgs:
    """A descent from `start`.

    Parameters
    ----------
    history
        Corrections that are kept.
    first
        Mean change of the first step, in the picture's units.
    search
        Whether a step must lower the loss. Without, every step of no more than the limit is taken: for gradients that
        aren't those of the loss (each layer's made equally strong).
    """

    def __init__(self, evaluate: Evaluate, start: Tensor, history: int, first: float, search: bool = True) -> None:
        self._evaluate, self._search, self._first = evaluate, search, first
        self.picture = start.clone()
        self.loss, self._gradient = evaluate(self.picture)
        self._pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=history)
        self._limit = first

    def step(self) -> None:
        """Take one step; where none is found that lowers the loss, forget the curvature and take shorter ones."""
        direction = self._direction()
        slope = float((direction * self._gradient).sum())
        if not slope < 0:
            self._pairs.clear()
            direction = -self._gradient
            slope = -float(self._gradient.square().sum())
            if slope == 0:
                return
        mean = float(direction.abs().mean())
        length = self._limit / mean if not self._pairs else min(1.0, self._limit / mean)
        for attempt in range(TRIES):
            moved = self.picture + length * direction
            loss, gradient = self._evaluate(moved)
            if loss <= self.loss + ENOUGH * length * slope or (not self._search and loss < float("inf")):
                self._accept(moved, loss, gradient)
                self._limit = min(WIDEST, self._limit * 2) if attempt == 0 else max(length * mean, 1e-6)
                return
            length *= SHORTER
        self._pairs.clear()
        self._limit = max(min(self._limit, length * mean), 1e-6)

    def restart(self, picture: Tensor) -> None:
        """Go on from another picture, without what is known of the curvature."""
        self.picture = picture.clone()
        self.loss, self._gradient = self._evaluate(self.picture)
        self._pairs.clear()
        self._limit = self._first

    def _accept(self, moved: Tensor, loss: float, gradient: Tensor) -> None:
        change, bend = moved - self.picture, gradient - self._gradient
        product = float((change * bend).sum())
        if product > 1e-10 * float(bend.square().sum()) and product > 0:
            self._pairs.append((change, bend, product))
        self.picture, self.loss, self._gradient = moved, loss, gradient

    def _direction(self) -> Tensor:
        """−H · gradient by the two loops (algorithm 7.4)."""
        direction = -self._gradient
        shares = []
        for change, bend, product in reversed(self._pairs):
            share = float((change * direction).sum()) / product
            direction = direction.sub(bend, alpha=share)
            shares.append(share)
        if self._pairs:
            change, bend, product = self._pairs[-1]
            direction = direction * (product / float(bend.square().sum()))
        for (change, bend, product), share in zip(self._pairs, reversed(shares), strict=True):
            direction = direction.add(change, alpha=share - float((bend * direction).sum()) / product)
        return direction
