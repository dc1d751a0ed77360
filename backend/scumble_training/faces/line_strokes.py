"""Thin lines as strokes: followed from end to end, simplified and drawn anew, as a hand would."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
"""(N, 2): x and y of pixels' middles, in pixels."""

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
"""Straight steps first: a corner is followed along its pixels, not across."""


def traced(lines: Mask) -> list[Points]:
    """The strokes of thin lines, each from one end (or anywhere, for rings) as far as it goes; every pixel is in one."""
    height, width = lines.shape
    left = {int(place) for place in np.flatnonzero(lines)}
    neighbours = ndimage.convolve(lines.astype(np.uint8), np.ones((3, 3), np.uint8), mode="constant") - lines
    ends = [int(place) for place in np.flatnonzero(lines & (neighbours == 1))]
    strokes = []
    for start in [*ends, *sorted(left)]:
        if start not in left:
            continue
        stroke = [start]
        left.remove(start)
        while True:
            y, x = divmod(stroke[-1], width)
            for dy, dx in _STEPS:
                if 0 <= y + dy < height and 0 <= x + dx < width and (y + dy) * width + x + dx in left:
                    stroke.append((y + dy) * width + x + dx)
                    left.remove(stroke[-1])
                    break
            else:
                break
        rows, columns = np.divmod(np.array(stroke), width)
        strokes.append(np.stack([columns, rows], axis=1).astype(np.float64))
    return strokes


def simplified(stroke: Points, tolerance: float) -> Points:
    """The fewest corners that stay within `tolerance` pixels of the stroke (Douglas and Peucker 1973)."""
    keep = np.zeros(len(stroke), np.bool_)
    keep[[0, -1]] = True
    spans = [(0, len(stroke) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        chord = stroke[last] - stroke[first]
        length = float(np.hypot(*chord))
        away = stroke[first + 1 : last] - stroke[first]
        if length < 1e-9:
            distance = np.hypot(*away.T)
        else:
            distance = np.abs(away[:, 0] * chord[1] - away[:, 1] * chord[0]) / length
        far = int(distance.argmax())
        if distance[far] > tolerance:
            keep[first + 1 + far] = True
            spans += [(first, first + 1 + far), (first + 1 + far, last)]
    return stroke[keep]


def by_hand(
    lines: Mask, rng: np.random.Generator, tolerance: float = 1.5, shift: float = 1.5, least: float = 8.0
) -> Mask:
    """Lines as a hand would copy them: short strokes left out, corners simplified, each stroke a little off its place.

    Parameters
    ----------
    tolerance
        Of the simplification, in pixels.
    shift
        Standard deviation of a stroke's shift, in pixels, and half that of each corner's.
    least
        Shorter strokes are left out.
    """
    canvas = Image.new("1", (lines.shape[1], lines.shape[0]))
    draw = ImageDraw.Draw(canvas)
    for stroke in traced(lines):
        if len(stroke) < least:
            continue
        corners = simplified(stroke, tolerance)
        corners = corners + rng.normal(0, shift, 2) + rng.normal(0, shift / 2, corners.shape)
        draw.line([tuple(point) for point in corners.tolist()], fill=1)
    return np.asarray(canvas)
