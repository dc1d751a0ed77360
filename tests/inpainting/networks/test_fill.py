"""The fill network: where it starts, what it never touches, which sizes it takes, that it can learn."""

from __future__ import annotations

import pytest
import torch

from scumble.inpainting.networks.fill import FillNetwork, FillSize
from scumble.vision.blocks import KnownAttention

SMALL = FillSize(widths=(8, 12, 16), depths=(1, 1, 2), heads=2)


def inputs(height: int, width: int, count: int = 1) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    known = torch.rand(count, 3, height, width, generator=generator)
    hole = torch.zeros(count, 1, height, width)
    hole[..., height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = 1
    other = torch.where(hole > 0, torch.rand(count, 3, height, width, generator=generator), known)
    return known, other, 0.1 * hole, hole


@pytest.mark.parametrize(("height", "width"), [(16, 16), (33, 47), (5, 70)])
def test_starts_as_the_mean_of_both_fills(height: int, width: int) -> None:
    smooth, patches, distance, hole = inputs(height, width)
    filled = FillNetwork(SMALL)(smooth, patches, distance, hole)
    assert torch.allclose(filled, torch.where(hole > 0, (smooth + patches) / 2, smooth), atol=1e-6)


def test_outside_the_hole_nothing_changes() -> None:
    network = FillNetwork(SMALL)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    smooth, patches, distance, hole = inputs(32, 48)
    filled = network(smooth, patches, distance, hole)
    assert torch.equal(filled[(hole == 0).expand_as(filled)], smooth[(hole == 0).expand_as(smooth)])
    assert not torch.allclose(filled, smooth)


def test_learns() -> None:
    torch.manual_seed(0)
    network = FillNetwork(SMALL)
    smooth, patches, distance, hole = inputs(32, 32, 2)
    truth = torch.where(hole > 0, 0.8 * patches + 0.1, smooth)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(40):
        loss = (network(smooth, patches, distance, hole) - truth).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2


def test_attention_looks_at_what_is_known() -> None:
    torch.manual_seed(0)
    attention = KnownAttention(8, 2)
    torch.nn.init.normal_(attention.out.weight)
    x = torch.randn(1, 8, 4, 4)
    known = torch.ones(1, 1, 4, 4)
    known[..., 1, 1] = 0
    changed = x.clone()
    changed[:, :, 1, 1] += 5
    answers = [attention(one, known) - one for one in (x, changed)]
    elsewhere = torch.ones(4, 4, dtype=torch.bool)
    elsewhere[1, 1] = False
    assert float((answers[0] - answers[1]).detach()[..., elsewhere].abs().max()) < 0.05
