"""Gated convolutions: the generator of free-form inpainting, with or without a sketch, and its discriminator.

Yu et al., "Free-form image inpainting with gated convolution" (ICCV 2019), section 3, as published in DeepFill v2: a
coarse network, its result pasted into the picture, then a refinement of two branches, one of dilated convolutions and one
of contextual attention. Names of layers are those of the published checkpoint; sizes and padding are TensorFlow's.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from scumble.vision.tensorflow_sizes import nearest_aligned, same_padded

from .contextual_attention import contextual_attention


class GatedConv2d(nn.Module):
    """Equation 2 of the paper: half of the channels, activated, times the sigmoid of the other half.

    Parameters
    ----------
    channels
        Of the convolution; half of it comes out.
    gated
        Without a gate and an activation it is a plain convolution (the last of a network).
    activation
        elu or relu
    """

    def __init__(
        self,
        before: int,
        channels: int,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        gated: bool = True,
        activation: str = "elu",
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, channels, kernel, stride, dilation=dilation)
        nn.init.xavier_uniform_(self.conv.weight)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)
        self.kernel, self.stride, self.dilation, self.gated, self.activation = (
            kernel,
            stride,
            dilation,
            gated,
            activation,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(same_padded(x, self.kernel, self.stride, self.dilation))
        if not self.gated:
            return x
        x, gate = x.chunk(2, dim=1)
        x = functional.elu(x) if self.activation == "elu" else functional.relu(x)
        return x * torch.sigmoid(gate)


def upsampled(x: torch.Tensor) -> torch.Tensor:
    return nearest_aligned(x, 2 * x.shape[2], 2 * x.shape[3])


DILATIONS = {7: 2, 8: 4, 9: 8, 10: 16}
"""Of the layers of these numbers."""


class GatedGenerator(nn.Module):
    """Both stages. Sides of pictures are multiples of 8.

    Parameters
    ----------
    width
        Channels of the first convolution before its gate; 48 as published.
    guided
        Whether a sketch is one of the inputs.
    """

    multiple_of = 8

    def __init__(self, width: int = 48, guided: bool = False) -> None:
        super().__init__()
        if width % 4:
            raise ValueError("the width is a multiple of 4")
        self.width, self.guided = width, guided
        c, layers = width, nn.ModuleDict()
        before = 3 + 2 + guided

        def add(name: str, channels: int, kernel: int = 3, stride: int = 1, **more: object) -> None:
            nonlocal before
            layers[name] = GatedConv2d(before, channels, kernel, stride, **more)  # type: ignore[arg-type]
            before = channels // 2

        def descend(prefix: str, widths: tuple[int, ...]) -> None:
            """Layers 1 to 6: a quarter of the size."""
            add(f"{prefix}1", widths[0], 5)
            add(f"{prefix}2_downsample", widths[1], 3, 2)
            add(f"{prefix}3", widths[2])
            add(f"{prefix}4_downsample", widths[3], 3, 2)
            add(f"{prefix}5", widths[4])

        def ascend(prefix: str) -> None:
            """Layers 11 to 17: back to the full size."""
            add(f"{prefix}11", 4 * c)
            add(f"{prefix}12", 4 * c)
            add(f"{prefix}13_upsample", 2 * c)
            add(f"{prefix}14", 2 * c)
            add(f"{prefix}15_upsample", c)
            add(f"{prefix}16", c // 2)
            add(f"{prefix}17", 3, gated=False)

        descend("conv", (c, 2 * c, 2 * c, 4 * c, 4 * c))
        add("conv6", 4 * c)
        for number, dilation in DILATIONS.items():
            add(f"conv{number}_atrous", 4 * c, dilation=dilation)
        ascend("conv")
        before = 3
        descend("xconv", (c, c, 2 * c, 2 * c, 4 * c))
        add("xconv6", 4 * c)
        for number, dilation in DILATIONS.items():
            add(f"xconv{number}_atrous", 4 * c, dilation=dilation)
        before = 3
        descend("pmconv", (c, c, 2 * c, 4 * c, 4 * c))
        add("pmconv6", 4 * c, activation="relu")
        add("pmconv9", 4 * c)
        add("pmconv10", 4 * c)
        before = 4 * c  # both branches
        ascend("allconv")
        self.layers = layers

    def forward(
        self, picture: torch.Tensor, hole: torch.Tensor, sketch: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the coarse and the refined stage fill, (B, 3, H, W) in -1 to 1 each.

        Parameters
        ----------
        picture
            (B, 3, H, W) in -1 to 1; 0 in the hole.
        hole
            (B, 1, H, W), 1 in the hole.
        sketch
            (B, 1, H, W), 1 on lines, for a guided network; only what lies in the hole counts.
        """
        picture = picture * (1 - hole)
        parts = [picture]
        if self.guided:
            parts.append(torch.zeros_like(hole) if sketch is None else sketch * hole)
        x = torch.cat([*parts, torch.ones_like(hole), hole], dim=1)
        x = self._run(x, "conv", ("1", "2_downsample", "3", "4_downsample", "5", "6"))
        x = self._run(x, "conv", tuple(f"{n}_atrous" for n in DILATIONS))
        coarse = torch.tanh(self._ascend(x, "conv"))
        pasted = coarse * hole + picture * (1 - hole)
        dreamt = self._run(pasted, "xconv", ("1", "2_downsample", "3", "4_downsample", "5", "6"))
        dreamt = self._run(dreamt, "xconv", tuple(f"{n}_atrous" for n in DILATIONS))
        x = self._run(pasted, "pmconv", ("1", "2_downsample", "3", "4_downsample", "5", "6"))
        x = contextual_attention(x, nearest_aligned(hole, *x.shape[2:]))
        x = self._run(x, "pmconv", ("9", "10"))
        return coarse, torch.tanh(self._ascend(torch.cat([dreamt, x], dim=1), "allconv"))

    def _run(self, x: torch.Tensor, prefix: str, names: tuple[str, ...]) -> torch.Tensor:
        for name in names:
            x = self.layers[prefix + name](x)
        return x

    def _ascend(self, x: torch.Tensor, prefix: str) -> torch.Tensor:
        x = self._run(x, prefix, ("11", "12"))
        x = self._run(upsampled(x), prefix, ("13_upsample", "14"))
        return self._run(upsampled(x), prefix, ("15_upsample", "16", "17"))


class PatchDiscriminator(nn.Module):
    """SN-PatchGAN (section 3.3): six spectrally normalized convolutions; every output value judges its own surroundings.

    Parameters
    ----------
    before
        Channels of the input: picture and mask, and the sketch where there is one.
    width
        Of the first layer; 64 as published.
    """

    def __init__(self, before: int = 4, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for factor in (1, 2, 4, 4, 4, 4):
            self.layers.append(spectral_norm(nn.Conv2d(before, factor * width, 5, 2)))
            before = factor * width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = functional.leaky_relu(layer(same_padded(x, 5, 2)), 0.2)
        return x
