"""The Introspective Adversarial Network: a variational autoencoder whose encoder is also the discriminator.

Brock, Lim, Ritchie and Weston, "Neural Photo Editing with Introspective Adversarial Networks" (2017). `IanSimple` is the
slim network that the published editor runs; `Ian` the full one with multiscale dilated blocks, RGB-Beta output and a
masked autoregressive flow. Pictures are (B, 3, 64, 64) in −1 to 1. With `width` = 128 both are as published.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .ian_layers import (
    INITIAL,
    AutoregressiveDense,
    DilatedBlock,
    IanConvolution,
    IanDeconvolution,
    MinibatchDiscrimination,
    RgbBeta,
    normalization,
)

PUBLISHED_WIDTH = 128
LATENTS = 100
SIDE = 64


class _Introspective(nn.Module):
    """Encoder, latents and discriminator, which both networks have in common.

    Parameters
    ----------
    width
        Channels of the first convolution; all others follow.
    classes
        Of the discriminator: 1 (real or not), or 3 (real, reconstructed, sampled).
    """

    def __init__(self, width: int, latents: int, classes: int, slope: bool) -> None:
        super().__init__()
        self.side, self.latents, self.width = SIDE, latents, width
        self.encoder = nn.ModuleList(
            [
                IanConvolution(3, width, normalized=False),
                IanConvolution(width, 2 * width),
                IanConvolution(2 * width, 4 * width),
                IanConvolution(4 * width, 8 * width),
            ]
        )
        hidden = max(latents, round(1000 * width / PUBLISHED_WIDTH))
        self.hidden = nn.Linear(8 * width * 16, hidden, bias=False)
        self.hidden_norm = normalization(hidden, flat=True)
        self.mean = nn.Linear(hidden, latents, bias=False)
        self.mean_norm = normalization(latents, flat=True)
        self.log_sigma = nn.Linear(hidden, latents, bias=False)
        self.log_sigma_norm = normalization(latents, flat=True)
        self.elu = slope
        kernels = max(8, round(500 * width / PUBLISHED_WIDTH))
        self.minibatch = MinibatchDiscrimination(8 * width, kernels)
        self.judge = nn.Linear(8 * width + kernels, classes, bias=False)

    def introspect(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """What the four convolutions of the encoder give: the features of the introspective loss."""
        out = []
        for layer in self.encoder:
            pictures = layer(pictures)
            out.append(pictures)
        return out

    def posterior(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and logarithm of the deviation (B, latents), from the last convolution's features."""
        hidden = self.hidden_norm(self.hidden(features.flatten(1)))
        hidden = functional.elu(hidden) if self.elu else functional.relu(hidden)
        return self.mean_norm(self.mean(hidden)), self.log_sigma_norm(self.log_sigma(hidden))

    def judged(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (B, classes), from the last convolution's features."""
        logits: torch.Tensor = self.judge(self.minibatch(features.mean((2, 3))))
        return logits

    def flow(self, z: torch.Tensor) -> torch.Tensor:
        """From the posterior's latents to those that the decoder takes."""
        return z

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.flow(self.posterior(self.introspect(pictures)[-1])[0])

    def features(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        raise NotImplementedError

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.features(z)[1]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.decode(self.encode(pictures))

    def _start(self) -> None:
        """Weights drawn as published."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=INITIAL)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        layers = [self.hidden, self.judge]
        for layer in layers:
            nn.init.normal_(layer.weight, std=INITIAL)
        for layer in (self.mean, self.log_sigma):
            nn.init.xavier_uniform_(layer.weight)


class IanSimple(_Introspective):
    """`IAN_simple`: a plain decoder of transposed convolutions with a tanh, and a discriminator of real and false."""

    def __init__(self, width: int = PUBLISHED_WIDTH, latents: int = LATENTS) -> None:
        super().__init__(width, latents, 1, True)
        self.project = nn.Linear(latents, 8 * width * 16, bias=False)
        self.project_norm = normalization(8 * width * 16, flat=True)
        self.decoder = nn.Sequential(
            IanDeconvolution(8 * width, 4 * width),
            IanDeconvolution(4 * width, 2 * width),
            IanDeconvolution(2 * width, width),
        )
        self.out = nn.ConvTranspose2d(width, 3, 5, 2, 2, output_padding=1, bias=False)
        self._start()
        nn.init.normal_(self.project.weight, std=INITIAL)

    def features(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = functional.relu(self.project_norm(self.project(z))).view(len(z), -1, 4, 4)
        x = self.decoder(x)
        return x, torch.tanh(self.out(x))


class Ian(_Introspective):
    """`IAN` and `IANv1`: the full network."""

    def __init__(self, width: int = PUBLISHED_WIDTH, latents: int = LATENTS) -> None:
        super().__init__(width, latents, 3, False)
        self.flow_mean, self.flow_log_sigma = AutoregressiveDense(latents), AutoregressiveDense(latents)
        self.project = nn.Linear(latents, 4 * width * 16)
        self.decoder = nn.Sequential(
            IanDeconvolution(4 * width, 4 * width, None),
            DilatedBlock(4 * width, (0, 2)),
            IanDeconvolution(4 * width, 2 * width, None),
            DilatedBlock(2 * width, (0, 2, 3)),
            IanDeconvolution(2 * width, width, None),
            DilatedBlock(width, (0, 2, 3)),
            IanDeconvolution(width, width, 0.2),
        )
        self.out = RgbBeta(width)
        self._start()
        nn.init.normal_(self.project.weight, std=INITIAL)
        nn.init.zeros_(self.project.bias)

    def flow(self, z: torch.Tensor) -> torch.Tensor:
        moved: torch.Tensor = (z - self.flow_mean(z)) / self.flow_log_sigma(z).exp()
        return moved

    def features(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = functional.leaky_relu(self.project(z), 0.2).view(len(z), -1, 4, 4)
        x = self.decoder(x)
        return x, self.out(x)
