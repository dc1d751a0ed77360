"""Two small networks that find faces: one looks for them all over a picture, the other for 49 points of one face.

`FaceFinder` is a detector of points in the manner of Zhou, Wang and Krähenbühl, "Objects as Points" (2019): a map of
where the middle between two eyes is, and the places of both eyes beside it. It knows one octave of sizes; larger faces
are found on a reduced picture. `FaceLandmarks` reads an aligned crop by heat maps whose centres of mass are the points
(Nibali et al., "Numerical Coordinate Regression with Convolutional Neural Networks", 2018), and says how sure it is
that there is a face at all.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

POINTS = 49
"""In the order of 300-W without the jaw: 0-9 brows, 10-18 nose, 19-24 and 25-30 eyes, 31-48 mouth."""

LEFT_EYE, RIGHT_EYE = slice(19, 25), slice(25, 31)

STRIDE = 4
"""Pixels between the places that the finder judges."""

EYES_LEAST, EYES_MOST = 8.0, 18.0
"""Eye distances, in pixels, that the finder knows at the size at which it looks."""

UNIT = 16.0
"""Pixels that an eye offset of 1 means."""

CROP = 64
"""Side of the square that the landmark network reads, in pixels."""


class Convolution(nn.Sequential):
    """3 × 3, batch norm, ReLU."""

    def __init__(self, before: int, after: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(after), nn.ReLU(True)
        )


class Residual(nn.Module):
    """Two convolutions beside a straight way."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = Convolution(width, width, dilation=dilation)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.second(self.first(x)))


class FaceFinder(nn.Module):
    """Where faces are, on a picture of any size.

    Parameters
    ----------
    width
        Channels of every layer.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(STRIDE),
            Convolution(3 * STRIDE**2, width),
            Residual(width),
            Residual(width, dilation=2),
            Residual(width, dilation=2),
            Residual(width),
        )
        self.head = nn.Conv2d(width, 5, 1)
        nn.init.constant_(self.head.bias[:1], -4.0)  # type: ignore[index]  # faces are rare

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, H, W) in 0 to 1, sides multiples of 4 → logits (B, h, w) and eyes (B, 4, h, w).

        The eyes are x and y of the one on the picture's left, then of the other, from the middle of the place, in
        `UNIT`s.
        """
        out = self.head(self.body(rgb * 2 - 1)).float()
        return out[:, 0], out[:, 1:]


class FaceLandmarks(nn.Module):
    """The 49 points of the face in a crop that is roughly aligned (see `scumble.faces.detection.alignment`)."""

    def __init__(self, widths: tuple[int, int, int] = (24, 48, 96)) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.fine = nn.Sequential(nn.PixelUnshuffle(2), Convolution(12, fine), Residual(fine))
        self.middle = nn.Sequential(Convolution(fine, middle, 2), Residual(middle))
        self.coarse = nn.Sequential(Convolution(middle, coarse, 2), Residual(coarse), Residual(coarse))
        self.to_middle = nn.Conv2d(coarse, middle, 1)
        self.mix_middle = Convolution(middle, middle)
        self.to_fine = nn.Conv2d(middle, fine, 1)
        self.mix_fine = Convolution(fine, 32)
        self.maps = nn.Conv2d(32, POINTS, 1)
        self.sure = nn.Sequential(
            nn.Conv2d(coarse, 32, 1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * (CROP // 8) ** 2, 1)
        )
        self.register_buffer("shape", torch.zeros(POINTS, 2))
        self.shape: torch.Tensor
        """(49, 2): where the points of a mean face lie in the unit square of the aligned frame."""

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, 64, 64) in 0 to 1 → points (B, 49, 2), x and y in 0 to 1 of the crop; logits (B,) of a face."""
        fine = self.fine(rgb * 2 - 1)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        up = functional.interpolate(self.to_middle(coarse), scale_factor=2, mode="bilinear")
        middle = self.mix_middle(middle + up)
        up = functional.interpolate(self.to_fine(middle), scale_factor=2, mode="bilinear")
        heat = self.maps(self.mix_fine(fine + up)).float()
        return centres(heat), self.sure(coarse).float()[:, 0]


def centres(heat: torch.Tensor) -> torch.Tensor:
    """Centres of mass (B, N, 2) of maps (B, N, h, w) of unnormalised logits, x and y in 0 to 1."""
    height, width = heat.shape[2:]
    mass = functional.softmax(heat.flatten(2), dim=2).view_as(heat)
    x = (torch.arange(width, device=heat.device) + 0.5) / width
    y = (torch.arange(height, device=heat.device) + 0.5) / height
    return torch.stack([(mass.sum(2) * x).sum(2), (mass.sum(3) * y).sum(2)], dim=2)
