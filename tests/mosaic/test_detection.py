"""Finding cells: sizes from 4 to 64, whole or not, any phase and shape of region, JPEG; and what is no mosaic."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scumble.mosaic import detection
from scumble.mosaic.grid import Grid, edges
from scumble_training.mosaic.examples import as_jpeg
from tests.support.mosaics import box, drawing, with_mosaic

PICTURE = drawing()


def unit(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) / np.float32(255)


def off(found: Grid, true: Grid, mask: np.ndarray) -> int:
    """By how many pixels edges inside the mask are off at most; 99 where their number differs."""
    worst = 0
    for axis, name in ((1, "x"), (0, "y")):
        there = np.flatnonzero(mask.any(axis=1 - axis))
        a, b = (
            edges(getattr(g, f"size_{name}"), getattr(g, f"origin_{name}"), mask.shape[axis]) for g in (found, true)
        )
        a, b = (e[(e > there[0] + 1) & (e < there[-1])] for e in (a, b))
        worst = max(worst, int(np.abs(a - b).max(initial=0)) if len(a) == len(b) else 99)
    return worst


@pytest.mark.parametrize("size", [4.0, 5.0, 7.0, 9.0, 12.0, 16.0, 24.0, 5.3, 8.6, 13.4, 21.7])
def test_finds_size_and_phase(size: float) -> None:
    grid = Grid(size, size, 2.0, 3.0)
    mask = box(PICTURE.shape, 20, 16, 136, 150)
    found = detection.detect(unit(with_mosaic(PICTURE, mask, grid)), mask)
    assert found is not None
    assert off(found.grid, grid, mask) <= (0 if size % 1 == 0 else 1)
    if size % 1 == 0:
        assert (found.grid.size_x, found.grid.size_y) == (size, size)


def test_finds_64_pixels() -> None:
    picture = drawing(400, 420)
    grid, mask = Grid(64, 64, 10, 20), box(picture.shape, 20, 10, 340, 330)
    found = detection.detect(unit(with_mosaic(picture, mask, grid)), mask)
    assert found is not None
    assert off(found.grid, grid, mask) == 0


@pytest.mark.parametrize("quality", [95, 80])
@pytest.mark.parametrize("size", [6.0, 10.0, 17.0])
def test_finds_it_under_jpeg(size: float, quality: int) -> None:
    grid, mask = Grid(size, size, 1, 4), box(PICTURE.shape, 14, 12, 140, 160)
    found = detection.detect(unit(as_jpeg(with_mosaic(PICTURE, mask, grid), quality)), mask)
    assert found is not None
    assert off(found.grid, grid, mask) <= 1


def test_finds_it_in_any_shape() -> None:
    rows, columns = np.mgrid[: PICTURE.shape[0], : PICTURE.shape[1]]
    mask = np.hypot((rows - 80) / 60, (columns - 88) / 70) < 1
    grid = Grid(11, 11, 5, 7)
    found = detection.detect(unit(with_mosaic(PICTURE, mask, grid)), mask)
    assert found is not None
    assert off(found.grid, grid, mask) == 0


def test_finds_cells_that_are_no_squares() -> None:
    grid, mask = Grid(12, 7, 3, 2), box(PICTURE.shape, 20, 16, 136, 150)
    found = detection.detect(unit(with_mosaic(PICTURE, mask, grid)), mask)
    assert found is not None
    assert (found.grid.size_x, found.grid.size_y) == (12, 7)


def test_a_picture_without_one_has_none() -> None:
    mask = box(PICTURE.shape, 20, 16, 136, 150)
    assert detection.detect(unit(PICTURE), mask) is None
    assert detection.detect(np.full((40, 40, 3), 0.5, np.float32), box((40, 40), 5, 5, 30, 30)) is None
    soft = ndimage.gaussian_filter(np.random.default_rng(0).random((120, 120, 3)), (5, 5, 0)).astype(np.float32)
    assert detection.detect(soft, box(soft.shape, 10, 10, 110, 110)) is None
    assert detection.detect(unit(PICTURE), np.zeros(PICTURE.shape[:2], np.bool_)) is None


def test_a_size_that_is_given_is_kept() -> None:
    grid, mask = Grid(9, 9, 4, 2), box(PICTURE.shape, 20, 16, 136, 150)
    found = detection.detect(unit(with_mosaic(PICTURE, mask, grid)), mask, size=9)
    assert found is not None
    assert off(found.grid, grid, mask) == 0
    flat = detection.detect(np.zeros((30, 30, 3), np.float32), box((30, 30), 6, 4, 26, 24), size=5)
    assert flat is not None
    assert flat.grid == Grid(5, 5, 4, 6)


def test_the_score_tells_right_cells_from_wrong_ones() -> None:
    grid, mask = Grid(9, 9, 4, 2), box(PICTURE.shape, 20, 16, 136, 150)
    damaged = unit(with_mosaic(PICTURE, mask, grid))
    right = detection.score_of(damaged, mask, grid)
    assert right > 0.9
    for wrong in (Grid(9, 9, 0, 2), Grid(18, 18, 4, 2), Grid(4.5, 4.5, 4, 2), Grid(10, 10, 4, 2)):
        assert detection.score_of(damaged, mask, wrong) < 0.8 * right


def test_a_selection_that_is_too_wide_takes_the_mosaic_only() -> None:
    grid, true = Grid(10, 10, 0, 0), box(PICTURE.shape, 40, 40, 100, 110)
    damaged = unit(with_mosaic(PICTURE, true, grid))
    wide = box(PICTURE.shape, 33, 35, 107, 116)
    kept = detection.mosaic_pixels(damaged, wide, grid)
    assert (kept & true).sum() == true.sum()
    beyond = kept & ~true  # what is flat beside it can't be told from a cell, and does no harm
    assert beyond.sum() < 0.7 * (wide & ~true).sum()
    assert not (kept & ~wide).any()


def test_few_changes_do_not_make_cells_larger() -> None:
    """Three edges, one of them much stronger: cells six times as large would hit it, and explain little."""
    mask = box((104, 104), 0, 0, 104, 104)
    picture = np.ones((104, 104, 3), np.float32)
    picture[80:88, 40:] = 0.95
    picture[88:96, 40:] = 0.8
    picture[96:, 40:] = 0.2
    picture[:, 48:56] *= 0.9
    found = detection.detect(picture, mask)
    assert found is not None
    assert off(found.grid, Grid(8, 8), mask) == 0


@pytest.mark.parametrize("size", [8, 13])
@pytest.mark.parametrize("beyond", [12, 40])
@pytest.mark.parametrize("texture", ["noise", "ramp", "drawing"])
def test_a_selection_much_wider_than_the_mosaic_takes_the_mosaic_alone(size: int, beyond: int, texture: str) -> None:
    height, width = 200, 220
    rng = np.random.default_rng(4)
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * np.array([0.5, 0.3, 0.55])
    made = {
        "noise": ndimage.gaussian_filter(rng.uniform(0, 255, (height, width, 3)), (1.5, 1.5, 0)) * 1.2 - 25,
        "ramp": ramp + rng.normal(0, 1, ramp.shape),
        "drawing": drawing(height, width),
    }[texture]
    plain = np.clip(made, 0, 255).astype(np.uint8)
    covered = box(plain.shape, 64, 64, 64 + 9 * size, 64 + 8 * size)
    picture = unit(with_mosaic(plain, covered, Grid(size, size, 64, 64)))
    selected = ndimage.binary_dilation(covered, np.ones((3, 3)), beyond)
    found = detection.mosaic_pixels(picture, selected, Grid(size, size, 64, 64))
    assert found[covered].mean() > 0.95
    # in a drawing's flat parts a cell's own colour is that of what it replaced
    assert found[selected & ~covered].mean() < (0.35 if texture == "drawing" else 0.02)
