"""The parts of an aligned face as soft masks, at the size of its picture and with the picture's own edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

WEIGHTS = "scumble-face-parsing"

REFINED = 256
"""Side, in pixels, at which edges are looked for at most; a larger picture's own edges then shape the result."""

RADIUS = 1 / 64
"""Of the guided filter's windows, as a share of the side."""

EPSILON = 1e-3
"""Variance of the picture, whose contrast is brought to that of a well lit one, below which a window has no edge."""

CONTRAST = 0.2
"""Deviation of colours to which the guide is brought, so that edges in a dark picture are edges."""

MOST_CONTRAST = 8.0
"""How many times a guide's contrast is raised at most: beyond that there is noise."""

SURE = 0.15
"""What is less than so much of a part is none of it, and what lacks less than so much is all of it."""

BY_POINTS = 0.6
"""How much landmarks count beside the network, which sees what hides a part."""


@dataclass(frozen=True)
class FaceMasks:
    """How much of each pixel belongs to which part: (S, S) each, 0 to 1, together at most 1."""

    hair: Floats
    skin: Floats
    """Of face, ears and neck, without lips and eyes."""

    lips: Floats
    eyes: Floats
    """With lids and brows."""

    mouth: Floats
    """What lies between the lips: teeth and tongue."""

    sure: float = 0.0
    """0 to 1: how far the network and the landmarks see the same face; 0 where there are none to compare with."""

    @property
    def face(self) -> Floats:
        """All but hair."""
        return np.asarray((self.skin + self.lips + self.eyes + self.mouth).clip(0, 1), np.float32)


def face_masks(photograph: Floats, points: Points | None, context: Context, seen: Floats | None = None) -> FaceMasks:
    """The parts of an aligned face.

    Parameters
    ----------
    photograph
        (S, S, 3) in 0 to 1, sRGB-encoded: the frame of an aligned face (`scumble.faces.detection.alignment`), of any size.
    points
        (49, 2): its landmarks as shares of the side; they sharpen lips, eyes and mouth. None where they are not known.
    context
        Keeps the network warm.
    seen
        (S, S) in 0 to 1: how opaque the picture is (alpha). What is not there is no part; colours under alpha 0 do not matter.
        None where all of it is there.

    Raises
    ------
    ValueError
        Where shapes do not fit.
    ScumbleError
        `weights_missing`.
    """
    side = photograph.shape[0]
    if photograph.shape != (side, side, 3) or side == 0:
        raise ValueError(f"{photograph.shape} is no square picture in colours")
    if points is not None and points.shape != (49, 2):
        raise ValueError(f"points {points.shape} are not 49 landmarks")
    if seen is not None and seen.shape != (side, side):
        raise ValueError(f"picture {photograph.shape} and alpha {seen.shape} do not fit")
    there = np.ones((side, side), np.float32) if seen is None else seen.astype(np.float32).clip(0, 1)
    # what is hidden might be anything, also not a number
    picture = np.where(there[..., None] > 0, photograph, 0).astype(np.float32).clip(0, 1)
    picture = np.nan_to_num(picture, copy=False)
    parts, sure = _found(picture, there, context), 0.0
    if points is not None and np.isfinite(points).all():
        sure = _agreement(parts, points)
        parts = _sharpened(parts, points)
    large = _refined(parts, picture, there) * there[..., None]
    hair, skin, lips, eyes, mouth = (np.ascontiguousarray(large[..., n]) for n in range(5))
    return FaceMasks(hair, skin, lips, eyes, mouth, sure)


def _found(picture: Floats, there: Floats, context: Context) -> Floats:
    """(P, P, 5) shares of hair, skin, lips, eyes and mouth, as the network sees them at its own size."""
    import torch

    from scumble.vision.precision import fast

    from . import weights
    from .network import CLASSES, SIDE

    path = weight_file(WEIGHTS, context)
    network = context.models.get(f"{WEIGHTS}, {context.device}", lambda: weights.load(path, context.device))
    share = _resized(there[..., None], SIDE)
    small = _resized(picture * there[..., None], SIDE) / np.maximum(share, 1e-6)
    seen = (share > 0.5).astype(np.float32)
    with torch.inference_mode(), fast(context.device):
        logits = network(_tensor(small.clip(0, 1), context), _tensor(seen, context))
    found = logits[0].float().softmax(0).permute(1, 2, 0).cpu().numpy()
    order = [CLASSES.index(name) for name in ("hair", "skin", "lips", "eyes", "mouth")]
    return np.asarray(found[..., order] * seen, np.float32)


