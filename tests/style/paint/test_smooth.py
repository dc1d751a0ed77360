"""The style network: what a style changes, any size, and strips that agree with the whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from scumble.style.paint import smooth
from scumble.style.paint.smooth import code_of, paint_smoothly
from scumble.style.paint.style_network import CODE, MULTIPLE, REACH, Statistics, StyleNetwork


@pytest.fixture
def network() -> StyleNetwork:
    """Untrained, but for a last convolution that lets its changes be seen."""
    torch.manual_seed(0)
    made = StyleNetwork()
    torch.nn.init.normal_(made.last.weight, std=0.1)
    return made.eval()


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def code(network: StyleNetwork, seed: int = 5) -> Tensor:
    with torch.inference_mode():
        return code_of(network, [picture(40, 50, seed) ** (1 + seed)], [1.0])


def test_it_is_small_enough() -> None:
    assert 2 * sum(tensor.numel() for tensor in StyleNetwork().state_dict().values()) <= 3_000_000


def test_a_new_network_leaves_the_picture_as_it_is() -> None:
    network = StyleNetwork().eval()
    given = picture(32, 40)
    with torch.inference_mode():
        assert torch.equal(network(given, torch.ones(1, CODE)), given)


def test_styles_differ(network: StyleNetwork) -> None:
    given = picture(48, 48)
    with torch.inference_mode():
        one, other = (paint_smoothly(network, given, code(network, seed)) for seed in (1, 6))
    assert float((one - other).abs().mean()) > 1e-3


def test_shares_mix_styles(network: StyleNetwork) -> None:
    styles = [picture(40, 50, 1), picture(30, 60, 2) ** 3]
    with torch.inference_mode():
        one, other = (code_of(network, [style], [1.0]) for style in styles)
        assert torch.allclose(code_of(network, styles, [0.25, 0.75]), 0.25 * one + 0.75 * other, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (33, 47), (64, 32), (9, 100)])
def test_every_size(network: StyleNetwork, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        found = paint_smoothly(network, picture(*size), code(network))
    assert found.shape == (1, 3, *size)
    assert bool(((found >= 0) & (found <= 1)).all())


@pytest.mark.parametrize("size", [(1, 1), (2, 300)])
def test_every_size_of_a_style(network: StyleNetwork, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        assert bool(code_of(network, [picture(*size)], [1.0]).isfinite().all())


def test_nothing_beyond_the_reach_matters(network: StyleNetwork) -> None:
    given = picture(REACH + 64, 32)
    changed = given.clone()
    changed[:, :, :MULTIPLE] = 1 - changed[:, :, :MULTIPLE]
    known = Statistics()
    with torch.inference_mode():
        before = network(given, code(network), known)
        after = network(changed, code(network), known.again())
    assert torch.equal(before[:, :, REACH + MULTIPLE :], after[:, :, REACH + MULTIPLE :])
    assert not torch.equal(before, after)


def test_strips_have_no_seams(network: StyleNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    given = picture(4 * REACH + 50, 52)
    told: list[float] = []
    monkeypatch.setattr(smooth, "AT_ONCE", 56 * (3 * REACH))
    style = code(network)
    with torch.inference_mode():
        in_strips = paint_smoothly(network, given, style, told.append)
        padded = torch.nn.functional.pad(given, (0, 4, 0, 6), mode="replicate")
        known = smooth._sampled_statistics(network, padded, style)
        whole = network(padded, style, known.again())[:, :, :-6, :-4].clamp(0, 1)
    assert len(told) > 3
    assert told[-1] == 1
    assert float((in_strips - whole).abs().max()) < 1e-4


def test_squares_tell_a_large_picture_s_statistics(network: StyleNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    given = picture(160, 200)
    style = code(network)
    monkeypatch.setattr(smooth, "SAMPLED", 64)
    own = Statistics()
    with torch.inference_mode():
        network(given, style, own)
        sampled = smooth._sampled_statistics(network, given, style)
    for (mean, inverse), (whole_mean, whole_inverse) in zip(sampled.layers, own.layers, strict=True):
        assert mean.shape == whole_mean.shape
        assert float(((mean - whole_mean) * whole_inverse).abs().mean()) < 0.3
        assert float((whole_inverse / inverse).log().abs().mean()) < 0.3
