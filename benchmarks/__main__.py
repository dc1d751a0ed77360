"""All benchmarks, one after the other, as one page: `make bench`.

    python -m benchmarks [--data FOLDER] [--quick] [--only PART ...] [--out FILE]

Figures that have a bound come first in each part; the exit code is 1 if one of them is missed. The page is written after every
part, so that one that was stopped holds what was measured.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks import (
    face_brush,
    face_finding,
    face_sketch,
    fills,
    gimp,
    inpainting,
    krita,
    matting,
    memory,
    mosaic,
    paint_style,
    photo_style,
    report,
    startup,
    textures,
    transport,
)
from benchmarks.report import Figure

Measured = tuple[list[Figure], str]
"""Figures, and a table behind them or nothing."""


@dataclass(frozen=True)
class Scope:
    """What is measured on, and how much of it."""

    data: Path
    quick: bool

    def of(self, count: int, quick: int) -> int:
        """How many pictures, all or the quick look's."""
        return quick if self.quick else count


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _inpainting(scope: Scope) -> Measured:
    rows = inpainting.measure(scope.data, scope.of(16, 4), (512, 1024), out=say)
    return inpainting.figures(rows), inpainting.as_markdown(rows)


def _fills(scope: Scope, collection: str) -> Measured:
    rows = fills.measure(scope.data, collection, scope.of(45, 10), out=say)
    return fills.figures(rows, collection), fills.table(rows)


def _mosaics(scope: Scope) -> Measured:
    rows = mosaic.measure(scope.data, scope.of(20, 6), scope.of(10, 3), out=say)
    return mosaic.figures(rows), mosaic.table(rows)


PARTS: dict[str, tuple[str, Callable[[Scope], Measured]]] = {
    "start": ("Starting", lambda s: (startup.measure(), "")),
    "transport": ("Transport", lambda s: (transport.measure(s.data), "")),
    "memory": ("Memory", lambda s: (memory.measure() if platform.system() == "Linux" else [], "")),
    "krita": ("Krita", lambda s: (krita.measure(), "")),
    "gimp": ("GIMP", lambda s: (gimp.measure(), "")),
    "speed": ("Speed of fills", lambda s: (fills.speed(), "")),
    "photo-style": ("Photo style", lambda s: ([*photo_style.measure(s.data), *matting.measure()], "")),
    "paint-style": ("Painted style", lambda s: (paint_style.measure(), "")),
    "faces": (
        "Faces",
        lambda s: ([*face_finding.measure(s.data, s.of(40, 16)), *face_brush.measure(s.data, s.of(12, 4))], ""),
    ),
    "face-sketch": (
        "Faces from sketch and colours",
        lambda s: (face_sketch.measure(s.data, s.of(face_sketch.COUNT, 8), s.of(face_sketch.INPAINTED, 2)), ""),
    ),
    "mosaics": ("Mosaics on held-out illustrations and photographs", _mosaics),
    "photos": ("Fills of held-out photographs", partial(_fills, collection="photos")),
    "art": ("Fills of held-out art", partial(_fills, collection="art")),
    "patchmatch": ("PatchMatch beside its peers on held-out photographs", _inpainting),
    "textures": (
        "Textures made again from features",
        lambda s: (textures.measure(s.data, s.of(8, 3), s.of(80, 25)), ""),
    ),
}
"""By name: title, and what measures it."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Scumble beside its peers.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with photos.tar and .csv")
    parser.add_argument("--quick", action="store_true", help="few pictures: a look at everything in half an hour")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--out", type=Path, help="a file to write the page to, as well")
    options = parser.parse_args(argv)
    if not (options.data / "photos.tar").is_file():
        print(f"There is no photos.tar in {options.data}: name its folder with --data.", file=sys.stderr)
        return 2
    install_gmic()
    torch.set_num_threads(2)
    scope = Scope(options.data, options.quick)
    how = "a quick look, few pictures (`make bench ARGS=--quick`)" if options.quick else "`make bench`"
    page = [f"# Benchmarks\n\n{datetime.date.today()}, {report.machine()}; {how} made this page in one run."]
    figures: list[Figure] = []
    for name in options.only:
        title, measure = PARTS[name]
        say(title)
        began = time.monotonic()
        try:
            measured, table = measure(scope)
        except Exception as error:  # the other parts still say something
            say(f"{title}: {type(error).__name__}: {error}")
            page.append(f"\n## {title}\n\nNot measured: {type(error).__name__}.")
            continue
        say(f"{title}: {time.monotonic() - began:.0f} s")
        figures += measured
        page.append(f"\n## {title}\n\n{report.as_markdown(measured)}" + (f"\n\n{table}" if table else ""))
        if options.out:
            options.out.write_text("\n".join(page) + "\n")
    print("\n".join(page))
    return 1 if any(figure.met is False for figure in figures) else 0


def install_gmic() -> None:
    """G'MIC comes from the distribution; where that can't be done, the table says that it is missing."""
    if shutil.which("gmic") or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "gmic"]):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
