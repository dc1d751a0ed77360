"""Published inpainting networks behind one call: any picture and hole in, the filled picture out.

Each wants its own range of values, polarity of the mask and sizes; that is said here, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from scumble.inpainting.networks.deepcreampy import DeepCreamPyNet
from scumble.inpainting.networks.gated_conv import GatedGenerator
from scumble.inpainting.networks.partial_conv import PartialConvUNet
from scumble.vision.resampling import touched
from scumble.vision.vgg.weights import IMAGENET_DEVIATION, IMAGENET_MEAN


@dataclass(frozen=True)
class Requirements:
    """What sizes a network takes; `Inpainter.fill` pads and resizes by itself."""

    multiple_of: int = 1
    minimum: int = 1
    """Of the shorter side."""
    size: int | None = None
    """The one side of the squares that it takes, where it takes no others."""

    @property
    def square(self) -> bool:
        return self.size is not None


class Inpainter(nn.Module):
    """A network that is ready to fill. It is made by `scumble.inpainting.weights.loading.load`.

    Attributes
    ----------
    name
        Of the architecture: partial_conv, gated_conv, deepcreampy, lama, migan.
    requirements
        At which sizes the network itself works. For the crop that is given to `fill`, about 512 pixels on the long side
        is what these were trained for (`requirements.size`, where it is set).
    takes_mosaic
        Whether `keep_mosaic` means anything to it.
    takes_sketch
        Whether `sketch` does.
    """

    name = "inpainter"
    takes_mosaic = False
    takes_sketch = False

    def __init__(self, network: nn.Module, requirements: Requirements) -> None:
        super().__init__()
        self.network = network.eval()
        self.requirements = requirements
        self.register_buffer("here", torch.zeros(0), persistent=False)  # a network need not have tensors that say where

    @torch.inference_mode()
    def fill(
        self,
        rgb: torch.Tensor,
        hole: torch.Tensor,
        keep_mosaic: bool = False,
        sketch: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The picture with its hole filled; outside, bit for bit what it was.

        Parameters
        ----------
        rgb
            (H, W, 3) float in 0 to 1, of any size and on any device.
        hole
            (H, W) bool, True where it is to be filled.
        keep_mosaic
            Let the network see what lies in the hole, which then is a mosaic (see `takes_mosaic`).
        sketch
            (H, W) bool, True on lines (see `takes_sketch`).

        Returns
        -------
        Tensor
            (H, W, 3) in 0 to 1, of the type and on the device of `rgb`.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or hole.shape != rgb.shape[:2]:
            raise ValueError(f"picture {tuple(rgb.shape)} and hole {tuple(hole.shape)} do not fit")
        if not hole.any():
            return rgb.clone()
        device = self.get_buffer("here").device
        picture = rgb.to(device, torch.float32).permute(2, 0, 1)[None].clamp(0, 1)
        mask = hole.to(device, torch.float32)[None, None]
        lines = None if sketch is None else sketch.to(device, torch.float32)[None, None]
        height, width = rgb.shape[:2]
        small = self._working(height, width)
        if small != (height, width):
            picture = functional.interpolate(picture, small, mode="bicubic", antialias=True).clamp(0, 1)
            # whatever the hole touches is hole, and whatever a line touches is line
            mask = touched(mask, small)
            lines = None if lines is None else touched(lines, small)
        padded = self._padded(*small)
        filled = self.forward(
            mirrored(picture, *padded),
            mirrored(mask, *padded),
            keep_mosaic and self.takes_mosaic,
            None if lines is None else mirrored(lines, *padded),
        )
        filled = filled[..., : small[0], : small[1]].float()
        if small != (height, width):
            filled = functional.interpolate(filled, (height, width), mode="bicubic", antialias=True)
        out = filled.clamp(0, 1)[0].permute(1, 2, 0).to(rgb.device, rgb.dtype)
        return torch.where(hole.to(rgb.device)[..., None], out, rgb)

    def forward(
        self, picture: torch.Tensor, hole: torch.Tensor, keep_mosaic: bool, sketch: torch.Tensor | None
    ) -> torch.Tensor:
        """(B, 3, H, W) in 0 to 1 and (B, 1, H, W), 1 in the hole, of sizes that it takes, to (B, 3, H, W) in 0 to 1."""
        raise NotImplementedError

    def _working(self, height: int, width: int) -> tuple[int, int]:
        """What the picture is resized to: a network of one size gets larger pictures smaller, never smaller ones larger."""
        size = self.requirements.size
        if size is None or max(height, width) <= size:
            return height, width
        scale = size / max(height, width)
        return max(1, min(size, round(height * scale))), max(1, min(size, round(width * scale)))

    def _padded(self, height: int, width: int) -> tuple[int, int]:
        need = self.requirements
        if need.size is not None:
            return need.size, need.size
        sides = (max(side, need.minimum) for side in (height, width))
        tall, wide = (-(-side // need.multiple_of) * need.multiple_of for side in sides)
        return tall, wide


def mirrored(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(B, C, H, W) continued to the right and downwards by its mirror image, as often as needed."""
    for axis, length in ((2, height), (3, width)):
        side = x.shape[axis]
        if length > side:
            place = torch.arange(length, device=x.device) % (2 * side)
            x = x.index_select(axis, torch.where(place < side, place, 2 * side - 1 - place))
    return x


