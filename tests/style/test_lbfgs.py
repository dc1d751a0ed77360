"""L-BFGS: against known minima, and where full steps would blow up."""

from __future__ import annotations

import pytest
import torch

from scumble.style.lbfgs import WIDEST, Lbfgs


def quadratic(x: torch.Tensor) -> tuple[float, torch.Tensor]:
    scales = torch.logspace(-1, 1, x.numel()).view_as(x)
    return float((scales * x.square()).sum()), 2 * scales * x


def rosenbrock(x: torch.Tensor) -> tuple[float, torch.Tensor]:
    a, b = x[0], x[1]
    value = (1 - a) ** 2 + 100 * (b - a**2) ** 2
    return float(value), torch.stack([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)])


def test_a_quadratic_is_solved_in_about_as_many_steps_as_it_has_curvatures() -> None:
    descent = Lbfgs(quadratic, torch.full((20,), 50.0), 30, 1.0)
    for _ in range(45):
        descent.step()
    assert descent.loss < 1e-6


def test_the_banana_valley_is_followed_to_its_end() -> None:
    descent = Lbfgs(rosenbrock, torch.tensor([-1.2, 1.0], dtype=torch.float64), 10, 0.1)
    losses = []
    for _ in range(80):
        descent.step()
        losses.append(descent.loss)
    assert losses == sorted(losses, reverse=True)
    assert descent.picture.tolist() == pytest.approx([1, 1], abs=1e-3)


def test_no_step_is_wider_than_the_limit() -> None:
    descent = Lbfgs(quadratic, torch.full((20,), 5000.0), 10, 1.0)
    for number in range(12):
        before = descent.picture
        descent.step()
        assert float((descent.picture - before).abs().mean()) <= min(WIDEST, 2.0**number) * 1.001


def test_without_a_search_it_goes_uphill_too() -> None:
    signs = iter([1.0, 2.0, 3.0, 4.0, 5.0])

    def rising(x: torch.Tensor) -> tuple[float, torch.Tensor]:
        return next(signs), torch.ones_like(x)

    descent = Lbfgs(rising, torch.zeros(4), 5, 1.0, search=False)
    descent.step()
    assert descent.loss == 2
    assert descent.picture.tolist() == [-1] * 4


def test_where_nothing_lowers_the_loss_it_stays_and_takes_shorter_steps() -> None:
    def wall(x: torch.Tensor) -> tuple[float, torch.Tensor]:
        return (0.0 if not x.any() else float("nan")), torch.ones_like(x)

    descent = Lbfgs(wall, torch.zeros(4), 5, 1.0)
    for _ in range(3):
        descent.step()
    assert descent.loss == 0
    assert not descent.picture.any()


def test_at_a_minimum_nothing_happens() -> None:
    descent = Lbfgs(quadratic, torch.zeros(3), 5, 1.0)
    descent.step()
    assert descent.loss == 0


def test_it_goes_on_from_another_picture() -> None:
    descent = Lbfgs(quadratic, torch.full((5,), 9.0), 5, 1.0)
    descent.step()
    descent.restart(torch.ones(5))
    assert descent.loss == pytest.approx(quadratic(torch.ones(5))[0])
