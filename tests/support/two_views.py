"""A place seen twice: by another camera position, which is a known homography, and in another light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from scumble.vision.alignment.homography import moved

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]


def place(seed: int, height: int = 200, width: int = 260) -> Floats:
    """(H, W, 3) in 0.05 to 0.95: overlapping things of every size, angle and colour, with some grain."""
    rng = np.random.default_rng(seed)
    canvas = Image.new("RGB", (4 * width, 4 * height), (120, 130, 110))
    draw = ImageDraw.Draw(canvas)
    for _ in range(170):
        x, y = rng.uniform(0, 4 * width), rng.uniform(0, 4 * height)
        radius = float(rng.uniform(0.02, 0.12)) * 4 * height
        turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
        corners = [(float(x + radius * np.cos(t)), float(y + radius * np.sin(t))) for t in turns]
        draw.polygon(corners, fill=tuple(int(c) for c in rng.integers(20, 235, 3)))
    found = np.asarray(canvas.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    return np.clip(found + 0.01 * rng.normal(size=found.shape), 0.05, 0.95).astype(np.float32)


@dataclass(frozen=True)
class OtherView:
    """The place from elsewhere."""

    picture: Floats
    matrix: Matrix
    """From the first view's pixels to these."""


def seen_from(
    picture: Floats, degrees: float = 6, size: float = 0.9, tilt: float = 2e-4, gain: float = 0.7, offset: float = 0.08
) -> OtherView:
    """Turned about the middle, smaller, tilted, darker; black where the first view shows nothing."""
    height, width = picture.shape[:2]
    turn = np.radians(degrees)
    cos, sin = size * np.cos(turn), size * np.sin(turn)
    middle = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    matrix = middle @ np.array([[cos, -sin, 3.3], [sin, cos, -2.7], [tilt, -tilt / 2, 1]]) @ np.linalg.inv(middle)
    rows, columns = np.mgrid[:height, :width]
    at = moved(np.linalg.inv(matrix), np.stack([columns.ravel(), rows.ravel()], 1).astype(np.float64))
    places = [at[:, 1].reshape(height, width), at[:, 0].reshape(height, width)]
    seen = np.stack([ndimage.map_coordinates(picture[..., n], places, order=3, cval=np.nan) for n in range(3)], -1)
    return OtherView(np.nan_to_num(np.clip(gain * seen + offset, 0, 1)).astype(np.float32), matrix)
