"""Where a picture shows nothing: which pixels count, and how it is carried on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scumble.imaging.unseen import continued, opacity, solid

SEEDS = st.integers(0, 2**16)
SIDES = st.integers(1, 17)


def scene(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    alpha = rng.choice([0, 0.2, 0.5, 1], (height, width)).astype(np.float32)
    return rng.random((height, width, 3), np.float32), alpha


class TestContinued:
    @settings(deadline=None)
    @given(SIDES, SIDES, SEEDS)
    def test_hidden_colours_make_no_difference_and_solid_ones_stay(self, height: int, width: int, seed: int) -> None:
        rgb, alpha = scene(height, width, seed)
        other = rgb.copy()
        other[alpha == 0] = 9
        found = continued(other, alpha)
        if alpha.any():
            assert np.array_equal(found, continued(rgb, alpha))
            assert found.max() <= rgb[alpha > 0].max() + 1e-5
            assert found.min() >= rgb[alpha > 0].min() - 1e-5
        assert np.array_equal(found[solid(alpha)], rgb[solid(alpha)])

    def test_an_opaque_picture_comes_back_itself(self) -> None:
        rgb = np.random.default_rng(0).random((5, 7, 3), np.float32)
        assert continued(rgb, np.ones((5, 7), np.float32)) is rgb
        assert continued(rgb, np.full((5, 7), 0.3, np.float32)) is rgb

    def test_a_ramp_goes_on_between_what_is_seen(self) -> None:
        rgb = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], 3, axis=2).repeat(64, axis=0)
        alpha = np.ones((64, 64), np.float32)
        alpha[24:40, 24:40] = 0
        hidden = np.where(alpha[..., None] > 0, rgb, 0)
        assert np.abs(continued(hidden, alpha) - rgb).max() < 0.12

    def test_a_mean_counts_by_alpha(self) -> None:
        rgb = np.array([[[0, 0, 0], [1, 1, 1], [0, 0, 0], [0, 0, 0]]], np.float32)
        alpha = np.array([[1, 0.25, 0, 0]], np.float32)
        assert continued(rgb, alpha)[0, 3] == pytest.approx([0.2] * 3, abs=1e-6)


def test_solid_is_beside_the_most_opaque() -> None:
    alpha = np.array([[0, 0.1, 0.2, 0.4]], np.float32)
    assert solid(alpha).tolist() == [[False, False, True, True]]
    assert solid(alpha, np.array([[True, True, False, False]])).tolist() == [[False, True, True, True]]
    assert not solid(np.zeros((2, 2), np.float32)).any()


def test_opacity_is_that_of_most() -> None:
    alpha = np.array([[0.3, 0.4, 0.4, 1]], np.float32)
    assert opacity(alpha, alpha < 1) == pytest.approx(0.4)
    assert opacity(alpha, alpha > 1) == 1
