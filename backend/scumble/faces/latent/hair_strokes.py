"""Hair painted on a face: strands in the stroke's colour and the face's light, where the stroke is a mass without any.

Strands are noise drawn out along the direction in which the hair falls (line integral convolution; Cabral and Leedom, "Imaging Vector
Fields Using Line Integral Convolution" (1993)): a stroke's own direction where it is a lock, else away from the crown. They tint the
hair, and let it end raggedly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.alignment import LEFT_EYE, RIGHT_EYE, Points
from scumble.imaging.colour import luma
from scumble.vision.guided_enlargement import enlarged

from .assembly import Redrawn
from .strokes import PAINTED, stroke_radius

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

CROWN = 1.9
"""How far above the eyes hair falls from, in distances between them."""

SIDEWAYS = 0.55
"""How much less than straight away from the crown hair spreads to the sides."""

TURNED, COHERENT = 0.5, 0.35
"""Cosine of the angle between a stroke's direction and where hair would fall otherwise, and how clearly the stroke has one (0 to 1), from
which the stroke's counts: a band across the forehead is a fringe all the same."""

STRAND, WISP = 1 / 800, 1 / 70
"""Standard deviations across strands, and across the wisps in which they hang together, as shares of the side."""

LENGTH = 0.1
"""Over which strands keep their shade, as a share of the side."""

CONTRAST, BRIGHT, SHEEN = 0.26, 0.55, 0.06
"""Deviation of the strands' lightness as a share of the hair's own; how much less that is in white hair; the lightness of the sheen across
them, in the face's light."""

COARSE = 3.0
"""Standard deviation of a broad Gaussian, in the cells that it is made of."""

RAGGED = 0.03
"""How far strands are longer and shorter than the stroke, as a share of the side."""

ROOTS = 0.3
"""Up to which share of what lies above it (within `ABOVE`) a place of the hair belongs to its roots, which lie close and end in no tips."""

ABOVE = 0.1
"""Length of hair above a place that is looked at, as a share of the side."""

CLOSED, SPREAD = 0.35, 0.3
"""In stroke radii: half the width of gaps that close, and how softly what is painted ends to the sides."""

SHADOW, BELOW = 0.3, 0.014
"""How much darker the face is right under the hair; how far down, as a share of the side."""


def hair(photograph: Floats, rgb: Floats, alpha: Floats, points: Points, seed: int) -> Redrawn:
    """The face with hair where it was painted.

    Parameters
    ----------
    photograph
        (S, S, 3) in 0 to 1: the face's aligned frame.
    rgb, alpha
        (S, S, 3) and (S, S) in 0 to 1: the strokes that are hair.
    points
        (49, 2): the face's landmarks, in pixels of the frame.
    """
    box = _around(alpha > PAINTED, len(alpha))
    made = _hair(photograph[box], rgb[box], alpha[box], points - [box[1].start, box[0].start], len(alpha), seed)
    picture, weight = photograph.copy(), np.zeros_like(alpha)
    picture[box], weight[box] = made
    return Redrawn(picture, weight)


def _around(painted: Mask, side: int) -> tuple[slice, slice]:
    reach = round((LENGTH + RAGGED) * side)
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )


def _hair(
    photograph: Floats, rgb: Floats, alpha: Floats, points: Points, side: int, seed: int
) -> tuple[Floats, Floats]:
    """The same for a part of the frame, whose own side is `side`."""
    painted = alpha > PAINTED
    radius = stroke_radius(painted)
    flow = direction(painted, points, radius)
    rng = np.random.default_rng([seed, 5])
    strands, wisps = (_strands(flow, width * side, LENGTH * side, rng) for width in (STRAND, WISP))
    shade = np.tanh(0.75 * strands + 0.4 * wisps)
    soft = _smooth(np.maximum(alpha, _closed(painted, CLOSED * radius)), max(0.5, SPREAD * radius))
    depth = _drawn_out(soft, -flow, ABOVE * side)
    tips = np.clip(depth / ROOTS - 0.5, 0, 1)
    ends = RAGGED * side * tips * np.tanh(0.7 * wisps + 0.6 * strands)
    cover = _shifted(soft, -flow * ends[..., None])  # each strand ends where it likes
    cover = np.clip((cover - 0.3 + 0.12 * strands * tips) / 0.4, 0, 1) * np.clip(
        0.25 + depth / ROOTS + 0.2 * strands, 0, 1
    )
    colour = _filled(rgb, np.asarray(alpha * painted), radius)
    light = _light(photograph, painted, 0.06 * side)
    grey = luma(np.asarray(colour, np.float32))[..., None]
    varied = (CONTRAST * (1 - BRIGHT * grey) * shade[..., None]).astype(np.float32)
    # lighter strands are paler ones as well
    made = colour * (1 + varied) + np.clip(varied, 0, 1) * 0.3 * (grey - colour)
    made = made * (0.75 + 0.25 * light)[..., None]
    sheen = np.exp(-np.square((depth - 0.75) / 0.2)) * np.clip(0.6 + 0.5 * shade, 0, 2)
    hue = colour / np.maximum(colour.max(axis=2, keepdims=True), 0.05)
    made = made + (SHEEN * light * sheen)[..., None] * (0.4 + 0.6 * hue)
    down = BELOW * side
    fallen = np.broadcast_to(np.array([0, -down], np.float32), flow.shape)
    shadow = _shifted(_smooth(cover, 0.8 * down), fallen) * (1 - cover)
    under = photograph * (1 - SHADOW * shadow)[..., None]
    picture = under + cover[..., None] * (made - under)
    weight = np.clip((np.maximum(cover, shadow) - 0.01) * 50, 0, 1)
    return np.asarray(picture.clip(0, 1), np.float32), np.asarray(weight, np.float32)


