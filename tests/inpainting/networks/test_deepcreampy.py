"""DeepCreamPy's network: sizes, the contextual block, and what a mask means."""

from __future__ import annotations

import torch

from scumble.inpainting.networks.deepcreampy import ContextualBlock, DeepCreamPyNet, _copied


def test_both_fills_have_the_picture_s_size_and_are_bounded() -> None:
    network = DeepCreamPyNet(4).eval()
    keep = torch.ones(1, 1, 136, 136)
    keep[..., 40:70, 40:70] = 0
    fill, coarse = network(torch.rand(1, 3, 136, 136) * 2 - 1, keep)
    assert fill.shape == coarse.shape == (1, 3, 136, 136)
    assert float(fill.detach().abs().max()) <= 1


def test_has_the_published_channels() -> None:
    state = DeepCreamPyNet(8).state_dict()  # a quarter of the published 32
    assert tuple(state["encoder.0.weight"].shape) == (8, 6, 5, 5)
    assert tuple(state["encoder.9.weight"].shape) == (64, 64, 3, 3)
    assert tuple(state["context.join.weight"].shape) == (64, 128, 1, 1)
    assert tuple(state["output.weight"].shape) == (3, 4, 3, 3)


def test_with_the_truncated_distance_the_nearest_patch_wins() -> None:
    """Features that repeat exactly: what is copied is, inside, what was there."""
    tile = torch.randn(1, 12, 4, 4, generator=torch.Generator().manual_seed(0))
    features = tile.repeat(1, 1, 4, 4)
    copied = _copied(features, features)
    inner = (..., slice(2, -2), slice(2, -2))
    assert torch.allclose(copied[inner], features[inner], atol=0.05)


def test_known_features_go_on_as_they_are() -> None:
    block = ContextualBlock(6)
    features, keep = torch.randn(1, 6, 8, 8), torch.ones(1, 1, 64, 64)
    wanted = torch.nn.functional.elu(block.join(torch.cat([features, features], 1)))
    assert torch.allclose(block(features, keep), wanted, atol=1e-6)
    keep[..., 16:40, 16:40] = 0
    changed = block(features, keep)
    assert torch.allclose(changed[..., 6:, 6:], wanted[..., 6:, 6:], atol=1e-6)
    assert not torch.allclose(changed[..., 3, 3], wanted[..., 3, 3])
