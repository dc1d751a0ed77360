"""The whole of a mosaic's restoration on tensors: start, network, projection."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from scumble.algorithms.mosaic_cells import Axes, Grid, masked_means, project, smooth_start

from .mosaic import MosaicNet, inputs, places_in_cells


def restore(
    network: MosaicNet,
    picture: torch.Tensor,
    mask: torch.Tensor,
    grids: Sequence[Grid],
    autocast: bool = False,
    bounded_rounds: int = 0,
) -> torch.Tensor:
    """Pictures without their mosaics; all else is as it was.

    Parameters
    ----------
    picture
        (B, 3, H, W) in 0 to 1 with the mosaic in it; sides multiples of 16.
    mask
        (B, 1, H, W), 1 where the mosaic is.
    grids
        One for every picture.
    bounded_rounds
        As `project` takes it; 0 in training.
    """
    height, width = picture.shape[2:]
    axes = Axes.of(grids, height, width, picture.device)
    with torch.no_grad():
        start = smooth_start(axes, picture, mask)
        sizes = torch.tensor([[g.size_x, g.size_y] for g in grids], device=picture.device)
        origins = torch.tensor([[g.origin_x, g.origin_y] for g in grids], device=picture.device)
        places = places_in_cells(sizes, origins, height, width)
        seen = inputs(start, picture, mask, sizes.prod(1).sqrt(), places)
        cells = masked_means(axes, picture, mask)
    with torch.autocast(picture.device.type, torch.bfloat16, enabled=autocast):
        residual = network(seen.contiguous(memory_format=torch.channels_last))
    fill = start + mask * residual.float()
    return project(axes, fill, cells, mask, bounded_rounds)
