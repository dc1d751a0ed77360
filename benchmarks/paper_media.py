"""Paintings of our own making on paper: watercolour, ink, pastel, charcoal, and a woodcut's print.

Each function takes a photograph, (h, w, 3) in 0 to 1, and gives a picture of the same size; the same input gives the same pixels.
Strokes are noise drawn along the picture's edges, as in Cabral and Leedom, "Imaging Vector Fields Using Line Integral Convolution"
(SIGGRAPH 1993); washes darken at their rims and settle in the paper's hollows, as in Bousseau et al., "Interactive Watercolor Rendering with
Temporal Coherence and Abstraction" (NPAR 2006); lines are differences of Gaussians, as in Winnemöller et al., "XDoG" (2012).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.brushwork import along_edges

Floats = NDArray[np.float64]

INK = np.array([0.085, 0.08, 0.095])
"""Black, a little warm."""


def watercolour(photograph: Floats, seed: int = 4) -> Floats:
    """Transparent washes over one another on white paper, from light to dark."""
    rng = np.random.default_rng(seed)
    height, width = photograph.shape[:2]
    paper = _grain(rng, (height, width), 1.2)
    colour = _flattened(photograph, 7)
    gray = colour.mean(axis=2, keepdims=True)
    vivid = np.clip(gray + 1.55 * (colour - gray), 0.02, 1) ** 0.8
    absorbed = -np.log(np.clip(vivid, 0.03, 1))
    # the hue of a wash, at full strength
    hue = absorbed / np.maximum(absorbed.mean(axis=2, keepdims=True), 0.04)
    dark = absorbed.mean(axis=2)
    made = np.zeros((height, width, 3))
    bounds = np.quantile(dark, (0.12, 0.38, 0.6, 0.78, 0.9, 0.97))
    before = 0.0
    for number, bound in enumerate(bounds):
        # an unsteady hand: each wash has a rim of its own, and pools where it dries last
        moved = _wobbled(rng, dark, 3.2 - 0.4 * number, 14)
        inside = ndimage.gaussian_filter((moved > bound).astype(np.float64), 0.9)
        depth = ndimage.distance_transform_edt(moved > bound)
        rim = inside * np.exp(-depth / 2.2)
        pools = 1 + 0.35 * _cloud(rng, (height, width), 26) + 0.18 * _cloud(rng, (height, width), 8)
        strength = max(float(bound) - before, 0.03) + 0.05
        made += (strength * inside * pools * (1 + 0.75 * rim))[..., None] * ndimage.gaussian_filter(hue, (2.5, 2.5, 0))
        before = float(bound)
    made *= (1 + 0.55 * (0.5 - paper))[..., None]
    page = np.array([0.975, 0.965, 0.94]) - 0.035 * (0.5 - paper)[..., None]
    return np.clip(page * np.exp(-1.05 * made), 0, 1)


def ink(photograph: Floats, seed: int = 5) -> Floats:
    """Brush and diluted ink on rice paper: pale washes, then dry strokes, then lines that swell and thin."""
    rng = np.random.default_rng(seed)
    shape = photograph.shape[:2]
    gray = photograph.mean(axis=2)
    gray = (gray - gray.min()) / (np.ptp(gray) + 1e-9)
    angles = along_edges(photograph, 2, swirl=False)
    wash = np.zeros(shape)
    for bound, strength in ((0.72, 0.10), (0.52, 0.16), (0.34, 0.3)):
        moved = _wobbled(rng, ndimage.median_filter(gray, 5), 3, 16)
        inside = ndimage.gaussian_filter((moved < bound).astype(np.float64), 2.2)
        rim = inside * np.exp(-ndimage.distance_transform_edt(moved < bound) / 3)
        wash += strength * inside * (1 + 0.5 * rim) * (1 + 0.5 * _cloud(rng, shape, 24))
    streaks = _streaks(rng, angles, 14, 1.1)
    dry = np.clip((0.62 - gray) * 1.5, 0, 1)
    brushed = _step(streaks, 1.02 - dry, 0.07) * (dry > 0.12)
    lines = _lines(gray, 1.1, 24.0)
    density = 1.15 * wash + 0.75 * brushed + 1.5 * lines
    fibres = _streaks(rng, np.full(shape, 0.35), 22, 0.8)
    page = np.array([0.955, 0.935, 0.885]) - 0.03 * (0.5 - fibres)[..., None]
    density = density * (1 + 0.25 * (0.5 - fibres))
    return np.asarray(np.clip(page * np.exp(-density[..., None] * np.array([1.25, 1.27, 1.2])), INK, 1))


def pastel(photograph: Floats, seed: int = 6) -> Floats:
    """Chalk on tinted paper: strokes side by side in several colours, broken by the paper's grain."""
    rng = np.random.default_rng(seed)
    shape = photograph.shape[:2]
    paper = _grain(rng, shape, 1.0)
    smooth = ndimage.gaussian_filter(photograph, (2, 2, 0))
    gray = smooth.mean(axis=2, keepdims=True)
    vivid = np.clip(gray + 1.35 * (smooth - gray), 0, 1)
    page = np.array([0.44, 0.40, 0.42]) * (0.92 + 0.16 * paper)[..., None]
    angles = along_edges(photograph, 5, swirl=False)
    calm = ndimage.gaussian_gradient_magnitude(photograph.mean(axis=2), 4) < 0.006
    slanted = np.where(ndimage.binary_opening(calm, iterations=3), -0.9 + 0.25 * _cloud(rng, shape, 60), angles)
    for turned, wide, press, shift in ((0.0, 3.2, 0.60, 0.0), (0.35, 2.6, 0.46, 0.085), (-0.2, 1.9, 0.40, -0.06)):
        streaks = _streaks(rng, slanted + turned, 22, wide)
        hues = np.stack([_streaks(rng, slanted + turned, 26, wide * 1.4) - 0.5 for _ in range(3)], axis=2)
        chalk = np.clip(vivid + shift + 0.16 * hues, 0, 1)
        covered = _step(0.62 * streaks + 0.38 * paper, 1 - press, 0.10)
        page = page + covered[..., None] * (chalk - page)
    lines = _lines(smooth.mean(axis=2), 1.8, 14.0) * _step(paper, 0.35, 0.12)
    return np.asarray(np.clip(page * (1 - 0.55 * lines[..., None]), 0, 1))


