"""Detail for a smooth fill: of the right kind, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.vision.detail_transfer import STRONGEST, transferred_detail

SIDE, FACTOR = 32, 2


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dark and rough on the left, light and smooth on the right; a hole over both."""
    rng = np.random.default_rng(0)
    large = np.full((SIDE * FACTOR, SIDE * FACTOR, 3), 0.8, np.float32)
    large[:, :SIDE] = 0.3
    coarse = large[::FACTOR, ::FACTOR].copy()
    large[:, :SIDE] += rng.choice([-0.05, 0.05], (SIDE * FACTOR, SIDE, 1)).astype(np.float32)
    hole = np.zeros((SIDE, SIDE), np.bool_)
    hole[12:22, 4:28] = True
    return coarse, large, hole


def test_rough_places_become_rough_and_smooth_ones_stay_smooth() -> None:
    coarse, fine, hole = scene()
    extra = transferred_detail(coarse, fine, hole, ~hole, np.random.default_rng(0))
    inside = np.kron(hole, np.ones((FACTOR, FACTOR))) > 0
    assert not extra[~inside].any()
    rough, smooth = extra[28:40, 10:26], extra[28:40, 38:54]
    assert 0.025 < rough.std() < 0.06
    assert smooth.std() < 0.005
    assert np.abs(extra).max() < 2.5 * STRONGEST


def test_equal_generators_give_equal_detail() -> None:
    coarse, fine, hole = scene()
    one, two, other = (transferred_detail(coarse, fine, hole, ~hole, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()


def test_nothing_to_borrow_from() -> None:
    coarse, fine, hole = scene()
    assert not transferred_detail(coarse, fine, hole, np.zeros_like(hole), np.random.default_rng(0)).any()
    with pytest.raises(ValueError, match="multiple"):
        transferred_detail(coarse, fine[:-1, :-1], hole, ~hole, np.random.default_rng(0))
