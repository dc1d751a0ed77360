"""SC-FEGAN: a face completed from a mask, a sketch and colours.

Jo and Park, "SC-FEGAN: Face Editing Generative Adversarial Network with User's Sketch and Color" (ICCV 2019), section 3, in the
form of the published TensorFlow code: a U-net of gated convolutions (Yu et al. 2019) with local response normalization, and a
patch discriminator with spectral normalization on picture and conditions. Padding is TensorFlow's “SAME”.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from scumble.vision.tensorflow_sizes import same_padded

PUBLISHED_WIDTH = 64
INPUTS = 9
"""Picture without the hole (3), sketch (1), colour (3), mask (1), noise (1)."""

LRN_RADIUS, LRN_BIAS = 5, 5e-5
"""TensorFlow's defaults but for the bias; alpha is 1 and beta 0.5."""

SLOPE = 0.2
STEPS = 7
"""Halvings: the sides of a picture are multiples of 128."""

NO_COLOUR = -1.0
"""What the published program gives in the hole where no colour was drawn: its empty canvas is 0 of 255, which becomes −1."""


def normalized(x: torch.Tensor) -> torch.Tensor:
    """tf.nn.lrn: each value over the root of the sum of squares of the 11 channels around it."""
    size = 2 * LRN_RADIUS + 1
    return functional.local_response_norm(x, size, alpha=float(size), beta=0.5, k=LRN_BIAS)


class GatedConvolution(nn.Module):
    """A convolution, LRN and LeakyReLU, times the sigmoid of another convolution of the same input."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        lrn: bool = True,
        plain: bool = False,
    ) -> None:
        super().__init__()
        self.feature = nn.Conv2d(before, after, kernel, stride, dilation=dilation)
        self.gate = nn.Conv2d(before, after, kernel, stride, dilation=dilation)
        self.lrn, self.plain = lrn, plain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = same_padded(x, self.feature.kernel_size[0], self.feature.stride[0], self.feature.dilation[0])
        found: torch.Tensor = self.feature(x)
        if self.lrn:
            found = normalized(found)
        if not self.plain:
            found = functional.leaky_relu(found, SLOPE)
        return found * torch.sigmoid(self.gate(x))


class GatedDeconvolution(nn.Module):
    """Twice the size. As published, the gate is the sigmoid of the activation itself: y · σ(y); a second bias has no effect."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(before, after, 5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = 2 * x.shape[2], 2 * x.shape[3]
        # what “SAME” would have padded on the way down is cut off: 1 before, 2 behind
        found = functional.leaky_relu(self.conv(x)[:, :, 1 : 1 + height, 1 : 1 + width], SLOPE)
        return found * torch.sigmoid(found)


