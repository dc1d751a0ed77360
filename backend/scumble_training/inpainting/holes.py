"""Random holes as artists make them: strokes of a brush, the outline of an object, thin scratches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Mask = NDArray[np.bool_]

KINDS = ("strokes", "object", "scratches")


def random_hole(height: int, width: int, rng: np.random.Generator, kind: str | None = None) -> Mask:
    """(height, width): a hole of that kind, or of two kinds drawn at random; its sizes go by the shorter side."""
    if kind is None:
        chosen = rng.choice(KINDS, size=int(rng.integers(1, 3)), replace=False)
        both: Mask = np.logical_or.reduce([random_hole(height, width, rng, str(one)) for one in chosen])
        return both
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    side = min(height, width)
    if kind == "object":
        draw.polygon(_outline(height, width, rng), fill=255)
    else:
        thick = kind == "strokes"
        for _ in range(int(rng.integers(*((2, 8) if thick else (3, 12))))):
            thickness = side * (rng.uniform(0.02, 0.11) if thick else rng.uniform(0.004, 0.018))
            _stroke(draw, height, width, thickness, side * rng.uniform(0.2, 0.8), rng)
    return np.asarray(canvas) > 0


def _stroke(
    draw: ImageDraw.ImageDraw, height: int, width: int, thickness: float, length: float, rng: np.random.Generator
) -> None:
    place = rng.uniform(0, 1, 2) * (width, height)
    angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.15)
    steps = 14
    for _ in range(steps):
        bend += rng.normal(0, 0.12)
        angle += bend
        following = place + length / steps * np.array([np.cos(angle), np.sin(angle)])
        draw.line([*place, *following], fill=255, width=max(1, round(thickness)))
        draw.ellipse([*(following - thickness / 2), *(following + thickness / 2)], fill=255)
        place = following


def _outline(height: int, width: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """A closed curve around a random centre, whose radius is a random Fourier series."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.full(72, rng.uniform(0.08, 0.28) * min(height, width))
    for harmonic in range(1, 8):
        radius *= 1 + rng.normal(0, 0.3 / harmonic) * np.cos(harmonic * angles + rng.uniform(0, 2 * np.pi))
    stretch = np.exp(rng.normal(0, 0.25))
    x = rng.uniform(0.1, 0.9) * width + radius * np.cos(angles) * stretch
    y = rng.uniform(0.1, 0.9) * height + radius * np.sin(angles) / stretch
    return list(zip(x.tolist(), y.tolist(), strict=True))
