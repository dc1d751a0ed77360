"""The matting Laplacian as the paper defines it, window by window: slow, and the measure for ours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

Floats = NDArray[np.float64]


def photograph(height: int, width: int, channels: int = 3) -> Floats:
    """Smooth parts, edges and some noise, as photographs have them."""
    rng = np.random.default_rng(3)
    blobs = ndimage.gaussian_filter(rng.random((height, width, channels)), (8, 8, 0))
    blobs = (blobs - blobs.min()) / np.ptp(blobs)
    edges = (ndimage.gaussian_filter(rng.random((height, width)), 12) > 0.5)[..., None] * np.linspace(
        0.3, 0.1, channels
    )
    return np.asarray(np.clip(0.6 * blobs + edges + 0.01 * rng.standard_normal((height, width, channels)), 0, 1))


def by_definition(picture: Floats, epsilon: float, radius: int = 1, rows: int | None = None) -> sparse.csr_array:
    """Equation 12 of Levin et al., window by window; `rows` limits the windows for timing."""
    height, width, channels = picture.shape
    index = np.arange(height * width).reshape(height, width)
    count = (2 * radius + 1) ** 2
    i, j, v = [], [], []
    for y in range(radius, rows or height - radius):
        for x in range(radius, width - radius):
            part = np.s_[y - radius : y + radius + 1, x - radius : x + radius + 1]
            colours = picture[part].reshape(-1, channels)
            centred = colours - colours.mean(axis=0)
            inverse = np.linalg.inv(centred.T @ centred / count + epsilon / count * np.eye(channels))
            window = np.eye(count) - (1 + centred @ inverse @ centred.T) / count
            i.append(np.repeat(index[part].ravel(), count))
            j.append(np.tile(index[part].ravel(), count))
            v.append(window.ravel())
    return sparse.csr_array((np.concatenate(v), (np.concatenate(i), np.concatenate(j))), shape=(index.size, index.size))
