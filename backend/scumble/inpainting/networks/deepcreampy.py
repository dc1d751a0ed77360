"""The network of DeepCreamPy: PEPSI's shared encoder and decoder, for drawn art under bars and mosaics.

Sagong et al., "PEPSI: fast image inpainting with parallel decoding network" (CVPR 2019), with the truncated distance of its
equation 4, as the published checkpoints have it: they were trained on 256 × 256 pixels.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from scumble.vision.tensorflow_sizes import nearest

SHARPNESS = 50.0
"""λ of the softmax over patches."""

DILATIONS = (2, 4, 8, 16)


class ReflectedConv2d(nn.Conv2d):
    """A convolution over a picture continued by reflection, then ELU."""

    def __init__(self, before: int, channels: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(before, channels, kernel, stride, dilation=dilation)
        self.around = dilation * (kernel // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        side = self.around
        return functional.elu(super().forward(functional.pad(x, (side, side, side, side), mode="reflect")))


class ContextualBlock(nn.Module):
    """Replaces features in the hole by known patches, then joins both by a 1 × 1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, features: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) features and (B, 1, H, W) mask, 1 where the picture is kept."""
        known = nearest(keep, *features.shape[2:])
        background = features * known
        copied = torch.cat([_copied(b[None], f[None]) for b, f in zip(background, features, strict=True)])
        filled = background + copied * (1 - known)
        return functional.elu(self.join(torch.cat([features, filled], dim=1)))


def _copied(background: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    height, width = features.shape[2:]
    patches = functional.unfold(background, 3)[0]  # (C · 9, patches); none reaches over the border
    seen = functional.unfold(features, 3, padding=1)[0]  # (C · 9, places)
    distance = (patches**2).sum(0)[:, None] + (seen**2).sum(0)[None] - 2 * patches.T @ seen
    spread = distance.std(dim=0, keepdim=True, correction=0).clamp(min=1e-6)  # 0 where nothing is known
    truncated = -torch.tanh((distance - distance.mean(dim=0, keepdim=True)) / spread)
    weights = torch.softmax(SHARPNESS * truncated, dim=0)
    pasted = functional.fold(patches @ weights, (height, width), 3, padding=1)
    return pasted / 9


class DeepCreamPyNet(nn.Module):
    """(B, 3, S, S) pictures in -1 to 1 and (B, 1, S, S) masks, 1 where kept, to the fill and the coarse fill.

    Sides are multiples of 8, at least 136: the widest reflection needs 17 of an eighth's pixels.

    Parameters
    ----------
    width
        Of the first layer; 32 as published.
    """

    multiple_of = 8
    minimum = 136

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        w = width
        self.encoder = nn.Sequential(
            ReflectedConv2d(6, w, 5),
            ReflectedConv2d(w, 2 * w, stride=2),
            ReflectedConv2d(2 * w, 2 * w),
            ReflectedConv2d(2 * w, 4 * w, stride=2),
            ReflectedConv2d(4 * w, 4 * w),
            ReflectedConv2d(4 * w, 8 * w, stride=2),
            *(ReflectedConv2d(8 * w, 8 * w, dilation=d) for d in DILATIONS),
        )
        self.context = ContextualBlock(8 * w)
        pairs = [(8 * w, 4 * w), (4 * w, 2 * w), (2 * w, w), (w, w // 2)]
        self.decoder = nn.ModuleList(nn.Sequential(ReflectedConv2d(a, b), ReflectedConv2d(b, b)) for a, b in pairs)
        self.output = nn.Conv2d(w // 2, 3, 3, padding=1)

    def forward(self, picture: torch.Tensor, keep: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.encoder(torch.cat([picture, keep.expand(-1, 3, -1, -1)], dim=1))
        return self.decoded(self.context(features, keep)), self.decoded(features)

    def decoded(self, x: torch.Tensor) -> torch.Tensor:
        for number, pair in enumerate(self.decoder):
            x = pair(x)
            if number < 3:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        out: torch.Tensor = self.output(x)
        return out.clamp(-1, 1)
