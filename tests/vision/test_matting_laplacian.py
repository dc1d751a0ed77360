"""The matting Laplacian against its definition and pymatting, and the systems that are solved with it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pymatting import cf_laplacian

from scumble.vision.matting_laplacian import matting_laplacian, smooth_solution
from tests.support.matting import by_definition, photograph

Floats = NDArray[np.float64]


@pytest.mark.parametrize(("channels", "radius"), [(3, 1), (3, 2), (1, 1)])
def test_is_what_the_paper_defines(channels: int, radius: int) -> None:
    picture = photograph(14, 70, channels)  # wider than high, higher than one strip of rows would be a mistake
    found = matting_laplacian(picture, 1e-5, radius)
    assert abs(found - by_definition(picture, 1e-5, radius)).max() < 1e-8


def test_many_rows_come_out_as_few_do() -> None:
    picture = photograph(101, 20)
    assert abs(matting_laplacian(picture, 1e-5) - by_definition(picture, 1e-5)).max() < 1e-8


def test_agrees_with_pymatting() -> None:
    # pymatting adds epsilon before it divides by the window's pixels: the same regularization
    picture = photograph(60, 80)
    assert abs(matting_laplacian(picture, 1e-5) - cf_laplacian(picture, 1e-5)).max() < 1e-8


def test_is_symmetric_positive_and_blind_to_constants() -> None:
    laplacian = matting_laplacian(photograph(12, 11), 1e-7).toarray()
    assert np.array_equal(laplacian, laplacian.T)
    assert np.linalg.eigvalsh(laplacian).min() > -1e-6
    assert np.abs(laplacian.sum(axis=1)).max() < 1e-6


def test_an_affine_function_of_the_colours_costs_nothing() -> None:
    picture = photograph(30, 40)
    laplacian = matting_laplacian(picture, 1e-7)
    flat = picture.reshape(-1, 3)
    affine = flat @ np.array([0.4, -1.0, 0.7]) + 0.2
    other = np.random.default_rng(1).random(len(flat))
    assert affine @ (laplacian @ affine) < 1e-4 * (other @ (laplacian @ other))


def test_a_flat_picture_gives_finite_numbers() -> None:
    assert np.isfinite(matting_laplacian(np.full((9, 9, 3), 0.5), 1e-7).data).all()
    assert np.isfinite(matting_laplacian(np.full((9, 9, 3), 0.5), 0).data).all()


@pytest.mark.parametrize(
    ("picture", "epsilon", "radius"),
    [
        (np.zeros((9, 9)), 1e-7, 1),
        (np.zeros((9, 9, 2)), 1e-7, 1),
        (np.zeros((2, 9, 3)), 1e-7, 1),
        (np.zeros((9, 9, 3)), -1.0, 1),
        (np.zeros((9, 9, 3)), 1e-7, 0),
    ],
)
def test_senseless_input_is_refused(picture: Floats, epsilon: float, radius: int) -> None:
    with pytest.raises(ValueError, match=r"picture|windows|epsilon"):
        matting_laplacian(picture, epsilon, radius)


class TestSolution:
    def test_reaches_a_millionth_and_solves_the_system(self) -> None:
        picture = photograph(40, 50)
        laplacian = matting_laplacian(picture, 1e-4)
        goal = np.random.default_rng(0).random((2000, 3))
        weight = np.full(2000, 0.05)
        found, residual = smooth_solution(laplacian, goal, weight, 1e-6)
        assert residual <= 1e-6
        exact = np.linalg.solve(laplacian.toarray() + np.diag(weight), weight[:, None] * goal)
        assert np.abs(found - exact).max() < 1e-3

    def test_pixels_without_weight_follow_their_colours(self) -> None:
        picture = np.zeros((20, 20, 3))
        picture[:, 10:] = 0.8
        picture += 0.002 * np.random.default_rng(0).standard_normal(picture.shape)
        goal = (picture[..., :1] > 0.4).reshape(-1, 1).astype(float)
        weight = np.zeros(400)
        weight[[25, 215]] = 100  # one pixel of either half
        weight[[35]] = 100
        found, _ = smooth_solution(matting_laplacian(picture, 1e-4), goal, weight, 1e-8)
        halves = found.reshape(20, 20)
        assert halves[:, :9].mean() == pytest.approx(0, abs=0.05)
        assert halves[:, 11:].mean() == pytest.approx(1, abs=0.05)

    def test_progress_rises_and_may_end_the_work(self) -> None:
        laplacian = matting_laplacian(photograph(30, 30), 1e-4)
        seen: list[float] = []
        smooth_solution(laplacian, np.random.default_rng(0).random((900, 1)), np.full(900, 0.1), progress=seen.append)
        assert 0 <= seen[0] < 0.1
        assert seen[-1] == pytest.approx(1)

        def stop(fraction: float) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            smooth_solution(laplacian, np.ones((900, 1)), np.ones(900), progress=stop)

    def test_weights_are_needed(self) -> None:
        laplacian = matting_laplacian(photograph(9, 9), 1e-4)
        with pytest.raises(ValueError, match="positive"):
            smooth_solution(laplacian, np.ones((81, 1)), np.zeros(81))
        with pytest.raises(ValueError, match="do not fit"):
            smooth_solution(laplacian, np.ones((80, 1)), np.ones(81))
