"""The recipe for the embedded face model: principal components first, then what networks add to them.

Losses: pixels (2 |x̂ − x|, as published), gradients at two scales, features of the embedded feature network, and a weak pull
of the latents to zero mean and unit variance. Noise on the latents keeps their neighbourhood meaningful, as the variational
sample of the published model does.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

from scumble.faces.latent.network import LinearFaceModel
from scumble.vision.vgg.network import Vgg
from scumble_training.common.checkpoints import WeightAverage
from scumble_training.common.descent import Descent

from .crops import edge_error, oval

FEATURE_LAYERS = ("relu1_2", "relu2_2")
NOISE = 0.12
"""Deviation of the noise on the latents, whose own deviation is 1."""


def principal_components(
    pictures: torch.Tensor, count: int, weight: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean (D,), one deviation along each component (count, D), and the rows that read them (count, D).

    Parameters
    ----------
    pictures
        (N, 3, h, w); each also counts mirrored.
    weight
        (1, 1, h, w): how much a pixel counts.
    """
    side = pictures.shape[2:]
    share = torch.ones(1, 1, *side) if weight is None else weight
    root = share.sqrt().expand(1, 3, *side).reshape(-1)
    both = torch.cat([pictures, pictures.flip(3)]).flatten(1)
    mean = both.mean(0)
    centred = (both - mean) * root
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(centred.shape[1], count + 30, generator=generator)
    for _ in range(4):  # subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4)
        probe = torch.linalg.qr(centred.T @ (centred @ probe))[0]
    _, values, vectors = torch.linalg.svd(centred @ probe, full_matrices=False)
    directions = (probe @ vectors.T).T[:count]
    deviation = values[:count] / len(both) ** 0.5
    # fewer pictures than components: the rest are nothing, both ways
    seen = deviation > 1e-4 * deviation[0]
    basis = directions * deviation[:, None] / root * seen[:, None]
    inverse = directions * root / deviation.clamp(min=1e-9)[:, None] * seen[:, None]
    none = torch.zeros(count - len(basis), basis.shape[1])
    return mean, torch.cat([basis, none]), torch.cat([inverse, none])


RATE = 1e-3


class LinearRecipe:
    """Network, optimizer and one step of training."""

    file = "scumble-face-latent.safetensors"

    def __init__(self, features: Vgg | None, rate: float | None = None) -> None:
        self.network = LinearFaceModel().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.features = features
        self.weight = oval(self.network.side)
        self.highest = RATE if rate is None else rate
        self.average = WeightAverage(self.network, 0.998)
        parameters = self.network.parameters()
        self.optimizer = torch.optim.AdamW(parameters, self.highest, betas=(0.9, 0.99), weight_decay=1e-4)
        self.descent = Descent(self.optimizer, bound=5.0)
        self.number = 0

    def start(self, pictures: torch.Tensor) -> None:
        """Principal components of the pictures (N, 3, side, side) in −1 to 1, weighted as the losses are."""
        self.network.set_linear(*principal_components(pictures, self.network.latents, self.weight))
        self.average = WeightAverage(self.network, 0.998)

    def rate(self, epoch: float, progress: float) -> float:
        """Rises for 100 steps, then falls as a cosine."""
        return self.highest * min(1, (self.number + 1) / 100) * (0.51 + 0.49 * math.cos(math.pi * progress))

    def step(self, pictures: torch.Tensor, rate: float) -> dict[str, float]:
        with torch.autocast(pictures.device.type, torch.bfloat16):
            loss, parts = self.loss(self.network, pictures.contiguous(memory_format=torch.channels_last))
        self.descent.step(loss, rate)
        self.average.update(self.network)
        self.number += 1
        return parts

    def shipped(self, pictures: torch.Tensor) -> LinearFaceModel:
        """The averaged network, with latents standardised on these pictures."""
        network = LinearFaceModel()
        network.load_state_dict(self.average.state)
        network.set_latents(*latent_moments(network, pictures))
        return network

    def state_dict(self) -> dict[str, Any]:
        content = {"network": self.network.state_dict(), "average": self.average.state_dict()}
        return {**content, "optimizer": self.optimizer.state_dict(), "step": self.number}

    def load_state_dict(self, content: dict[str, Any]) -> None:
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.number = int(content["step"])

    def loss(self, network: LinearFaceModel, pictures: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        raw = network.raw_latents(pictures).float()
        shown = network.raw_decode(raw + NOISE * torch.randn_like(raw)).float()
        pixel = (2 * (shown - pictures).abs() * self.weight).mean() / self.weight.mean()
        edge = edge_error(shown, pictures, self.weight)
        pull = 0.5 * (raw**2).mean()
        parts = {"pixel": pixel, "edge": edge, "pull": pull}
        total = 3 * pixel + 8 * edge + 0.02 * pull
        if self.features is not None:
            feature = self.feature_loss(shown, pictures)
            parts["feature"] = feature
            total = total + 0.5 * feature
        return total, {name: float(value.detach()) for name, value in parts.items()}

    def feature_loss(self, shown: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """Mean absolute difference of activations (their mean is 1) in a square of 32 pixels at a random place."""
        assert self.features is not None
        top, left = (int(v) for v in torch.randint(8, 25, (2,)))
        part = (slice(None), slice(None), slice(top, top + 32), slice(left, left + 32))
        ours = self.features(shown[part] / 2 + 0.5, FEATURE_LAYERS)
        with torch.no_grad():
            theirs = self.features(pictures[part] / 2 + 0.5, FEATURE_LAYERS)
        differences = [(ours[name] - theirs[name]).float().abs().mean() for name in FEATURE_LAYERS]
        return torch.stack(differences).mean()


@torch.inference_mode()
def latent_moments(network: LinearFaceModel, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance of the latents of these pictures and their mirrored selves."""
    raw = torch.cat(
        [network.raw_latents(part) for half in (pictures, pictures.flip(3)) for part in torch.split(half, 128)]
    )
    return raw.mean(0), torch.cov(raw.T)


@torch.inference_mode()
def errors(
    shown: torch.Tensor, pictures: torch.Tensor, features: Vgg | None, weight: torch.Tensor | None = None
) -> dict[str, float]:
    """Reconstruction errors: mean squared and absolute (range 0 to 1), of gradients, and of features."""
    weight = torch.ones(1, 1, *pictures.shape[2:]) if weight is None else weight
    a, b = shown.clamp(-1, 1) / 2 + 0.5, pictures / 2 + 0.5
    out = {
        "squared": float((((a - b) ** 2) * weight).mean() / weight.mean()),
        "absolute": float(((a - b).abs() * weight).mean() / weight.mean()),
        "edge": float(edge_error(a, b, weight)),
    }
    if features is not None:
        total = 0.0
        for one, other in zip(torch.split(a, 64), torch.split(b, 64), strict=True):
            ours, theirs = features(one, FEATURE_LAYERS), features(other, FEATURE_LAYERS)
            scales = [functional.interpolate(weight, ours[n].shape[2:], mode="area") for n in FEATURE_LAYERS]
            total += sum(
                float(((ours[n] - theirs[n]).abs() * s).mean() / s.mean())
                for n, s in zip(FEATURE_LAYERS, scales, strict=True)
            ) * len(one)
        out["feature"] = total / len(a) / len(FEATURE_LAYERS)
    return out