def _agreement(parts: Floats, points: Points) -> float:
    """How much of eyes, and of lips with the mouth, network and landmarks have in common, and how much face lies between them."""
    from scumble.faces.detection.alignment import LEFT_EYE, RIGHT_EYE
    from scumble.faces.detection.parts import CORNERS, brows_of, parts_of, polygon

    side = len(parts)
    at = points * side
    told = parts_of(at, side)
    found = []
    for seen, named in (
        (parts[..., 2] + parts[..., 4], told.lips + told.mouth),
        (parts[..., 3], np.maximum(told.eyes, brows_of(at, side))),
    ):
        found.append(float(np.minimum(seen, named).sum() / max(float(np.maximum(seen, named).sum()), 1e-6)))
    between = polygon(np.array([at[LEFT_EYE].mean(0), at[RIGHT_EYE].mean(0), at[CORNERS[1]], at[CORNERS[0]]]), side)
    face = float(parts[..., 1:][between].sum(-1).mean()) if between.any() else 0.0
    # glasses hide eyes, and a hand or a beard lips
    return float(np.clip(np.mean(found) * face, 0, 1))


def _sharpened(parts: Floats, points: Points) -> Floats:
    """Lips, eyes and mouth as much where the landmarks say as where the network does; hair before them stays hair."""
    from scumble.faces.detection.parts import brows_of, parts_of

    side = parts.shape[0]
    told = parts_of(points * side, side)
    eyes = np.maximum(told.eyes, brows_of(points * side, side))
    hair, skin = parts[..., 0], parts[..., 1]
    others = 1 - parts.sum(-1)
    named = np.stack([told.lips, eyes, told.mouth], -1)
    # a hand or hair over a part hides it, whatever its landmarks say
    free = 1 - np.clip(hair + others, 0, 1)
    small = (1 - BY_POINTS) * parts[..., 2:] + BY_POINTS * named * free[..., None]
    small /= np.maximum(small.sum(-1, keepdims=True), 1)
    skin = np.clip(free - small.sum(-1), 0, 1)
    return np.concatenate([hair[..., None], skin[..., None], small], -1).astype(np.float32)


def _refined(parts: Floats, picture: Floats, there: Floats) -> Floats:
    """(S, S, 5): the parts at the picture's size, their borders moved to its edges (the guided filter)."""
    from scumble.vision import guided_filter

    side = picture.shape[0]
    work = min(side, REFINED)
    guide = _as_lit(picture, there)
    small = guide if work == side else _resized(guide, work)
    weight = _resized(there[..., None], work)[..., 0]
    values = _resized(parts, work)
    radius = max(1, round(RADIUS * work))
    matrix, offset = guided_filter.coefficients(small, values, radius, EPSILON, np.maximum(weight, 1e-3))
    if work == side:
        found = guided_filter.apply(matrix, offset, guide)
    else:
        planes = _resized(np.concatenate([matrix.reshape(work, work, 15), offset], 2), side)
        found = guided_filter.apply(planes[..., :15].reshape(side, side, 5, 3), planes[..., 15:], guide)
    # what the filter leaves a trace of everywhere is nothing
    found = ((found - SURE) / (1 - 2 * SURE)).clip(0, 1)
    return np.asarray(found / np.maximum(found.sum(-1, keepdims=True), 1), np.float32)


def _as_lit(picture: Floats, there: Floats) -> Floats:
    """The picture at the contrast of a well lit one."""
    known = picture[there > 0]
    if not len(known):
        return picture
    deviation = float(known.std(0).mean())
    return np.asarray((picture - known.mean(0)) * min(CONTRAST / max(deviation, 1e-6), MOST_CONTRAST), np.float32)


def _resized(picture: Floats, side: int) -> Floats:
    """(side, side, C), smoothly."""
    import torch
    from torch.nn import functional

    if picture.shape[0] == side:
        return picture
    planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
    found = functional.interpolate(
        planes, size=(side, side), mode="bilinear", align_corners=False, antialias=picture.shape[0] > side
    )
    return np.asarray(found[0].permute(1, 2, 0).numpy(), np.float32)


def _tensor(plane: Floats, context: Context) -> torch.Tensor:
    """(1, C, S, S)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(plane.transpose(2, 0, 1))).to(context.device)[None]
