"""How well a completed face keeps to its sketch and its colours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from scumble.vision import edges

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

NEAR = 2
"""An edge so many pixels from a line at most follows it."""

EDGE = (0.01, 0.03)
"""Canny's thresholds for what counts as an edge: a clean step of a tenth of the range (27 of 255) reaches the upper one, and
what is connected to it goes on down to a third of that."""


def obedience(picture: Floats, lines: Mask, hole: Mask) -> float:
    """Share of the line pixels in the hole that have an edge of the picture within two pixels (by Canny's detector).

    (H, W, 3), (H, W) and (H, W). The hole's own rim is left out: an edge there says nothing about the lines. NaN where
    no line is left.
    """
    asked = lines & ndimage.binary_erosion(hole, iterations=NEAR + 1, border_value=1)
    if not asked.any():
        return math.nan
    found = edges.canny(np.clip(picture, 0, 1), low=EDGE[0], high=EDGE[1])
    return float((ndimage.distance_transform_edt(~found) <= NEAR)[asked].mean()) if found.any() else 0.0


def gradient_energy(made: Tensor, truth: Tensor, hole: Tensor) -> float:
    """Gradient energy in the holes as a share of the truth's: 1 is as sharp. (B, 3, H, W) twice, and (B, 1, H, W)."""

    def energy(picture: Tensor) -> float:
        across = (picture[..., :, 1:] - picture[..., :, :-1]).square() * hole[..., :, 1:] * hole[..., :, :-1]
        down = (picture[..., 1:, :] - picture[..., :-1, :]).square() * hole[..., 1:, :] * hole[..., :-1, :]
        return float(across.sum() + down.sum())

    return energy(made) / max(energy(truth), 1e-9)


def weave(made: Tensor, hole: Tensor, period: int = 4) -> float:
    """How far fine contrast repeats with the period of a pixel-shuffled picture: 0 where it does not.

    Fine contrast (a pixel less the mean of 3 × 3 around it) is averaged over the hole for each of period² phases; the spread of
    these means is given as a share of the contrast itself. (B, 3, H, W) and (B, 1, H, W), whose sides are multiples of the period.
    """
    fine = (made - functional.avg_pool2d(functional.pad(made, (1, 1, 1, 1), mode="replicate"), 3, 1)) * hole
    phases = functional.pixel_unshuffle(fine, period).reshape(len(made), made.shape[1], period**2, -1)
    counts = functional.pixel_unshuffle(hole, period).flatten(2).sum(-1)[:, None]
    means = phases.sum(-1) / counts.clamp(min=1)
    contrast = fine.square().sum((1, 2, 3)) / (3 * hole.sum((1, 2, 3))).clamp(min=1)
    spread = means.square().mean((1, 2)).sqrt() / contrast.sqrt().clamp(min=1e-6)
    return float(spread.mean())
