"""How good a fill is: measures of a filled hole against the truth, all on sRGB-encoded pictures in [0, 1].

Each takes `filled` and `truth`, (H, W, 3) float arrays, and `hole`, a (H, W) boolean array of the pixels that were filled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]


def hole_psnr(filled: Picture, truth: Picture, hole: Mask) -> float:
    """Peak signal-to-noise ratio over the pixels of the hole, in dB (peak 1)."""
    error = float(np.mean((filled[hole].astype(np.float64) - truth[hole]) ** 2))
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def hole_ssim(filled: Picture, truth: Picture, hole: Mask, sigma: float = 1.5) -> float:
    """Structural similarity (Wang et al. 2004, eq. 13) with a Gaussian window, averaged over the channels and the hole."""
    c1, c2 = 0.01**2, 0.03**2

    def blur(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ndimage.gaussian_filter(x, (sigma, sigma, 0), truncate=3.5))

    a, b = filled.astype(np.float64), truth.astype(np.float64)
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float(similarity[hole].mean())


def sharpness(filled: Picture, truth: Picture, hole: Mask) -> float:
    """Mean gradient magnitude of the lightness in the hole, divided by the truth's: 1 is as sharp as the truth."""
    slopes = []
    for picture in (filled, truth):
        grey = picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        slopes.append(np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))[hole].mean())
    return float(slopes[0] / max(slopes[1], 1e-12))


def seam_contrast(filled: Picture, truth: Picture, hole: Mask) -> float:
    """Mean step from the hole's last pixel to the first one outside, divided by the truth's: above 1 the rim shows, below
    it is smeared.
    """
    steps = []
    for picture in (filled, truth):
        found = []
        for axis in (0, 1):
            crossing = np.diff(hole.astype(np.int8), axis=axis) != 0
            found.append(np.abs(np.diff(picture.astype(np.float64), axis=axis))[crossing])
        steps.append(np.concatenate(found).mean())
    return float(steps[0] / max(steps[1], 1e-12))


def patch_distance(
    filled: Picture,
    truth: Picture,
    hole: Mask,
    patch: int = 7,
    directions: int = 128,
    seed: int = 0,
    limit: int = 20000,
) -> float:
    """Sliced Wasserstein distance (Rabin et al. 2011) between the sets of patches that touch the hole, times 1000.

    The patches of the fill and of the truth (same places, at most `limit` of them) are projected on random unit
    vectors; along each, the mean distance of the sorted values is the 1-Wasserstein distance. It is low if the hole
    holds the same textures in the same amounts, wherever they lie.
    """
    rng = np.random.default_rng(seed)
    touching = ndimage.maximum_filter(hole, size=patch)
    half = patch // 2
    touching[:half] = touching[-half:] = False
    touching[:, :half] = touching[:, -half:] = False
    rows, columns = np.nonzero(touching)
    if rows.size == 0:
        return 0.0
    chosen = rng.permutation(rows.size)[:limit]
    rows, columns = rows[chosen] - half, columns[chosen] - half
    vectors = rng.standard_normal((patch * patch * filled.shape[2], directions)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=0)
    projected = []
    for picture in (filled, truth):
        windows = np.lib.stride_tricks.sliding_window_view(picture.astype(np.float32), (patch, patch), axis=(0, 1))
        projected.append(np.sort(windows[rows, columns].reshape(rows.size, -1) @ vectors, axis=0))
    return 1000 * float(np.abs(projected[0] - projected[1]).mean())
