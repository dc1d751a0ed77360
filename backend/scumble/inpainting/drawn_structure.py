"""Lines that an artist drew into a hole: where colours end, and in drawn art the ink itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.sketch.drawn_lines import ink
from scumble.imaging.colour import luma
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.vision import blending

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

DARKEST = 0.02
"""Share of the picture's pixels, the darkest ones, whose colour its own ink is taken to have."""

SOFT = 0.6
"""Standard deviation, in pixels, of a painted line's edge."""


def drawn_in(sketch: Layer, crop: Bounds, hole: Mask) -> Mask:
    """(H, W) of the crop: where the sketch has ink in the hole."""
    working = sketch.to_working(crop)
    if not (working.alpha > 0).any():
        return np.zeros_like(hole)
    return ink(working.rgb, working.alpha) & hole


def parted(rgb: Floats, hole: Mask, lines: Mask) -> Floats:
    """(H, W, 3): colours flow into the hole from around it and don't cross the lines; what lines close in on all sides, they do cross.

    The membrane of `blending.membrane` with the lines cut out of it, so that its slope is 0 along them.
    """
    plain = blending.membrane(np.zeros_like(rgb), rgb, hole)
    barrier = lines & hole
    if not barrier.any():
        return plain
    barrier = ndimage.binary_dilation(barrier) & hole  # a line of one pixel at a slant would leak
    open_ = hole & ~barrier
    known = ~hole
    parts, _ = ndimage.label(open_)
    reached = np.unique(parts[open_ & ndimage.binary_dilation(known)])
    open_ &= np.isin(parts, reached[reached > 0])
    out = plain.copy()
    if open_.any():
        rim = ndimage.binary_dilation(open_) & known
        out[open_] = blending.harmonic(rgb[rim], open_, rim)
    beside = ndimage.distance_transform_edt(~(open_ | known), return_distances=False, return_indices=True)
    out[barrier] = out[beside[0][barrier], beside[1][barrier]]
    return out


def structured(guess: Floats, rgb: Floats, hole: Mask, lines: Mask) -> Floats:
    """The guess (H, W, 3) with the difference that lines make to the flow of colours, so that its texture stays."""
    plain = blending.membrane(np.zeros_like(rgb), rgb, hole)
    difference = parted(rgb, hole, lines) - plain
    return np.where(hole[..., None], np.clip(guess + difference, 0, 1), guess).astype(np.float32)


def inked(picture: Floats, rgb: Floats, hole: Mask, lines: Mask) -> Floats:
    """The picture (H, W, 3) with the lines painted into the hole, in the colour of the darkest that `rgb` has outside it."""
    known = rgb[~hole]
    if not len(known) or not lines.any():
        return picture
    lightness = luma(known)
    colour = known[lightness <= np.quantile(lightness, DARKEST)].mean(0)
    share = ndimage.gaussian_filter(lines.astype(np.float32), SOFT)[..., None]
    share = np.minimum(1, share * 1.4) * hole[..., None]
    return np.asarray(picture + share * (colour - picture), np.float32)
