"""The losses of neural style transfer: Gram matrices (per segment), content, total variation, the matting Laplacian.

Gatys, Ecker and Bethge (2016), in the normalization of Johnson's neural-style; the segments and the photorealism of
Luan et al. (2017). Pictures under optimization are (1, 3, H, W) in 0 to 255; networks see them in 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch.nn import functional

from scumble.vision.vgg.network import Vgg

FULL = 255.0
"""The value of a full channel; weights were published for it."""

Masks = Mapping[str, torch.Tensor]
"""(S, h, w) in 0 to 1 by layer: how much each place belongs to each of S segments."""


def gram(features: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """(C, C): correlations of the channels of (1, C, H, W) features, over C · H · W times the mask's mean.

    A mask (H, W) multiplies the features; one that is empty gives zeros.
    """
    flat = features[0].flatten(1)
    count = float(flat.numel())
    if mask is not None:
        mean = float(mask.mean())
        if mean <= 0:
            return torch.zeros(len(flat), len(flat), device=features.device)
        flat = flat * mask.flatten()
        count *= mean
    return flat @ flat.T / count


def masks_at_layers(network: Vgg, masks: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
    """Segments as the layers see them: averaged over 3 × 3 by each convolution, halved (rounded up) by each pooling.

    `masks` is (S, H, W) at the picture's size.
    """
    found, now = {}, masks[None]
    for name in network.names:
        if name.startswith("conv"):
            now = functional.avg_pool2d(now, 3, 1, 1)
        elif name.startswith("pool"):
            size = tuple(-(-side // 2) for side in now.shape[2:])
            now = functional.interpolate(now, size=size, mode="bilinear", align_corners=False)
        if name in layers:
            found[name] = now[0]
    return found


class _Normalised(torch.autograd.Function):
    """The identity, whose gradient is divided by its L1 norm: so each layer pulls alike (neural-style's option)."""

    @staticmethod
    def forward(ctx: Any, features: torch.Tensor, strength: float) -> torch.Tensor:
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = gradients
        return gradient / (gradient.abs().sum() + 1e-8) * ctx.strength, None


def total_variation(picture: torch.Tensor) -> torch.Tensor:
    """Half the squared differences of neighbours: its gradient is the published one (Mahendran and Vedaldi 2015)."""
    down = picture[:, :, 1:] - picture[:, :, :-1]
    across = picture[:, :, :, 1:] - picture[:, :, :, :-1]
    return 0.5 * (down.square().sum() + across.square().sum())


class Photorealism:
    """x ↦ Σ over channels of (x / 255)ᵀ L (x / 255) · 255, whose gradient is 2 L x / 255 as published."""

    def __init__(self, laplacian: sparse.csr_array, device: str) -> None:
        entries = laplacian.tocoo()
        places = torch.from_numpy(np.stack(entries.coords).astype(np.int64))
        values = torch.from_numpy(entries.data.astype(np.float32))
        self.matrix = torch.sparse_coo_tensor(
            places, values, laplacian.shape, is_coalesced=True, check_invariants=False
        ).to(device)

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        flat = picture[0].flatten(1).T / FULL
        loss: torch.Tensor = _Quadratic.apply(flat, self.matrix) * FULL  # type: ignore[no-untyped-call]
        return loss


class _Quadratic(torch.autograd.Function):
    """Σ xᵀ L x of a constant symmetric L; one product serves value and gradient."""

    @staticmethod
    def forward(ctx: Any, columns: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
        product = torch.sparse.mm(matrix, columns)
        ctx.save_for_backward(product)
        total: torch.Tensor = (columns * product).sum()
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (product,) = ctx.saved_tensors
        return 2 * product * gradients[0], None


@dataclass(frozen=True)
class StyleTarget:
    """Gram matrices by layer, (S, C, C), and the blend weight of this style picture."""

    grams: Mapping[str, torch.Tensor]
    weight: float = 1.0


@dataclass
class Objective:
    """What an optimization lowers. `parts` holds the last values, by name, for messages."""

    network: Vgg
    content: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """Features of the content, by layer."""

    styles: Sequence[StyleTarget] = ()
    masks: Masks | None = None
    """Segments of the content at the style's layers."""

    content_weight: float = 5.0
    style_weight: float = 100.0
    tv_weight: float = 1e-3
    photorealism: Photorealism | None = None
    photorealism_weight: float = 1e4
    normalise: bool = False
    scale: float = 1.0
    """What the network's activations are multiplied by, so that weights published for another network fit."""

    parts: dict[str, float] = field(default_factory=dict)

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """The loss of a (1, 3, H, W) picture in 0 to 255."""
        layers = [*self.content, *(name for target in self.styles for name in target.grams)]
        found = self.network(picture / FULL, list(dict.fromkeys(layers))) if layers else {}
        losses = {
            "content": torch.zeros((), device=picture.device),
            "style": torch.zeros((), device=picture.device),
        }
        for name, wanted in self.content.items():
            features = self._seen(found[name], self.content_weight)
            losses["content"] = losses["content"] + self.content_weight * functional.mse_loss(
                features * self.scale, wanted * self.scale
            )
        for target in self.styles:
            for name, wanted in target.grams.items():
                features = self._seen(found[name], self.style_weight * target.weight) * self.scale
                losses["style"] = losses["style"] + self._style(features, wanted, name) * (
                    self.style_weight * target.weight
                )
        if self.tv_weight:
            losses["tv"] = self.tv_weight * total_variation(picture)
        if self.photorealism is not None:
            losses["photorealism"] = self.photorealism_weight * self.photorealism(picture)
        self.parts = {name: float(value.detach()) for name, value in losses.items()}
        return torch.stack(list(losses.values())).sum()

    def _seen(self, features: torch.Tensor, strength: float) -> torch.Tensor:
        if not self.normalise:
            return features
        seen: torch.Tensor = _Normalised.apply(features, strength)  # type: ignore[no-untyped-call]
        return seen

    def _style(self, features: torch.Tensor, wanted: torch.Tensor, name: str) -> torch.Tensor:
        if self.masks is None:
            return functional.mse_loss(gram(features), wanted[0] * self.scale**2)
        total = torch.zeros((), device=features.device)
        for mask, one in zip(self.masks[name], wanted, strict=True):
            share = float(mask.mean())
            if share > 0:
                total = total + share * functional.mse_loss(gram(features, mask), one * self.scale**2)
        return total


def style_target(
    network: Vgg, picture: torch.Tensor, layers: Sequence[str], masks: torch.Tensor | None = None, weight: float = 1.0
) -> StyleTarget:
    """What a style picture, (1, 3, H, W) in 0 to 1, looks like to the layers; `masks` is (S, H, W) of its segments."""
    with torch.no_grad():
        found = network(picture, layers)
        if masks is None:
            return StyleTarget({name: gram(features)[None] for name, features in found.items()}, weight)
        seen = masks_at_layers(network, masks, layers)
        grams = {name: torch.stack([gram(features, mask) for mask in seen[name]]) for name, features in found.items()}
    return StyleTarget(grams, weight)


def as_tensor(rgb: NDArray[np.float32], device: str = "cpu") -> torch.Tensor:
    """(H, W, 3) to (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(rgb, 2, 0)))[None].float().to(device)


def as_picture(tensor: torch.Tensor) -> NDArray[np.float32]:
    """(1, 3, H, W) to (H, W, 3)."""
    return np.ascontiguousarray(np.moveaxis(tensor.detach()[0].cpu().numpy(), 0, 2), np.float32)