def direction(painted: Mask, points: Points, radius: float) -> Floats:
    """(H, W, 2): unit vectors (x, y) along which hair falls; `radius` of the strokes and the landmarks in pixels."""
    left, right = points[LEFT_EYE].mean(axis=0), points[RIGHT_EYE].mean(axis=0)
    apart = right - left
    crown = (left + right) / 2 - CROWN * np.array([-apart[1], apart[0]])
    across = apart / max(float(np.linalg.norm(apart)), 1e-6)
    y, x = np.mgrid[: painted.shape[0], : painted.shape[1]] + 0.5
    away = np.stack([x - crown[0], y - crown[1]], axis=-1)
    away = away - SIDEWAYS * (away @ across)[..., None] * across
    flow = away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-6)
    # a stroke runs along its rims: the structure tensor's lesser direction
    smooth = _smooth(painted.astype(np.float32), max(1.0, 0.25 * radius))
    dy, dx = np.gradient(smooth)
    xx, yy, xy = (_smooth(np.asarray(one, np.float32), 1.2 * radius) for one in (dx * dx, dy * dy, dx * dy))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    clear = np.hypot(xx - yy, 2 * xy) / np.maximum(xx + yy, 1e-9)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    agrees = (along * flow).sum(axis=-1)
    along = along * np.where(agrees < 0, -1.0, 1.0)[..., None]
    told = np.clip((clear - COHERENT) / 0.2, 0, 1) * np.clip((np.abs(agrees) - TURNED) / 0.15, 0, 1) * (xx + yy > 1e-7)
    flow = flow + told[..., None] * (along - flow)
    reach = max(1.0, 0.4 * radius)
    flow = _smooth(flow, reach)
    return np.asarray(flow / np.maximum(np.linalg.norm(flow, axis=-1, keepdims=True), 1e-6), np.float32)


def _strands(flow: Floats, width: float, length: float, rng: np.random.Generator) -> Floats:
    """(H, W): noise of deviation 1, drawn out along the flow."""
    noise = rng.standard_normal(flow.shape[:2]).astype(np.float32)
    noise = _drawn_out(ndimage.gaussian_filter(noise, max(width, 0.35)), flow, length)
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-6), np.float32)


def _drawn_out(values: Floats, flow: Floats, length: float) -> Floats:
    """(H, W): the mean of what lies ahead along the flow, over so many pixels. Each pass doubles how far is looked."""
    step = 0.5
    while 2 * step <= length:
        values = np.asarray((values + _shifted(values, step * flow)) / 2, np.float32)
        step *= 2
    return values


def _shifted(values: Floats, by: Floats) -> Floats:
    y, x = np.mgrid[: values.shape[0], : values.shape[1]].astype(np.float32)
    places = [y + by[..., 1], x + by[..., 0]]
    return np.asarray(ndimage.map_coordinates(values, places, order=1, mode="nearest"), np.float32)


def _filled(rgb: Floats, weight: Floats, radius: float) -> Floats:
    """(S, S, 3): the strokes' colours, each also beside its stroke."""
    near = _smooth(rgb * weight[..., None], radius), _smooth(weight[..., None], radius)
    mean = (rgb * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-6)
    found = (near[0] + 1e-3 * mean) / (near[1] + 1e-3)
    share = np.clip(weight, 0, 1)[..., None]
    return np.asarray(found + share * (rgb - found), np.float32)


def _light(photograph: Floats, painted: Mask, reach: float) -> Floats:
    """(H, W): how bright the face is lit around what is painted, about 1."""
    grey = luma(photograph)
    known = (~painted).astype(np.float32)
    broad = _smooth(grey * known, reach) / np.maximum(_smooth(known, reach), 1e-3)
    return np.asarray(np.clip(broad / max(float(broad[painted].mean()), 1e-3), 0.5, 1.5), np.float32)


def _closed(painted: Mask, reach: float) -> Mask:
    """(H, W): with gaps closed that are not wider than twice so many pixels."""
    wide = np.pad(painted, math.ceil(reach) + 1)
    grown = ndimage.distance_transform_edt(~wide) <= reach
    inside = slice(math.ceil(reach) + 1, -math.ceil(reach) - 1)
    return np.asarray((ndimage.distance_transform_edt(grown) > reach)[inside, inside] | painted)


def _smooth(values: NDArray[np.floating[Any]], sigma: float) -> Floats:
    """(H, W) or (H, W, C) under a Gaussian; a broad one is made of cells, in which it can't be told apart."""
    values = np.asarray(values, np.float32)
    step, more = int(sigma / COARSE), values.shape[2:]
    height, width = values.shape[:2]
    if step < 2 or min(height, width) < 2 * step:
        return np.asarray(
            ndimage.gaussian_filter(values, (sigma, sigma, *(0 for _ in more)), mode="nearest"), np.float32
        )
    rows, columns = -(-height // step), -(-width // step)
    pad = [(0, rows * step - height), (0, columns * step - width), *((0, 0) for _ in more)]
    cells = np.pad(values, pad, mode="edge").reshape(rows, step, columns, step, -1).mean(axis=(1, 3))
    small = _smooth(cells, sigma / step)
    large = enlarged(small, (rows * step, columns * step))[:height, :width]
    return large.reshape(height, width, *more)
