"""Aligning faces: the similarity transform between two sets of points, and pictures brought into another frame by it.

A transform is a (2, 3) matrix that takes (x, y, 1) of a frame to a place in the picture. Frames are unit squares, x to the
right and y down; the frame of a face is the one of FFHQ (Karras et al. 2019): eye distance 0.278, eye line at 0.47.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Points = NDArray[np.float64]
"""(N, 2): x and y."""

Matrix = NDArray[np.float64]
"""(2, 3)."""

LEFT_EYE, RIGHT_EYE = slice(19, 25), slice(25, 31)

_BROWS_AND_NOSE = (*range(9, -1, -1), 10, 11, 12, 13, *range(18, 13, -1))
_EYES = (28, 27, 26, 25, 30, 29, 22, 21, 20, 19, 24, 23)
_LIPS = (*range(37, 30, -1), *range(42, 37, -1), 45, 44, 43, 48, 47, 46)
MIRROR = np.array(_BROWS_AND_NOSE + _EYES + _LIPS)
"""The point that each of the 49 points becomes in the mirror."""


def similarity(source: Points, target: Points, weight: NDArray[np.float64] | None = None) -> Matrix:
    """The rotation, scale and shift that takes `source` nearest to `target`, in the sense of least squares.

    Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns" (1991), eq. 39 to 42; in
    the plane it is a division of complex numbers.

    Raises
    ------
    ValueError
        Where the points do not fit each other, or all of `source` lie in one place.
    """
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2:
        raise ValueError(f"points {source.shape} and {target.shape} do not fit")
    share = np.full(len(source), 1 / len(source)) if weight is None else weight / weight.sum()
    a, b = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    middle_a, middle_b = (share * a).sum(), (share * b).sum()
    spread = (share * np.abs(a - middle_a) ** 2).sum()
    if spread < 1e-12:
        raise ValueError("all points lie in one place")
    turn = (share * np.conj(a - middle_a) * (b - middle_b)).sum() / spread
    shift = middle_b - turn * middle_a
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def applied(matrix: Matrix, points: Points) -> Points:
    """The points after the transform."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def inverse(matrix: Matrix) -> Matrix:
    back = np.linalg.inv(matrix[:, :2])
    return np.concatenate([back, -(back @ matrix[:, 2:])], axis=1)


def scale_of(matrix: Matrix) -> float:
    """Length in the picture of a frame's side."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def tilt_of(matrix: Matrix) -> float:
    """Degrees by which the frame is turned, clockwise."""
    return float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))


def inner_frame(matrix: Matrix, share: float, middle: tuple[float, float] = (0.5, 0.5)) -> Matrix:
    """A smaller (or larger) frame inside a frame: `share` of its side around `middle`."""
    corner = np.array([middle[0] - share / 2, middle[1] - share / 2])
    turned = matrix[:, :2]
    return np.concatenate([turned * share, (turned @ corner + matrix[:, 2])[:, None]], axis=1)


def eye_centres(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of each eye's six points: the one on the picture's left, then the other."""
    return points[LEFT_EYE].mean(axis=0), points[RIGHT_EYE].mean(axis=0)


def eye_distance(points: Points) -> float:
    left, right = eye_centres(points)
    return float(np.hypot(*(right - left)))


def aligned(picture: Floats, matrix: Matrix, side: int, order: int = 1) -> Floats:
    """(side, side, C): the frame as a square picture, free of aliasing.

    Parameters
    ----------
    picture
        (H, W, C). Beyond its border its last pixels go on.
    matrix
        From the frame to the picture, in pixels (the middle of the first pixel is at 0.5, 0.5).
    order
        Of the interpolating spline: 1 or 3.
    """
    picture, matrix = _cut(picture, matrix)
    picture, matrix = _reduced(picture, matrix, int(scale_of(matrix) / side))
    step = scale_of(matrix) / side
    if step > 1.0:  # what the small picture can't show must go before it is sampled
        sigma = 0.5 * float(np.sqrt(step**2 - 1))
        picture = np.asarray(ndimage.gaussian_filter(picture, (sigma, sigma, 0), mode="nearest"), np.float32)
    return sampled(picture, _places(matrix, side), order)


def _cut(picture: Floats, matrix: Matrix) -> tuple[Floats, Matrix]:
    """Only the part of the picture that the frame looks at, with a margin for the filter."""
    corners = applied(matrix, np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]]))
    margin = 0.1 * scale_of(matrix) + 8
    low = np.floor(corners.min(axis=0) - margin).astype(int)
    high = np.ceil(corners.max(axis=0) + margin).astype(int)
    height, width = picture.shape[:2]
    # a frame that lies beside the picture still needs one row and one column to go on from
    left, top = min(max(int(low[0]), 0), width - 1), min(max(int(low[1]), 0), height - 1)
    right, bottom = max(min(int(high[0]), width), left + 1), max(min(int(high[1]), height), top + 1)
    moved = matrix - np.array([[0, 0, left], [0, 0, top]])
    return picture[top:bottom, left:right], moved


def _reduced(picture: Floats, matrix: Matrix, factor: int) -> tuple[Floats, Matrix]:
    """Means over squares of `factor` pixels; what is left over at the right and lower edges is repeated to fill one."""
    if factor < 2:
        return picture, matrix
    height, width = picture.shape[:2]
    whole = np.pad(picture, ((0, -height % factor), (0, -width % factor), (0, 0)), mode="edge")
    rows, columns = whole.shape[0] // factor, whole.shape[1] // factor
    blocks = whole.reshape(rows, factor, columns, factor, -1)
    small = np.asarray(blocks.mean(axis=3, dtype=np.float32).mean(axis=1), np.float32)
    return small, matrix / factor


def _places(matrix: Matrix, side: int) -> Points:
    """(side, side, 2): where the middles of the frame's pixels lie in the picture."""
    middles = (np.arange(side) + 0.5) / side
    # one row and one column of products: a matrix product of so many points takes ten times as long
    x, y = middles[None, :, None] * matrix[:, 0], middles[:, None, None] * matrix[:, 1]
    return np.asarray(x + y + matrix[:, 2])


def sampled(picture: Floats, places: Points, order: int = 1) -> Floats:
    """(h, w, C): the picture's colours at places (h, w, 2), in pixels; its last pixels go on beyond its border."""
    at = [places[..., 1] - 0.5, places[..., 0] - 0.5]
    planes = [
        ndimage.map_coordinates(picture[..., c], at, order=order, mode="nearest", output=np.float32)
        for c in range(picture.shape[2])
    ]
    return np.stack(planes, axis=-1)


def mirrored_points(points: Points) -> Points:
    """The points (…, 49, 2), as shares, of the mirrored picture."""
    return np.asarray(points[..., MIRROR, :] * [-1, 1] + [1, 0])
