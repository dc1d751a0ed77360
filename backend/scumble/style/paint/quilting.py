"""Image quilting: blocks of a style laid over a picture one beside the other, cut along the least visible seams.

Efros and Freeman, "Image Quilting for Texture Synthesis and Transfer" (SIGGRAPH 2001). The paper lays blocks in raster
order; a block needs only its left, upper and upper right neighbours, so all blocks of equal 2 · row + column are laid at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .blocks import Blocks

Tick = Callable[[float], None]
"""Told the share that is done, after each wave of blocks; what it raises ends the work."""

NOISE = 0.002
"""Added to the blocks' costs, in parts of their variance, so that seeds differ, and equals are not always the same one."""

NEEDED = 0.15
"""Share of a place's pixels that must be in need of paint for a block to be laid there."""


@dataclass
class Quilt:
    """A painting in the making: colours (1, 3, H, W), and where each pixel came from, (H, W) int64 (−1: nowhere)."""

    picture: Tensor
    origins: Tensor


def lay(
    quilt: Quilt,
    target: Tensor,
    features: Tensor,
    blocks: Blocks,
    shares: Sequence[float],
    generator: torch.Generator,
    need: Tensor | None = None,
    tick: Tick | None = None,
    flow: Tensor | None = None,
) -> Quilt:
    """One layer of paint.

    Parameters
    ----------
    target, features
        (1, 3, H, W): what it should look like from afar; and its features, at a quarter of that size.
    shares
        How much of the area each of the blocks' styles should take; they sum to 1.
    need
        (H, W) bool: where there is to be paint; without it everywhere. Where it ends, blocks are cut on all four sides.
    flow
        (1, 3, H, W): which way strokes are to run (`flow.flow_planes`), for blocks that are compared by it.
    """
    side, overlap, step = blocks.cut.side, blocks.cut.overlap, blocks.cut.step
    height, width = quilt.origins.shape
    rows, columns = (max(1, -(-(length - overlap) // step)) for length in (height, width))
    beyond = (0, columns * step + overlap - width, 0, rows * step + overlap - height)
    picture = functional.pad(quilt.picture, beyond, mode="replicate")[0].contiguous()
    origins = _replicated(quilt.origins, rows * step + overlap, columns * step + overlap)
    fixed = blocks.wanted(
        functional.pad(target, beyond, mode="replicate"),
        features,
        torch.arange(rows, device=picture.device) * step,
        torch.arange(columns, device=picture.device) * step,
        None if flow is None else functional.pad(flow, beyond, mode="replicate"),
    )
    places = _waves(rows, columns, need, beyond, side, step, picture.device)
    colours, sources = picture.view(3, -1), origins.view(-1)
    stride = picture.shape[2]
    span = torch.arange(side, device=picture.device)
    inside = (span[:, None] * stride + span).flatten()
    costs = blocks.norms + NOISE * blocks.variance * torch.rand(
        blocks.norms.shape, generator=generator, device=picture.device
    )
    used = torch.zeros(len(shares), device=picture.device)
    uses = torch.zeros(int(blocks.place.max()) + 1, device=picture.device)
    wanted_shares = torch.tensor(shares, device=picture.device)
    total, done = sum(len(wave) for wave in places), 0
    for wave in places:
        row, column = wave.unbind(1)
        at = (row * step * stride + column * step)[:, None] + inside
        old = colours[:, at].view(3, len(wave), side, side).transpose(0, 1)
        query = torch.cat([fixed[row, column], blocks.continuing(old)], 1)
        now = costs + (blocks.cut.usage * blocks.variance * uses)[blocks.place] if blocks.cut.usage else costs
        if len(shares) > 1:  # a style that has had more than its share becomes dear
            excess = used / used.sum().clamp(min=1) - wanted_shares
            now = now + (4 * blocks.variance * excess)[blocks.style]
        chosen = torch.addmm(now[None], query, blocks.keys.T, alpha=-1).argmin(1)
        used += torch.bincount(blocks.style[chosen], minlength=len(shares))
        if blocks.cut.usage:
            uses += torch.bincount(blocks.place[chosen], minlength=len(uses))
        source = blocks.origins(chosen)
        new = blocks.atlas[:, source.flatten()].view(3, len(wave), side, side).transpose(0, 1)
        mask = _cut_out(
            old, new, overlap, (row == 0) & (need is None), (column == 0) & (need is None), need is not None
        )
        colours[:, at.flatten()] = torch.where(mask[:, None], new, old).transpose(0, 1).reshape(3, -1)
        sources[at.flatten()] = torch.where(mask.flatten(), source.flatten(), sources[at.flatten()])
        done += len(wave)
        if tick is not None:
            tick(done / total)
    return Quilt(picture[None, :, :height, :width].contiguous(), origins[:height, :width].contiguous())


def _replicated(origins: Tensor, height: int, width: int) -> Tensor:
    """(height, width): (H, W) numbers, the last row and column repeated. (What pads pictures pads no whole numbers.)"""
    rows, columns = (torch.arange(length, device=origins.device) for length in (height, width))
    return origins[rows.clamp(max=origins.shape[0] - 1)[:, None], columns.clamp(max=origins.shape[1] - 1)]


def _waves(
    rows: int,
    columns: int,
    need: Tensor | None,
    beyond: tuple[int, int, int, int],
    side: int,
    step: int,
    device: torch.device,
) -> list[Tensor]:
    """Places (n, 2), row and column, in the order in which they can be painted."""
    if need is None:
        todo = torch.ones(rows, columns, dtype=torch.bool, device=device)
    else:
        todo = functional.avg_pool2d(functional.pad(need[None, None].float(), beyond), side, step)[0, 0] > NEEDED
    places = todo.nonzero()
    wave = 2 * places[:, 0] + places[:, 1]
    order = torch.argsort(wave, stable=True)
    _, counts = torch.unique_consecutive(wave[order], return_counts=True)
    return list(torch.split(places[order], counts.tolist())) if len(places) else []


def _cut_out(old: Tensor, new: Tensor, overlap: int, top_row: Tensor, left_column: Tensor, around: bool) -> Tensor:
    """(n, side, side) bool: where the new block is taken. Along its first row and column there is nothing to go on."""
    differences = (new - old).square().sum(1)
    rims = [differences[:, :, :overlap], differences[:, :overlap].transpose(1, 2)]
    if around:
        rims += [differences.flip(2)[:, :, :overlap], differences.flip(1)[:, :overlap].transpose(1, 2)]
    inside = torch.split(least_seams(torch.cat(rims)), len(old))
    mask = torch.ones_like(differences, dtype=torch.bool)
    mask[:, :, :overlap] &= inside[0] | left_column[:, None, None]
    mask[:, :overlap] &= (inside[1] | top_row[:, None, None]).transpose(1, 2)
    if around:
        mask[:, :, -overlap:] &= inside[2].flip(2)
        mask[:, -overlap:] &= inside[3].transpose(1, 2).flip(1)
    return mask


def least_seams(differences: Tensor) -> Tensor:
    """(n, length, width) bool: beyond the path from the first to the last row whose summed differences are least.

    Each step goes to the row below, and at most one column aside (section 2.1). The path itself counts as beyond.
    """
    count, length, width = differences.shape
    wall = differences.new_full((count, 1), torch.inf)
    sums = [differences[:, 0]]
    for row in range(1, length):
        above = sums[-1]
        left, right = torch.cat([wall, above[:, :-1]], 1), torch.cat([above[:, 1:], wall], 1)
        sums.append(differences[:, row] + torch.minimum(above, torch.minimum(left, right)))
    columns = torch.arange(width, device=differences.device)
    at = sums[-1].argmin(1)
    path = [at]
    for row in range(length - 2, -1, -1):
        near = (columns - at[:, None]).abs() <= 1
        at = torch.where(near, sums[row], torch.inf).argmin(1)
        path.append(at)
    return columns >= torch.stack(path[::-1], 1)[:, :, None]
