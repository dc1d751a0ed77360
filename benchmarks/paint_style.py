"""`paint-style`: how long the fast method takes, and what it makes of three photographs and five paintings.

    python -m benchmarks.paint_style [--sheet FILE] [--gatys FILE] [--iterations N]

The photographs and paintings are the bundled ones. How much a picture looks painted is for eyes: look at the sheets.
Beside the time stand two figures without a bound, means over the fifteen: how near the result's patches are to those of
the painting (`benchmarks.metrics.patch_distance`, beside that of the photograph itself), and its structure
(`benchmarks.photo_style.structure`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.metrics import patch_distance
from benchmarks.photo_style import structure
from benchmarks.report import Figure, as_markdown
from scumble.imaging.io.files import read_picture
from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.pictures import NAMES, painting, picture
from scumble.worker.models import ModelCache

Picture = NDArray[np.float32]

PAINTINGS = ("impasto", "ocean-waves", "mona-lisa", "bedroom", "pointillism")
TIMED_AT = 768
RUNS = 5


def painted(image: Layer, models: ModelCache, parameters: Mapping[str, Any]) -> tuple[Picture, float]:
    """What the artist sees, and the seconds that it took."""
    operation = find("paint-style")
    context = Context(0, "cpu", models, lambda fraction, message: None)
    start = time.perf_counter()
    (output,) = operation.run({"image": image}, operation.validate(parameters), context)
    seconds = time.perf_counter() - start
    return composite(image, output.layer).to_working().rgb, seconds


def photograph(name: str, longest: int = 0) -> Layer:
    """A bundled photograph, as it is or with another longest side."""
    image = Image.open(picture(name)).convert("RGB")
    if longest:
        image = image.resize([round(side * longest / max(image.size)) for side in image.size], Image.Resampling.LANCZOS)
    return Layer(np.asarray(image).copy())


def nearness(result: Picture, style: Picture) -> float:
    """Patch distance to as large a part of the painting, in 0 and up; lower is nearer."""
    shape = [min(a, b) for a, b in zip(result.shape[:2], style.shape[:2], strict=True)]
    a, b = (p[: shape[0], : shape[1]] for p in (result, style))
    return patch_distance(a, b, np.ones(shape, np.bool_))


def measure(sheet: Path | None = None) -> list[Figure]:
    models = ModelCache()
    large = photograph(NAMES[0], TIMED_AT)
    painted(large, models, {})
    seconds = [painted(large, models, {"painting": name})[1] for name in PAINTINGS[:RUNS]]
    rows, near, before, structures = [], [], [], []
    for name in NAMES:
        image = photograph(name)
        content = image.to_working().rgb
        row = [content]
        for chosen in PAINTINGS:
            result, _ = painted(image, models, {"painting": chosen})
            style = read_picture(painting(chosen)).layer.to_working().rgb
            near.append(nearness(result, style))
            before.append(nearness(content, style))
            structures.append(structure(result, content))
            row.append(result)
        rows.append(row)
    if sheet is not None:
        write_sheet(rows, sheet)
    return [
        Figure(
            f"paint-style, fast, {large.extent.width} × {large.extent.height} pixels",
            float(np.median(seconds)),
            "s",
            3,
            detail=f"{min(seconds):.1f} to {max(seconds):.1f} s over {len(seconds)} paintings",
        ),
        Figure(
            "paint-style, fast: patch distance to the painting / the photograph's",
            float(np.mean(near) / np.mean(before)),
            "×",
            detail=f"means {np.mean(near):.0f} / {np.mean(before):.0f} over {len(near)} pictures",
        ),
        Figure("paint-style, fast: structure", float(np.mean(structures)), detail=f"least {min(structures):.2f}"),
    ]


def optimised(path: Path, iterations: int) -> None:
    """The sheet of `gatys`: smaller, as each picture takes minutes."""
    models = ModelCache()
    rows = []
    for name in NAMES:
        image = photograph(name, 384)
        parameters = {"method": "gatys", "iterations": iterations, "size": 384, "style_weight": 1000.0}
        row = [image.to_working().rgb]
        row += [painted(image, models, {**parameters, "painting": chosen})[0] for chosen in PAINTINGS]
        rows.append(row)
    write_sheet(rows, path, 256)


def write_sheet(rows: Sequence[Sequence[Picture]], path: Path, width: int = 384) -> None:
    """The paintings on top, then a row for each photograph."""
    styles = [read_picture(painting(name)).layer.to_working().rgb for name in PAINTINGS]
    rows = [[np.ones((2, 3, 3), np.float32), *styles], *rows]
    lines = []
    for row in rows:
        images = [Image.fromarray(np.round(np.clip(part, 0, 1) * 255).astype(np.uint8)) for part in row]
        for image in images:
            image.thumbnail((width, width * 2 // 3))
        lines.append(images)
    heights = [max(image.height for image in line) + 6 for line in lines]
    page = Image.new("RGB", (len(rows[0]) * (width + 6), sum(heights)), "white")
    y = 0
    for line, height in zip(lines, heights, strict=True):
        for column, image in enumerate(line):
            page.paste(image, (column * (width + 6) + (width - image.width) // 2, y))
        y += height
    page.save(path, quality=88)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paint_style", description="Painted style.")
    parser.add_argument("--sheet", type=Path, help="a picture of all results to write")
    parser.add_argument("--gatys", type=Path, help="the same by optimization: takes an hour, and measures nothing")
    parser.add_argument("--iterations", type=int, default=120, help="of gatys")
    options = parser.parse_args(argv)
    torch.set_num_threads(2)
    if options.gatys is not None:
        optimised(options.gatys, options.iterations)
        return 0
    found = measure(options.sheet)
    print(as_markdown(found))
    return 1 if any(figure.met is False for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
