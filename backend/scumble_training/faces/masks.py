"""Holes in faces, as SC-FEGAN's (Jo and Park 2019, section 3.1): strokes that start at the eyes, and the hair.

Points are (49, 2) shares of an aligned face's side (see `scumble.faces.detection.alignment`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from scumble.faces.detection.alignment import eye_centres
from scumble_training.common import hole_masks

from .flat_colours import FlatColours

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]
Points = NDArray[np.float64]

SKIN_LIKE = 0.12
"""Colours (0 to 1, root mean square of channels) nearer than this to the cheeks' are skin."""

HAIR_LIKE = 0.11
"""A segment beside the hair whose colour is nearer than this to the hair's is hair as well."""

NOSE = slice(10, 19)


def eye_strokes(side: int, points: Points, rng: np.random.Generator) -> Mask:
    """Free-form strokes from the eyes: 1 to 4 of them, each of up to 14 pieces that turn by up to 40° from one to the next.

    Lengths follow the published ones for 512 pixels, with more variety of widths: artists' masks are anything from an eyebrow
    to half a face.
    """
    canvas = Image.new("1", (side, side))
    draw = ImageDraw.Draw(canvas)
    eyes = eye_centres(points)
    for _ in range(int(rng.integers(1, 5))):
        at = eyes[int(rng.integers(2))] * side + rng.normal(0, 0.04 * side, 2)
        width = float(rng.uniform(0.04, 0.17) * side)
        angle = float(rng.uniform(0, 2 * np.pi))
        for _ in range(int(rng.integers(3, 15))):
            angle += float(rng.uniform(-0.7, 0.7))
            length = float(rng.uniform(0.05, 0.17) * side)
            end = np.clip(at + length * np.array([np.cos(angle), np.sin(angle)]), 0, side - 1)
            draw.line([tuple(at.tolist()), tuple(end.tolist())], fill=1, width=round(width))
            x, y = end.tolist()
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=1)
            at = end
    return np.asarray(canvas)


def hair(rgb: Floats, segments: FlatColours, points: Points) -> Mask:
    """(H, W): roughly the hair of an aligned face, grown over segments from above the forehead.

    A segment begins it that lies mostly where hair is (an arch over the face) and is neither like the cheeks nor like the
    upper corners; segments beside it with its colour join. Empty where nothing is found, as for bald heads.
    """
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = (y + 0.5) / height, (x + 0.5) / width
    left, right = eye_centres(points)
    middle = (left + right) / 2
    distance = max(float(np.hypot(*(right - left))), 1e-3)
    across, up = (x - middle[0]) / distance, (middle[1] - y) / distance
    radius = np.hypot(across / 1.15, (up - 0.25) / 1.3)
    arch = (radius > 0.85) & (radius < 1.5) & (up > 0.15)
    face = radius < 0.75
    corners = (y < 0.3) & ((x < 0.06) | (x > 0.94)) & (radius > 1.5)
    skin = np.median(rgb[_discs(points, height)], axis=0)
    labels, colours = segments.labels, segments.colours
    count = len(colours)
    size = np.bincount(labels.ravel(), minlength=count).astype(np.float64)

    def share(zone: Mask) -> NDArray[np.float64]:
        return np.bincount(labels.ravel(), zone.ravel().astype(np.float64), minlength=count) / np.maximum(size, 1)

    def away(colour: Floats) -> NDArray[np.float64]:
        return np.asarray(np.sqrt(((colours - colour) ** 2).mean(axis=1)), np.float64)

    in_arch, in_face = share(arch), share(face)
    behind = [rgb[corners & half] for half in (x < 0.5, x >= 0.5)]
    likely = np.minimum.reduce([away(np.median(part, axis=0)) for part in behind if len(part)] or [np.full(count, 9.0)])
    apart = (away(skin) > SKIN_LIKE) & (likely > 0.06)
    seeds = apart & (in_arch > 0.45) & (in_face < 0.25)
    if not seeds.any():
        return np.zeros((height, width), np.bool_)
    weight = (size * in_arch)[seeds]
    heaviest = colours[seeds][int(weight.argmax())]
    chosen = seeds & (away(heaviest) < 2 * HAIR_LIKE)
    tone = np.average(colours[chosen], axis=0, weights=size[chosen])
    like = apart & (away(tone.astype(np.float32)) < HAIR_LIKE) & (in_face < 0.4)
    grown = ndimage.binary_propagation(chosen[labels], mask=(chosen | like)[labels])
    return np.asarray(ndimage.binary_closing(ndimage.binary_opening(grown, iterations=1), iterations=2))


def random_hole(hair_shape: Mask, points: Points, rng: np.random.Generator) -> Mask:
    """A hole to learn from: mostly strokes from the eyes, the hair or half of it, shapes of objects, now and then everything."""
    side = hair_shape.shape[0]
    kind = rng.random()
    if kind < 0.06:
        return np.ones((side, side), np.bool_)
    if kind < 0.12:  # half a face
        half = np.arange(side) < side * rng.uniform(0.35, 0.65)
        half = half if rng.random() < 0.5 else ~half
        return np.ascontiguousarray(np.broadcast_to(half[None] if rng.random() < 0.6 else half[:, None], (side, side)))
    if kind < 0.33 and hair_shape.mean() > 0.02:
        hole = np.asarray(ndimage.binary_dilation(hair_shape, iterations=int(rng.integers(2, 9))))
        if rng.random() < 0.3:  # one side of it
            half = np.arange(side)[None] < side * rng.uniform(0.35, 0.65)
            hole = hole & (half if rng.random() < 0.5 else ~half)
        return hole if hole.any() else np.asarray(hair_shape)
    if kind < 0.47:
        return hole_masks.any_of(("object_shape", "deepfill_box", "deepcreampy_square"), side, side, rng)
    hole = eye_strokes(side, points, rng)
    if kind < 0.6 and hair_shape.mean() > 0.02:
        hole = hole | np.asarray(ndimage.binary_dilation(hair_shape, iterations=4))
    return hole


def _discs(points: Points, side: int) -> Mask:
    """Cheeks and nose: where skin is seen."""
    left, right = eye_centres(points)
    nose = points[NOSE].mean(axis=0)
    distance = float(np.hypot(*(right - left)))
    places = [nose, (left + nose * 2) / 3 - [0.22 * distance, 0], (right + nose * 2) / 3 + [0.22 * distance, 0]]
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    seen = np.zeros((side, side), np.bool_)
    for place in places:
        seen |= np.hypot(x - place[0], y - place[1]) < 0.14 * distance
    if not seen.any():
        seen[side // 2, side // 2] = True
    return seen
