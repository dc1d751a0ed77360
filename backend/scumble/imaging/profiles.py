"""Values of an ICC profile as sRGB and back, by littlecms.

All pictures are worked on in one space: sRGB's primaries and curve, carried on beyond 0 and 1, so that colours that sRGB can't show are
not clipped. The way goes over linear light in floats, where littlecms is unbounded for the profiles of pictures (matrix and
curves); colours beyond what a profile's tables know end at their edge. The intent is relative colorimetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .colour import decode_srgb, encode_srgb, linear_profile, profile_space

Floats = NDArray[np.float32]
Use = Literal["none", "srgb", "convert"]

FEW = 30_000
"""Values that a curve goes over at once: its temporaries stay in the processor's cache, and below what is asked of the system."""

_RELATIVE_COLORIMETRIC = 1
_AS_SRGB = 1 / 255
"""A profile whose colours are nowhere farther from sRGB's is sRGB, written by another program: its values are left as they are."""


def use_of(icc: bytes, gray: bool) -> Use:
    """What a profile is good for: nothing (damaged, or of other channels), to say that values are sRGB's, or to convert by."""
    return _use_of(icc, gray)


def to_srgb(values: Floats, icc: bytes) -> Floats:
    """(h, w, 1 or 3) of a profile, 0 to 1, as sRGB-encoded values, which may lie beyond; as they are where the profile is no use."""
    gray = values.shape[2] == 1
    if use_of(icc, gray) != "convert" or not values.size:
        return values
    shaper = _shaper(icc, gray)
    return encode_srgb(shaper.light(values) if shaper else _transformed(values, icc, linear_profile(gray)))


def from_srgb(values: Floats, icc: bytes) -> Floats:
    """The inverse of `to_srgb`; what the profile can't express lies beyond 0 and 1, or at its edge."""
    gray = values.shape[2] == 1
    if use_of(icc, gray) != "convert" or not values.size:
        return values
    shaper, light = _shaper(icc, gray), decode_srgb(values)
    return shaper.values(light) if shaper else _transformed(light, linear_profile(gray), icc)


def values_at_once(icc: bytes, gray: bool) -> int:
    """How many values to give `to_srgb` and `from_srgb` in one call: few stay in the processor's cache; littlecms is made ready each time."""
    return FEW if use_of(icc, gray) != "convert" or _shaper(icc, gray) else 2**20


def profile_of(primaries: tuple[float, ...], white: tuple[float, float], gamma: float) -> bytes:
    """A profile for RGB with a power curve, out of chromaticities (x and y of red, green, blue; of white)."""
    import imagecodecs

    places = [number for x, y in zip(primaries[::2], primaries[1::2], strict=True) for number in (x, y, 1.0)]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[*white, 1.0], primaries=places, gamma=gamma))


def gray_profile_of(gamma: float) -> bytes:
    """A profile for gray with a power curve."""
    import imagecodecs

    return bytes(imagecodecs.cms_profile("gray", gamma=gamma))


@lru_cache(maxsize=64)
def _use_of(icc: bytes, gray: bool) -> Use:
    if profile_space(icc) != ("GRAY" if gray else "RGB"):
        return "none"
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    probes: NDArray[Any] = (
        steps[None, :, None] if gray else np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    )
    try:
        seen = encode_srgb(_transformed(probes, icc, linear_profile(gray)))
        back = _transformed(decode_srgb(seen), linear_profile(gray), icc)
    except (RuntimeError, ValueError, TypeError):  # whatever littlecms has to say of a damaged profile
        return "none"
    if not (np.isfinite(seen).all() and np.isfinite(back).all()):
        return "none"
    return "srgb" if np.abs(seen - probes).max() <= _AS_SRGB else "convert"


