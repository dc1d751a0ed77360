"""Contextual attention: features in the hole are made of patches of the known part that resemble them.

Yu et al., "Generative image inpainting with contextual attention" (CVPR 2018), section 4.1, with attention propagation;
constants and sizes as published.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from scumble.vision.tensorflow_sizes import nearest_aligned, same_padded

RATE = 2
"""Patches are compared at half the size, and copied at full size."""
PATCH = 3
SCALE = 10.0
"""Of the likeness, before the softmax."""


def contextual_attention(features: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) features, every patch replaced by a mixture of known patches; H and W are even.

    Parameters
    ----------
    hole
        (B or 1, 1, H, W), above 0 in the hole: patches that touch it are not copied.
    """
    batch, _, height, width = features.shape
    small = (height // RATE, width // RATE)
    copied = functional.unfold(same_padded(features, 2 * RATE, RATE), 2 * RATE, stride=RATE)
    features = nearest_aligned(features, *small)
    hole = nearest_aligned(hole.expand(batch, -1, -1, -1), *small)
    patches = functional.unfold(features, PATCH, padding=PATCH // 2)
    touched = functional.unfold(hole, PATCH, padding=PATCH // 2).mean(1)
    free = (touched == 0).to(features.dtype)
    made = []
    for number in range(batch):  # one at a time: the table of likenesses is the square of the number of patches
        known = patches[number] / torch.linalg.vector_norm(patches[number], dim=0, keepdim=True).clamp(min=1e-4)
        likeness = patches[number].T @ known  # (places, patches)
        likeness = propagated(likeness, *small)
        weights = torch.softmax(likeness * free[number] * SCALE, dim=1) * free[number]
        pasted = copied[number] @ weights.T
        made.append(functional.fold(pasted[None], (height + 2, width + 2), 2 * RATE, stride=RATE)[..., 1:-1, 1:-1] / 4)
    return torch.cat(made)


def propagated(likeness: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(places, patches): matches whose neighbours match neighbours are worth more, along rows and then along columns."""
    eye = torch.eye(3, device=likeness.device, dtype=likeness.dtype)[None, None]
    places = height * width
    x = functional.conv2d(likeness[None, None], eye, padding=1)
    x = x.view(height, width, height, width).permute(1, 0, 3, 2).reshape(1, 1, places, places)
    x = functional.conv2d(x, eye, padding=1)
    return x.view(width, height, width, height).permute(1, 0, 3, 2).reshape(places, places)
