"""The published losses of inpainting networks. Pictures are (B, 3, H, W) in 0 to 1, holes (B, 1, H, W), 1 in the hole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from scumble.vision.vgg.network import Vgg

WEIGHTS = {"valid": 1.0, "hole": 6.0, "perceptual": 0.05, "style": 120.0, "variation": 0.1}
"""Liu et al. (2018), equation 7."""

LAYERS = ("pool1", "pool2", "pool3")
"""What the perceptual and style losses compare, section 3.3."""


class PartialLoss:
    """Equation 7: the sum of all terms, for the network's whole output and for the picture with only its hole filled.

    Parameters
    ----------
    features
        The network that compares; it is not trained.
    scale
        What its activations are multiplied by, so that the published weights fit.
    """

    def __init__(self, features: Vgg, scale: float = 1.0, layers: Sequence[str] = LAYERS) -> None:
        self.features, self.scale = features, scale
        self.layers = tuple(layers)

    def terms(self, out: torch.Tensor, truth: torch.Tensor, hole: torch.Tensor) -> dict[str, torch.Tensor]:
        """Each term by its name in `WEIGHTS`, not yet weighted."""
        composed = out * hole + truth * (1 - hole)
        difference = (out - truth).abs()
        seen = self._seen(torch.cat([out, composed, truth]))
        perceptual, style = out.new_zeros(()), out.new_zeros(())
        for activations in seen:
            a, b, wanted = activations.chunk(3)
            perceptual = perceptual + functional.l1_loss(a, wanted) + functional.l1_loss(b, wanted)
            g = gram(wanted)
            style = style + functional.l1_loss(gram(a), g) + functional.l1_loss(gram(b), g)
        return {
            "valid": (difference * (1 - hole)).mean(),
            "hole": (difference * hole).mean(),
            "perceptual": perceptual,
            "style": style,
            "variation": total_variation(composed, hole),
        }

    def __call__(self, out: torch.Tensor, truth: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        found = self.terms(out, truth, hole)
        return torch.stack([WEIGHTS[name] * value for name, value in found.items()]).sum()

    def _seen(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        found = self.features(pictures, self.layers)
        return [found[layer] * self.scale for layer in self.layers]


def gram(features: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) to (B, C, C), divided by C · H · W (equation 4)."""
    batch, channels, height, width = features.shape
    flat = features.reshape(batch, channels, height * width).float()
    return flat @ flat.transpose(1, 2) / (channels * height * width)


def total_variation(composed: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """Equation 6: mean differences of neighbours that both lie in the hole grown by one pixel."""
    grown = functional.max_pool2d(hole, 3, stride=1, padding=1)
    across = (composed[..., 1:] - composed[..., :-1]).abs() * grown[..., 1:] * grown[..., :-1]
    down = (composed[..., 1:, :] - composed[..., :-1, :]).abs() * grown[..., 1:, :] * grown[..., :-1, :]
    return across.mean() + down.mean()


def hinge_discriminator(real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """Yu et al. (2019), equation 4, every value of the maps by itself."""
    return 0.5 * (functional.relu(1 - real).mean() + functional.relu(1 + made).mean())


def hinge_generator(made: torch.Tensor) -> torch.Tensor:
    """Equation 3."""
    return -made.mean()
