"""The solve for strokes, on a model of four latents where every figure can be checked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scumble.faces.latent import fitting
from scumble.faces.latent.solver import NOISE, Base, Strokes, decoded, jacobian, solve
from tests.support.faces import SmallModel

START = torch.tensor([0.3, -0.2, 0.1, 0.4])


def base(model: SmallModel) -> Base:
    return Base(START, model.decode(START[None])[0], jacobian(model, START))


def painted(colour: float = 0.5) -> Strokes:
    weight = torch.zeros(8, 8)
    weight[2:4, 2:5] = 1
    return Strokes(torch.full((3, 8, 8), colour), weight)


def energy(model: SmallModel, start: Base, strokes: Strokes, z: torch.Tensor) -> torch.Tensor:
    away = (strokes.weight * (model.decode(z[None])[0] - strokes.colour) ** 2).sum() / NOISE**2
    return away + ((z - start.z) ** 2).sum()


def test_jacobian_is_that_of_small_steps() -> None:
    model = SmallModel()
    found = jacobian(model, START, at_once=3)
    step = 1e-3
    for k in range(4):
        moved = torch.zeros(4)
        moved[k] = step
        slope = (model.decode((START + moved)[None]) - model.decode((START - moved)[None])).flatten() / (2 * step)
        assert torch.allclose(found[:, k], slope, atol=1e-3)


def test_a_linear_model_is_solved_as_in_the_textbook() -> None:
    model = SmallModel(bend=0)
    start, strokes = base(model), painted()
    rows = strokes.weight.expand(3, 8, 8).flatten() > 0
    matrix = start.jacobian[rows]
    missing = (strokes.colour - start.picture).flatten()[rows]
    normal = matrix.T @ matrix / NOISE**2 + torch.eye(4)
    expected = START + torch.linalg.solve(normal, matrix.T @ missing / NOISE**2)
    assert torch.allclose(solve(model, start, strokes), expected, atol=1e-4)


def test_ends_where_nothing_is_better() -> None:
    model = SmallModel(bend=0.15)
    start, strokes = base(model), painted()
    z = solve(model, start, strokes, steps=60).requires_grad_()
    (gradient,) = torch.autograd.grad(energy(model, start, strokes, z), z)
    first = START.clone().requires_grad_()
    (before,) = torch.autograd.grad(energy(model, start, strokes, first), first)
    assert gradient.norm() < 0.02 * before.norm()


def test_no_stroke_changes_nothing() -> None:
    model = SmallModel()
    nothing = Strokes(torch.zeros(3, 8, 8), torch.zeros(8, 8))
    assert torch.equal(solve(model, base(model), nothing), START)


def test_what_should_stay_moves_less() -> None:
    model = SmallModel()
    start, strokes = base(model), painted()
    stay = 1 - strokes.weight
    free = model.decode(solve(model, start, strokes)[None])[0]
    held = model.decode(solve(model, start, Strokes(strokes.colour, strokes.weight, stay), staying=4)[None])[0]
    outside = stay > 0
    assert (held - start.picture)[:, outside].abs().mean() < 0.7 * (free - start.picture)[:, outside].abs().mean()


def test_more_steps_are_never_worse() -> None:
    model = SmallModel(bend=0.2)
    start, strokes = base(model), painted(0.8)
    values = [float(energy(model, start, strokes, solve(model, start, strokes, steps=n))) for n in (1, 2, 4, 8, 16)]
    assert values == sorted(values, reverse=True)


class TestFit:
    PICTURE = SmallModel().decode(torch.tensor([[1.0, -0.5, 0.7, 0.2]]))[0]

    def error(self, found: Base) -> float:
        return float(((found.picture - self.PICTURE) ** 2).mean())

    def test_the_latents_fit_better_than_the_encoder_says(self) -> None:
        model, weight = SmallModel(), torch.ones(8, 8)
        guess = fitting.fitted(model, self.PICTURE, weight, latents=False, last_layers=False)
        assert torch.equal(guess.z, fitting.encoded(model, self.PICTURE))
        assert self.error(fitting.fitted(model, self.PICTURE, weight, True, False)) < 0.5 * self.error(guess)

    def test_a_last_layer_of_its_own_fits_better_still(self) -> None:
        model, weight = SmallModel(), torch.ones(8, 8)
        noise = torch.from_numpy(np.random.default_rng(0).normal(0, 0.05, (3, 8, 8)).astype(np.float32))
        self.PICTURE = self.PICTURE + noise
        without = fitting.fitted(model, self.PICTURE, weight, True, False)
        found = fitting.fitted(model, self.PICTURE, weight, True, True)
        assert self.error(found) < self.error(without)
        assert found.correction is not None
        assert torch.allclose(decoded(model, found.z[None], found.correction)[0], found.picture)

    def test_the_last_layer_hardly_moves_with_the_latents(self) -> None:
        model, weight = SmallModel(), torch.ones(8, 8)
        found = fitting.fitted(model, self.PICTURE + 0.1, weight, True, True)
        near = found.z + 0.3
        plain = model.decode(near[None]) - model.decode(found.z[None])
        with_layer = decoded(model, near[None], found.correction)[0] - found.picture
        assert (with_layer - plain[0]).abs().mean() < 0.3 * plain.abs().mean()


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_weak_stroke_asks_for_less(scale: float) -> None:
    model = SmallModel()
    start, strokes = base(model), painted()
    full = solve(model, start, strokes)
    weak = solve(model, start, Strokes(strokes.colour, strokes.weight * 0.05 * scale))
    assert (weak - START).norm() < 0.9 * (full - START).norm()
