"""The published losses by hand."""

from __future__ import annotations

import pytest
import torch

from scumble.vision.vgg.network import Vgg, random_weights
from scumble_training.inpainting.losses import (
    WEIGHTS,
    PartialLoss,
    gram,
    hinge_discriminator,
    hinge_generator,
    total_variation,
)

LOSS = PartialLoss(Vgg(random_weights((1, 1, 1), (3, 4, 5))))


def pictures() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    out, truth = (torch.rand(2, 3, 24, 24, generator=generator) for _ in range(2))
    hole = torch.zeros(2, 1, 24, 24)
    hole[..., 6:14, 8:18] = 1
    return out, truth, hole


def test_the_weights_are_the_paper_s() -> None:
    assert WEIGHTS == {"valid": 1, "hole": 6, "perceptual": 0.05, "style": 120, "variation": 0.1}
    out, truth, hole = pictures()
    terms = LOSS.terms(out, truth, hole)
    assert float(LOSS(out, truth, hole)) == pytest.approx(
        sum(WEIGHTS[n] * float(v) for n, v in terms.items()), rel=1e-5
    )


def test_terms() -> None:
    out, truth, hole = pictures()
    terms = LOSS.terms(out, truth, hole)
    difference = (out - truth).abs()
    assert torch.allclose(terms["hole"], (difference * hole).sum() / difference.numel())
    assert torch.allclose(terms["valid"], (difference * (1 - hole)).sum() / difference.numel())
    composed = torch.where(hole > 0, out, truth)
    a, b, c = (LOSS.features(x, ["pool1", "pool2", "pool3"]) for x in (out, composed, truth))
    perceptual = sum((a[k] - c[k]).abs().mean() + (b[k] - c[k]).abs().mean() for k in a)
    style = sum((gram(a[k]) - gram(c[k])).abs().mean() + (gram(b[k]) - gram(c[k])).abs().mean() for k in a)
    assert torch.allclose(terms["perceptual"], torch.as_tensor(perceptual), rtol=1e-4)
    assert torch.allclose(terms["style"], torch.as_tensor(style), rtol=1e-4)


def test_the_truth_costs_its_own_variation_only() -> None:
    _, truth, hole = pictures()
    terms = {name: float(value) for name, value in LOSS.terms(truth, truth, hole).items()}
    assert terms.pop("variation") > 0
    assert all(value == pytest.approx(0, abs=1e-6) for value in terms.values())


def test_gram_is_divided_by_everything() -> None:
    x = torch.rand(1, 2, 3, 4)
    flat = x.view(2, 12)
    assert torch.allclose(gram(x)[0], flat @ flat.T / 24)


def test_variation_counts_in_the_hole_grown_by_a_pixel() -> None:
    hole = torch.zeros(1, 1, 10, 10)
    hole[..., 4:6, 4:6] = 1
    x = torch.zeros(1, 1, 10, 10)
    x[..., 3, 3] = 1  # in the grown hole, with two neighbours in it
    assert float(total_variation(x, hole)) == pytest.approx(2 / 90)
    x = torch.zeros(1, 1, 10, 10)
    x[..., 1, 1] = 1
    assert float(total_variation(x, hole)) == 0


def test_hinge() -> None:
    real, made = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])
    assert float(hinge_discriminator(real, made)) == pytest.approx(0.5 * (0.25 + 0.5))
    assert float(hinge_generator(made)) == pytest.approx(1.5)
