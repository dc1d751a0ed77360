"""Paintings of our own making: photographs painted again by code, as the bundled styles.

Each function takes a photograph, (h, w, 3) in 0 to 1, and gives a painting of the same size; the same input gives the same pixels.
Strokes are placed from coarse to fine and follow the picture's edges, as in Hertzmann, "Painterly Rendering with Curved Brush
Strokes of Multiple Sizes" (SIGGRAPH 1998); tesserae stand along the edges, as in Hausner, "Simulating Decorative Mosaics" (2001).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

DRAWN = 2
"""Everything is drawn this many times as large, and made small in the end: edges are smooth."""


def impasto(photograph: Floats, seed: int = 1) -> Floats:
    """Thick, curved strokes with the bristles' traces, swirling where the picture is calm."""
    rng = np.random.default_rng(seed)
    height, width = photograph.shape[:2]
    angles = along_edges(photograph, 4, swirl=True)
    canvas = Image.fromarray(_bytes(ndimage.gaussian_filter(photograph, (12, 12, 0))))
    canvas = canvas.resize((width * DRAWN, height * DRAWN))
    draw = ImageDraw.Draw(canvas)
    for radius, length, share in ((9.0, 9, 1.0), (5.0, 9, 1.0), (2.6, 7, 0.9)):
        smooth = ndimage.gaussian_filter(photograph, (radius * 0.5, radius * 0.5, 0))
        painted = np.asarray(canvas.resize((width, height)), np.float64) / 255
        wrong = ndimage.uniform_filter(np.abs(painted - smooth).sum(axis=2), round(radius * 2))
        for x, y in _jittered(rng, height, width, radius * 1.15):
            if wrong[y, x] < 0.06 and radius < 9 and rng.random() > share * 0.35:
                continue
            colour = np.clip(smooth[y, x] + rng.normal(0, 0.035) + rng.normal(0, 0.03, 3), 0, 1)
            _stroke(draw, rng, _followed(angles, x, y, radius, length), radius, colour)
    return _reduced(canvas, (width, height))


def pointillism(photograph: Floats, seed: int = 2) -> Floats:
    """Dots of divided colour on a light ground, as Seurat set them."""
    rng = np.random.default_rng(seed)
    height, width = photograph.shape[:2]
    canvas = Image.new("RGB", (width * DRAWN, height * DRAWN), (222, 212, 186))
    draw = ImageDraw.Draw(canvas)
    smooth = ndimage.gaussian_filter(photograph, (1.5, 1.5, 0))
    gray = smooth.mean(axis=2, keepdims=True)
    vivid = np.clip(gray + 1.7 * (smooth - gray), 0, 1)
    for radius, spacing in ((6.0, 5.5), (4.4, 5.0), (3.2, 4.6)):
        for x, y in _jittered(rng, height, width, spacing):
            colour = vivid[y, x] + rng.normal(0, 0.05) + rng.normal(0, 0.09, 3)
            if rng.random() < 0.10:  # a dot of the complementary colour lets its neighbours shine
                colour = 0.55 * colour + 0.45 * (2 * gray[y, x] - vivid[y, x] + 0.08)
            r = radius * (0.75 + 0.45 * rng.random())
            box = [(x - r) * DRAWN, (y - r) * DRAWN, (x + r) * DRAWN, (y + r) * DRAWN]
            draw.ellipse(box, fill=_colour(colour))
    return _reduced(canvas, (width, height))


def mosaic(photograph: Floats, seed: int = 3, side: float = 8.5) -> Floats:
    """Tesserae in rows along the edges, with dark joints and stones of few colours."""
    rng = np.random.default_rng(seed)
    height, width = photograph.shape[:2]
    angles = along_edges(photograph, 3, swirl=False)
    canvas = Image.new("RGB", (width * DRAWN, height * DRAWN), (58, 50, 44))
    draw = ImageDraw.Draw(canvas)
    smooth = ndimage.gaussian_filter(photograph, (side / 4, side / 4, 0))
    taken, stones = np.zeros((height, width), np.bool_), []
    rows, columns = np.mgrid[0:height, 0:width]
    edges = ndimage.gaussian_gradient_magnitude(smooth.mean(axis=2), 2)
    order = np.argsort(-ndimage.maximum_filter(edges, 3) - 0.004 * rng.random((height, width)), axis=None)
    for place in order:  # the most telling places first; the others fill what is left
        y, x = divmod(int(place), width)
        if taken[y, x]:
            continue
        angle = angles[y, x] + rng.normal(0, 0.05)
        half = side / 2 * (0.94 + 0.1 * rng.random())
        c, s = math.cos(angle), math.sin(angle)
        corners = [
            ((x + u * c - v * s) * DRAWN, (y + u * s + v * c) * DRAWN)
            for u, v in ((-half, -half), (half, -half), (half, half), (-half, half))
        ]
        stone = np.round(smooth[y, x] * 9) / 9 + rng.normal(0, 0.03) + rng.normal(0, 0.012, 3)
        stones.append((corners, _colour(stone)))
        r = math.ceil(side)
        box = slice(max(y - r, 0), y + r + 1), slice(max(x - r, 0), x + r + 1)
        dx, dy = columns[box] - x, rows[box] - y
        taken[box] |= np.maximum(np.abs(dx * c + dy * s), np.abs(dy * c - dx * s)) < side * 0.76
    for corners, colour in reversed(stones):  # where two overlap, the more telling one is whole
        draw.polygon(corners, fill=colour, outline=(58, 50, 44), width=2)
    return _reduced(canvas, (width, height))


