"""A sheet to look at: eight held-out faces, two sketches for the same hole each. It stays outside the repository.

python -m benchmarks.face_sketch_sheet [--data FOLDER] [--out FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from benchmarks.face_sketch import Bytes, Mask, as_mask, run
from scumble.imaging.layer import Layer
from scumble.worker.models import ModelCache
from scumble_training.common import datasets
from scumble_training.faces import sketch_examples as examples
from scumble_training.faces.sketch_examples import SKETCHES, AnalysedFace

SIDE, SHOWN = 512, 176
PAPER = 238

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Case:
    """A face, what is selected on it, and the face whose lines and colours are the second sketch."""

    face: str
    where: Box | str
    """Left, top, right, bottom as shares of the side; or `hair`, `all`, `earring`."""

    other: str = ""
    lines: str = "outlines"


CASES = (
    Case("f05297", (0.18, 0.34, 0.82, 0.58), "f08037"),
    Case("f08037", (0.28, 0.62, 0.72, 0.88), "f05297"),
    Case("f08314", "hair", "f09675"),
    Case("f09675", (0.5, 0.12, 0.98, 0.97), "f08314", "dark_lines"),
    Case("f00529", "earring"),
    Case("f01495", (0.2, 0.34, 0.8, 0.9), "f00529", "hand"),
    Case("f00529", "all", "f01495"),
    Case("f05297", "all", "f09675", "dark_lines"),
)

EARRINGS = (((204, 160, 60), "hoop"), ((60, 90, 190), "drop"))
"""Colours and forms that are drawn."""

EAR, CHEEK = (0.785, 0.70), (0.72, 0.62)


def faces(data: Path) -> dict[str, AnalysedFace]:
    points = examples.load_points(data)
    by_stem = {Path(row["file"]).stem: row["file"] for row in datasets.rows(data, "faces", "heldout")}
    names = sorted({name for case in CASES for name in (case.face, case.other) if name})
    files = [by_stem[name] for name in names]
    pictures = datasets.pictures(data, "faces", files)
    return {
        name: examples.analysed(picture, points[Path(file).name] / picture.shape[0], np.random.default_rng(0))
        for name, file, picture in zip(names, files, pictures, strict=True)
    }


def hole_of(case: Case, face: AnalysedFace, other: AnalysedFace | None) -> Mask:
    side = len(face.hair)
    if case.where == "all":
        return np.ones((side, side), np.bool_)
    if case.where == "hair":
        hair = face.hair | (other.hair if other else face.hair)
        return np.asarray(ndimage.binary_dilation(hair, iterations=5))
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    if case.where == "earring":
        return np.asarray(np.hypot((x - EAR[0]) / 0.09, (y - EAR[1]) / 0.14) < 1)
    left, top, right, bottom = (float(edge) for edge in case.where)
    middle, half = ((left + right) / 2, (top + bottom) / 2), ((right - left) / 2, (bottom - top) / 2)
    return np.asarray(((x - middle[0]) / half[0]) ** 4 + ((y - middle[1]) / half[1]) ** 4 < 1)


def from_face(face: AnalysedFace, kind: str) -> tuple[Layer, Layer]:
    """Lines and colours of a face as layers of the document's size."""
    lines = np.kron(face.lines[SKETCHES.index(kind)], np.ones((2, 2))) > 0
    sketch = np.zeros((SIDE, SIDE, 4), np.uint8)
    sketch[..., 3] = lines * 255
    colours = np.kron(np.round(face.colours.picture() * 255).astype(np.uint8), np.ones((2, 2, 1), np.uint8))
    return Layer(sketch), Layer(colours)


def earring(colour: tuple[int, int, int], form: str, skin: tuple[int, int, int]) -> tuple[Layer, Layer]:
    """An earring drawn and coloured by hand; what is seen through a hoop is painted, too."""
    sketch, paint = (Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0)) for _ in range(2))
    x, y = EAR[0] * SIDE, EAR[1] * SIDE
    if form == "hoop":
        outer, inner = (x - 29, y - 36, x + 29, y + 48), (x - 17, y - 22, x + 17, y + 34)
        for box in (outer, inner):
            ImageDraw.Draw(sketch).ellipse(box, outline=(0, 0, 0, 255), width=2)
        ImageDraw.Draw(paint).ellipse((x - 28, y - 35, x + 28, y + 47), outline=(*colour, 255), width=11)
        ImageDraw.Draw(paint).ellipse((x - 16, y - 21, x + 16, y + 33), fill=(*skin, 255))
    else:
        drop = [(x, y - 40), (x + 22, y + 20), (x, y + 46), (x - 22, y + 20)]
        ImageDraw.Draw(sketch).line([*drop, drop[0]], fill=(0, 0, 0, 255), width=2)
        ImageDraw.Draw(paint).polygon(drop, fill=(*colour, 255))
    return Layer(np.asarray(sketch)), Layer(np.asarray(paint))


def drawn(image: Bytes, hole: Mask, sketch: Layer, colours: Layer) -> Bytes:
    """What the artist sees: the photograph, and in the selection the colours on paper under the lines."""
    seen = np.where(hole[..., None], np.uint8(PAPER), image)
    paint = colours.pixels
    alpha = paint[..., 3:] / 255 if paint.shape[2] == 4 else np.ones((*paint.shape[:2], 1))
    over = seen * (1 - alpha) + paint[..., :3] * alpha
    over *= 1 - sketch.pixels[..., 3:] / 255
    return np.where(hole[..., None], over, image).astype(np.uint8)


def sheet(data: Path) -> Image.Image:
    known, models, rows = faces(data), ModelCache(), []
    for case in CASES:
        face, other = known[case.face], known.get(case.other)
        image = np.asarray(Image.fromarray(face.truth).resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.uint8)
        hole = np.kron(hole_of(case, face, other), np.ones((2, 2))) > 0
        if other is None:
            cheek = image[int(CHEEK[1] * SIDE), int(CHEEK[0] * SIDE)]
            skin = (int(cheek[0]), int(cheek[1]), int(cheek[2]))
            sketches = [earring(*one, skin) for one in EARRINGS]
        else:
            sketches = [from_face(one, case.lines) for one in (face, other)]
        row = [image]
        for sketch, colours in sketches:
            given = {"image": Layer(image), "mask": as_mask(hole), "sketch": sketch, "color": colours}
            row += [drawn(image, hole, sketch, colours), run(models, given)[..., :3]]
        rows.append(np.concatenate([_small(one) for one in row], axis=1))
    return Image.fromarray(np.concatenate(rows))


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).resize((SHOWN, SHOWN), Image.Resampling.LANCZOS), np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_sketch_sheet")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "scumble-face-sketch.jpg")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sheet(options.data).save(options.out, quality=88)
