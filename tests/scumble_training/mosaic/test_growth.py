"""A larger network for mosaics makes what the smaller one made, and learns with all that it has."""

from __future__ import annotations

import pytest
import torch

from scumble.mosaic.network import MosaicNetwork
from scumble_training.mosaic.growth import grown


def small() -> MosaicNetwork:
    torch.manual_seed(0)
    network = MosaicNetwork(8, 2, fine=8, fine_blocks=1)
    torch.nn.init.normal_(network.last.weight, std=0.05)
    return network


def test_it_makes_the_same() -> None:
    before, after = small(), grown(small(), 12, 3)
    picture, mask = torch.rand(2, 3, 32, 40), torch.ones(2, 1, 32, 40)
    assert torch.allclose(before(picture, mask), after(picture, mask), atol=1e-6)
    assert (after.head.out_channels, len(after.body)) == (12, 3)


def test_after_a_step_every_weight_learns() -> None:
    network = grown(small(), 12, 3)
    optimizer = torch.optim.SGD(network.parameters(), 1e-2)
    for _ in range(2):
        optimizer.zero_grad()
        network(torch.rand(2, 3, 32, 40), torch.ones(2, 1, 32, 40)).square().sum().backward()
        optimizer.step()
    assert all(p.grad is not None and (p.grad != 0).any() for p in network.parameters())


@pytest.mark.parametrize(("width", "blocks"), [(7, 2), (8, 1)])
def test_it_does_not_shrink(width: int, blocks: int) -> None:
    with pytest.raises(ValueError, match="can't begin"):
        grown(small(), width, blocks)
