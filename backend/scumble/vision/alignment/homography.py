"""The homography between two pictures of one place, out of matches of which many are wrong.

Hartley and Zisserman, "Multiple View Geometry" (2003): the direct linear transformation with normalized points (algorithm 4.2) within
RANSAC (Fischler and Bolles 1981; algorithm 4.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

TRIES = 3000
FEWEST = 12
"""Matches that have to agree."""

LEAST_SHARE = 0.15
"""Of all matches, that have to agree."""


@dataclass(frozen=True)
class Found:
    """A homography (3, 3) from the first picture's pixels to the second's, and which matches agree with it (M,)."""

    matrix: Matrix
    agree: NDArray[np.bool_]


def moved(matrix: Matrix, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) places where the homography moves them; far away where it has no place for them."""
    x = np.concatenate([places, np.ones((len(places), 1))], 1) @ matrix.T
    depth = np.where(x[:, 2:] > 1e-9, x[:, 2:], 1e-9)
    return np.asarray(x[:, :2] / depth)


def homography(
    one: NDArray[np.float64], other: NDArray[np.float64], distance: float = 3.0, seed: int = 0
) -> Found | None:
    """The homography with which most of the matched places (M, 2) agree up to `distance` pixels; None where too few do.

    One that mirrors, folds, or changes the size more than five times is none.
    """
    if len(one) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    chosen = np.argsort(rng.random((TRIES, len(one))), 1)[:, :4]
    (a, from_), (b, to) = _normalized(one), _normalized(other)
    back = np.linalg.inv(to)
    best, count = None, 0
    for matrix in (back @ candidate @ from_ for candidate in _exact(a[chosen], b[chosen])):
        agree = _agree(matrix, one, other, distance)
        if agree.sum() > count:
            best, count = agree, int(agree.sum())
    fitted: Matrix | None = None
    for _ in range(5):
        if best is None or best.sum() < FEWEST:
            return None
        fitted = _fitted(one[best], other[best])
        if fitted is None:
            return None
        again = _agree(fitted, one, other, distance)
        if (again == best).all():
            break
        best = again
    assert best is not None
    assert fitted is not None
    if best.sum() < max(FEWEST, LEAST_SHARE * len(one)) or not _plausible(fitted, one[best]):
        return None
    return Found(fitted, best)


def _agree(matrix: Matrix, one: NDArray[np.float64], other: NDArray[np.float64], distance: float) -> NDArray[np.bool_]:
    return np.asarray(((moved(matrix, one) - other) ** 2).sum(1) < distance**2)


def _rows(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…, 2 M, 9): the equations of (…, M, 2) places; equation 4.3."""
    x, y = one[..., 0], one[..., 1]
    u, v = other[..., 0], other[..., 1]
    nothing, unit = np.zeros_like(x), np.ones_like(x)
    first = np.stack([x, y, unit, nothing, nothing, nothing, -u * x, -u * y, -u], -1)
    second = np.stack([nothing, nothing, nothing, x, y, unit, -v * x, -v * y, -v], -1)
    return np.concatenate([first, second], -2)


def _exact(one: NDArray[np.float64], other: NDArray[np.float64]) -> list[Matrix]:
    """Of four normalized matches each (T, 4, 2); those of which three lie in a line are left out."""
    rows = _rows(one, other)
    left, right = rows[..., :8], -rows[..., 8:]
    sound = np.abs(np.linalg.det(left)) > 1e-9
    solved = np.linalg.solve(left[sound], right[sound])[..., 0]
    return list(np.concatenate([solved, np.ones((len(solved), 1))], 1).reshape(-1, 3, 3))


def _fitted(one: NDArray[np.float64], other: NDArray[np.float64]) -> Matrix | None:
    """Least squares over all of them, in normalized places."""
    (a, from_), (b, to) = _normalized(one), _normalized(other)
    try:
        _, _, axes = np.linalg.svd(_rows(a, b))
        matrix: Matrix = np.linalg.inv(to) @ axes[-1].reshape(3, 3) @ from_
    except np.linalg.LinAlgError:
        return None
    return None if abs(matrix[2, 2]) < 1e-12 else matrix / matrix[2, 2]


def _normalized(places: NDArray[np.float64]) -> tuple[NDArray[np.float64], Matrix]:
    middle = places.mean(0)
    scale = np.sqrt(2) / max(float(np.sqrt(((places - middle) ** 2).sum(1)).mean()), 1e-9)
    return (places - middle) * scale, np.array(
        [[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]]
    )


def _plausible(matrix: Matrix, places: NDArray[np.float64]) -> bool:
    depth = places @ matrix[2, :2] + matrix[2, 2]
    if (depth <= 0).any() or depth.max() > 5 * depth.min():
        return False
    size = np.linalg.det(matrix) / depth**3  # the Jacobian's determinant: what an area becomes
    return bool((size > 1 / 25).all() and (size < 25).all())
