"""Colours of one set given the distribution of another: Lab, linear, iterative and one-dimensional transport."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scumble.style.colour_transfer import (
    iterative_transport,
    lab_to_rgb,
    linear_transport,
    monotone,
    quantiles,
    rgb_to_lab,
    sliced_wasserstein,
)


def cloud(seed: int, count: int = 4000) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((count, 3)) @ rng.uniform(-12, 12, (3, 3)) + rng.uniform(-30, 50, 3)
    return mixed.astype(np.float32)


class TestLab:
    @pytest.mark.parametrize(
        ("rgb", "lab"),
        [  # values of sRGB's primaries under D65, as colour science tables give them
            ((1, 1, 1), (100, 0, 0)),
            ((0, 0, 0), (0, 0, 0)),
            ((1, 0, 0), (53.24, 80.09, 67.20)),
            ((0, 1, 0), (87.73, -86.18, 83.18)),
            ((0, 0, 1), (32.30, 79.19, -107.86)),
        ],
    )
    def test_known_colours(self, rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
        assert rgb_to_lab(np.array(rgb, np.float32)) == pytest.approx(lab, abs=0.03)

    def test_there_and_back_also_beyond_the_ends(self) -> None:
        rgb = np.random.default_rng(0).uniform(-0.2, 1.5, (50, 40, 3)).astype(np.float32)
        assert np.abs(lab_to_rgb(rgb_to_lab(rgb)) - rgb).max() < 2e-4


class TestMonotone:
    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(st.integers(0, 10**6), st.booleans())
    def test_never_falls(self, seed: int, coarse: bool) -> None:
        rng = np.random.default_rng(seed)
        source = rng.standard_normal(300).astype(np.float32)
        if coarse:  # many equal values
            source = np.round(source)
        curve = monotone(source, rng.gamma(2, 3, 200).astype(np.float32))
        values = curve(np.sort(np.concatenate([source, rng.uniform(-9, 9, 50).astype(np.float32)])))
        assert (np.diff(values) >= -1e-4).all()

    def test_gives_the_target_s_distribution(self) -> None:
        rng = np.random.default_rng(1)
        source, target = rng.standard_normal(5000).astype(np.float32), rng.gamma(2, 3, 3000).astype(np.float32)
        places = np.linspace(0.02, 0.98, 30)
        moved = monotone(source, target)(source)
        assert quantiles(moved, places) == pytest.approx(quantiles(target, places), abs=0.05)

    def test_gains_bound_the_slope_and_keep_the_mean(self) -> None:
        rng = np.random.default_rng(2)
        source, target = rng.uniform(0, 1, 5000).astype(np.float32), rng.uniform(0, 1, 5000).astype(np.float32) ** 8
        curve = monotone(source, target, gains=(0.5, 2.0))
        slopes = np.diff(curve.end) / np.diff(curve.start)
        assert slopes.min() > 0.49
        assert slopes.max() < 2.01
        assert curve(source).mean() == pytest.approx(target.mean(), abs=0.01)

    def test_a_single_colour_goes_to_the_target_s_mean(self) -> None:
        curve = monotone(np.full(10, 3, np.float32), np.array([1, 5], np.float32))
        assert curve(np.array([3], np.float32)) == pytest.approx([3.0])

    def test_no_samples_are_refused(self) -> None:
        with pytest.raises(ValueError, match="samples"):
            monotone(np.empty(0, np.float32), np.ones(3, np.float32))


class TestTransport:
    def test_linear_gives_mean_and_covariance(self) -> None:
        source, target = cloud(1), cloud(2)
        moved = linear_transport(source, target)(source)
        assert moved.mean(axis=0) == pytest.approx(target.mean(axis=0), abs=0.05)
        wanted = np.cov(target.T)
        assert np.linalg.norm(np.cov(moved.T) - wanted) < 0.05 * np.linalg.norm(wanted)

    def test_linear_is_symmetric_so_it_is_the_optimal_one(self) -> None:
        matrix = linear_transport(cloud(3), cloud(4)).matrix
        assert matrix == pytest.approx(matrix.T, abs=1e-3)
        assert (np.linalg.eigvalsh(matrix) > 0).all()

    def test_linear_moves_a_flat_colour_onto_the_mean(self) -> None:
        flat = np.full((50, 3), 7, np.float32)
        assert linear_transport(flat, cloud(5))(flat)[0] == pytest.approx(cloud(5).mean(axis=0), abs=1e-2)

    def test_iterative_matches_what_no_linear_map_can(self) -> None:
        source = cloud(6)
        target = np.concatenate([cloud(7, 2000) / 4, cloud(8, 2000) / 4 + 60]).astype(np.float32)  # two heaps
        linear = sliced_wasserstein(linear_transport(source, target)(source), target)
        moved = iterative_transport(source, target, steps=12)(source)
        assert sliced_wasserstein(moved, target) < 0.25 * linear

    def test_same_seed_same_map(self) -> None:
        one, two, other = (iterative_transport(cloud(1), cloud(2), 3, seed)(cloud(1)) for seed in (4, 4, 5))
        assert np.array_equal(one, two)
        assert not np.array_equal(one, other)


class TestSlicedWasserstein:
    def test_a_shift_is_as_far_as_its_mean_projection(self) -> None:
        # the mean of |cos| over the sphere is 1/2
        assert sliced_wasserstein(cloud(1), cloud(1) + np.array([10, 0, 0], np.float32), 4096) == pytest.approx(
            5, rel=0.05
        )

    def test_nothing_between_equal_sets_of_any_size(self) -> None:
        assert sliced_wasserstein(cloud(1), cloud(1)) == 0
        assert sliced_wasserstein(cloud(1), np.repeat(cloud(1), 2, axis=0)) < 0.05
