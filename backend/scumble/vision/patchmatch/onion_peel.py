"""The first guess of a hole, at the coarsest scale: filled from its rim inwards.

As in Efros and Leung, "Texture Synthesis by Non-parametric Sampling" (ICCV 1999), a pixel takes the centre of the known
patch that agrees best with those of its neighbours that are known already; here a whole rim of pixels at a time.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .features import Level, patches_within, window_weights
from .field import Tick

CANDIDATES = 4096
"""At most so many known patches, evenly drawn, are looked at: the guess only has to be of the right kind."""

CHANCE = 0.1
"""About how much worse, as a part, a patch may agree and still be drawn."""

ROWS = 2048
"""Pixels that are matched at once; bounds the memory."""


def onion_peel(level: Level, patch: int, generator: torch.Generator, tick: Tick, chance: float = CHANCE) -> None:
    """Fill the hole of `level.image` in place. At least one known patch of (patch, patch) pixels must exist.

    Of the patches that agree about as well, one is drawn (Efros and Leung, section 2.1), so that seeds differ: distances
    are compared after a factor of exp(`chance` times a normal variate).
    """
    channels, height, width = level.image.shape
    image = level.image
    sources = patches_within(level.source, patch).flatten().nonzero()[:, 0]
    sources = sources[:: max(1, -(-len(sources) // CANDIDATES))]
    candidates = _windows(image, sources // width, sources % width, patch)
    norms = candidates.square().sum(1).T
    flat = candidates.flatten(1).T
    window = window_weights(patch, 1.0).to(image.device).flatten()
    unknown = level.hole.clone()
    while True:
        beside_known = functional.max_pool2d((~unknown).float()[None, None], 3, 1, 1)[0, 0] > 0
        rim = (beside_known & unknown).flatten().nonzero()[:, 0]
        if len(rim) == 0:
            return
        for start in range(0, len(rim), ROWS):
            pixels = rim[start : start + ROWS]
            rows, columns = pixels // width, pixels % width
            top = (rows - patch // 2).clamp(0, height - patch)
            left = (columns - patch // 2).clamp(0, width - patch)
            weight = _windows((~unknown).float()[None], top, left, patch)[:, 0] * window
            windows = _windows(image, top, left, patch)
            around = windows * weight[:, None]
            # Sum of w (s - t)^2 without the term that is the same for all candidates.
            distance = torch.addmm(weight @ norms, around.flatten(1), flat, alpha=-2)
            if chance:
                distance += (around * windows).flatten(1).sum(1, keepdim=True)  # that term, for a distance of its own
                luck = torch.randn(distance.shape, generator=generator, device=distance.device)
                distance = distance.clamp_(min=1e-6).mul_(luck.mul_(chance).exp_())
            place = (rows - top) * patch + columns - left
            image.view(channels, -1)[:, pixels] = candidates[distance.argmin(1), :, place].T
            tick(0)
        unknown.view(-1)[rim] = False


def _windows(image: Tensor, rows: Tensor, columns: Tensor, patch: int) -> Tensor:
    """(N, C, patch * patch): the patches of a (C, H, W) picture whose top left pixels are given."""
    views = image.unfold(1, patch, 1).unfold(2, patch, 1)
    return views[:, rows, columns].permute(1, 0, 2, 3).flatten(2)
