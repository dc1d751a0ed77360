"""Bringing a change of a small aligned face back to the photograph, at the photograph's own resolution.

The published composite (Brock et al. 2017, section 2; `paint` of the Neural Photo Editor) is x̂ + M Δ + (1 − M) E, with the
change Δ of the reconstruction x̂, its error E, and M a blurred |Δ|. At full weight it replaces the photograph by the
reconstruction. Here the whole error stays, x̂ + M Δ + E = x + M Δ, so pores and hair do; and MΔ is carried to the full size by
an affine model of the photograph's colours in each neighbourhood (`guided_filter`), so that it ends where the photograph's
own edges are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from scumble.faces.detection.alignment import Floats, Matrix, inverse, scale_of
from scumble.faces.detection.found_face import bounds_of_part
from scumble.imaging.geometry import Bounds
from scumble.vision import guided_filter

SIGMA = 0.7
"""Blur of the interpolation mask, in pixels of the model, as published."""

GAIN = 5.0
"""How much steeper than published the mask is: a change of a tenth of the range (−1 to 1) is half let through."""

RADIUS = 2
EPSILON = 2e-3
"""Window (in the model's pixels) and edge scale (variance of colours in 0 to 1) of the guided enlargement."""

STEEPEST = 0.5
"""How much of the photograph's own contrast the affine part may take or add."""

DETAIL = 0.35
"""Half a window, in the model's pixels, of the filter that tells small detail from form."""

FAINT = 0.13
"""Detail is weaker than this (in 0 to 1); what goes beyond is an edge."""

RIM = 0.08
"""Share of the frame's side over which a change fades out at the frame's edge."""


def published_mask(change: Floats) -> Floats:
    """(h, w): M of the published editor, from Δ (h, w, 3) in −1 to 1."""
    return _mask(change, 1.0)


def interpolation_mask(change: Floats) -> Floats:
    """(h, w) in 0 to 1: how far a change (h, w, 3), in −1 to 1, is let through; what is too small to be meant is not."""
    return _mask(change, GAIN)


def _mask(change: Floats, gain: float) -> Floats:
    size = np.minimum(gain * np.abs(change).mean(axis=2), 1)
    return np.asarray(np.clip(ndimage.gaussian_filter(size, SIGMA), 0, 1), np.float32)


def published_composite(picture: Floats, before: Floats, after: Floats) -> Floats:
    """The published editor's picture, all (h, w, 3) in −1 to 1."""
    change = after - before
    mask = published_mask(change)[..., None]
    return np.asarray(before + mask * change + (1 - mask) * (picture - before), np.float32)


@dataclass(frozen=True)
class Enlarger:
    """A change in a form that can be applied to any part of the photograph."""

    frame: Matrix
    """From the model's unit square to the document."""

    planes: Floats
    """(h, w, 12): matrices (3 × 3) and offsets (3) of the affine models, premultiplied by the fade at the rim."""

    centre: Floats
    """(3,): the colour that the matrices are relative to."""

    def bounds(self) -> Bounds:
        """Whole pixels of the document around what changes."""
        return bounds_of_part(np.asarray(self.planes.any(axis=2)), self.frame)

    @property
    def margin(self) -> int:
        """Pixels of the document beyond a part that its change depends on: half a window of the detail's filter."""
        return int(DETAIL * scale_of(self.frame) / self.planes.shape[0])

    def change(self, rgb: Floats, bounds: Bounds) -> Floats:
        """(H, W, 3): what is added to the photograph's colours (0 to 1) in `bounds` of the document.

        It is exact but for a rim of `margin` pixels, where the filter does not see what lies beyond `bounds`.
        """
        back = inverse(self.frame)
        corner = back[:, 2] + back[:, :2] @ [bounds.x, bounds.y]
        reach = back[:, :2] * [bounds.width, bounds.height]  # columns: what the whole width and height are in the frame
        # from −1…1 of the part of the document to −1…1 of the frame
        shift = 2 * corner + reach.sum(axis=1) - 1
        theta = torch.from_numpy(np.concatenate([reach, shift[:, None]], axis=1).astype(np.float32))[None]
        with torch.inference_mode():
            grid = functional.affine_grid(theta, [1, 12, bounds.height, bounds.width], align_corners=False)
            planes = torch.from_numpy(self.planes.transpose(2, 0, 1).copy())[None]
            # beyond the frame there are zeros, and the planes have faded out before
            found = functional.grid_sample(planes, grid, padding_mode="zeros", align_corners=False)[0]
            guide = rgb - small_detail(rgb, self.margin)
            centred = torch.from_numpy(guide - self.centre).permute(2, 0, 1)
            out = [(found[3 * c : 3 * c + 3] * centred).sum(dim=0) + found[9 + c] for c in range(3)]
            return np.asarray(torch.stack(out, dim=2).numpy(), np.float32)


def enlarger(change: NDArray[Any], picture: Floats, frame: Matrix) -> Enlarger:
    """Prepare a change for the document.

    Parameters
    ----------
    change
        (h, w, 3), to be added to colours in 0 to 1, at the model's size.
    picture
        (h, w, 3) in 0 to 1: the aligned photograph at that size.
    frame
        From the model's unit square to the document, in pixels.
    """
    change = np.asarray(change * rim(change.shape[0])[..., None], np.float32)
    matrix, _ = guided_filter.coefficients(picture, change, RADIUS, EPSILON)
    matrix = np.asarray(matrix * (np.abs(change).max(axis=2) > 0)[..., None, None], np.float32)
    # no direction of colour loses or gains more contrast than that; no singular value is above the root of the sum of squares
    steep = np.linalg.norm(matrix, axis=(2, 3)) > STEEPEST
    left, sizes, right = np.linalg.svd(matrix[steep])
    matrix[steep] = (left * np.minimum(sizes, STEEPEST)[..., None, :]) @ right
    centre = picture.reshape(-1, 3).mean(axis=0).astype(np.float32)
    offset = change - np.einsum("hwcg,hwg->hwc", matrix, picture - centre)
    planes = np.concatenate([matrix.reshape(*change.shape[:2], 9), offset], axis=2)
    return Enlarger(frame, np.asarray(planes, np.float32), centre)


def small_detail(rgb: Floats, radius: int) -> Floats:
    """(H, W, 3): pores, grain and single hairs: what is finer than a window and weaker than an edge.

    It is no part of the guide: the affine model would weaken it where a light place becomes dark.
    """
    if radius < 1:
        return np.zeros_like(rgb)
    fine = rgb - ndimage.uniform_filter(rgb, (2 * radius + 1, 2 * radius + 1, 1), mode="nearest")
    strength = np.abs(fine).max(axis=2, keepdims=True) / np.float32(FAINT)
    return np.asarray(fine * np.maximum(1 - strength**2, 0), np.float32)


def rim(side: int) -> NDArray[np.float32]:
    """(side, side): 1 inside, falling to 0 at the edge of the frame."""
    near = (np.arange(side) + 0.5) / side
    ramp = np.clip(np.minimum(near, 1 - near) / RIM, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    return np.asarray(np.minimum(ramp[:, None], ramp[None]), np.float32)
