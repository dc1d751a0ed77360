"""Holes to learn from and to measure on: the published trainings' generators, brush strokes, objects, thin scratches.

Every generator gives (height, width) booleans, True in the hole. Lengths that a publication states for its own size of
picture (256 or 512 pixels) follow the size that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Mask = NDArray[np.bool_]
Generator = np.random.Generator
Point = tuple[float, float]

LEAST, MOST = 0.01, 0.6
"""Share of the picture that a hole takes: the outer limits of the six classes of Liu et al. (2018)."""


def pconv_shapes(height: int, width: int, rng: Generator) -> Mask:
    """PConv-Keras: 1 to 20 lines, circles and elliptic arcs each, of a thickness from 3 pixels to 3 % of both sides."""
    canvas, draw = _canvas(height, width)
    thick = max(4, int(0.03 * (height + width)))

    def anywhere() -> Point:
        return float(rng.integers(1, width + 1)), float(rng.integers(1, height + 1))

    for _ in range(int(rng.integers(1, 21))):
        draw.line([anywhere(), anywhere()], fill=255, width=int(rng.integers(3, thick + 1)))
    for _ in range(int(rng.integers(1, 21))):
        (x, y), radius = anywhere(), int(rng.integers(3, thick + 1))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    for _ in range(int(rng.integers(1, 21))):
        centre, axes = anywhere(), anywhere()
        turn, begin, end = np.radians(rng.integers(3, 181, 3))
        t = np.linspace(begin, end, 40)
        along, up = axes[0] * np.cos(t), axes[1] * np.sin(t)
        turned = [along * np.cos(turn) - up * np.sin(turn), along * np.sin(turn) + up * np.cos(turn)]
        points = np.stack(turned, 1) + centre
        draw.line([tuple(p) for p in points.tolist()], fill=255, width=int(rng.integers(3, thick + 1)))
    return np.asarray(canvas) > 0


def pconv_file(mask: Mask, height: int, width: int, rng: Generator) -> Mask:
    """PConv-Keras, masks out of files: turned by up to 180 degrees, grown by 5 to 47 pixels, a random part of 1.5 times the size."""
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    larger = (int(1.5 * width), int(1.5 * height))
    picture = picture.resize(larger, Image.Resampling.NEAREST).rotate(float(rng.uniform(-180, 180)))
    grown = ndimage.maximum_filter(np.asarray(picture), size=int(rng.integers(5, 48)))
    y, x = int(rng.integers(0, larger[1] - height + 1)), int(rng.integers(0, larger[0] - width + 1))
    return np.asarray(grown[y : y + height, x : x + width] > 0)


def deepfill_strokes(height: int, width: int, rng: Generator) -> Mask:
    """DeepFill v2: 1 to 3 strokes of 4 to 11 corners, turned by 2π/5 ± 2π/15 to either side in turn, 12 to 40 pixels wide."""
    canvas, draw = _canvas(height, width)
    scale = min(height, width) / 256
    radius = np.hypot(height, width) / 8
    for _ in range(int(rng.integers(1, 4))):
        least, most = 2 * np.pi / 5 - rng.uniform(0, 2 * np.pi / 15), 2 * np.pi / 5 + rng.uniform(0, 2 * np.pi / 15)
        points = [(float(rng.uniform(0, width)), float(rng.uniform(0, height)))]
        for corner in range(int(rng.integers(4, 12))):
            angle = rng.uniform(least, most)
            angle = 2 * np.pi - angle if corner % 2 == 0 else angle
            length = np.clip(rng.normal(radius, radius / 2), 0, 2 * radius)
            x, y = points[-1]
            points.append(
                (
                    float(np.clip(x + length * np.cos(angle), 0, width)),
                    float(np.clip(y + length * np.sin(angle), 0, height)),
                )
            )
        draw_stroke(draw, points, max(1.0, rng.uniform(12, 40) * scale))
    return _flipped(np.asarray(canvas) > 0, rng)


def deepfill_box(height: int, width: int, rng: Generator) -> Mask:
    """DeepFill v2: half of each side at most, a quarter of that less at most, anywhere."""
    mask = np.zeros((height, width), np.bool_)
    tall, wide = (int(side / 2 - rng.uniform(0, side / 8)) for side in (height, width))
    y, x = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    mask[y : y + tall, x : x + wide] = True
    return mask


def deepcreampy_strokes(height: int, width: int, rng: Generator) -> Mask:
    """DeepCreamPy's `ff_mask`: 3 to 5 strokes of 5 to 15 pieces, each 20 to 50 pixels long in any direction, 15 to 20 to
    either side; turned by quarters, and mirrored."""
    canvas, draw = _canvas(height, width)
    scale = min(height, width) / 256
    for _ in range(int(rng.integers(3, 6))):
        points = [(float(rng.uniform(0, width)), float(rng.uniform(0, height)))]
        for _ in range(int(rng.integers(5, 16))):
            angle, length = rng.uniform(-np.pi, np.pi), rng.uniform(20, 50) * scale
            x, y = points[-1]
            points.append(
                (
                    float(np.clip(x + length * np.sin(angle), 0, width - 1)),
                    float(np.clip(y + length * np.cos(angle), 0, height - 1)),
                )
            )
        draw_stroke(draw, points, 2 * rng.uniform(15, 20) * scale)
    mask = np.asarray(canvas) > 0
    quarters = int(rng.integers(4)) if height == width else 2 * int(rng.integers(2))
    return _flipped(np.rot90(mask, quarters), rng)


def deepcreampy_square(height: int, width: int, rng: Generator) -> Mask:
    """DeepCreamPy's `make_sq_mask`: a square, here of a quarter to half of the shorter side."""
    side = int(rng.uniform(0.25, 0.5) * min(height, width))
    mask = np.zeros((height, width), np.bool_)
    y, x = int(rng.integers(0, height - side)), int(rng.integers(0, width - side))
    mask[y : y + side, x : x + side] = True
    return mask


