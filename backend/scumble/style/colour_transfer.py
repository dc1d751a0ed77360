"""Giving one set of colours the distribution of another: Lab, linear and iterative optimal transport, monotone lightness.

Colours are (N, 3) float32 arrays. The transports work on any three axes; photographs are best served in CIE Lab, where
distances are about what eyes see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.colour import decode_srgb, encode_srgb

Colours = NDArray[np.float32]

# Linear sRGB to CIE XYZ relative to its white, D65.
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_TO_XYZ = (_XYZ / _XYZ.sum(axis=1, keepdims=True)).astype(np.float32)
_FROM_XYZ = np.linalg.inv(_TO_XYZ.astype(np.float64)).astype(np.float32)
_KNEE, _SLOPE = np.float32((6 / 29) ** 3), np.float32((29 / 6) ** 2 / 3)

KNOTS = 256
"""Points of a one-dimensional map."""


def rgb_to_lab(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., 3) sRGB-encoded to CIE 1976 L*a*b* (D65): L in 0 to 100 for colours in 0 to 1; values beyond are carried on."""
    xyz = decode_srgb(np.asarray(rgb, np.float32)) @ _TO_XYZ.T
    f: NDArray[np.float32] = np.where(xyz > _KNEE, np.cbrt(xyz), _SLOPE * xyz + np.float32(4 / 29))
    lab = np.empty_like(f)
    lab[..., 0] = 116 * f[..., 1] - 16
    lab[..., 1] = 500 * (f[..., 0] - f[..., 1])
    lab[..., 2] = 200 * (f[..., 1] - f[..., 2])
    return lab


