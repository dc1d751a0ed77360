"""The Introspective Adversarial Network's layers against slow references, and both networks as wholes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scumble.faces.latent.ian import Ian, IanSimple
from scumble.faces.latent.ian_layers import (
    AutoregressiveDense,
    IanDeconvolution,
    MinibatchDiscrimination,
    MultiscaleDilated,
    RgbBeta,
    latent_order,
)

WIDTH = 4


def dilated_reference(x: np.ndarray, weight: np.ndarray, shares: np.ndarray, scales: tuple[int, ...]) -> np.ndarray:
    """MDC by loops: cross-correlation at each dilation, the mean kernel for scale 0."""
    filters, _, _, _ = weight.shape
    _, height, width = x.shape
    out = np.zeros((filters, height, width))
    for share, scale in zip(shares, (1, *scales), strict=True):
        for f in range(filters):
            for row in range(height):
                for column in range(width):
                    if scale == 0:
                        out[f, row, column] += share[f] * (weight[f].mean((1, 2)) * x[:, row, column]).sum()
                        continue
                    for i in range(3):
                        for j in range(3):
                            y, z = row + (i - 1) * scale, column + (j - 1) * scale
                            if 0 <= y < height and 0 <= z < width:
                                out[f, row, column] += share[f] * (weight[f, :, i, j] * x[:, y, z]).sum()
    return out


@pytest.mark.parametrize("scales", [(0, 2), (0, 2, 3), (2, 3, 4)])
def test_multiscale_dilated(scales: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer = MultiscaleDilated(3, 2, scales)
    assert torch.allclose(layer.coefficients, torch.tensor(1 / (1 + len(scales))))
    with torch.no_grad():
        layer.coefficients.copy_(torch.rand(1 + len(scales), 2))
        x = torch.randn(1, 3, 7, 6)
        expected = dilated_reference(x[0].numpy(), layer.weight.numpy(), layer.coefficients.numpy(), scales)
        assert np.allclose(layer(x)[0].numpy(), expected, atol=1e-5)


class TestMade:
    def test_each_output_depends_only_on_what_comes_before(self) -> None:
        torch.manual_seed(0)
        made, order = AutoregressiveDense(12), latent_order(12)
        slopes = torch.autograd.functional.jacobian(lambda z: made(z[None])[0], torch.randn(12))  # type: ignore[no-untyped-call]
        for row in range(12):
            for column in range(12):
                if order[column] >= order[row]:
                    assert slopes[row, column] == 0
        assert (slopes != 0).any()

    def test_the_order_is_a_shuffle_that_is_always_the_same(self) -> None:
        assert sorted(latent_order(100)) == list(range(100))
        assert np.array_equal(latent_order(100), latent_order(100))
        assert not np.array_equal(latent_order(100), np.arange(100))

    def test_hidden_units_see_the_first_latent_alone(self) -> None:
        made, order = AutoregressiveDense(10), latent_order(10)
        assert torch.equal(made.input_mask.sum(0) > 0, torch.from_numpy(order == 0))


def test_minibatch_discrimination_by_definition() -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(5, kernels=3, dimensions=2)
    x = torch.randn(4, 5)
    weight = layer.theta / (layer.theta**2).sum(0).sqrt() * layer.log_scale.exp()
    places = torch.einsum("bi,ikd->bkd", x, weight)
    for i in range(4):
        for k in range(3):
            total = torch.stack([torch.exp(-(places[i, k] - places[j, k]).abs().sum()) for j in range(4) if j != i])
            assert torch.allclose(layer(x)[i, 5 + k], total.sum() - 1, atol=1e-6)
    assert torch.equal(layer(x)[:, :5], x)


def test_colours_are_means_of_beta_distributions() -> None:
    layer, x = RgbBeta(4), torch.randn(2, 4, 6, 6)
    found = layer(x)
    red = torch.sigmoid(layer.red(x))
    assert torch.allclose(found[:, 0], 2 * red[:, 0] / (red[:, 0] + red[:, 1]) - 1, atol=1e-5)
    assert found.abs().max() <= 1


def test_deconvolutions_double_exactly() -> None:
    layer = IanDeconvolution(3, 2).eval()
    assert layer(torch.randn(1, 3, 5, 7)).shape == (1, 2, 10, 14)


@pytest.mark.parametrize("kind", [Ian, IanSimple])
def test_networks(kind: type[Ian] | type[IanSimple]) -> None:
    torch.manual_seed(0)
    network = kind(WIDTH, latents=9)
    pictures = torch.rand(3, 3, 64, 64) * 2 - 1
    features = network.introspect(pictures)
    assert [tuple(f.shape[1:]) for f in features] == [(4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4)]
    mean, log_sigma = network.posterior(features[-1])
    assert mean.shape == log_sigma.shape == (3, 9)
    assert network.judged(features[-1]).shape == (3, 3 if kind is Ian else 1)
    shown = network.decode(network.encode(pictures))
    assert shown.shape == pictures.shape
    assert shown.abs().max() <= 1
    assert torch.equal(network.features(mean)[1], network.decode(mean))


def test_published_sizes() -> None:
    """Millions of weights as the files' sizes say: 205 MB and 206 MB of float32."""
    with torch.device("meta"):
        simple = IanSimple()
    assert sum(p.numel() for p in simple.parameters()) * 4 == pytest.approx(205.2e6, rel=0.1)