class ScFegan(nn.Module):
    """The generator.

    Parameters
    ----------
    width
        Channels of the first layer; 64 as published.
    """

    def __init__(self, width: int = PUBLISHED_WIDTH) -> None:
        super().__init__()
        self.width = width
        down = (width, 2 * width, 4 * width, 8 * width, 8 * width, 8 * width, 8 * width)
        kernels = (7, 5, 5, 3, 3, 3, 3)
        self.down = nn.ModuleList(
            GatedConvolution(before, after, kernel, 2, lrn=number > 0)
            for number, (before, after, kernel) in enumerate(zip((INPUTS, *down[:-1]), down, kernels, strict=True))
        )
        self.dilated = nn.Sequential(
            *(GatedConvolution(8 * width, 8 * width, 3, dilation=rate) for rate in (2, 4, 8, 16))
        )
        up = down[-2::-1]  # the widths of the skips, from the coarsest
        self.up = nn.ModuleList(GatedDeconvolution(b, a) for b, a in zip((8 * width, *up[:-1]), up, strict=True))
        self.mix = nn.ModuleList(GatedConvolution(2 * a, a, 3) for a in up)
        self.last_up = GatedDeconvolution(width, 3)
        self.last = GatedConvolution(3 + INPUTS, 3, 3, lrn=False, plain=True)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(B, 9, H, W) → (B, 3, H, W) in −1 to 1.

        `inputs_of` makes these. Pictures and colours are blue, green, red.
        """
        x, skips = inputs, []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        x = self.dilated(x)
        for up, mix, skip in zip(self.up, self.mix, skips[-2::-1], strict=True):
            x = mix(torch.cat([skip, up(x)], dim=1))
        x = self.last(torch.cat([inputs, self.last_up(x)], dim=1))
        return torch.tanh(x)

    def completed(self, inputs: torch.Tensor) -> torch.Tensor:
        """The picture with what was generated in the hole."""
        mask = inputs[:, 7:8]
        made: torch.Tensor = self(inputs)
        return made * mask + inputs[:, :3]


def inputs_of(
    picture: torch.Tensor,
    hole: torch.Tensor,
    lines: torch.Tensor,
    colours: torch.Tensor,
    given: torch.Tensor,
    noise: torch.Tensor,
    no_colour: float = NO_COLOUR,
) -> torch.Tensor:
    """What the generator sees: (B, 9, H, W).

    Parameters
    ----------
    picture, colours
        (B, 3, H, W): red, green, blue in 0 to 1.
    hole, lines, given, noise
        (B, 1, H, W) of 0 and 1 (noise: 0 to 1); `given` says where a colour was drawn.
    no_colour
        What is said in the hole where none was drawn: −1 as published, which is also black; or 0, for networks that were
        trained with that.
    """
    seen = (picture.flip(1) * 2 - 1) * (1 - hole)
    wanted = torch.where(given > 0.5, colours.flip(1) * 2 - 1, torch.full_like(colours, no_colour))
    return torch.cat([seen, lines * hole, wanted * hole, hole, noise * hole], 1)


class ScFeganDiscriminator(nn.Module):
    """SN-PatchGAN on picture, mask, sketch and colour: convolutions of stride 2, six as published; one judgement for each
    place."""

    WIDTHS = (1, 2, 4, 4, 4, 4)

    def __init__(self, inputs: int = 8, width: int = PUBLISHED_WIDTH, layers: int = len(WIDTHS)) -> None:
        super().__init__()
        widths = [share * width for share in self.WIDTHS[:layers]]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 5, 2, 2))
            for before, after in zip([inputs, *widths[:-1]], widths, strict=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 8, H, W) → (B, 4 · width, H / 64, W / 64), as published."""
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number + 1 < len(self.layers):
                x = functional.leaky_relu(x, SLOPE)
        return x


def tensorflow_names() -> Iterator[tuple[str, str]]:
    """Pairs of a parameter of `ScFegan` and the variable of the published checkpoint that it comes from.

    Kernels there are (height, width, in, out), those of the deconvolutions (height, width, out, in). `deconvN/biases2` is
    in the checkpoint and has no effect.
    """
    gated = {f"down.{n}": f"gconv{n + 1}_ds" for n in range(STEPS)}
    gated |= {f"dilated.{n}": f"co_conv{n + 1}_dlt" for n in range(4)}
    gated |= {f"mix.{n}": f"gconv{n + 8}" for n in range(STEPS - 1)} | {"last": "gconv14"}
    for ours, theirs in gated.items():
        for part, suffix in (("feature", ""), ("gate", "_g")):
            yield f"{ours}.{part}.weight", f"generator/{theirs}{suffix}/kernel"
            yield f"{ours}.{part}.bias", f"generator/{theirs}{suffix}/bias"
    for number in range(STEPS):
        ours = f"up.{number}" if number < STEPS - 1 else "last_up"
        yield f"{ours}.conv.weight", f"generator/deconv{number + 1}/w"
        yield f"{ours}.conv.bias", f"generator/deconv{number + 1}/biases1"
