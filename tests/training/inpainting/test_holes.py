"""Random holes: every kind, reproducible, of sensible sizes."""

from __future__ import annotations

import numpy as np
import pytest

from scumble_training.inpainting.holes import KINDS, random_hole


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind: str) -> None:
    holes = [random_hole(96, 128, np.random.default_rng(seed), kind) for seed in range(8)]
    assert all(hole.shape == (96, 128) and hole.dtype == np.bool_ for hole in holes)
    assert all(0 < hole.mean() < 0.7 for hole in holes)
    assert len({hole.tobytes() for hole in holes}) == 8


def test_the_same_seed_gives_the_same_hole() -> None:
    first, again = (random_hole(64, 64, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, again)


def test_scratches_are_thinner_than_strokes() -> None:
    share = {
        kind: np.mean([random_hole(200, 200, np.random.default_rng(seed), kind).mean() for seed in range(12)])
        for kind in ("scratches", "strokes")
    }
    assert share["scratches"] < share["strokes"]
