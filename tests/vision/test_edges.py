"""Line detectors on pictures whose lines are known, and the thinning of shapes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scumble.vision import edges

EIGHT = np.ones((3, 3), np.bool_)


def disc(side: int = 64, radius: float = 20, level: float = 0.8) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    inside = ndimage.gaussian_filter((np.hypot(y, x) < radius).astype(np.float32), 1)
    return np.repeat((level * inside)[..., None], 3, axis=2).astype(np.float32)


def away_from_circle(lines: np.ndarray, radius: float = 20) -> float:
    rows, columns = np.nonzero(lines)
    middle = len(lines) / 2 - 0.5
    return float(np.abs(np.hypot(rows - middle, columns - middle) - radius).max())


def test_canny_finds_an_edge_once_and_where_it_is() -> None:
    lines = edges.canny(disc())
    assert away_from_circle(lines) < 2
    assert 90 < lines.sum() < 170  # a circumference of 126
    assert not edges.canny(disc(level=0.01)).any()


def test_canny_sees_a_change_of_colour_alone() -> None:
    picture = np.full((32, 32, 3), 0.5, np.float32)
    picture[:, 16:, 0], picture[:, 16:, 2] = 0.8, 0.2
    assert edges.canny(picture)[16].sum() == 1


def test_dark_lines_mark_a_stroke_by_its_middle() -> None:
    picture = np.full((40, 40, 3), 0.9, np.float32)
    picture[:, 18:21] = 0.3
    lines = edges.dark_lines(picture)
    assert lines[20].nonzero()[0].tolist() == [19]
    assert not edges.dark_lines(1.2 - picture)[:, 17:22].any(), "a light stroke is no dark line"


def test_outlines_leave_weak_texture_out() -> None:
    rng = np.random.default_rng(0)
    picture = disc(level=0.7)
    noisy = picture + rng.normal(0, 0.03, picture.shape).astype(np.float32)
    lines = edges.outlines(noisy, picture)
    assert away_from_circle(lines) < 4
    assert not edges.outlines(np.full((16, 16, 3), 0.5, np.float32), np.full((16, 16, 3), 0.5, np.float32)).any()


def test_hysteresis_keeps_weak_lines_that_touch_strong_ones() -> None:
    strength = np.zeros((5, 9), np.float32)
    strength[1, :4] = [0.3, 0.3, 0.9, 0.3]
    strength[3, 5:] = 0.3
    found = edges.hysteresis(strength, 0.2, 0.8)
    assert found[1, :4].all()
    assert not found[3].any()


def test_small_strokes_go() -> None:
    lines = np.eye(20, dtype=np.bool_)
    lines[2, 15:18] = True
    assert (edges.without_small(lines, 10) == np.eye(20, dtype=np.bool_)).all()


def test_otsu_parts_two_heaps() -> None:
    values = np.concatenate([np.full(100, 0.2), np.full(30, 0.9)]).astype(np.float32)
    assert 0.2 <= edges.otsu(values) < 0.9


@pytest.mark.parametrize("width", [1, 4, 9])
def test_thinned_shapes_are_one_pixel_wide_and_still_whole(width: int) -> None:
    y, x = np.mgrid[:60, :60] - 30
    ring = np.abs(np.hypot(y, x) - 18) <= width / 2
    thin = edges.thinned(ring)
    assert not (thin & ~ring).any()
    assert ndimage.label(thin, EIGHT)[1] == 1
    assert ndimage.label(~thin)[1] == 2, "the ring still closes"
    assert not (ndimage.uniform_filter(thin.astype(np.float32), 2) > 0.99).any(), "no square of four"
