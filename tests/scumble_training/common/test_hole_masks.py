"""Generators of holes: their size, share, thickness, variety, and that a seed reproduces them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scumble_training.common import hole_masks as masks


@pytest.mark.parametrize("kind", masks.KINDS)
@pytest.mark.parametrize("size", [(64, 64), (96, 160)])
def test_every_kind_makes_holes(kind: str, size: tuple[int, int]) -> None:
    found = [masks.KINDS[kind](*size, np.random.default_rng(seed)) for seed in range(8)]
    assert all(mask.shape == size and mask.dtype == np.bool_ for mask in found)
    assert all(mask.any() for mask in found)
    assert any(not np.array_equal(found[0], mask) for mask in found[1:])
    assert np.array_equal(found[3], masks.KINDS[kind](*size, np.random.default_rng(3)))


def thickness(mask: np.ndarray) -> float:
    return 2 * float(ndimage.distance_transform_edt(np.pad(mask, 1)).max())


def test_strokes_have_the_published_widths() -> None:
    deepfill = [masks.deepfill_strokes(256, 256, np.random.default_rng(s)) for s in range(12)]
    assert min(thickness(m) for m in deepfill) >= 12
    creamy = [masks.deepcreampy_strokes(256, 256, np.random.default_rng(s)) for s in range(6)]
    assert min(thickness(m) for m in creamy) >= 28
    assert min(thickness(masks.brush_strokes(256, 256, np.random.default_rng(s))) for s in range(6)) >= 5
    thin = [masks.scratches(256, 256, np.random.default_rng(s)) for s in range(6)]
    assert max(thickness(m) for m in thin) < 12


def test_boxes_and_squares_have_the_published_sizes() -> None:
    for seed in range(10):
        mask = masks.deepfill_box(256, 256, np.random.default_rng(seed))
        assert 96 * 96 <= mask.sum() <= 128 * 128
        square = masks.deepcreampy_square(256, 256, np.random.default_rng(seed))
        side = int(np.sqrt(square.sum()))
        assert side * side == square.sum()
        assert 64 <= side <= 128


def test_files_are_turned_and_grown() -> None:
    thin = np.zeros((100, 100), np.bool_)
    thin[48:52, 20:80] = True
    made = [masks.pconv_file(thin, 80, 90, np.random.default_rng(s)) for s in range(6)]
    assert all(m.shape == (80, 90) for m in made)
    assert max(m.sum() for m in made) > 600
    assert len({int(m.sum()) for m in made}) > 3


def test_a_mixture_keeps_to_the_shares_of_the_paper() -> None:
    shares = [masks.any_of(list(masks.KINDS), 96, 96, np.random.default_rng(s)).mean() for s in range(40)]
    assert min(shares) >= masks.LEAST
    assert max(shares) <= masks.MOST
    assert np.std(shares) > 0.05


@pytest.mark.parametrize("seed", range(6))
def test_a_selection_drawn_around_something_holds_it(seed: int) -> None:
    """The same random numbers draw the same thing first."""
    for thing in (masks.blob, masks.object_shape):
        wanted = thing is masks.blob
        rng = np.random.default_rng(seed)
        if (rng.random() < 0.5) != wanted:
            continue
        inside = thing(120, 160, rng)
        for around in (masks.object_box, masks.object_lasso, masks.object_shadow):
            found = around(120, 160, np.random.default_rng(seed))
            assert found[inside].mean() > (0.93 if around is masks.object_lasso else 0.999), around.__name__
            assert found.sum() >= inside.sum()
        box = masks.object_box(120, 160, np.random.default_rng(seed))
        rows, columns = (np.flatnonzero(box.any(axis)) for axis in (1, 0))
        assert box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
