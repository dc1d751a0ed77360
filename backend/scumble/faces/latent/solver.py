"""Latents for a painted face: all strokes together, solved as a nonlinear least-squares problem.

The Neural Photo Editor (Brock et al., "Neural Photo Editing with Introspective Adversarial Networks", 2017, section 2) takes
one gradient step per brush event, so what comes out depends on how the strokes were painted. Here the strokes are data:

    E(z) = Σ s |x(z) − c|² / σ² + μ Σ o |x(z) − x(z₀)|² + |z − z₀|²,

with colours c under strokes of alpha s, a weight o for what should stay, and the prior that latents have unit variance.
It always starts at the photograph's own z₀, so the same strokes give the same result, whatever came before. The Gauss-Newton
matrix is built from the Jacobian at z₀, which is worked out once for a photograph; the gradients, but for the first, are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from .network import FaceModel

NOISE = 0.3
"""σ: how far, in −1 to 1, a stroke's colour may be off before the prior speaks up."""

CLOSE_ENOUGH = 1.5 / 255
"""A step that moves no value of the picture (−1 to 1) by more ends the solve."""

HALVINGS = 6
"""Of a step that leads uphill, before the solve gives up."""

DIFFERENCE = 0.05
"""Of a latent, for the Jacobian."""

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Base:
    """A photograph as the model knows it: what all strokes on it start from."""

    z: torch.Tensor
    """(K,): its latents."""

    picture: torch.Tensor
    """(3, h, w) in −1 to 1: what the model makes of them."""

    jacobian: torch.Tensor
    """(3 · h · w, K) at `z`."""

    correction: torch.Tensor | None = None
    """What the fit of the last layers adds (see `fitting`)."""


def decoded(model: FaceModel, z: torch.Tensor, correction: torch.Tensor | None) -> torch.Tensor:
    """(B, 3, h, w): the model's picture, with the photograph's own last layer where there is one."""
    if correction is None:
        return model.decode(z)
    features, picture = model.features(z)
    return picture + corrected(features, correction)


def corrected(features: torch.Tensor, correction: torch.Tensor) -> torch.Tensor:
    """(B, C, h, w) through the fitted 3 × 3 layer (3 · f², C · 9 + 1) → (B, 3, f · h, f · w)."""
    channels = features.shape[1]
    kernel = correction[:, :-1].view(-1, channels, 3, 3)
    factor = round((len(correction) / 3) ** 0.5)
    return functional.pixel_shuffle(functional.conv2d(features, kernel, correction[:, -1], padding=1), factor)


def jacobian(
    model: FaceModel, z: torch.Tensor, correction: torch.Tensor | None = None, at_once: int = 50
) -> torch.Tensor:
    """(3 · h · w, K): how the picture changes with each latent, by central differences.

    It only shapes the solve's steps, whose gradients are exact from the first step on; so differences, which every network allows, will do.
    """
    columns = []
    with torch.inference_mode():
        for directions in torch.split(torch.eye(len(z), device=z.device) * DIFFERENCE, at_once):
            ends = [decoded(model, z + sign * directions, correction) for sign in (1, -1)]
            columns.append((ends[0] - ends[1]).flatten(1) / (2 * DIFFERENCE))
        found = torch.cat(columns).T.contiguous()
    return found.clone()


@dataclass(frozen=True)
class Strokes:
    """What the artist wants, at the model's size."""

    colour: torch.Tensor
    """(3, h, w) in −1 to 1; anything where the weight is 0."""

    weight: torch.Tensor
    """(h, w), 0 to 1: the strokes' alpha."""

    stay: torch.Tensor | None = None
    """(h, w), 0 to 1: how much each pixel should stay as it is."""


def solve(
    model: FaceModel,
    base: Base,
    strokes: Strokes,
    steps: int = 12,
    staying: float = 1.0,
    progress: Progress | None = None,
) -> torch.Tensor:
    """(K,): the latents that minimise E, by Gauss and Newton's method with the Jacobian of the start, and L-BFGS on top.

    Parameters
    ----------
    steps
        At most; it ends earlier when the picture no longer moves.
    staying
        μ σ²: how much what should stay counts beside the strokes.
    """
    report = progress or (lambda fraction: None)
    pull = (strokes.weight / NOISE**2).expand(3, -1, -1)
    keep = torch.zeros_like(pull) if strokes.stay is None else (strokes.stay * staying / NOISE**2).expand(3, -1, -1)

    def energy(z: torch.Tensor) -> torch.Tensor:
        picture = decoded(model, z[None], base.correction)[0]
        away = (pull * (picture - strokes.colour) ** 2).sum() + (keep * (picture - base.picture) ** 2).sum()
        return away + ((z - base.z) ** 2).sum()

    # at the start what stays has not moved, and the Jacobian is at hand
    apart = pull * (base.picture - strokes.colour)
    value = (apart * (base.picture - strokes.colour)).sum()
    gradient = 2 * (apart.flatten() @ base.jacobian)

    weight = (pull + keep).flatten()
    # only the rows that count take part in the product
    rows = torch.nonzero(weight > 1e-4)[:, 0]
    chosen = base.jacobian[rows]
    normal = chosen.T @ (chosen * weight[rows, None]) + torch.eye(len(base.z), device=base.z.device)
    precondition = _Preconditioner(torch.linalg.cholesky(2 * normal))
    z = base.z.clone()
    for number in range(steps):
        report(number / steps)
        direction = -precondition(gradient)
        length = 1.0
        for _ in range(HALVINGS):
            trial = z + length * direction
            new, new_gradient = _with_gradient(energy, trial)
            if new <= value:
                break
            length /= 2
        else:
            break
        precondition.learn(trial - z, new_gradient - gradient)
        moved = float((base.jacobian @ (trial - z)).abs().max())
        z, value, gradient = trial, new, new_gradient
        if moved < CLOSE_ENOUGH:
            break
    report(1.0)
    return z


class _Preconditioner:
    """An approximate inverse of E's second derivatives: Gauss and Newton's at the start, improved by what the steps show.

    Liu and Nocedal, "On the limited memory BFGS method" (1989), algorithm 4.1, with the Gauss-Newton matrix as H₀.
    """

    def __init__(self, factor: torch.Tensor) -> None:
        self.factor = factor
        self.pairs: list[tuple[torch.Tensor, torch.Tensor, float]] = []

    def learn(self, step: torch.Tensor, change: torch.Tensor) -> None:
        """How the gradient changed over a step."""
        product = float(step @ change)
        if product > 1e-8:
            self.pairs.append((step, change, 1 / product))

    def __call__(self, gradient: torch.Tensor) -> torch.Tensor:
        shares = []
        q = gradient
        for step, change, scale in reversed(self.pairs):
            share = scale * (step @ q)
            q = q - share * change
            shares.append(share)
        q = torch.cholesky_solve(q[:, None], self.factor)[:, 0]
        for (step, change, scale), share in zip(self.pairs, reversed(shares), strict=True):
            q = q + step * (share - scale * (change @ q))
        return q


def _with_gradient(
    energy: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.enable_grad():
        place = z.detach().requires_grad_()
        value = energy(place)
        (gradient,) = torch.autograd.grad(value, place)
    return value.detach(), gradient
