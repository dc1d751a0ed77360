"""VGG-19 up to relu5_4, and narrower networks of its shape: features for perceptual and style losses.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015), configuration E. Every
form of its published weights becomes one of `VggWeights` (see `scumble.vision.vgg.weights`): what differs is how colours are
prepared, and how the picture is continued beyond its border.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

VGG19 = (2, 2, 4, 4, 4)
"""Convolutions in each block."""

WIDTHS = (64, 128, 256, 512, 512)
"""Channels of the blocks' convolutions."""

Padding = Literal["zeros", "reflect"]
Pooling = Literal["max", "average"]


def layer_names(blocks: Sequence[int] = VGG19) -> list[str]:
    """conv1_1, relu1_1, … pool1, … in the order in which they are computed."""
    names = []
    for block, count in enumerate(blocks, start=1):
        for number in range(1, count + 1):
            names += [f"conv{block}_{number}", f"relu{block}_{number}"]
        names.append(f"pool{block}")
    return names


@dataclass(frozen=True)
class VggWeights:
    """A network's numbers, in the one form that `Vgg` takes."""

    tensors: Mapping[str, torch.Tensor]
    """`convB_N.weight` (out, in, 3, 3) and `convB_N.bias` (out,) for every convolution; `colour.matrix` (3, 3) and
    `colour.offset` (3,), which prepare an RGB colour in 0 to 1."""

    padding: Padding = "zeros"


def reflected(x: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) with a pixel more on each side, as a mirror shows it. A side of one pixel has nothing to reflect."""
    if min(x.shape[2:]) < 2:
        return functional.pad(x, (1, 1, 1, 1), mode="replicate")
    if x.device.type != "cuda":
        return functional.pad(x, (1, 1, 1, 1), mode="reflect")
    # the gradients of CUDA's own are not the same twice
    x = torch.cat([x[:, :, 1:2], x, x[:, :, -2:-1]], 2)
    return torch.cat([x[..., 1:2], x, x[..., -2:-1]], 3)


class Vgg(nn.Module):
    """The network. It is never trained further: its parameters take no gradients.

    Parameters
    ----------
    weights
        Which convolutions there are, and their widths, is read from their names and shapes.
    pooling
        As trained (max), or by the mean, which gives smoother gradients (Gatys et al. 2016).
    """

    def __init__(self, weights: VggWeights, pooling: Pooling = "max") -> None:
        super().__init__()
        found = sorted(
            name.removesuffix(".weight")
            for name in weights.tensors
            if name.startswith("conv") and name.endswith(".weight")
        )
        blocks = [sum(name.startswith(f"conv{block}_") for name in found) for block in range(1, 6)]
        self.names = layer_names([count for count in blocks if count])
        self.padding, self.pooling = weights.padding, pooling
        for name, tensor in weights.tensors.items():
            self.register_buffer(name.replace(".", "_"), tensor.detach().float().clone())

    def prepared(self, rgb: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) colours in 0 to 1 as the first convolution wants them."""
        matrix, offset = self.get_buffer("colour_matrix"), self.get_buffer("colour_offset")
        return torch.einsum("ij,bjhw->bihw", matrix, rgb) + offset[:, None, None]

    def convolved(self, x: torch.Tensor, name: str) -> torch.Tensor:
        if self.padding == "reflect":
            x = reflected(x)
        around = 1 if self.padding == "zeros" else 0
        return functional.conv2d(x, self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias"), padding=around)

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """Halved; an odd last row or column is kept, as Caffe does."""
        if self.pooling == "average":
            return functional.avg_pool2d(x, 2, 2, ceil_mode=True)
        return functional.max_pool2d(x, 2, 2, ceil_mode=True)

    def forward(self, rgb: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """What the named layers give for (B, 3, H, W) pictures in 0 to 1: (B, C, h, w) each.

        Nothing is computed beyond the last of them. Raises ValueError for a layer that the network does not have.
        """
        unknown = [name for name in layers if name not in self.names]
        if unknown:
            raise ValueError(f"there is no layer {unknown[0]}; there are {', '.join(self.names)}")
        wanted, out = set(layers), {}
        x = self.prepared(rgb)
        for name in self.names:
            if name.startswith("conv"):
                x = self.convolved(x, name)
            elif name.startswith("relu"):
                x = functional.relu(x)
            else:
                x = self.pooled(x)
            if name in wanted:
                out[name] = x
                if len(out) == len(wanted):
                    break
        return out

    def buffers_bytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self.buffers())


def random_weights(blocks: Sequence[int], widths: Sequence[int], seed: int = 0) -> VggWeights:
    """He-initialized weights of that shape: what a network that has learned nothing is compared with."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {"colour.matrix": torch.eye(3) * 4, "colour.offset": torch.full((3,), -2.0)}
    before = 3
    for block, (count, width) in enumerate(zip(blocks, widths, strict=True), start=1):
        for number in range(1, count + 1):
            scale = (2 / (9 * before)) ** 0.5
            tensors[f"conv{block}_{number}.weight"] = torch.randn(width, before, 3, 3, generator=generator) * scale
            tensors[f"conv{block}_{number}.bias"] = torch.zeros(width)
            before = width
    return VggWeights(tensors, "reflect")
