"""Fine detail for a fill that is too smooth, borrowed from where the rest of the picture looks like it.

Every block of the fill finds the known block that is most like it at the fill's own coarse resolution, and takes over what that
block has beyond this resolution: pores for skin, strands for hair (image quilting's idea, Efros and Freeman 2001, for the
finest band alone). What goes over is weaker than an edge, so no line comes along.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

BLOCK = 8
"""Side of a block, in pixels of the coarse picture."""

STRIDE = 4
"""Between blocks of the fill; known blocks are looked at twice as densely."""

BAND = 1.0
"""Detail is what is finer than a Gaussian of this standard deviation, in pixels of the coarse picture."""

STRONGEST = 0.08
"""Detail (in 0 to 1) is compressed towards this: beyond are edges."""

FORM = 0.5
"""How much the form of a block counts beside its mean colour."""

MOST_SOURCES = 2000
"""Known blocks that are compared; more are no better, and slower."""

RESTLESS = 0.02
"""Standard deviation of what is added to differences (0 to 1), so that one block is not taken again and again."""


def transferred_detail(coarse: Floats, fine: Floats, hole: Mask, known: Mask, rng: np.random.Generator) -> Floats:
    """What to add to the enlarged coarse picture in the hole.

    Parameters
    ----------
    coarse
        (S, S, 3) in 0 to 1: the picture with its hole filled.
    fine
        (F, F, 3), F a multiple of S: the same picture at the larger size; what lies in the hole is not looked at.
    hole, known
        (S, S): what was filled, and what may be borrowed from.
    rng
        Two that are equal give the same detail.

    Returns
    -------
    NDArray
        (F, F, 3), 0 outside the hole, and everywhere where no known block is whole.
    """
    factor = len(fine) // len(coarse)
    if len(coarse) * factor != len(fine):
        raise ValueError(f"a picture of {len(fine)} pixels is no multiple of {len(coarse)}")
    out = np.zeros_like(fine)
    sources = _places(ndimage.minimum_filter(known & ~hole, BLOCK), STRIDE // 2, len(coarse))
    targets = _places(ndimage.maximum_filter(hole, BLOCK), STRIDE, len(coarse))
    if not len(sources) or not len(targets):
        return out
    if len(sources) > MOST_SOURCES:
        sources = sources[rng.permutation(len(sources))[:MOST_SOURCES]]
    chosen = sources[_nearest(_described(coarse, targets), _described(coarse, sources), rng)]
    smooth = ndimage.gaussian_filter(fine, (BAND * factor, BAND * factor, 0), mode="nearest")
    band = STRONGEST * np.tanh((fine - smooth) / np.float32(STRONGEST))
    side = BLOCK * factor
    ramp = np.sin(np.pi * (np.arange(side, dtype=np.float32) + 0.5) / side)
    window = (ramp[:, None] * ramp[None])[..., None]
    weight = np.full((*fine.shape[:2], 1), 1e-6, np.float32)
    for (y, x), (from_y, from_x) in zip(targets * factor, chosen * factor, strict=True):
        out[y : y + side, x : x + side] += window * band[from_y : from_y + side, from_x : from_x + side]
        weight[y : y + side, x : x + side] += window**2
    # the blocks' details are independent of each other: their squares add up, not they themselves
    inside = np.repeat(np.repeat(hole, factor, axis=0), factor, axis=1)[..., None]
    return np.asarray(out / np.sqrt(weight) * inside, np.float32)


def _places(at_middle: Mask, stride: int, side: int) -> NDArray[np.intp]:
    """(N, 2): upper left corners of whole blocks on a grid whose filtered mask is true."""
    corners = np.arange(0, side - BLOCK + 1, stride)
    # the window of a filter of even size begins half a size before its pixel
    seen = at_middle[np.ix_(corners + BLOCK // 2, corners + BLOCK // 2)]
    rows, columns = np.nonzero(seen)
    return np.stack([corners[rows], corners[columns]], axis=1)


def _described(picture: Floats, places: NDArray[np.intp]) -> Floats:
    """(N, 19): mean colour, and lightness in 4 × 4 parts less its mean."""
    blocks = sliding_window_view(picture, (BLOCK, BLOCK), axis=(0, 1))[places[:, 0], places[:, 1]]
    mean = blocks.mean(axis=(2, 3))
    parts = blocks.mean(axis=1).reshape(-1, 4, BLOCK // 4, 4, BLOCK // 4).mean(axis=(2, 4)).reshape(-1, 16)
    form = (parts - parts.mean(axis=1, keepdims=True)) * np.float32(FORM)
    return np.concatenate([mean, form], axis=1, dtype=np.float32)


def _nearest(wanted: Floats, there: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """For each of N descriptions the number of the nearest of M, with a little chance."""
    found = np.empty(len(wanted), np.intp)
    # chance that differs from pair to pair, though there are far fewer numbers than pairs
    chance = sliding_window_view(
        rng.standard_normal(len(wanted) + len(there), np.float32) * np.float32(RESTLESS), len(there)
    )
    lengths = (there**2).sum(axis=1)
    for start in range(0, len(wanted), 512):
        part = wanted[start : start + 512]
        squares = (part**2).sum(axis=1)[:, None] + lengths - 2 * part @ there.T
        distance = np.sqrt(np.maximum(squares, 0)) + chance[start : start + len(part)]
        found[start : start + 512] = distance.argmin(axis=1)
    return found
