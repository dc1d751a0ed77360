"""A larger network for mosaics that begins with what a smaller one has learned.

"Net2Net: accelerating learning via knowledge transfer" (Chen et al. 2016) in the form that suits residual blocks: at the start
what is old takes nothing from what is new, so the larger network makes exactly what the smaller one made.
"""

from __future__ import annotations

import torch
from torch import nn

from scumble.mosaic.network import Block, MosaicNetwork


@torch.no_grad()
def grown(small: MosaicNetwork, width: int, blocks: int) -> MosaicNetwork:
    """A network of `width` channels and `blocks` blocks that makes what `small` makes.

    Raises
    ------
    ValueError
        Where it would be narrower or have fewer blocks.
    """
    old = small.head.out_channels
    if width < old or blocks < len(small.body):
        raise ValueError(f"a network of {old} channels and {len(small.body)} blocks can't begin one that is smaller")
    fine = small.last.in_channels
    large = MosaicNetwork(width, blocks, fine, len(small.tail))
    _widen(large.head, small.head)
    for one, its in zip(large.body, small.body, strict=False):
        assert isinstance(one, Block) and isinstance(its, Block)  # noqa: PT018 - one type of module
        _widen(one.first, its.first)
        _widen(one.second, its.second)
    for one in list(large.body)[len(small.body) :]:
        assert isinstance(one, Block)
        nn.init.zeros_(one.second.weight)
    _widen(large.widen, small.widen)
    large.tail.load_state_dict(small.tail.state_dict())
    large.last.load_state_dict(small.last.state_dict())
    return large


def _widen(large: nn.Conv2d, small: nn.Conv2d) -> None:
    """The old weights between old channels, 0 from new channels to old ones; to new channels, what is there."""
    outputs, inputs = small.weight.shape[:2]
    large.weight[:outputs] = 0
    large.weight[:outputs, :inputs] = small.weight
    assert large.bias is not None
    assert small.bias is not None
    large.bias[:outputs] = small.bias
