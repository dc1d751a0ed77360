"""MicroAST, a published network that paints in the manner of one picture: a teacher, and a peer to measure beside.

Wang, Zhao, Zuo, Li, Chen, Xing and Lu, "MicroAST: Towards Super-Fast Ultra-Resolution Arbitrary Style Transfer" (AAAI 2023). Two small
encoders see content and style; the decoder's maps take the means and deviations of the style's, and each of its convolutions is weighted,
and given a share of what came in, by numbers that a modulator reads off the style.

Its weights are published (MIT), not ours: `load` reads the four files where the user has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from scumble_client.errors import ScumbleError

FILES = ("content_encoder", "style_encoder", "modulator", "decoder")
"""Beginnings of the files' names."""

Weights = Mapping[str, Tensor]


class MicroAst(nn.Module):
    """`forward(content, style)` takes (B, 3, H, W) and (B, 3, h, w) in 0 to 1; gives (B, 3, H, W), for H and W that 4 divides."""

    def __init__(self, parts: Mapping[str, Weights]) -> None:
        super().__init__()
        self.parts = {name: dict(part) for name, part in parts.items()}

    @torch.inference_mode()
    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        low, high = _encoded(self.parts["content_encoder"], content)
        del low
        styles = _encoded(self.parts["style_encoder"], style)
        modulator = self.parts["modulator"]
        signals = [
            [_convolved(modulator, f"{kind}{number}.0", maps).mean((2, 3), keepdim=True) for kind in ("weight", "bias")]
            for number, maps in enumerate(styles, start=1)
        ]
        decoder = self.parts["decoder"]
        x = _modulated(decoder, "dec1", _restyled(high, styles[1]), *signals[1])
        x = _modulated(decoder, "dec2", _restyled(x, styles[0]), *signals[0])
        for first, second in ((1, 3), (6, 8)):
            x = functional.interpolate(x, scale_factor=2, mode="bilinear")
            x = functional.relu(_convolved(decoder, f"dec3.{first}", x))
            x = functional.relu(_convolved(decoder, f"dec3.{second}", x))
        return _convolved(decoder, "dec3.10", x)


def load(folder: Path) -> MicroAst:
    """The network out of its four published files (`content_encoder….pth.tar` and so on) in one folder.

    Raises ScumbleError `weights_missing` where one is not there, or can't be read.
    """
    parts: dict[str, Weights] = {}
    try:
        for name in FILES:
            (path,) = folder.glob(f"{name}*.pth.tar")
            parts[name] = torch.load(path, map_location="cpu", weights_only=True)
        MicroAst(parts)(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16))
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{folder}” does not hold MicroAST's four files.",
            "Get them from the project's page (EndyWon/MicroAST): content_encoder, style_encoder, modulator and decoder.",
        ) from error
    return MicroAst(parts)


def _convolved(weights: Weights, name: str, x: Tensor, stride: int = 1) -> Tensor:
    """A convolution over a mirrored rim; as many groups as its shape tells."""
    weight = weights[f"{name}.conv_layer.weight"]
    rim = weight.shape[2] // 2
    padded = functional.pad(x, (rim,) * 4, mode="reflect") if rim else x
    return functional.conv2d(
        padded, weight, weights[f"{name}.conv_layer.bias"], stride, groups=x.shape[1] // weight.shape[1]
    )


def _encoded(weights: Weights, picture: Tensor) -> list[Tensor]:
    """Two maps, at a quarter of the size."""
    x = functional.relu(_convolved(weights, "enc1.0", picture))
    for halving, mixing in ((2, 4), (6, 8)):
        x = functional.relu(_convolved(weights, f"enc1.{halving}", x, stride=2))
        x = functional.relu(_convolved(weights, f"enc1.{mixing}", x))
    found = []
    for name in ("enc1.10", "enc2.0"):
        x = x + _convolved(weights, f"{name}.conv2", functional.relu(_convolved(weights, f"{name}.conv1", x)))
        found.append(x)
    return found


def _restyled(x: Tensor, style: Tensor) -> Tensor:
    """Adaptive instance normalization (Huang and Belongie 2017): the style's mean and deviation of each channel."""
    means = [maps.mean((2, 3), keepdim=True) for maps in (x, style)]
    spreads = [(maps.var((2, 3), keepdim=True) + 1e-5).sqrt() for maps in (x, style)]
    return (x - means[0]) / spreads[0] * spreads[1] + means[1]


def _modulated(weights: Weights, name: str, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A residual block whose convolutions are modulated."""
    first = functional.relu(weight * _convolved(weights, f"{name}.conv1", x) + bias * x)
    return x + weight * _convolved(weights, f"{name}.conv2", first) + bias * first
