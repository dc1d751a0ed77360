"""The small face model that is embedded: a linear one (principal components) with a network on top of both directions.

The linear path is Turk and Pentland, "Eigenfaces for Recognition" (1991); what the networks add is zero when training
begins, so that every step from there on is a gain over the principal components. The interface is the one of the Introspective
Adversarial Network (`scumble.faces.latent.ian`): 100 latents with zero mean and unit variance, pictures in −1 to 1.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

SIDE = 64
LATENTS = 100


class FaceModel(Protocol):
    """What the face operations ask of a model with an inference network."""

    side: int
    latents: int

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, 3, side, side) in −1 to 1 → the latents' means (B, latents)."""

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """(B, latents) → (B, 3, side, side), about −1 to 1."""

    def features(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the last layer takes, (B, C, h, w), and the picture (B, 3, side, side) that comes of it."""


class ResidualBlock(nn.Module):
    """Two convolutions beside a straight way; the second begins small, so no normalization is needed."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner: torch.Tensor = self.second(functional.silu(self.first(functional.silu(x))))
        return x + inner


class LinearFaceModel(nn.Module):
    """Encoder and decoder of aligned faces, 64 × 64.

    Parameters
    ----------
    widths
        Channels at 8 × 8, 16 × 16 and 32 × 32.
    """

    def __init__(self, widths: tuple[int, int, int] = (96, 64, 32), latents: int = LATENTS) -> None:
        super().__init__()
        self.side, self.latents = SIDE, latents
        coarse, middle, fine = widths
        self.read = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, middle, 3, padding=1),
            ResidualBlock(middle),
            nn.SiLU(),
            nn.Conv2d(middle, coarse, 3, 2, 1),
            ResidualBlock(coarse),
            nn.SiLU(),
            nn.Conv2d(coarse, middle, 1),
            nn.Flatten(),
        )
        self.to_latents = nn.Linear(middle * 64, latents)
        self.from_latents = nn.Linear(latents, coarse * 64)
        self.at_8 = nn.Sequential(ResidualBlock(coarse), ResidualBlock(coarse), nn.Conv2d(coarse, middle, 3, padding=1))
        self.at_16 = nn.Sequential(ResidualBlock(middle), nn.Conv2d(middle, fine, 3, padding=1))
        self.linear_seen = nn.Conv2d(12, fine, 3, padding=1)
        self.at_32 = nn.Sequential(ResidualBlock(fine), ResidualBlock(fine), nn.SiLU())
        self.last = nn.Conv2d(fine, 12, 3, padding=1)
        for layer in (self.to_latents, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        for name, shape in (
            ("mean", (3 * SIDE**2,)),
            ("basis", (latents, 3 * SIDE**2)),
            ("inverse", (latents, 3 * SIDE**2)),
            ("latent_mean", (latents,)),
        ):
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("latent_spread", torch.eye(latents))
        self.register_buffer("latent_sharpen", torch.eye(latents))
        self.mean: torch.Tensor
        self.basis: torch.Tensor
        self.inverse: torch.Tensor
        self.latent_mean: torch.Tensor
        self.latent_spread: torch.Tensor
        self.latent_sharpen: torch.Tensor

    @torch.no_grad()
    def set_linear(self, mean: torch.Tensor, basis: torch.Tensor, inverse: torch.Tensor) -> None:
        """The mean face (12288,), what one unit of each latent adds to it, and what reads the latents (100, 12288)."""
        self.mean.copy_(mean)
        self.basis.copy_(basis)
        self.inverse.copy_(inverse)

    @torch.no_grad()
    def set_latents(self, mean: torch.Tensor, covariance: torch.Tensor) -> None:
        """Standardise: after this the latents of faces with these moments have zero mean and unit covariance (ZCA)."""
        values, vectors = torch.linalg.eigh(covariance.cpu().double())
        root = values.clamp(min=1e-6).sqrt()
        self.latent_mean.copy_(mean)
        self.latent_spread.copy_((vectors * root) @ vectors.T)
        self.latent_sharpen.copy_((vectors / root) @ vectors.T)

    def raw_latents(self, pictures: torch.Tensor) -> torch.Tensor:
        """Before standardising."""
        linear = functional.linear(pictures.flatten(1) - self.mean, self.inverse)
        added: torch.Tensor = self.to_latents(self.read(pictures))
        return linear + added.to(linear.dtype)

    def raw_features(self, raw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the last layer takes (B, fine, 32, 32), and the linear picture (B, 3, 64, 64)."""
        linear = (self.mean + raw @ self.basis).view(-1, 3, SIDE, SIDE)
        x = self.from_latents(raw).view(len(raw), -1, 8, 8)
        x = functional.interpolate(self.at_8(x), scale_factor=2, mode="nearest")
        x = functional.interpolate(self.at_16(x), scale_factor=2, mode="nearest")
        x = x + self.linear_seen(functional.pixel_unshuffle(linear, 2))
        return self.at_32(x), linear

    def raw_decode(self, raw: torch.Tensor) -> torch.Tensor:
        features, linear = self.raw_features(raw)
        return linear + functional.pixel_shuffle(self.last(features), 2).to(linear.dtype)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return functional.linear(self.raw_latents(pictures) - self.latent_mean, self.latent_sharpen)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.raw_decode(self.latent_mean + functional.linear(z, self.latent_spread))

    def features(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features, linear = self.raw_features(self.latent_mean + functional.linear(z, self.latent_spread))
        return features, linear + functional.pixel_shuffle(self.last(features), 2)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The reconstruction."""
        return self.decode(self.encode(pictures))