def brush_strokes(
    height: int,
    width: int,
    rng: Generator,
    count: tuple[int, int] = (4, 9),
    thickness: Point = (0.02, 0.06),
    length: Point = (0.15, 0.5),
) -> Mask:
    """Strokes that wander: from `count[0]` up to below `count[1]` of them; thickness and length as shares of the longer side."""
    canvas, draw = _canvas(height, width)
    side = max(height, width)
    for _ in range(int(rng.integers(*count))):
        thick, step = side * rng.uniform(*thickness), side * rng.uniform(*length) / 12
        points = [(float(rng.uniform(0, width)), float(rng.uniform(0, height)))]
        angle = rng.uniform(0, 2 * np.pi)
        for _ in range(12):
            angle += rng.normal(0, 0.35)
            x, y = points[-1]
            points.append((float(x + step * np.cos(angle)), float(y + step * np.sin(angle))))
        draw_stroke(draw, points, thick)
    return np.asarray(canvas) > 0


def blob(height: int, width: int, rng: Generator) -> Mask:
    """An ellipse whose radius wavers, whole within the picture more often than not."""
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0.25, 0.75) * height, rng.uniform(0.25, 0.75) * width
    angle = np.arctan2(y - cy, x - cx)
    radius = rng.uniform(0.14, 0.26) * min(height, width) * _wavering(angle, rng)
    return np.asarray(ndimage.binary_fill_holes(np.hypot((y - cy) * rng.uniform(0.7, 1.4), x - cx) < radius))


def object_shape(height: int, width: int, rng: Generator) -> Mask:
    """Something that stood in the picture: a shape whose radius wavers around a centre, with one to three limbs."""
    canvas, draw = _canvas(height, width)
    side = min(height, width)
    cx, cy = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = rng.uniform(0.1, 0.24) * side * _wavering(t, rng)
    squeeze = rng.uniform(0.6, 1.6)
    outline = np.stack([cx + radius * np.cos(t), cy + squeeze * radius * np.sin(t)], axis=1)
    draw.polygon([tuple(p) for p in outline.tolist()], fill=255)
    for _ in range(int(rng.integers(1, 4))):
        start = outline[int(rng.integers(len(outline)))]
        points = [(float(start[0]), float(start[1]))]
        angle = np.arctan2(start[1] - cy, start[0] - cx)
        for _ in range(4):
            angle += rng.normal(0, 0.5)
            x, y = points[-1]
            points.append((float(x + 0.06 * side * np.cos(angle)), float(y + 0.06 * side * np.sin(angle))))
        draw_stroke(draw, points, rng.uniform(0.02, 0.06) * side)
    return np.asarray(canvas) > 0


def object_box(height: int, width: int, rng: Generator) -> Mask:
    """A selection drawn as a rectangle, not quite tight, around something."""
    mask = _something(height, width, rng)
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    side = min(height, width)
    margins = np.rint(rng.uniform(0, 0.04, 4) * side).astype(int)
    top, left = max(0, rows[0] - margins[0]), max(0, columns[0] - margins[1])
    mask[top : rows[-1] + 1 + margins[2], left : columns[-1] + 1 + margins[3]] = True
    return mask


