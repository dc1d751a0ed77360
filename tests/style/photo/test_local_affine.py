"""Smooth local affine and the refinement that follows it."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.style.photo.local_affine import local_models, refine_posterization, smooth_local_affine
from tests.support.style import Floats, photograph

CONTENT = photograph(1, 30, 34)
MATRIX = np.array([[0.8, 0.1, 0.0], [-0.1, 0.7, 0.2], [0.0, 0.3, 0.5]], np.float32)


def by_definition(content: Floats, result: Floats, y: int, x: int) -> Floats:
    """The published normal equations at one pixel."""
    part = np.s_[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
    ours = np.concatenate([content[part].reshape(-1, 3), np.ones((content[part].size // 3, 1))], axis=1)
    left = ours.T @ ours + np.diag([1e-3, 1e-3, 1e-3, 0])
    return np.asarray(np.linalg.solve(left, ours.T @ result[part].reshape(-1, 3)).T, np.float32)


@pytest.mark.parametrize(("y", "x"), [(0, 0), (12, 20), (29, 33), (5, 0)])
def test_models_are_the_published_least_squares(y: int, x: int) -> None:
    result = photograph(2, 30, 34)
    assert local_models(CONTENT, result)[y, x] == pytest.approx(by_definition(CONTENT, result, y, x), abs=1e-3)


def test_a_constant_part_takes_the_result_s_mean() -> None:
    flat = np.full((9, 9, 3), 0.5, np.float32)
    found = smooth_local_affine(flat, np.full((9, 9, 3), 0.25, np.float32), 3, 0.01)
    assert found == pytest.approx(0.25, abs=1e-3)


def test_an_affine_change_of_colours_stays() -> None:
    result = CONTENT @ MATRIX.T + 0.1
    assert np.abs(smooth_local_affine(CONTENT, result, 5, 0.05) - result).max() < 0.03


def test_noise_goes_and_the_content_s_detail_stays() -> None:
    clean = CONTENT @ MATRIX.T + 0.1
    noisy = clean + np.random.default_rng(0).normal(0, 0.05, clean.shape).astype(np.float32)
    found = smooth_local_affine(CONTENT, noisy, 9, 0.05)
    assert np.abs(found - clean).mean() < 0.4 * np.abs(noisy - clean).mean()


def test_maps_do_not_cross_an_edge_of_the_content() -> None:
    content = np.zeros((20, 20, 3), np.float32)
    content[:, 10:] = 1
    result = np.zeros((20, 20, 3), np.float32)
    result[:, 10:, 0] = 1
    found = smooth_local_affine(content, result, 6, 0.01)
    assert found[:, :9] == pytest.approx(0, abs=0.02)
    assert found[:, 11:, 0] == pytest.approx(1, abs=0.02)


def test_progress_may_end_the_work() -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        smooth_local_affine(CONTENT, CONTENT, 3, 0.01, stop)


def test_refinement_puts_detail_back_that_a_posterized_result_lost() -> None:
    steps = np.round(CONTENT * 6) / 6
    found = refine_posterization(steps.astype(np.float32), CONTENT)
    assert len(np.unique(found)) > 10 * len(np.unique(steps))
    assert np.abs(found.mean() - steps.mean()) < 0.01


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        smooth_local_affine(CONTENT, CONTENT[:-1])
