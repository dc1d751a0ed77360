"""A completed face brought back to the document: at its resolution, with detail and without a seam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.found_face import FaceFrame
from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.operations.new_layer import NewLayer
from scumble.vision import blending
from scumble_client.errors import ScumbleError

Floats = NDArray[np.float32]

FINEST = 1024
"""Largest side, in pixels, of an aligned face with detail."""

REACH = 0.12
"""How far the seam's correction reaches, as a share of the face's square: beyond, colours are those that were asked for."""

LARGE = 160_000
"""Pixels of a hole above which the seam's correction is found at a smaller size: it is smooth but for the rim."""


def finest_side(place: FaceFrame, side: int) -> int:
    """A multiple of a side at which an aligned face is as fine as the document, or as can be."""
    from scumble.faces.detection.alignment import scale_of

    return side * int(np.clip(round(scale_of(place.frame) / side), 1, max(1, FINEST // side)))


def detailed(
    found: Floats, hole: NDArray[np.bool_], image: Layer, place: FaceFrame, amount: float, seed: int
) -> Floats:
    """(F, F, 3): a face whose hole (S, S) was completed or finished, enlarged towards the document's resolution, with detail of its surroundings."""
    from scumble.faces.detection.alignment import aligned
    from scumble.vision.detail_transfer import transferred_detail
    from scumble.vision.guided_enlargement import enlarged

    side = len(found)
    factor = finest_side(place, side) // side
    large = found if factor == 1 else enlarged(found, (factor * side, factor * side))
    if amount == 0 or factor == 1:  # what the face is completed at is as fine as the document
        return large
    bounds = place.bounds.padded(4).intersection(image.bounds)
    working = image.to_working(bounds)
    matrix = place.frame - np.array([[0, 0, bounds.x], [0, 0, bounds.y]])
    fine = np.clip(aligned(unseen.continued(working.rgb, working.alpha), matrix, factor * side), 0, 1)
    extra = transferred_detail(found, fine, hole, ~hole, np.random.default_rng(seed))
    return np.asarray(large + np.float32(amount) * extra, np.float32)


def layer_of(
    picture: Floats, image: Layer, mask: Layer, place: FaceFrame, feather: int, blend: bool, context: Context
) -> Layer:
    """The part of an aligned picture (F, F, 3) that is selected, as a layer over the image."""
    from scumble.faces.detection.alignment import scale_of

    bounds = _changed(image, mask, place, feather)
    crop = bounds.padded(2).intersection(image.bounds)
    working = image.to_working(crop)
    for note in working.notes:
        context.note(note)
    fill, inside = in_document(picture, place, crop)
    alpha = mask.coverage(crop)
    if feather:
        alpha = np.maximum(alpha, np.where(alpha > 0, 0, blending.feather(alpha > 0, feather)))
    alpha = np.asarray(alpha * inside, np.float32)
    hole = alpha > 0
    if not hole.any():
        raise ScumbleError(
            "missing_input", "The selection lies beside the face.", "Select a part of the face or its hair."
        )
    solid = unseen.solid(working.alpha, ~hole)
    around = np.where(solid[..., None], working.rgb, fill)
    alpha = alpha * unseen.opacity(working.alpha, solid & ~hole)  # in a veil the new part is as thin as the veil
    if blend:
        blended = _blended(fill, np.asarray(around, np.float32), hole)
        fill = fill + _near_rim(hole, REACH * scale_of(place.frame))[..., None] * (blended - fill)
    made = NewLayer(image, crop)
    low, high = min(0.0, float(working.rgb.min(initial=0))), max(1.0, float(working.rgb.max(initial=1)))
    made.put(np.clip(fill, low, high), alpha, crop)  # wide colours of the surroundings are not clipped to sRGB's
    return made.layer()


def _changed(image: Layer, mask: Layer, place: FaceFrame, feather: int) -> Bounds:
    coverage = mask.coverage() > 0
    rows, columns = np.flatnonzero(coverage.any(axis=1)), np.flatnonzero(coverage.any(axis=0))
    box = Bounds.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1).moved(mask.offset)
    bounds = box.padded(feather).intersection(place.bounds).intersection(image.bounds)
    if not bounds:
        raise ScumbleError(
            "missing_input", "The selection lies beside the face.", "Select a part of the face or its hair."
        )
    return bounds


def in_document(picture: Floats, place: FaceFrame, crop: Bounds) -> tuple[Floats, Floats]:
    """(H, W, 3) and (H, W): the aligned picture in a part of the document, and 1 where it is seen."""
    import torch
    from torch.nn import functional

    from scumble.faces.detection.alignment import inverse

    back = inverse(place.frame)
    corner = back[:, 2] + back[:, :2] @ [crop.x, crop.y]
    reach = back[:, :2] * [crop.width, crop.height]
    shift = 2 * corner + reach.sum(axis=1) - 1
    theta = torch.from_numpy(np.concatenate([reach, shift[:, None]], axis=1).astype(np.float32))[None]
    with torch.inference_mode():
        grid = functional.affine_grid(theta, [1, 3, crop.height, crop.width], align_corners=False)
        planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
        seen = functional.grid_sample(planes, grid, mode="bicubic", padding_mode="border", align_corners=False)[0]
        inside = (grid[0].abs() < 1).all(dim=2)
    return seen.permute(1, 2, 0).numpy(), inside.numpy().astype(np.float32)


def weight_in_document(weight: Floats, place: FaceFrame, crop: Bounds) -> Floats:
    """(H, W) in 0 to 1: an aligned weight (S, S) in a part of the document, 0 beyond the frame."""
    seen, inside = in_document(np.repeat(weight[..., None], 3, axis=2), place, crop)
    return np.asarray(seen[..., 0].clip(0, 1) * inside, np.float32)


def _near_rim(hole: NDArray[np.bool_], reach: float) -> Floats:
    """(H, W): 1 at the hole's rim, falling to 0 so many pixels inside."""
    if hole.all():
        return np.zeros(hole.shape, np.float32)
    depth = np.clip(ndimage.distance_transform_edt(hole) / max(reach, 1.0), 0, 1)
    return np.asarray(1 - depth * depth * (3 - 2 * depth), np.float32)


def _blended(fill: Floats, around: Floats, hole: NDArray[np.bool_]) -> Floats:
    """The fill with its rim at the surroundings' values; a large hole's correction is found at a smaller size first."""
    from scumble.vision.guided_enlargement import enlarged

    step = int(np.ceil(np.sqrt(hole.sum() / LARGE)))
    if step < 2:
        return blending.membrane(fill, around, hole)
    height, width = (-(-size // step) * step for size in hole.shape)
    pad = ((0, height - hole.shape[0]), (0, width - hole.shape[1]))

    def small(picture: Floats) -> Floats:
        wide = np.pad(picture, (*pad, (0, 0)), mode="edge")
        return np.asarray(wide.reshape(height // step, step, width // step, step, 3).mean(axis=(1, 3)), np.float32)

    cells = np.pad(hole, pad, mode="edge").reshape(height // step, step, width // step, step)
    inside = np.asarray(cells.any(axis=(1, 3)))
    found, met = small(fill), small(around)
    smooth = blending.membrane(found, met, inside) - found
    large = enlarged(smooth, (height, width))[: hole.shape[0], : hole.shape[1]]
    return np.where(hole[..., None], fill + large, around).astype(np.float32)
