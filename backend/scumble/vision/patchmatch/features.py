"""What PatchMatch compares: the pyramid of a picture with a hole, and short descriptors of all its patches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass
class Level:
    """One scale of the picture.

    Attributes
    ----------
    image
        (C, H, W) float32; its values in the hole are of no meaning until the level is solved.
    hole
        (H, W) bool: what is to be filled.
    source
        (H, W) bool: what may be copied from; never in the hole.
    """

    image: Tensor
    hole: Tensor
    source: Tensor


def halve(level: Level) -> Level:
    """Half the size, rounded up: a pixel is hole if any of its four is, source if all four are, the mean of the known."""
    height, width = level.hole.shape
    pad = (0, width % 2, 0, height % 2)
    known = functional.pad((~level.hole).float()[None, None], pad, mode="replicate")
    image = functional.pad(level.image[None], pad, mode="replicate")
    weight = functional.avg_pool2d(known, 2)
    mean = functional.avg_pool2d(image * known, 2) / weight.clamp(min=0.25)
    source = functional.pad(level.source.float()[None, None], pad, mode="replicate")
    return Level(mean[0], weight[0, 0] < 1, -functional.max_pool2d(-source, 2)[0, 0] > 0)


def patches_within(mask: Tensor, patch: int) -> Tensor:
    """(H, W) bool: the patches, named by their top left pixel, whose pixels all lie in the mask (and the picture)."""
    height, width = mask.shape
    inside = torch.zeros_like(mask)
    if height < patch or width < patch:
        return inside
    rows = mask[: height - patch + 1].clone()
    for offset in range(1, patch):
        rows &= mask[offset : height - patch + 1 + offset]
    block = inside[: height - patch + 1, : width - patch + 1]
    block |= rows[:, : width - patch + 1]
    for offset in range(1, patch):
        block &= rows[:, offset : width - patch + 1 + offset]
    return inside


def patches_touching(mask: Tensor, patch: int) -> Tensor:
    """(H, W) bool: the patches, wholly in the picture, that hold at least one pixel of the mask."""
    everywhere = patches_within(torch.ones_like(mask), patch)
    return everywhere & ~patches_within(~mask, patch)


def window_weights(patch: int, spread: float) -> Tensor:
    """(patch, patch) Gaussian with a standard deviation of `spread` half sides; its sum is 1."""
    axis = torch.linspace(-1, 1, patch) if patch > 1 else torch.zeros(1)
    bell = torch.exp(-axis.square() / (2 * spread * spread))
    window = bell[:, None] * bell[None, :]
    return window / window.sum()


def principal_filters(level: Level, patch: int, dims: int, sources: Tensor, sample: int = 4096) -> Tensor:
    """Filters that project weighted patches on their main components.

    Parameters
    ----------
    sources
        (S,) int64: the patches whose components are sought.

    Returns
    -------
    Tensor
        (D, C, patch, patch), D <= `dims`: squared distances of the projections are close to the patches' weighted
        mean squared differences.
    """
    channels, _, width = level.image.shape
    stride = max(1, len(sources) // sample)
    chosen = sources[::stride]
    windows = level.image.unfold(1, patch, 1).unfold(2, patch, 1)
    rows, columns = chosen // width, chosen % width
    samples = windows[:, rows, columns].permute(1, 0, 2, 3).reshape(len(chosen), -1)
    scale = (window_weights(patch, 1.0) / channels).sqrt().repeat(channels, 1, 1).to(level.image.device)
    weighted = (samples * scale.flatten()).cpu().double()
    weighted -= weighted.mean(0)
    _, vectors = torch.linalg.eigh(weighted.T @ weighted)
    basis = vectors.flip(1)[:, :dims].T.to(level.image)
    filters: Tensor = (basis * scale.flatten()).reshape(-1, channels, patch, patch)
    return filters


def describe(image: Tensor, filters: Tensor, rows: slice) -> Tensor:
    """(H', W, D) descriptors of the patches whose top left pixel lies in `rows`; 0 where they leave the picture."""
    patch = filters.shape[-1]
    height, width = image.shape[1:]
    stop = min(rows.stop + patch - 1, height)
    if stop - rows.start < patch or width < patch:  # a last strip that is thinner than a patch: none begins there
        return image.new_zeros((rows.stop - rows.start, width, len(filters)))
    seen = functional.conv2d(image[None, :, rows.start : stop], filters)[0]
    missing = (0, width - seen.shape[2], 0, rows.stop - rows.start - seen.shape[1])
    described: Tensor = functional.pad(seen, missing).permute(1, 2, 0)
    return described