class PartialConvInpainter(Inpainter):
    name = "partial_conv"

    def __init__(self, network: PartialConvUNet) -> None:
        super().__init__(network, Requirements(network.multiple_of, network.multiple_of))
        self.normalised = network.form.normalised
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION)[:, None, None], persistent=False)

    def forward(
        self, picture: torch.Tensor, hole: torch.Tensor, keep_mosaic: bool, sketch: torch.Tensor | None
    ) -> torch.Tensor:
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        if self.normalised:
            picture = (picture - mean) / deviation
        filled: torch.Tensor = self.network(picture * (1 - hole), 1 - hole)
        return filled * deviation + mean if self.normalised else filled


class GatedInpainter(Inpainter):
    name = "gated_conv"

    def __init__(self, network: GatedGenerator) -> None:
        super().__init__(network, Requirements(network.multiple_of, 32))
        self.takes_sketch = network.guided

    def forward(
        self, picture: torch.Tensor, hole: torch.Tensor, keep_mosaic: bool, sketch: torch.Tensor | None
    ) -> torch.Tensor:
        filled: torch.Tensor = self.network(picture * 2 - 1, hole, sketch)[1]
        return (filled + 1) / 2


class DeepCreamPyInpainter(Inpainter):
    name = "deepcreampy"
    takes_mosaic = True
    SIZE = 256

    def __init__(self, network: DeepCreamPyNet) -> None:
        super().__init__(network, Requirements(network.multiple_of, network.minimum, self.SIZE))

    def forward(
        self, picture: torch.Tensor, hole: torch.Tensor, keep_mosaic: bool, sketch: torch.Tensor | None
    ) -> torch.Tensor:
        if not keep_mosaic:
            picture = picture * (1 - hole)  # a bar is black to it
        filled: torch.Tensor = self.network(picture * 2 - 1, 1 - hole)[0]
        return (filled + 1) / 2


class LamaInpainter(Inpainter):
    """TorchScript of LaMa: picture in 0 to 1 and a mask that is 1 in the hole; 0 to 1 comes back."""

    name = "lama"

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, Requirements(8, 16))

    def forward(
        self, picture: torch.Tensor, hole: torch.Tensor, keep_mosaic: bool, sketch: torch.Tensor | None
    ) -> torch.Tensor:
        filled: torch.Tensor = self.network(picture, (hole > 0).float())
        return filled


class MiganInpainter(Inpainter):
    """TorchScript of MI-GAN: one input of 0.5 less the mask and the picture in -1 to 1 without its hole, 512 × 512."""

    name = "migan"
    SIZE = 512

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, Requirements(self.SIZE, self.SIZE, self.SIZE))

    def forward(
        self, picture: torch.Tensor, hole: torch.Tensor, keep_mosaic: bool, sketch: torch.Tensor | None
    ) -> torch.Tensor:
        hole = (hole > 0).float()
        filled: torch.Tensor = self.network(torch.cat([0.5 - hole, (picture * 2 - 1) * (1 - hole)], dim=1))
        return (filled + 1) / 2
