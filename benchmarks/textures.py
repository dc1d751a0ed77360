"""Texture synthesis: which feature network describes textures best.

    python -m benchmarks.textures [--data FOLDER] [--count N] [--iterations N] [--sheet FILE]

Held-out squares of 256 pixels that look alike everywhere are made again from noise by matching Gram matrices of relu1_1 to
relu5_1 (Gatys et al. 2015). The distance is that of `benchmarks.metrics.patch_distance` between the texture and its source.
A network of VGG's shape with random filters (He et al. 2015) is the one to beat.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.metrics import patch_distance
from benchmarks.report import Figure, as_markdown
from scumble.style.descent import Descent, descend
from scumble.style.losses import FULL, as_picture, as_tensor, gram, style_target
from scumble.vision.vgg import weights as vgg_weights
from scumble.vision.vgg.network import Vgg, random_weights
from scumble.weights import WeightStore

Picture = NDArray[np.float32]

BLOCKS, WIDTHS = (2, 2, 2, 2, 1), (48, 96, 160, 256, 256)
"""Of the random network: VGG's shape, with about half its channels: 2 million weights, twice those of the embedded one."""

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
SIDE = 256


def textures(data: Path, count: int) -> list[Picture]:
    """The held-out squares whose sixteen parts differ least in colour, contrast and gradients; one per picture."""
    found: list[tuple[float, str, Picture]] = []
    for kind in ("photos", "art"):
        with (data / f"{kind}.csv").open(newline="") as table:
            names = [row["file"] for row in csv.DictReader(table) if row["split"] == "heldout"]
        with tarfile.open(data / f"{kind}.tar") as tar:
            for name in names:
                member = tar.extractfile(name)
                assert member is not None, name
                picture = np.asarray(Image.open(io.BytesIO(member.read())).convert("RGB"), np.float32) / np.float32(255)
                for y in range(0, picture.shape[0] - SIDE + 1, 64):
                    for x in range(0, picture.shape[1] - SIDE + 1, 64):
                        square = picture[y : y + SIDE, x : x + SIDE]
                        if square.std() >= 0.06:  # a blank wall is no texture
                            found.append((_unevenness(square), name, square))
    found.sort(key=lambda one: one[0])
    best: dict[str, Picture] = {}
    for _, name, square in found:
        best.setdefault(name, square)
    return list(best.values())[:count]


def _unevenness(square: Picture) -> float:
    quarter = SIDE // 4
    parts = [square[y : y + quarter, x : x + quarter] for y in range(0, SIDE, quarter) for x in range(0, SIDE, quarter)]
    about = np.array(
        [
            [*p.mean((0, 1)), *p.std((0, 1)), np.abs(np.diff(p, axis=0)).mean(), np.abs(np.diff(p, axis=1)).mean()]
            for p in parts
        ]
    )
    return float((about.std(axis=0) / (about.mean(axis=0) + 0.02)).mean())


def synthesised(network: Vgg, source: Picture, iterations: int) -> Picture:
    """A new texture: every layer's Gram matrix counts alike."""
    target = style_target(network, as_tensor(source), LAYERS)

    def loss(picture: torch.Tensor) -> torch.Tensor:
        found = network(picture / FULL, LAYERS)
        parts = [
            (gram(found[name]) - wanted[0]).square().sum() / wanted[0].square().sum()
            for name, wanted in target.grams.items()
        ]
        return 1e3 * torch.stack(parts).sum()

    generator = torch.Generator().manual_seed(0)
    start = torch.rand(1, 3, *source.shape[:2], generator=generator) * FULL
    made = descend(loss, start, Descent(iterations=iterations)).picture
    return np.asarray(np.clip(as_picture(made) / np.float32(FULL), 0, 1), np.float32)


def measure(data: Path, count: int = 8, iterations: int = 80, sheet: Path | None = None) -> list[Figure]:
    networks = {
        "embedded": Vgg(vgg_weights.load(WeightStore().path("scumble-features")), "average"),
        "random": Vgg(random_weights(BLOCKS, WIDTHS), "average"),
    }
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    distances: dict[str, list[float]] = {name: [] for name in networks}
    rows = []
    for source in textures(data, count):
        made = {name: synthesised(network, source, iterations) for name, network in networks.items()}
        for name, texture in made.items():
            distances[name].append(patch_distance(texture, source, everywhere))
        rows.append(np.concatenate([source, *made.values()], axis=1))
    if sheet is not None:
        Image.fromarray(np.round(np.concatenate(rows) * 255).astype(np.uint8)).save(sheet)
    ours, random = (float(np.mean(distances[name])) for name in ("embedded", "random"))
    detail = f"means {ours:.1f} / {random:.1f} over {len(rows)} textures, {iterations} iterations"
    return [Figure("textures: patch distance / that of random filters", ours / random, "×", 1, detail=detail)]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.textures", description="Texture synthesis.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with photos.tar and art.tar")
    parser.add_argument("--count", type=int, default=8, help="textures")
    parser.add_argument("--iterations", type=int, default=80, help="of L-BFGS")
    parser.add_argument("--sheet", type=Path, help="a PNG to write: source, embedded, random")
    options = parser.parse_args(argv)
    if not (options.data / "photos.tar").is_file():
        print(f"There is no photos.tar in {options.data}: name its folder with --data.", file=sys.stderr)
        return 2
    torch.set_num_threads(2)
    found = measure(options.data, options.count, options.iterations, options.sheet)
    print(as_markdown(found))
    return 1 if any(figure.met is False for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
