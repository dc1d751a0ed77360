"""Flattening and segments: the colours of a picture as an artist would lay them in."""

from __future__ import annotations

import numpy as np

from scumble_training.faces import flat_colours as cm

RED, BLUE, SAND = (0.8, 0.2, 0.1), (0.1, 0.2, 0.7), (0.8, 0.7, 0.5)


def picture(noise: float = 0.03, side: int = 64) -> np.ndarray:
    rgb = np.empty((side, side, 3), np.float32)
    rgb[:] = SAND
    rgb[: side // 2, : side // 2] = RED
    rgb[side // 2 :, side // 4 :] = BLUE
    return np.clip(rgb + np.random.default_rng(0).normal(0, noise, rgb.shape), 0, 1).astype(np.float32)


def test_flattening_keeps_edges_and_loses_noise() -> None:
    flat = cm.flattened(picture(), rounds=3)
    assert flat[4:28, 4:28].std(axis=(0, 1)).max() < 0.01
    assert abs(flat[10, 29, 0] - RED[0]) < 0.03
    assert abs(flat[10, 34, 0] - SAND[0]) < 0.03
    assert flat[10, 34, 1] - flat[10, 29, 1] > 0.4


def test_a_bilateral_filter_of_great_tolerance_is_a_gaussian() -> None:
    rgb = picture()
    mild, strong = cm.bilateral(rgb, 2.0, 0.05), cm.bilateral(rgb, 2.0, 10.0)
    edge = slice(28, 36)
    assert np.abs(np.diff(mild[10, edge, 1])).max() > 2 * np.abs(np.diff(strong[10, edge, 1])).max()


def test_segments_are_whole_and_have_their_median_colour() -> None:
    rgb = picture()
    found = cm.flat_colours(rgb, cm.flattened(rgb, rounds=2), segments=6, place=0.1)
    assert found.labels.dtype == np.uint8
    assert len(np.unique(found.labels)) == len(found.colours) <= 12
    shown = found.picture()
    for place, colour in (((10, 10), RED), ((50, 40), BLUE), ((10, 50), SAND)):
        assert np.abs(shown[place] - colour).max() < 0.03
    one = found.labels[10, 10]
    assert np.allclose(found.colours[one], np.median(rgb[found.labels == one], axis=0))


def test_a_flat_picture_of_another_size_will_do() -> None:
    rgb = picture()
    small = rgb.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    found = cm.flat_colours(rgb, cm.flattened(small, rounds=1), segments=6, place=0.1)
    assert found.labels.shape == (64, 64)
    assert np.abs(found.picture()[10, 10] - RED).max() < 0.04


def test_one_colour_alone() -> None:
    rgb = np.full((32, 32, 3), 0.25, np.float32)
    assert np.allclose(cm.flat_colours(rgb, rgb, segments=4).picture(), 0.25)
