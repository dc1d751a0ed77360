"""Thin strokes stay as they were drawn; a ring around an eye is a frame of glasses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.latent.drawn_strokes import drawn, frame_of_glasses

from .test_opened_mouth import SIDE
from .test_stroke_meanings import PHOTOGRAPH, POINTS, spot


def ring(x: float, wide: float = 0.36) -> NDArray[np.bool_]:
    outer = spot(x, 0, wide, wide)
    return np.asarray(outer & ~ndimage.binary_erosion(outer, iterations=4))


def lines(*parts: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(np.any(parts, axis=0), np.float32)


def test_a_ring_around_an_eye_is_a_frame_with_what_hangs_on_it() -> None:
    bridge, scar = spot(0, 0, 0.16, 0.02), spot(0.4, 0.9, 0.2, 0.02)
    frame = frame_of_glasses(lines(ring(-0.5), bridge, ring(0.5), scar) > 0, POINTS)
    assert frame[ring(-0.5) | bridge | ring(0.5)].all()
    assert not frame[scar].any()


def test_a_ring_elsewhere_or_an_open_one_is_none() -> None:
    low = np.roll(ring(-0.5), 60, axis=0)
    broken = ring(0.5).copy()
    broken[:, : int(POINTS[25:31, 0].mean())] = False
    assert not frame_of_glasses(low | broken, POINTS).any()


def test_a_frame_throws_a_shadow_below_and_its_lens_mirrors_a_little() -> None:
    frame = ring(-0.5)
    found = drawn(PHOTOGRAPH, lines(frame), POINTS)
    below = np.roll(frame, 5, axis=0) & ~ndimage.binary_dilation(frame)
    assert found.under[below].mean() < 0.9
    assert (found.under[frame] == 1).all(), "not on itself"
    lens = np.asarray(ndimage.binary_fill_holes(frame)) & ~frame
    assert 0.01 < found.glass[lens].max() <= 0.06
    assert not found.glass[~lens].any()
    assert found.gleam[frame].max() > 0.02
    assert not found.gleam[~frame].any()


def test_another_line_is_kept_and_nothing_else_changes() -> None:
    scar = spot(0.4, 0.9, 0.2, 0.02)
    for points in (POINTS, None):
        found = drawn(PHOTOGRAPH, lines(scar), points)
        assert (found.keep[scar] > 0.9).all()
        assert not found.keep[ndimage.distance_transform_edt(~scar) > 9].any()
        assert (found.under == 1).all()
        assert not found.glass.any()
        assert not found.gleam.any()


def test_a_line_takes_the_light_of_where_it_lies() -> None:
    photograph = np.full((SIDE, SIDE, 3), 0.2, np.float32)
    photograph[:, SIDE // 2 :] = 0.8
    line = np.zeros((SIDE, SIDE), np.float32)
    line[100:103, 20:-20] = 1
    light = drawn(photograph, line, None).light[101]
    assert light[-40] > 1.1
    assert light[40] < 0.9
