"""The pictures of docs/faces.md: before, strokes and after, for six held-out faces whose licence allows copying.

python -m benchmarks.face_contact_sheet [--data FOLDER] [--out FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.face_brush import run_brush
from scumble.layers import Layer, composite
from scumble.training import collections
from scumble.workers.models import ModelCache

FACES = ("f05297", "f08037", "f08314", "f09675", "f00171", "f01495")
"""Four of faker-js (CC0), two of StyleGAN2 (MIT): nobody here exists."""

SIDE, SHOWN = 512, 200

Stroke = tuple[list[tuple[float, float]], float, tuple[int, int, int]]
"""Points as shares of the side, width, colour."""

EDITS: dict[str, list[Stroke]] = {
    "dark over the forehead": [([(0.30, 0.27), (0.42, 0.22), (0.58, 0.22), (0.70, 0.27)], 0.08, (38, 28, 22))],
    "white over the mouth": [([(0.42, 0.765), (0.5, 0.775), (0.58, 0.765)], 0.03, (250, 248, 245))],
    "red over the lips": [([(0.40, 0.76), (0.5, 0.795), (0.60, 0.76)], 0.055, (176, 28, 52))],
    "rose on the cheeks": [
        ([(0.31, 0.62), (0.35, 0.65)], 0.09, (214, 104, 96)),
        ([(0.69, 0.62), (0.65, 0.65)], 0.09, (214, 104, 96)),
    ],
}


def painted(edit: list[Stroke]) -> Layer:
    picture = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    for points, width, colour in edit:
        places = [(x * SIDE, y * SIDE) for x, y in points]
        draw.line(places, fill=(*colour, 255), width=round(width * SIDE), joint="curve")
        radius = width * SIDE / 2
        for x, y in (places[0], places[-1]):
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(*colour, 255))
    return Layer(np.asarray(picture, np.uint8))


def sheet(data: Path) -> Image.Image:
    rows = {Path(row["file"]).stem: row["file"] for row in collections.rows(data, "faces", "heldout")}
    models = ModelCache()
    lines = []
    for picture in collections.pictures(data, "faces", [rows[name] for name in FACES]):
        large = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.uint8)
        image = Layer(np.ascontiguousarray(large))
        line = [_small(large)]
        for edit in EDITS.values():
            strokes = painted(edit)
            line += [_small(composite(image, strokes).pixels)]
            line += [_small(composite(image, run_brush(models, image, strokes)).pixels)]
        lines.append(np.concatenate(line, axis=1))
    return Image.fromarray(np.concatenate(lines))


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).resize((SHOWN, SHOWN), Image.Resampling.LANCZOS), np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_contact_sheet")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/face-brush.jpg"))
    options = parser.parse_args()
    sheet(options.data).save(options.out, quality=88)