def lab_to_rgb(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of `rgb_to_lab`; colours that sRGB can't show leave 0 to 1."""
    lab = np.asarray(lab, np.float32)
    f = np.empty_like(lab)
    f[..., 1] = (lab[..., 0] + 16) / 116
    f[..., 0] = f[..., 1] + lab[..., 1] / 500
    f[..., 2] = f[..., 1] - lab[..., 2] / 200
    xyz = np.where(f > np.float32(6 / 29), f * f * f, (f - np.float32(4 / 29)) / _SLOPE)
    return encode_srgb((xyz @ _FROM_XYZ.T).astype(np.float32))


@dataclass(frozen=True)
class Curve:
    """A monotone piecewise linear function of one variable; beyond its ends it goes on with slope 1."""

    start: NDArray[np.float32]
    """Increasing abscissae."""

    end: NDArray[np.float32]
    """Their values, not decreasing."""

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        inside = np.interp(values, self.start, self.end)
        beyond = values - np.clip(values, self.start[0], self.start[-1])
        return (inside + beyond).astype(np.float32)


def monotone(
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    gains: tuple[float, float] | None = None,
) -> Curve:
    """The one-dimensional optimal transport: quantile goes to quantile.

    Parameters
    ----------
    source, target
        (N,) and (M,) samples; at least one each.
    gains
        Least and greatest slope of the curve. A steep curve amplifies noise, a flat one loses texture; within the
        bounds, the curve is the best fit by repeated clipping of slopes around the median.
    """
    if not source.size or not target.size:
        raise ValueError("a transport needs samples on both sides")
    places = np.linspace(0, 1, KNOTS)
    start, end = quantiles(source, places), quantiles(target, places)
    # Equal quantiles (a flat colour) would make the curve jump: they become one knot with the mean of their values.
    unique, group = np.unique(start, return_inverse=True)
    end = np.bincount(group, end) / np.bincount(group)
    if gains is not None and unique.size > 1:
        weight = np.bincount(group).astype(np.float64)
        steps = np.diff(unique)
        slopes = np.clip(np.diff(end) / steps, *gains)
        bounded = np.concatenate([[0.0], np.cumsum(slopes * steps)])
        end = bounded + np.average(end - bounded, weights=weight)
    return Curve(unique.astype(np.float32), end.astype(np.float32))


@dataclass(frozen=True)
class Linear:
    """x ↦ (x − source mean) · matrix + target mean."""

    matrix: NDArray[np.float32]
    source_mean: NDArray[np.float32]
    target_mean: NDArray[np.float32]

    def __call__(self, colours: Colours) -> Colours:
        return ((colours - self.source_mean) @ self.matrix + self.target_mean).astype(np.float32)


def linear_transport(source: Colours, target: Colours, ridge: float = 1e-2) -> Linear:
    """The linear Monge-Kantorovich map (Pitié and Kokaram 2007, section 3): optimal between two Gaussians.

    `ridge` is added to both covariances' diagonals, so that flat colours have a finite map.
    """
    mean, goal = source.mean(axis=0, dtype=np.float64), target.mean(axis=0, dtype=np.float64)
    covariance = _covariance(source - mean) + ridge * np.eye(source.shape[1])
    wanted = _covariance(target - goal) + ridge * np.eye(source.shape[1])
    root = _root(covariance)
    inverse = np.linalg.inv(root)
    matrix = inverse @ _root(root @ wanted @ root) @ inverse
    return Linear(matrix.astype(np.float32), mean.astype(np.float32), goal.astype(np.float32))


def _covariance(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(centred.T @ centred / max(1, len(centred)), np.float64)


def _root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


@dataclass(frozen=True)
class Iterative:
    """Rotations, each with one monotone curve per axis, done one after the other."""

    steps: tuple[tuple[NDArray[np.float32], tuple[Curve, ...]], ...]

    def __call__(self, colours: Colours) -> Colours:
        moved = np.asarray(colours, np.float32)
        for rotation, curves in self.steps:
            moved = _step(moved, rotation, curves)
        return moved


def iterative_transport(source: Colours, target: Colours, steps: int = 12, seed: int = 0) -> Iterative:
    """Iterative distribution transfer (Pitié, Kokaram and Dahyot 2007): marginals are matched along random axes in turn.

    Parameters
    ----------
    source, target
        (N, D) and (M, D) samples; the map that is returned can be applied to any colours.
    steps
        Rotations; after about ten the distributions agree.
    """
    rng = np.random.default_rng(seed)
    moved, found = np.asarray(source, np.float32), []
    for number in range(steps):
        axes = source.shape[1]
        turn = np.eye(axes) if number == 0 else np.linalg.qr(rng.standard_normal((axes, axes)))[0]
        rotation: NDArray[np.float32] = turn.astype(np.float32)
        curves = tuple(monotone(a, b) for a, b in zip((moved @ rotation).T, (target @ rotation).T, strict=True))
        moved = _step(moved, rotation, curves)
        found.append((rotation, curves))
    return Iterative(tuple(found))


def _step(colours: Colours, rotation: NDArray[np.float32], curves: tuple[Curve, ...]) -> Colours:
    turned = colours @ rotation
    for axis, curve in enumerate(curves):
        turned[:, axis] = curve(turned[:, axis])
    return np.asarray(turned @ rotation.T, np.float32)


def sliced_wasserstein(a: Colours, b: Colours, directions: int = 64, seed: int = 0, points: int = 1024) -> float:
    """Mean over random directions of the 1-Wasserstein distance between the projected sets (Rabin et al. 2011).

    Sets of different sizes are compared at `points` quantiles. In the units of the colours.
    """
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((a.shape[1], directions)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=0)
    places = (np.arange(points) + 0.5) / points
    return float(np.abs(quantiles(a @ vectors, places) - quantiles(b @ vectors, places)).mean())


def quantiles(values: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(len(places), ...): quantiles along the first axis, interpolated between samples; by sorting, which is the fastest."""
    ordered = np.sort(values.T).T  # contiguous rows sort fastest
    position = places * (len(ordered) - 1)
    below = position.astype(np.intp)
    above = np.minimum(below + 1, len(ordered) - 1)
    share = (position - below).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(ordered[below] * (1 - share) + ordered[above] * share)