def charcoal(photograph: Floats, seed: int = 7) -> Floats:
    """Willow charcoal on laid paper: a smudged ground, hatching, deep accents, and lights lifted out."""
    rng = np.random.default_rng(seed)
    shape = photograph.shape[:2]
    gray = photograph.mean(axis=2)
    low, high = np.quantile(gray, (0.02, 0.98))
    gray = np.clip((gray - low) / (high - low), 0, 1)
    paper = 0.8 * _grain(rng, shape, 0.9) + 0.2 * (0.5 + 0.5 * np.sin(np.arange(shape[0]) * 1.35))[:, None]
    angles = along_edges(photograph, 4, swirl=False)
    gray = gray**0.75
    smudge = 0.34 * np.clip(0.9 - ndimage.gaussian_filter(gray, 5), 0, 1)
    made = smudge * (0.75 + 0.5 * _streaks(rng, angles, 24, 3.0))
    for turned, share, wide in ((-0.75, 0.95, 1.5), (0.55, 0.6, 1.2)):
        streaks = _streaks(rng, np.full(shape, turned) + 0.12 * _cloud(rng, shape, 50), 30, wide)
        tone = np.clip(share - gray, 0, 1)
        made += 0.62 * _step(0.5 * streaks + 0.5 * paper, 0.95 - 0.75 * tone, 0.3) * tone
    along = _streaks(rng, angles, 16, 1.3)
    deep = np.clip(0.34 - gray, 0, 1) * 2.2
    made += 1.1 * _step(0.5 * along + 0.5 * paper, 1 - deep, 0.3)
    made += 0.9 * _lines(gray, 1.4, 20.0) * (0.4 + 0.6 * paper)
    lifted = np.clip((gray - 0.86) * 5, 0, 1)
    page = np.array([0.925, 0.905, 0.865]) * (0.985 + 0.03 * paper)[..., None]
    return np.asarray(np.clip(page * np.exp(-made * (1 - 0.8 * lifted))[..., None], INK + 0.02, 1))


