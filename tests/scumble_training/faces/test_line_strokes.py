"""Following thin lines, and drawing them again as a hand would."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from scumble_training.faces import line_strokes


def drawing() -> np.ndarray:
    lines = np.zeros((64, 64), np.bool_)
    lines[10, 5:50] = True
    lines[20:50, 30] = True
    lines[60, 60] = True
    return lines


def test_every_pixel_is_in_one_stroke() -> None:
    strokes = line_strokes.traced(drawing())
    assert sorted(len(s) for s in strokes) == [1, 30, 45]
    seen = {tuple(p) for s in strokes for p in s.astype(int).tolist()}
    assert len(seen) == drawing().sum()
    assert np.abs(np.diff(max(strokes, key=len), axis=0)).max() == 1


def test_a_ring_is_followed() -> None:
    lines = np.zeros((9, 9), np.bool_)
    lines[2, 2:7] = lines[6, 2:7] = lines[2:7, 2] = lines[2:7, 6] = True
    assert len(line_strokes.traced(lines)) == 1


def test_simplified_strokes_stay_near() -> None:
    x = np.arange(100.0)
    wave = np.stack([x, 10 * np.sin(x / 15)], axis=1)
    few = line_strokes.simplified(wave, 1.0)
    assert len(few) < 15
    assert np.abs(np.interp(x, few[:, 0], few[:, 1]) - wave[:, 1]).max() < 1.2
    straight = np.stack([x, 2 * x], axis=1)
    assert len(line_strokes.simplified(straight, 0.5)) == 2


def test_by_hand_is_near_and_not_the_same() -> None:
    lines = drawing()
    drawn = line_strokes.by_hand(lines, np.random.default_rng(0), shift=1.5)
    away = ndimage.distance_transform_edt(~lines)[drawn]
    assert drawn.any()
    assert away.max() < 9
    assert (drawn != lines).any()
    assert not drawn[55:, 55:].any(), "the speck is left out"
    again = line_strokes.by_hand(lines, np.random.default_rng(0), shift=1.5)
    assert (again == drawn).all()
