"""The layers that the Introspective Adversarial Network has of its own, in the published form.

Brock, Lim, Ritchie and Weston, "Neural Photo Editing with Introspective Adversarial Networks" (2017), sections 3.2 to 3.4;
MADE is Germain et al. (2015), the flow Kingma et al. (2016), minibatch discrimination Salimans et al. (2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-4
"""Of batch normalization, as Lasagne has it."""

MOMENTUM = 0.1

INITIAL = 0.02
"""Deviation of the convolutions' first weights."""

MASK_SEED = 1234


def normalization(channels: int, flat: bool = False) -> nn.Module:
    kind = nn.BatchNorm1d if flat else nn.BatchNorm2d
    return kind(channels, eps=EPSILON, momentum=MOMENTUM)


class IanConvolution(nn.Module):
    """5 × 5 with stride 2, half the size; batch norm (but in the first), LeakyReLU 0.2."""

    def __init__(self, before: int, after: int, normalized: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 5, 2, 2, bias=not normalized)
        self.norm = normalization(after) if normalized else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.leaky_relu(self.norm(self.conv(x)), 0.2)


class IanDeconvolution(nn.Module):
    """5 × 5 transposed with stride 2: exactly twice the size. `slope` is LeakyReLU's; 0 for ReLU, None for neither."""

    def __init__(self, before: int, after: int, slope: float | None = 0.0) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(before, after, 5, 2, 2, output_padding=1, bias=False)
        self.norm = normalization(after)
        self.slope = slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv(x))
        return x if self.slope is None else functional.leaky_relu(x, self.slope)


class MultiscaleDilated(nn.Module):
    """MDC (section 3.2): one 3 × 3 kernel at several dilations, each with a coefficient for every filter, summed; no bias.

    Parameters
    ----------
    scales
        Dilations besides 1; 0 stands for the 1 × 1 convolution with the kernel's mean.
    """

    def __init__(self, before: int, after: int, scales: Sequence[int]) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3) * INITIAL)
        self.coefficients = nn.Parameter(torch.full((1 + len(scales), after), 1 / (1 + len(scales))))
        """(1 + scales, after): of the plain convolution, then in the order of `scales`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shares = self.coefficients[:, :, None, None, None]
        out = functional.conv2d(x, self.weight * shares[0], padding=1)
        for scale, share in zip(self.scales, shares[1:], strict=True):
            if scale == 0:
                out = out + functional.conv2d(x, self.weight.mean((2, 3), keepdim=True) * share)
            else:
                out = out + functional.conv2d(x, self.weight * share, padding=scale, dilation=scale)
        return out


class DilatedBlock(nn.Module):
    """A residual block of two MDCs with normalization before each and after the sum, LeakyReLU 0.2."""

    def __init__(self, width: int, scales: Sequence[int]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(normalization(width) for _ in range(3))
        self.first = MultiscaleDilated(width, width, scales)
        self.second = MultiscaleDilated(width, width, scales)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.first(functional.leaky_relu(self.norms[0](x), 0.2))
        inner = self.second(functional.leaky_relu(self.norms[1](inner), 0.2))
        return functional.leaky_relu(self.norms[2](x + inner), 0.2)


class RgbBeta(nn.Module):
    """Colours one after the other, green given red, blue given both, each the mean of a Beta distribution (section 3.3)."""

    SCALES = (2, 3, 4)

    def __init__(self, before: int) -> None:
        super().__init__()
        self.red = MultiscaleDilated(before, 2, self.SCALES)
        self.green = MultiscaleDilated(before, 2, self.SCALES)
        self.green_given = MultiscaleDilated(2, 2, self.SCALES)
        self.blue = MultiscaleDilated(before, 2, self.SCALES)
        self.blue_given = MultiscaleDilated(4, 2, self.SCALES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        red = torch.sigmoid(self.red(x))
        green = torch.sigmoid(self.green(x) + self.green_given(red))
        blue = torch.sigmoid(self.blue(x) + self.blue_given(torch.cat([red, green], dim=1)))
        means = [2 * (c[:, :1] / (c[:, :1] + c[:, 1:] + 1e-8)) - 1 for c in (red, green, blue)]
        return torch.cat(means, dim=1)


class AutoregressiveDense(nn.Module):
    """One hidden layer as wide as the latents, and a masked layer straight from input to output; masks as published.

    All hidden units are connected to the first latent alone: the published code draws their connectivity from a
    distribution that has all its mass there. The order of the latents is shuffled once.
    """

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.input = nn.Linear(latents, latents)
        self.output = nn.Linear(latents, latents)
        self.direct = nn.Linear(latents, latents)
        for layer in (self.input, self.output, self.direct):
            nn.init.orthogonal_(layer.weight, gain=2**0.5)
            nn.init.zeros_(layer.bias)
        order = torch.from_numpy(latent_order(latents))
        self.register_buffer("input_mask", (order[None, :] + 1 <= torch.ones(latents, 1)).float())
        self.register_buffer("output_mask", (torch.ones(1, latents) <= order[:, None]).float())
        self.register_buffer("direct_mask", (order[None, :] + 1 <= order[:, None]).float())
        self.input_mask: torch.Tensor
        self.output_mask: torch.Tensor
        self.direct_mask: torch.Tensor

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(functional.linear(z, self.input.weight * self.input_mask, self.input.bias))
        out = functional.linear(hidden, self.output.weight * self.output_mask, self.output.bias)
        return out + functional.linear(z, self.direct.weight * self.direct_mask, self.direct.bias)


def latent_order(latents: int) -> np.ndarray:
    """(latents,): the place of each latent after the one shuffle, as Theano's shared random streams make it of the seed."""
    seed = int(np.random.RandomState(MASK_SEED).randint(2**30))
    return np.random.RandomState(seed).permutation(latents)


class MinibatchDiscrimination(nn.Module):
    """Adds, for each picture, how alike it is to the others of its batch, in `kernels` ways."""

    def __init__(self, inputs: int, kernels: int = 500, dimensions: int = 5) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.randn(inputs, kernels, dimensions) * 0.05)
        self.log_scale = nn.Parameter(torch.zeros(kernels, dimensions))
        self.bias = nn.Parameter(torch.full((kernels,), -1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.theta * (self.log_scale.exp() / (self.theta**2).sum(dim=0).sqrt())
        places = torch.tensordot(x, weight, dims=1)
        away = (places[:, None] - places[None]).abs().sum(dim=3)
        away = away + 1e6 * torch.eye(len(x), device=x.device)[:, :, None]
        return torch.cat([x, (-away).exp().sum(dim=1) + self.bias], dim=1)
