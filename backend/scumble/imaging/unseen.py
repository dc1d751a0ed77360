"""Where a picture shows nothing, or nearly nothing: which pixels count, and with what colours the picture goes on there.

What is not seen is not there: no algorithm may look at colours under an alpha of 0 (`Layer.to_working` leaves none). Networks and
filters still want a colour everywhere; `continued` gives them that of what is seen around.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

OPAQUE = 0.5
"""A pixel counts fully from this share of the alpha of the most opaque one."""


def solid(alpha: Floats, among: Mask | None = None) -> Mask:
    """(H, W): the pixels with a colour that can be relied on, beside the most opaque of those in `among` (default: of all).

    In a layer that is half-transparent everywhere those are all of its pixels; at a soft edge they are the inner ones.
    """
    most = float((alpha if among is None else np.where(among, alpha, 0)).max(initial=0))
    return np.asarray((alpha > 0) & (alpha >= OPAQUE * most))


def opacity(alpha: Floats, among: Mask) -> np.float32:
    """The alpha that pixels in `among` have, 0 to 1: their median, and 1 where there are none."""
    return np.float32(np.median(alpha[among])) if among.any() else np.float32(1)


def continued(rgb: Floats, alpha: Floats) -> Floats:
    """(H, W, 3): the picture, with what is seen of it carried on smoothly to where nothing is seen.

    Solid pixels stay as they are, bit for bit; fainter ones go over into what is around them. By the pull and push of Gortler et al.,
    "The Lumigraph" (1996), section 3.4: means weighted by alpha, over squares of growing size. The array that is given comes back
    where there is nothing to do.
    """
    if not alpha.size or alpha.min() >= OPAQUE * alpha.max():
        return rgb
    share = np.minimum(alpha / np.float32(OPAQUE * alpha.max()), np.float32(1))[..., None]
    around = _pushed(rgb * alpha[..., None], alpha[..., None])
    return np.asarray(np.where(share >= 1, rgb, share * rgb + (1 - share) * around), np.float32)


def _pushed(sums: Floats, weights: Floats) -> Floats:
    """Colours of a size, out of (H, W, 3) colours times weights, and these, (H, W, 1)."""
    own: Floats = np.asarray(sums / np.maximum(weights, np.float32(1e-12)), np.float32)
    if max(weights.shape[:2]) == 1 or bool((weights > 0).all()):
        return own
    coarse = _pushed(_halved(sums), _halved(weights))
    wide = _doubled(_doubled(coarse, weights.shape[0], 0), weights.shape[1], 1)
    return np.where(weights > 0, own, wide)


def _halved(planes: Floats) -> Floats:
    """Sums over 2 × 2 pixels."""
    height, width = planes.shape[:2]
    even = np.pad(planes, ((0, height % 2), (0, width % 2), (0, 0)))
    return np.asarray(even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2])


def _doubled(planes: Floats, length: int, axis: int) -> Floats:
    """Twice as long along an axis, interpolated between the middles of pixels."""
    planes = np.moveaxis(planes, axis, 0)
    before, after = np.concatenate([planes[:1], planes[:-1]]), np.concatenate([planes[1:], planes[-1:]])
    three = np.float32(0.75) * planes
    both = np.stack([three + np.float32(0.25) * before, three + np.float32(0.25) * after], axis=1)
    found: Floats = both.reshape(-1, *planes.shape[1:])[:length].astype(np.float32, copy=False)
    return np.moveaxis(found, 0, axis)
