"""The guided filter against its definition, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scumble.vision.guided_filter import apply, box_mean, coefficients, guided_filter

Floats = NDArray[np.float32]


def noise(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def by_definition(guide: Floats, values: Floats, radius: int, epsilon: float, weight: Floats) -> Floats:
    """Equations 19 to 21 of the paper, window by window."""
    height, width, _ = guide.shape
    models = np.zeros((height, width, values.shape[2], guide.shape[2] + 1))
    for y in range(height):
        for x in range(width):
            part = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            colours = guide[part].reshape(-1, guide.shape[2]).astype(np.float64)
            goals = values[part].reshape(-1, values.shape[2]).astype(np.float64)
            share = weight[part].ravel().astype(np.float64)
            share /= share.sum()
            mean, goal = share @ colours, share @ goals
            covariance = (colours - mean).T @ ((colours - mean) * share[:, None]) + epsilon * np.eye(guide.shape[2])
            slope = np.linalg.solve(covariance, (colours - mean).T @ ((goals - goal) * share[:, None]))
            models[y, x] = np.concatenate([slope.T, (goal - mean @ slope)[:, None]], axis=1)
    out = np.zeros(values.shape)
    for y in range(height):
        for x in range(width):
            part = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            share = weight[part] / weight[part].sum()
            model = (models[part] * share[..., None, None]).sum(axis=(0, 1))
            out[y, x] = model @ np.append(guide[y, x], 1)
    return out.astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_is_what_the_paper_defines(channels: int) -> None:
    guide, values, weight = noise(9, 12, channels), noise(9, 12, 2, seed=1), noise(9, 12, seed=2) + 0.1
    found = guided_filter(guide, values, 2, 1e-2, weight)
    assert np.abs(found - by_definition(guide, values, 2, 1e-2, weight)).max() < 1e-4


def test_an_affine_function_of_the_guide_stays_as_it_is() -> None:
    guide = noise(40, 30, 3)
    values = (guide @ noise(3, 3, seed=1) + 0.3).astype(np.float32)
    assert np.abs(guided_filter(guide, values, 5, 1e-7) - values).max() < 1e-3


def test_keeps_the_guide_s_edge_and_smooths_the_rest() -> None:
    guide = np.zeros((40, 40, 1), np.float32)
    guide[:, 20:] = 1
    noisy = guide + 0.2 * (noise(40, 40, 1) - 0.5)
    found = guided_filter(guide, noisy, 4, 1e-4)
    assert found[:, 18:22].reshape(-1, 4)[:, [1, 2]] == pytest.approx(np.tile([0, 1], (40, 1)), abs=0.06)
    assert found[:, :15].std() < 0.3 * noisy[:, :15].std()


def test_pixels_without_weight_count_for_nothing() -> None:
    guide, values = noise(20, 20, 3), np.ones((20, 20, 1), np.float32)
    values[:, 12:] = 100
    weight = np.ones((20, 20), np.float32)
    weight[:, 12:] = 0
    assert guided_filter(guide, values, 2, 1e-3, weight)[:, :12] == pytest.approx(1, abs=1e-2)


def test_coefficients_applied_are_the_filter() -> None:
    guide, values = noise(12, 10, 3), noise(12, 10, 2, seed=3)
    matrix, offset = coefficients(guide, values, 3, 1e-3)
    assert matrix.shape == (12, 10, 2, 3)
    assert np.array_equal(apply(matrix, offset, guide), guided_filter(guide, values, 3, 1e-3))


def test_box_mean_at_the_border_is_of_what_is_there() -> None:
    plane = noise(7, 9)
    found = box_mean(plane, 2)
    assert found[0, 0] == pytest.approx(plane[:3, :3].mean(), abs=1e-6)
    assert found[3, 8] == pytest.approx(plane[1:6, 6:].mean(), abs=1e-6)


@pytest.mark.parametrize(("radius", "epsilon"), [(0, 1e-3), (2, 0.0)])
def test_senseless_windows_are_refused(radius: int, epsilon: float) -> None:
    with pytest.raises(ValueError, match="radius"):
        guided_filter(noise(5, 5, 1), noise(5, 5, 1), radius, epsilon)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        guided_filter(noise(5, 5, 1), noise(5, 6, 1), 1, 1e-3)