def woodcut(photograph: Floats, seed: int = 8) -> Floats:
    """A line block in black over two tone blocks, as chiaroscuro prints have them: the knife's cuts run along the forms."""
    rng = np.random.default_rng(seed)
    shape = photograph.shape[:2]
    gray = ndimage.gaussian_filter(photograph.mean(axis=2), 1.0)
    low, high = np.quantile(gray, (0.02, 0.98))
    gray = np.clip((gray - low) / (high - low), 0, 1)
    gray = gray**0.8
    flat = ndimage.median_filter(gray, 7)
    angles = along_edges(photograph, 5, swirl=False)
    cuts = _streaks(rng, angles, 26, 1.25)
    wood = _streaks(rng, np.full(shape, 0.04) + 0.05 * _cloud(rng, shape, 70), 60, 1.0)
    key = _step(cuts, 0.08 + 1.15 * np.clip(gray * 1.15 - 0.05, 0, 1), 0.035)
    key = np.maximum(key, _lines(gray, 1.5, 30.0))
    key = np.where(flat > 0.8, _lines(gray, 1.5, 30.0), key)
    key *= _step(wood, 0.1, 0.05)
    warm = ndimage.gaussian_filter((photograph[..., 0] - photograph[..., 2]), 4) > 0.02
    page = np.array([0.94, 0.90, 0.80]) * (0.985 + 0.03 * _grain(rng, shape, 1.0))[..., None]
    tones: Sequence[tuple[NDArray[np.bool_], tuple[float, float, float]]] = (
        (~warm & (flat < 0.9), (0.55, 0.70, 0.74)),
        (warm & (flat < 0.92), (0.86, 0.62, 0.34)),
        (flat < 0.42, (0.62, 0.50, 0.46)),
    )
    for where, colour in tones:
        # no print is quite in register, and the wood's grain shows in flat tones
        moved = ndimage.shift(
            ndimage.gaussian_filter(where.astype(np.float64), 0.8), (1.0, -1.5), order=1, mode="nearest"
        )
        page = page * (1 - (moved * (0.72 + 0.4 * (wood - 0.5)))[..., None] * (1 - np.array(colour)))
    return np.clip(page * (1 - 0.94 * key[..., None]) + INK * key[..., None], 0, 1)


def _flattened(photograph: Floats, size: int) -> Floats:
    """Small things melted into their surroundings, edges kept."""
    made = photograph
    for _ in range(2):
        made = np.stack([ndimage.median_filter(made[..., c], size) for c in range(3)], axis=2)
    return made


def _grain(rng: np.random.Generator, shape: tuple[int, int], size: float) -> Floats:
    """The height of rough paper, its values spread evenly over 0 to 1."""
    return _even(ndimage.gaussian_filter(rng.standard_normal(shape), size) + 0.35 * _cloud(rng, shape, 4 * size))


def _cloud(rng: np.random.Generator, shape: tuple[int, int], size: float) -> Floats:
    """Smooth noise of about −1 to 1."""
    made = ndimage.gaussian_filter(rng.standard_normal(shape), size, mode="wrap")
    return np.asarray(np.clip(made / (2 * made.std()), -1.5, 1.5))


def _even(values: Floats) -> Floats:
    """Ranks, as shares: each value as often as any other."""
    ranks = np.empty(values.size)
    ranks[np.argsort(values, axis=None, kind="stable")] = np.linspace(0, 1, values.size)
    return ranks.reshape(values.shape)


def _wobbled(rng: np.random.Generator, plane: Floats, far: float, size: float) -> Floats:
    """The plane seen through uneven glass: edges as a hand follows them."""
    rows, columns = np.indices(plane.shape)
    at = [rows + far * _cloud(rng, plane.shape, size), columns + far * _cloud(rng, plane.shape, size)]
    return np.asarray(ndimage.map_coordinates(plane, at, order=1, mode="nearest"))


def _streaks(rng: np.random.Generator, angles: Floats, steps: int, wide: float) -> Floats:
    """Noise smeared along the angles, `steps` pixels both ways, its values spread evenly over 0 to 1."""
    noise = ndimage.gaussian_filter(rng.standard_normal(angles.shape), wide)
    total = noise.copy()
    directions = np.stack([np.sin(angles), np.cos(angles)])
    for sign in (-1.0, 1.0):
        at = np.indices(angles.shape).astype(np.float64)
        before = sign * directions
        for _ in range(steps):
            at += before
            here = np.stack([ndimage.map_coordinates(plane, at, order=0, mode="nearest") for plane in directions])
            before = here * np.where((here * before).sum(axis=0) < 0, -1.0, 1.0)  # an angle is the same both ways round
            total += ndimage.map_coordinates(noise, at, order=1, mode="nearest")
    return _even(total)


def _lines(gray: Floats, scale: float, sharp: float) -> Floats:
    """0 to 1: dark lines where it is darker than around."""
    near, far = (ndimage.gaussian_filter(gray, scale * factor) for factor in (1, 1.6))
    return np.asarray(np.clip(np.tanh(sharp * (0.985 * far - near)), 0, 1))


def _step(values: Floats, bound: Floats | float, soft: float) -> Floats:
    """0 below a bound, 1 above it, with a soft edge."""
    return np.asarray(np.clip((values - bound) / soft + 0.5, 0, 1))
