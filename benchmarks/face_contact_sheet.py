"""Sheets of held-out faces to look at. They stay outside the repository.

python -m benchmarks.face_contact_sheet [--data FOLDER] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.face_brush import run_brush
from scumble.cli.demo_scenes import Stroke, painted
from scumble.faces.detection.search import find_faces
from scumble.faces.detection.weights import face_networks
from scumble.faces.latent.model import face_model
from scumble.imaging.layer import Layer, composite
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from scumble_training.common import datasets
from scumble_training.faces.crops import cut_out
from scumble_training.faces.pictures import Faces, load_faces

FACES = ("f05297", "f08037", "f08314", "f09675", "f00529", "f01495")
"""Four of faker-js (CC0), two of StyleGAN2 (MIT): nobody here exists."""

SIDE, SHOWN = 512, 200

EDITS: dict[str, list[Stroke]] = {
    "dark over the forehead": [([(0.30, 0.27), (0.42, 0.22), (0.58, 0.22), (0.70, 0.27)], 0.08, (38, 28, 22))],
    "white over the mouth": [([(0.42, 0.765), (0.5, 0.775), (0.58, 0.765)], 0.03, (250, 248, 245))],
    "red over the lips": [([(0.40, 0.76), (0.5, 0.795), (0.60, 0.76)], 0.055, (176, 28, 52))],
    "rose on the cheeks": [
        ([(0.31, 0.62), (0.35, 0.65)], 0.09, (214, 104, 96)),
        ([(0.69, 0.62), (0.65, 0.65)], 0.09, (214, 104, 96)),
    ],
}


def sheet(data: Path) -> Image.Image:
    rows = {Path(row["file"]).stem: row["file"] for row in datasets.rows(data, "faces", "heldout")}
    models = ModelCache()
    lines = []
    for picture in datasets.pictures(data, "faces", [rows[name] for name in FACES]):
        large = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.uint8)
        image = Layer(np.ascontiguousarray(large))
        line = [_small(large)]
        for edit in EDITS.values():
            strokes = painted(edit, SIDE)
            line += [_small(composite(image, strokes).pixels)]
            line += [_small(composite(image, run_brush(models, image, strokes)).pixels)]
        lines.append(np.concatenate(line, axis=1))
    return Image.fromarray(np.concatenate(lines))


def _copyable(data: Path) -> list[str]:
    """Held-out files whose row says CC0 or MIT."""
    rows = datasets.rows(data, "faces", "heldout")
    return [row["file"] for row in rows if row["licence"].startswith(("CC0", "MIT"))]


def points_sheet(data: Path, columns: int = 8) -> Image.Image:
    """Faces with the points that are found, each tilted by another angle."""
    models = ModelCache()
    networks = face_networks(Context(0, "cpu", models, lambda fraction, message: None))
    tiles = []
    for number, picture in enumerate(datasets.pictures(data, "faces", _copyable(data)[: 3 * columns])):
        tilted = Image.fromarray(picture).rotate(((number * 7) % 61) - 30, Image.Resampling.BICUBIC)
        shown = np.asarray(tilted, np.float32) / np.float32(255)
        draw = ImageDraw.Draw(tilted)
        for face in find_faces(shown, networks):
            for x, y in face.points:
                draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=(0, 255, 80))
        tiles.append(np.asarray(tilted.resize((128, 128), Image.Resampling.LANCZOS), np.uint8))
    return _rows(tiles, columns)


def model_sheet(data: Path) -> Image.Image:
    """Faces and their reconstructions; random faces; ways between two faces."""
    models = ModelCache()
    context = Context(0, "cpu", models, lambda fraction, message: None)
    shape = face_networks(context).shape
    model = face_model("embedded", context)
    held = load_faces(data, "heldout", 128, names=("faces",))
    wanted = set(_copyable(data))
    chosen = [i for i, row in enumerate(held.rows) if row["file"] in wanted][:24]
    faces = Faces(held.pictures[chosen], held.points[chosen], held.true[chosen], [held.rows[i] for i in chosen])
    pictures = cut_out(faces, shape, model.side).exact()
    with torch.inference_mode():
        z = model.encode(pictures)
        shown = model.decode(z)
        drawn = torch.randn(24, model.latents, generator=torch.Generator().manual_seed(5))
        samples = model.decode(0.7 * drawn)
        between = [torch.lerp(z[2 * n], z[2 * n + 1], j / 9) for n in range(2) for j in range(10)]
        ways = model.decode(torch.stack(between))
    tiles = [*torch.stack([pictures, shown], 1).flatten(0, 1)[:36], *samples]
    for n in range(2):
        tiles += [pictures[2 * n], *ways[10 * n : 10 * n + 10], pictures[2 * n + 1]]
    arrays = [np.asarray((t.clamp(-1, 1).permute(1, 2, 0).numpy() + 1) * 127.5, np.uint8) for t in tiles]
    return _rows([np.asarray(Image.fromarray(a).resize((96, 96), Image.Resampling.BICUBIC)) for a in arrays], 12)


def _rows(tiles: list[NDArray[np.uint8]], columns: int) -> Image.Image:
    tiles = tiles + [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    lines = [np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)]
    return Image.fromarray(np.concatenate(lines))


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).resize((SHOWN, SHOWN), Image.Resampling.LANCZOS), np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_contact_sheet")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "scumble-faces")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    points_sheet(options.data).save(options.out / "scumble-face-landmarks.jpg", quality=85)
    model_sheet(options.data).save(options.out / "scumble-face-latent.jpg", quality=85)
    sheet(options.data).save(options.out / "face-brush.jpg", quality=86)
