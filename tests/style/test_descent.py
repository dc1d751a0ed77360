"""Descending: L-BFGS and Adam reach a minimum, keep the best, recover, and stop when they are told to."""

from __future__ import annotations

import pytest
import torch

from scumble.style.descent import Descent, Optimiser, descend

GOAL = torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0)) * 255
START = torch.full((1, 3, 6, 5), 128.0)
STIFF = torch.logspace(-2, 1, 90).reshape(1, 3, 6, 5)


def bowl(picture: torch.Tensor) -> torch.Tensor:
    return (STIFF * (picture - GOAL).square()).sum()


@pytest.mark.parametrize(("optimiser", "steps"), [("lbfgs", 80), ("adam", 400)])
def test_reaches_the_minimum(optimiser: Optimiser, steps: int) -> None:
    found = descend(bowl, START, Descent(optimiser, steps, 3.0))
    assert found.loss < 1e-3 * float(bowl(START))
    assert len(found.losses) == steps
    assert float(bowl(found.picture)) == pytest.approx(found.loss, rel=1e-4, abs=1e-3)


def test_the_first_step_is_about_one_grey_level() -> None:
    seen: list[torch.Tensor] = []
    descend(bowl, START, Descent("lbfgs", 1), lambda number, picture: seen.append(picture.clone()))
    assert 0.5 < float((seen[0] - START).abs().mean()) < 2


def test_after_a_blow_up_it_goes_on_from_the_best() -> None:
    calls = 0

    def treacherous(picture: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return bowl(picture) * (1e6 if calls == 10 else 1)

    found = descend(treacherous, START, Descent("lbfgs", 100))
    assert found.loss < 1e-2 * float(bowl(START))


def test_what_is_watched_counts_and_may_end_the_work() -> None:
    seen: list[int] = []

    def watch(number: int, picture: torch.Tensor) -> None:
        seen.append(number)
        if number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        descend(bowl, START, Descent("adam", 100), watch)
    assert seen == [1, 2, 3]
