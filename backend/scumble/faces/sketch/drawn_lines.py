"""Reading a sketch: lines of any width, colour and opacity, on nothing or on paper of any colour, as thin lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.vision.edges import EIGHT, thinned, without_small

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

FAINT = 0.04
"""Opacity, and difference to the paper, below which there is nothing."""

PAPER_NOISE = 0.07
"""What differs less from the paper (0 to 1) is its texture."""

RELATIVE = 0.2
"""Ink is what is at least so strong as a share of the strongest."""

WIDEST = 0.06
"""Half the width, as a share of the side, above which opaque parts are paper, or a filled shape, and no stroke."""

LEAST = 3
"""Pixels of the shortest stroke; less is a speck."""


def ink(rgb: Floats, alpha: Floats) -> Mask:
    """(H, W): where something is drawn.

    On a transparent layer that is what covers, whatever its colour. Where a wide part is covered, that is paper if something
    on it differs from its commonest colour, lighter or darker; else it is a filled shape, whose outline counts.

    Parameters
    ----------
    rgb, alpha
        (H, W, 3) and (H, W) in 0 to 1; the colours are not multiplied by alpha.
    """
    most = float(np.quantile(alpha[alpha > FAINT], 0.99)) if (alpha > FAINT).any() else 0.0
    covered = alpha > max(FAINT, RELATIVE * most)
    if most <= FAINT:
        return np.zeros(alpha.shape, np.bool_)
    wide = _wide(covered)
    if not wide.any():
        return np.asarray(covered)
    # the corners of a sheet of paper, which no disc reaches, are no strokes
    strokes = covered & (ndimage.distance_transform_edt(~wide) > 0.45 * WIDEST * len(covered))
    difference = np.abs(rgb - _commonest(rgb[wide])).max(axis=2)
    inner = ndimage.binary_erosion(wide, EIGHT, iterations=1, border_value=1)
    strongest = float(np.quantile(difference[inner], 0.9995)) if inner.any() else 0.0
    if inner.any():
        strongest = max(strongest, _strong_few(difference[inner]))
    drawn = inner & (difference > max(PAPER_NOISE, RELATIVE * strongest))
    if not drawn.any():
        # nothing is drawn on it: it is a shape, unless it covers all
        drawn = wide & ~ndimage.binary_erosion(wide, EIGHT, iterations=1, border_value=1)
    return np.asarray(strokes | drawn)


def read_lines(rgb: Floats, alpha: Floats, side: int) -> Mask:
    """(side, side): the drawing as lines one pixel wide, however wide and faint they are; rgb and alpha as for `ink`, with a
    side that is a multiple of this one."""
    drawn = ink(rgb, alpha)
    size = len(drawn)
    if size % side or drawn.shape != (size, size):
        raise ValueError(f"a drawing of {drawn.shape} can't become one of {side} pixels")
    factor = size // side
    lines = thinned(drawn)
    if factor > 1:
        lines = thinned(np.asarray(lines.reshape(side, factor, side, factor).any(axis=(1, 3))))
    return without_small(lines, LEAST)


def _wide(covered: Mask) -> Mask:
    """The parts of a shape that are wider than strokes are."""
    radius = max(2.0, WIDEST * len(covered))
    # the picture's border is no edge of the paper
    inside = ndimage.distance_transform_edt(np.pad(covered, 1, constant_values=True))[1:-1, 1:-1]
    if covered.all():
        return np.ones(covered.shape, np.bool_)
    core = inside > radius
    if not core.any():
        return np.zeros(covered.shape, np.bool_)
    return np.asarray((ndimage.distance_transform_edt(~core) <= radius) & covered)


def _commonest(colours: Floats) -> Floats:
    """(3,): the mean of the fullest of 8 × 8 × 8 boxes of colours (N, 3)."""
    boxes = np.clip((colours * 8).astype(np.intp), 0, 7) @ np.array([64, 8, 1])
    fullest = int(np.bincount(boxes, minlength=512).argmax())
    return np.asarray(np.median(colours[boxes == fullest], axis=0), np.float32)


def _strong_few(values: Floats) -> float:
    """The tenth largest: a short stroke is far fewer than a share of all pixels."""
    return float(np.partition(values, -min(10, len(values)))[-min(10, len(values))])
