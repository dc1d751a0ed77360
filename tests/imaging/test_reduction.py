"""A layer seen small, strip by strip."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.imaging import reduction
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import Layer
from scumble.imaging.reduction import factor_for, reduce, strips

BOUNDS = Bounds(-3, 5, 23, 37)


@pytest.fixture(autouse=True)
def _small_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduction, "STRIP_PIXELS", 200)


def layer(channels: int = 3) -> Layer:
    pixels = np.random.default_rng(channels).random((37, 23, channels)).astype(np.float32)
    return Layer(pixels, Point(-3, 5))


@pytest.mark.parametrize("factor", [1, 2, 5, 40])
def test_squares_are_averaged_up_to_the_edges(factor: int) -> None:
    small = reduce(layer(), BOUNDS, factor)
    assert small.rgb.shape == (-(-37 // factor), -(-23 // factor), 3)
    last = layer().pixels[(37 - 1) // factor * factor :, (23 - 1) // factor * factor :]
    assert small.rgb[-1, -1] == pytest.approx(last.mean(axis=(0, 1)), abs=1e-5)
    assert small.rgb[0, 0] == pytest.approx(layer().pixels[:factor, :factor].mean(axis=(0, 1)), abs=1e-5)


def test_transparent_pixels_give_no_colour() -> None:
    pixels = layer(4).pixels.copy()
    pixels[:, :, 3] = 1
    pixels[0, 0] = (9, 9, 9, 0)
    small = reduce(Layer(pixels, Point(-3, 5)), BOUNDS, 2)
    assert small.rgb[0, 0] == pytest.approx(pixels[:2, :2, :3].reshape(4, 3)[1:].mean(axis=0), abs=1e-5)
    assert small.alpha[0, 0] == pytest.approx(0.75)


@pytest.mark.parametrize(("side", "longest", "factor"), [(448, 448, 1), (449, 448, 2), (6000, 448, 14), (1, 448, 1)])
def test_the_least_factor_that_is_enough(side: int, longest: int, factor: int) -> None:
    assert factor_for(Bounds(0, 0, side, 1), longest) == factor


@pytest.mark.parametrize("factor", [1, 3, 50])
def test_strips_cover_everything_once(factor: int) -> None:
    parts = list(strips(BOUNDS, factor))
    assert sum(part.height for part in parts) == BOUNDS.height
    assert Bounds.union(parts) == BOUNDS
    assert all(part.height % factor == 0 for part in parts[:-1])