def along_edges(photograph: Floats, scale: float, swirl: bool) -> Floats:
    """For each pixel an angle along the structure tensor's weaker axis; `swirl` bends it around vortices where it means little."""
    gray = photograph.mean(axis=2)
    gx, gy = ndimage.gaussian_filter(gray, scale, order=(0, 1)), ndimage.gaussian_filter(gray, scale, order=(1, 0))
    real, imaginary = (ndimage.gaussian_filter(one, 2 * scale) for one in (gx * gx - gy * gy, 2 * gx * gy))
    if swirl:
        height, width = gray.shape
        rows, columns = np.mgrid[0:height, 0:width]
        # The gradient of a smooth hilly landscape: lines of equal height turn around its hills.
        hills = np.sin(columns / width * 9.5 + 1.7 * np.sin(rows / height * 6)) * np.cos(
            rows / height * 8.2 - columns / width * 2
        )
        hy, hx = np.gradient(hills)
        weight = np.median(np.hypot(real, imaginary)) * 6 / (hx * hx + hy * hy + 1e-9)
        real, imaginary = real + weight * (hx * hx - hy * hy), imaginary + weight * 2 * hx * hy
    return np.asarray(np.arctan2(imaginary, real) / 2 + np.pi / 2, np.float64)


def _jittered(rng: np.random.Generator, height: int, width: int, spacing: float) -> list[tuple[int, int]]:
    """Places on a jittered grid, in random order: (x, y)."""
    ys, xs = np.mgrid[spacing / 2 : height : spacing, spacing / 2 : width : spacing]
    places = np.stack([xs, ys], axis=-1).reshape(-1, 2)
    places = places + rng.uniform(-spacing / 2, spacing / 2, places.shape)
    places = np.clip(places, 0, [width - 1, height - 1])[rng.permutation(len(places))]
    return [(int(x), int(y)) for x, y in places]


def _followed(angles: Floats, x: float, y: float, radius: float, steps: int) -> list[tuple[float, float]]:
    """The stroke through (x, y) along the angles, both ways."""
    height, width = angles.shape
    ways = []
    for sign in (-1, 1):
        px, py, way = float(x), float(y), []
        dx = dy = 0.0
        for _ in range(steps // 2 + 1):
            angle = angles[min(max(int(py), 0), height - 1), min(max(int(px), 0), width - 1)]
            nx, ny = sign * math.cos(angle), sign * math.sin(angle)
            if nx * dx + ny * dy < 0:
                nx, ny = -nx, -ny
            dx, dy = nx, ny
            px, py = px + dx * radius * 0.8, py + dy * radius * 0.8
            way.append((px, py))
        ways.append(way)
    return [*ways[0][::-1], (float(x), float(y)), *ways[1]]


def _stroke(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    points: list[tuple[float, float]],
    radius: float,
    colour: Floats,
) -> None:
    """A bundle of bristles, lighter on one side as thick paint is under a lamp."""
    bristles = max(3, round(radius * 1.1))
    track = np.array(points)
    ahead = np.gradient(track, axis=0)
    beside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) / (np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9)
    lit = np.sign(beside[len(track) // 2] @ np.array([-0.6, -0.8])) or 1.0
    for number in range(bristles):
        across = 2 * number / (bristles - 1) - 1
        start, end = rng.integers(0, 2), len(track) - rng.integers(0, 2)
        line = (track + beside * across * radius * 0.62)[start:end] * DRAWN
        paint = colour + 0.075 * across * lit + rng.normal(0, 0.03)
        wide = max(1, round(radius * DRAWN * 1.7 / bristles + 0.6))
        draw.line([(float(a), float(b)) for a, b in line], fill=_colour(paint), width=wide, joint="curve")


def _colour(colour: Floats) -> Colour:
    red, green, blue = (round(255 * min(max(float(one), 0.0), 1.0)) for one in colour)
    return red, green, blue


def _bytes(picture: Floats) -> NDArray[np.uint8]:
    return np.asarray(np.round(np.clip(picture, 0, 1) * 255), np.uint8)


def _reduced(canvas: Image.Image, size: tuple[int, int]) -> Floats:
    return np.asarray(canvas.resize(size, Image.Resampling.LANCZOS), np.float64) / 255