def object_lasso(height: int, width: int, rng: Generator) -> Mask:
    """A selection drawn by hand around something: a wavering line, 2 to 9 % of the side away from it."""
    mask = _something(height, width, rng)
    ys, xs = np.nonzero(mask)
    cy, cx = float(ys.mean()), float(xs.mean())
    turns = 72
    which = np.floor((np.arctan2(ys - cy, xs - cx) / (2 * np.pi) + 0.5) * turns).astype(int) % turns
    reach = np.zeros(turns)
    np.maximum.at(reach, which, np.hypot(ys - cy, xs - cx))
    # a hand leaves out what is narrow, and cuts nothing off
    reach = ndimage.gaussian_filter1d(ndimage.maximum_filter1d(reach, 7, mode="wrap"), 2, mode="wrap")
    t = (np.arange(turns) + 0.5) / turns * 2 * np.pi - np.pi
    reach = (reach + rng.uniform(0.02, 0.09) * min(height, width)) * np.clip(_wavering(t, rng), 0.9, 1.25)
    canvas, draw = _canvas(height, width)
    draw.polygon(list(zip((cx + reach * np.cos(t)).tolist(), (cy + reach * np.sin(t)).tolist(), strict=True)), fill=255)
    return np.asarray(canvas) > 0


def object_shadow(height: int, width: int, rng: Generator) -> Mask:
    """Something that stood in the picture, with the shadow that it threw from its foot: the shape once more, sheared and flat."""
    mask = _something(height, width, rng)
    foot = float(np.flatnonzero(mask.any(1))[-1]) - 0.02 * height
    flat, shear = rng.choice([-1.0, 1.0]) * rng.uniform(0.12, 0.5), rng.uniform(-1.2, 1.2)
    up = (
        np.arange(height)[:, None] - foot
    )  # a row of the shadow comes from the row of the thing that is so far above its foot
    row = foot - np.abs(up / flat)
    column = np.arange(width)[None] - shear * np.abs(up / flat)
    thrown = (up * flat >= 0) & (row >= 0) & (column >= 0) & (column <= width - 1)
    row, column = (np.rint(np.broadcast_to(x, mask.shape)).astype(int) for x in (row, column))
    shadow = thrown & mask[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    return np.asarray(mask | shadow)


def scratches(height: int, width: int, rng: Generator) -> Mask:
    """6 to 20 thin, slightly bent lines, as on old photographs, with specks of dust."""
    canvas, draw = _canvas(height, width)
    side = max(height, width)
    for _ in range(int(rng.integers(6, 21))):
        x, y, angle = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, 2 * np.pi)
        step = side * rng.uniform(0.2, 0.8) / 10
        points = [(float(x), float(y))]
        for _ in range(10):
            angle += rng.normal(0, 0.12)
            x, y = x + step * np.cos(angle), y + step * np.sin(angle)
            points.append((float(x), float(y)))
        draw.line(points, fill=255, width=max(1, round(side * rng.uniform(0.003, 0.012))))
    for _ in range(int(rng.integers(0, 30))):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), side * rng.uniform(0.002, 0.01)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return np.asarray(canvas) > 0


KINDS: dict[str, Callable[[int, int, Generator], Mask]] = {
    "pconv_shapes": pconv_shapes,
    "deepfill_strokes": deepfill_strokes,
    "deepfill_box": deepfill_box,
    "deepcreampy_strokes": deepcreampy_strokes,
    "deepcreampy_square": deepcreampy_square,
    "brush_strokes": brush_strokes,
    "blob": blob,
    "object_shape": object_shape,
    "object_box": object_box,
    "object_lasso": object_lasso,
    "object_shadow": object_shadow,
    "scratches": scratches,
}
"""By name, for the settings of trainers."""


def any_of(kinds: Sequence[str], height: int, width: int, rng: Generator) -> Mask:
    """A hole of one of these kinds that takes 1 to 60 % of the picture; the last of many tries where none does."""
    mask = np.zeros((height, width), np.bool_)
    for _ in range(20):
        mask = KINDS[kinds[int(rng.integers(len(kinds)))]](height, width, rng)
        if LEAST <= mask.mean() <= MOST:
            break
    return mask


def _something(height: int, width: int, rng: Generator) -> Mask:
    return (blob if rng.random() < 0.5 else object_shape)(height, width, rng)


def draw_stroke(draw: ImageDraw.ImageDraw, points: Sequence[Point], thickness: float) -> None:
    """A line with round corners and ends; `thickness` in pixels."""
    draw.line(list(points), fill=255, width=max(1, round(thickness)))
    r = thickness / 2
    for x, y in points:
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)


def _canvas(height: int, width: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("L", (width, height))
    return canvas, ImageDraw.Draw(canvas)


def _flipped(mask: Mask, rng: Generator) -> Mask:
    if rng.random() < 0.5:
        mask = mask[:, ::-1]
    if rng.random() < 0.5:
        mask = mask[::-1]
    return np.ascontiguousarray(mask)


def _wavering(angle: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """A factor around 1 for each angle: a random Fourier series."""
    factor = np.ones_like(angle)
    for harmonic in range(2, 7):
        factor *= 1 + rng.normal(0, 0.25 / harmonic) * np.sin(harmonic * angle + rng.uniform(0, 2 * np.pi))
    return factor
