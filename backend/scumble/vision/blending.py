"""Making a fill meet its surroundings without a visible seam; and the soft rim of a mask.

Pictures are (H, W, C) float32 arrays, masks (H, W) boolean; values may exceed [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]
Progress = Callable[[float], None]

MOST_STEPS = 100


def feather(mask: Mask, radius: float) -> NDArray[np.float32]:
    """(H, W) alpha: 1 in the mask, falling smoothly outside it; exactly 0 for all that is farther than `radius` pixels.

    The distance is Euclidean, between pixel centres; a radius below 1 gives the mask itself.
    """
    if radius < 0:
        raise ValueError("a feather's radius is not negative")
    alpha = mask.astype(np.float32)
    box = _box(mask, int(np.ceil(radius)))
    if box is None or radius < 1:
        return alpha
    distance = ndimage.distance_transform_edt(~mask[box])
    ramp = np.clip(1 - distance / (radius + 1), 0, 1)
    alpha[box] = np.where(distance > radius, 0, ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
    return alpha


def membrane(
    fill: Picture, around: Picture, mask: Mask, tolerance: float = 3e-4, progress: Progress | None = None
) -> Picture:
    """Gradient-domain blending: the fill's own gradients, with the values of the surroundings at the rim.

    Solves the Poisson equation of Pérez et al., "Poisson Image Editing" (SIGGRAPH 2003), in the form of its section 2:
    the fill plus the smooth membrane (Laplace equation) that takes, on the pixels next to the mask, the difference
    between the surroundings and the fill. At the border of the picture the membrane is free (its slope is 0).

    Parameters
    ----------
    fill
        What goes into the mask; the pixels next to the mask must hold what it would continue with there.
    around
        The picture to be met.
    mask
        Where the fill goes.
    tolerance
        The correction is improved until a step changes no pixel by more than this.
    progress
        Called at every step with an estimate, in [0, 1], of what is done. What it raises ends the work.

    Returns
    -------
    NDArray
        `around`, bit for bit, outside the mask, and the corrected fill inside.
    """
    _check(fill, around, mask)
    out = around.copy()
    box = _box(mask, 1)
    if box is None:
        return out
    inside = mask[box]
    target = fill[box]
    if inside.all():
        out[box] = target
    else:
        rim = ndimage.binary_dilation(inside) & ~inside
        difference = (around[box][rim] - target[rim]).astype(np.float32)
        out[box][inside] = target[inside] + harmonic(difference, inside, rim, tolerance, progress)
    return out


def harmonic(
    values: Picture, unknown: Mask, known: Mask, tolerance: float = 3e-4, progress: Progress | None = None
) -> Picture:
    """(N, C): the harmonic function on the N `unknown` pixels that has the (M, C) `values` on the M `known` ones, which lie beside them.

    Towards pixels that are neither, and at the border, its slope is 0.
    """
    progress = progress or (lambda fraction: None)
    matrix, right = _five_point_system(values, unknown, known)
    rows, columns = np.nonzero(unknown)
    progress(0.0)
    return _conjugate_gradients(matrix, right, _Multigrid(matrix, rows, columns), tolerance, progress)


class _Multigrid:
    """An approximate inverse of a Laplacian on pixels: one V-cycle of smoothed aggregation (Vaněk et al. 1996).

    Unknowns are joined by squares of 3 x 3 pixels, scale by scale, so any shape of hole will do.
    """

    SMALLEST = 400
    DAMPING = 2 / 3

    def __init__(self, matrix: sparse.csr_array, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        self.matrix = matrix
        self.inverse_diagonal = self.DAMPING / np.maximum(matrix.diagonal(), 1e-6)[:, None]
        self.coarse: _Multigrid | None = None
        if len(rows) <= self.SMALLEST:
            self.inverse = np.linalg.pinv(matrix.toarray(), rcond=1e-6, hermitian=True)
            return
        rows, columns = rows // 3, columns // 3
        stride = int(columns.max()) + 1
        cells, group = np.unique(rows * stride + columns, return_inverse=True)
        starts = np.arange(len(group) + 1)
        joined = sparse.csr_array((np.ones(len(group), np.float32), group, starts), shape=(len(group), len(cells)))
        smooth = sparse.csr_array(matrix @ joined)
        smooth.data *= -np.repeat(self.inverse_diagonal[:, 0], np.diff(smooth.indptr))
        self.up = sparse.csr_array(joined + smooth)
        self.down = sparse.csr_array(self.up.T)
        coarser = sparse.csr_array(self.down @ (matrix @ self.up))
        self.coarse = _Multigrid(coarser, cells // stride, cells % stride)

    def __call__(self, right: Picture) -> Picture:
        if self.coarse is None:
            return np.asarray(self.inverse @ right, dtype=np.float32)
        x = self.inverse_diagonal * right
        x += self.up @ self.coarse(self.down @ (right - self.matrix @ x))
        x += self.inverse_diagonal * (right - self.matrix @ x)
        return np.asarray(x, dtype=np.float32)


def _five_point_system(values: Picture, unknown: Mask, known: Mask) -> tuple[sparse.csr_array, Picture]:
    """The discrete Laplacian over the unknown pixels (Pérez et al. eq. 7), and what the known ones give to each."""
    count = int(unknown.sum())
    stride = unknown.shape[1] + 2
    index = np.full((unknown.shape[0] + 2) * stride, -1, dtype=np.int32)
    places = np.flatnonzero(np.pad(unknown, 1))
    index[places] = np.arange(count, dtype=np.int32)
    index[np.flatnonzero(np.pad(known, 1))] = -2 - np.arange(len(values), dtype=np.int32)  # below -1: a known one
    columns = np.empty((count, 5), dtype=np.int32)
    degree = np.zeros(count, dtype=np.float32)
    right = np.zeros((count, values.shape[1]), dtype=np.float32)
    for slot, step in ((0, -stride), (1, -1), (3, 1), (4, stride)):
        beside = index[places + step]
        columns[:, slot] = beside
        degree += beside != -1
        fixed = np.flatnonzero(beside < -1)
        right[fixed] += values[-2 - beside[fixed]]
    columns[:, 2] = np.arange(count, dtype=np.int32)
    present = columns >= 0
    entries = np.full((count, 5), -1, dtype=np.float32)
    entries[:, 2] = degree
    starts = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return sparse.csr_array((entries[present], columns[present], starts), shape=(count, count)), right


def _conjugate_gradients(
    matrix: sparse.csr_array, right: Picture, precondition: _Multigrid, tolerance: float, progress: Progress
) -> Picture:
    """Hestenes and Stiefel (1952), preconditioned, all channels at once.

    Ends when the last step changed nothing by more than the tolerance.
    """
    x = np.zeros_like(right)
    residual: Picture = right
    better = precondition(residual)
    direction = better
    energy = _dot(residual, better)
    for number in range(MOST_STEPS):
        progress(1 - 0.8**number)  # convergence is geometric; 10 to 20 steps are usual
        image = matrix @ direction
        step = energy / np.maximum(_dot(direction, image), 1e-20)
        change = step * direction
        x += change
        if np.abs(change).max(initial=0) <= tolerance:
            break
        residual = residual - step * image
        better = precondition(residual)
        following = _dot(residual, better)
        direction = np.asarray(better + following / np.maximum(energy, 1e-20) * direction, dtype=np.float32)
        energy = following
    return x


def _dot(a: Picture, b: Picture) -> NDArray[np.float32]:
    """The scalar product of each channel."""
    return np.asarray(np.einsum("nc,nc->c", a, b), dtype=np.float32)


def multiband(fill: Picture, around: Picture, alpha: NDArray[np.float32], bands: int = 5) -> Picture:
    """Multi-band blending: coarse structure is mixed over a wide zone, detail over a narrow one.

    Burt and Adelson, "A Multiresolution Spline with Application to Image Mosaics" (1983), section 3, with Gaussian
    filters at full size in place of the pyramid.

    Parameters
    ----------
    fill, around
        (H, W, C) pictures that both make sense everywhere: near the rim, the coarse structure inside the mask is partly
        that of the surroundings. To remove something, use `membrane`.
    alpha
        (H, W) in [0, 1], as `feather` gives it: 1 where the fill is wanted. Where it is 0 the result is `around`, bit
        for bit: the mixing zones of all bands lie where it is above 0, and end there without a step.
    bands
        Number of frequency bands; the widest has a standard deviation of 2 ** (bands - 2) pixels.
    """
    _check(fill, around, alpha)
    if bands < 1:
        raise ValueError("there is at least one band")
    difference = (fill - around).astype(np.float32)
    mixed = np.zeros_like(difference)
    weight = alpha.astype(np.float32)
    for band in range(bands - 1):
        sigma = 2.0**band if band == 0 else float(np.sqrt(4.0**band - 4.0 ** (band - 1)))
        smoother = ndimage.gaussian_filter(difference, (sigma, sigma, 0), mode="nearest")
        mixed += (alpha * weight)[:, :, None] * (difference - smoother)
        difference = smoother
        weight = ndimage.gaussian_filter(weight, sigma, mode="nearest")
    mixed += (alpha * weight)[:, :, None] * difference
    return np.where(alpha[:, :, None] > 0, around + mixed, around).astype(np.float32)


def _check(fill: Picture, around: Picture, mask: NDArray[np.generic]) -> None:
    if fill.ndim != 3 or fill.shape != around.shape or fill.shape[:2] != mask.shape:
        raise ValueError(f"shapes do not fit: fill {fill.shape}, surroundings {around.shape}, mask {mask.shape}")


def _box(mask: Mask, margin: int) -> tuple[slice, slice] | None:
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