@dataclass(frozen=True, eq=False)
class _Shaper:
    """A profile of curves and a matrix, as most are, sampled from littlecms: many times as fast as its way through floats."""

    curves: Floats
    """(channels, KNOTS): light by value, evenly from 0 to 1; beyond, each goes on as it ends."""

    back: Floats
    """(channels, KNOTS): values by the fourth root of light, evenly from 0 to 1: so they bend little, also near black."""

    matrix: Floats
    """(channels, channels): from light along the profile's primaries to that along sRGB's."""

    def light(self, values: Floats) -> Floats:
        """(..., channels) of the profile to linear light."""
        return np.asarray(_looked_up(self.curves, values) @ self.matrix.T, np.float32)

    def values(self, light: Floats) -> Floats:
        """The inverse of `light`."""
        inverse = np.linalg.inv(self.matrix.astype(np.float64)).astype(np.float32)
        own = np.asarray(light @ inverse.T, np.float32)
        return _looked_up(self.back, np.copysign(np.sqrt(np.sqrt(np.abs(own))), own))


def _looked_up(tables: Floats, values: Floats) -> Floats:
    """Each channel of `values` (..., channels) by its table, interpolated; mirrored below 0, and in a straight line beyond 1."""
    out = np.empty_like(values)
    for channel, table in enumerate(tables):
        size = np.abs(values[..., channel])
        place = np.minimum(size, np.float32(1))
        beyond = size - place
        place *= np.float32(KNOTS - 1)
        below = np.minimum(place.astype(np.int32), KNOTS - 2)
        place -= below.astype(np.float32)
        start = table.take(below)
        found = start + place * (table.take(below + 1) - start)
        if beyond.any():
            found += beyond * ((table[-1] - table[-1 - _END]) * np.float32((KNOTS - 1) / _END))
        out[..., channel] = np.copysign(found, values[..., channel])
    return out


KNOTS = 2**14
_PLACES = np.linspace(0, 1, KNOTS)
_END = KNOTS // 32
"""Knots that tell how a curve goes on beyond 1."""

_SAME = 0.1 / 255
"""So near must what is sampled be to littlecms."""


@lru_cache(maxsize=16)
def _shaper(icc: bytes, gray: bool) -> _Shaper | None:
    """None for a profile with tables, and others that are more than curves and a matrix."""
    channels = 1 if gray else 3
    ramps = np.zeros((channels, KNOTS, channels), np.float32)
    for channel in range(channels):
        ramps[channel, :, channel] = _PLACES
    seen = _transformed(ramps, icc, linear_profile(gray)).astype(np.float64)
    matrix = seen[:, -1].T  # columns: what the full primaries are
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    curves = np.stack([seen[c] @ matrix[:, c] / (matrix[:, c] @ matrix[:, c]) for c in range(channels)])
    if (np.diff(curves) < 0).any() or np.abs(curves[:, [0, -1]] - [0, 1]).max() > 1e-4:
        return None
    back = np.stack([np.interp(_PLACES**4, curve, _PLACES) for curve in curves])
    found = _Shaper(curves.astype(np.float32), back.astype(np.float32), matrix.astype(np.float32))
    probes = np.random.default_rng(0).random((1, 500, channels)).astype(np.float32)
    there = _transformed(probes, icc, linear_profile(gray))
    apart = np.abs(encode_srgb(found.light(probes)) - encode_srgb(there)).max()
    back = np.abs(found.values(there) - probes).max()
    return found if max(apart, back) <= _SAME else None


def _transformed(values: Floats, source: bytes, target: bytes) -> Floats:
    import imagecodecs

    gray = values.shape[2] == 1
    space = "gray" if gray else "rgb"
    plain = np.ascontiguousarray(values[..., 0] if gray else values, np.float32)
    found = imagecodecs.cms_transform(
        plain, source, target, colorspace=space, outcolorspace=space, outdtype="float32", intent=_RELATIVE_COLORIMETRIC
    )
    made: Floats = np.asarray(found, np.float32).reshape(values.shape)
    return made
