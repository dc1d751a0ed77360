"""Similarity transforms between points, frames, and pictures brought into them."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.faces.detection.alignment import (
    aligned,
    applied,
    eye_centres,
    eye_distance,
    inner_frame,
    inverse,
    scale_of,
    similarity,
    tilt_of,
)
from scumble.faces.detection.model_frame import model_frame

POINTS = np.random.default_rng(0).random((49, 2))


def turned(points: np.ndarray, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(scale * points @ turn.T + shift)


@pytest.mark.parametrize("degrees", [-150, -30, 0, 30, 90])
def test_similarity_finds_the_transform_again(degrees: float) -> None:
    matrix = similarity(POINTS, turned(POINTS, degrees, 73.0, (5, -8)))
    assert scale_of(matrix) == pytest.approx(73)
    assert tilt_of(matrix) == pytest.approx(degrees)
    assert np.allclose(applied(matrix, POINTS), turned(POINTS, degrees, 73.0, (5, -8)))


def test_similarity_is_the_best_of_all() -> None:
    rng = np.random.default_rng(1)
    target = turned(POINTS, 12, 40, (3, 4)) + rng.normal(0, 1, POINTS.shape)
    matrix = similarity(POINTS, target)

    def error(m: np.ndarray) -> float:
        return float(((applied(m, POINTS) - target) ** 2).sum())

    for _ in range(20):
        angle, scale = rng.normal(0, 0.01), 1 + rng.normal(0, 0.01)
        other = matrix.copy()
        other[:, :2] = other[:, :2] @ (
            scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        )
        other[:, 2] += rng.normal(0, 0.1, 2)
        assert error(other) > error(matrix)


def test_weights_count() -> None:
    target = turned(POINTS, 0, 10, (0, 0))
    target[0] += 100
    weight = np.ones(49)
    weight[0] = 0
    assert scale_of(similarity(POINTS, target, weight)) == pytest.approx(10)


@pytest.mark.parametrize("source", [np.zeros((49, 2)), np.ones((3, 2))])
def test_points_that_give_no_transform(source: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"one place|do not fit"):
        similarity(source, POINTS)


def test_inverse_and_inner_frames() -> None:
    matrix = similarity(POINTS, turned(POINTS, 20, 30, (1, 2)))
    assert np.allclose(applied(inverse(matrix), applied(matrix, POINTS)), POINTS)
    inner = inner_frame(matrix, 0.5, (0.25, 0.75))
    assert np.allclose(applied(inner, np.array([[0.5, 0.5]])), applied(matrix, np.array([[0.25, 0.75]])))
    assert scale_of(inner) == pytest.approx(15)
    assert scale_of(model_frame(matrix, 2.0)) == pytest.approx(2 * scale_of(model_frame(matrix)))


def test_eyes() -> None:
    points = np.zeros((49, 2))
    points[19:25], points[25:31] = (10, 5), (13, 9)
    assert eye_distance(points) == pytest.approx(5)
    assert np.allclose(eye_centres(points)[1], (13, 9))


class TestAligned:
    def test_pixels_for_pixels(self) -> None:
        picture = np.random.default_rng(2).random((20, 30, 3)).astype(np.float32)
        matrix = np.array([[8.0, 0, 7], [0, 8, 5]])
        assert np.allclose(aligned(picture, matrix, 8), picture[5:13, 7:15], atol=1e-6)

    def test_a_quarter_turn(self) -> None:
        picture = np.random.default_rng(3).random((16, 16, 2)).astype(np.float32)
        matrix = np.array([[0.0, -16, 16], [16, 0, 0]])
        assert np.allclose(aligned(picture, matrix, 16), np.rot90(picture, 1), atol=1e-5)

    def test_fine_stripes_become_gray(self) -> None:
        picture = np.zeros((64, 64, 1), np.float32)
        picture[::2] = 1
        small = aligned(picture, np.array([[64.0, 0, 0], [0, 64, 0]]), 8)
        assert np.abs(small[1:-1] - 0.5).max() < 0.05

    def test_beyond_the_border_the_last_pixels_go_on(self) -> None:
        picture = np.full((5, 5, 1), 0.3, np.float32)
        assert np.allclose(aligned(picture, np.array([[50.0, 0, -100], [0, 50, 70]]), 4), 0.3)
