"""Makes the strips of README and docs again from the bundled pictures: `python -m benchmarks.strips`.

Every strip is one of `scumble demo`: the picture, what was given, the picture under the new layer. Look at each before it is
committed. The demo runs through a daemon; one that is at work already is used.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from scumble.cli.demo import demo

DOCS = Path("docs/pictures")

STRIPS = {
    "demo-inpaint": ("inpaint-osprey",),
    "demo-fills": ("inpaint-wren", "inpaint-otters"),
    "demo-restore-mosaic": ("restore-mosaic-wave",),
    "demo-face-sketch": ("face-sketch-portrait",),
    "demo-face-brush": ("face-brush-portrait",),
    "demo-face-latent": ("face-latent-portrait",),
    "demo-face-sample": ("face-sample-portrait",),
    "demo-photo-style": ("photo-style-osprey",),
    "demo-paint-style": ("paint-style-osprey", "paint-style-wren"),
}
"""For each picture of the documentation the demo's scenes, one below the other."""

WIDTH = 1200
GAP = 8


def strip(paths: Sequence[Path]) -> Image.Image:
    """Strips one below the other, all as wide as the documentation shows them."""
    rows = []
    for path in paths:
        row = Image.open(path).convert("RGB")
        if row.width > WIDTH:
            row = row.resize((WIDTH, round(row.height * WIDTH / row.width)), Image.Resampling.LANCZOS)
        rows.append(row)
    page = Image.new("RGB", (max(row.width for row in rows), sum(row.height + GAP for row in rows) - GAP), "white")
    y = 0
    for row in rows:
        page.paste(row, (0, y))
        y += row.height + GAP
    return page


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strips", description="The pictures of README and docs.")
    parser.add_argument("--out", type=Path, default=DOCS, help="where to write them")
    parser.add_argument("--demo", type=Path, help="what `scumble demo` has made already")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        made = options.demo
        if made is None:
            made = Path(scratch) / "demo"
            demo(made)
        for name, scenes in STRIPS.items():
            strip([made / f"{scene}-strip.png" for scene in scenes]).save(options.out / f"{name}.jpg", quality=88)
    return 0


if __name__ == "__main__":
    sys.exit(main())
