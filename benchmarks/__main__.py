"""All benchmarks, one after the other, as one page with plots: `make bench`.

    python -m benchmarks [--data FOLDER] [--quick] [--only PART ...] [--out FOLDER] [--again]

What a part has found is kept in FOLDER by the commit that was measured. Stopped and called again, parts that are there already are not measured
again. The page (`benchmarks.md`) and the plots beside it are written after every part. The exit code is 1 if a bound is missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
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
    plots,
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
    samples: dict[str, list[list[float]]] = {}
    rows = fills.measure(scope.data, collection, scope.of(45, 10), out=say, samples=samples)
    return [*fills.figures(rows, collection), *fills.looks(samples, collection)], fills.table(rows)


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
    "sizes": (
        "Cost against size",
        lambda s: (fills.sizes((256, 512, 1024) if s.quick else (256, 512, 1024, 2048, 4096)), ""),
    ),
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
    parser.add_argument(
        "--out", type=Path, default=Path("build/benchmarks"), help="where results, page and plots are kept"
    )
    parser.add_argument("--again", action="store_true", help="measure what is kept already, too")
    options = parser.parse_args(argv)
    if not (options.data / "photos.tar").is_file():
        print(f"There is no photos.tar in {options.data}: name its folder with --data.", file=sys.stderr)
        return 2
    install_gmic()
    torch.set_num_threads(2)
    kept = options.out / (report.commit() + ("-quick" if options.quick else ""))
    figures = gather(options.only, Scope(options.data, options.quick), kept, options.out, options.again)
    print((options.out / "benchmarks.md").read_text(encoding="utf-8"), end="")
    return 1 if any(figure.met is False for figure in figures) else 0


def gather(names: Sequence[str], scope: Scope, kept: Path, out: Path, again: bool = False) -> list[Figure]:
    """Measure the parts that are not kept yet; page and plots are written after each. All figures."""
    kept.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Measured] = {}
    failed: dict[str, str] = {}
    for name in names:
        title, measure = PARTS[name]
        file = kept / f"{name}.json"
        if file.is_file() and not again:
            say(f"{title}: measured before")
            parts[name] = load(file)
        else:
            say(title)
            began = time.monotonic()
            try:
                parts[name] = measure(scope)
            except Exception as error:  # the other parts still say something
                say(f"{title}: {type(error).__name__}: {error}")
                failed[name] = type(error).__name__
            else:
                say(f"{title}: {time.monotonic() - began:.0f} s")
                save(file, parts[name])
        figures = [figure for measured, _ in parts.values() for figure in measured]
        drawn = plots.draw(figures, out)
        (out / "benchmarks.md").write_text(page(parts, failed, drawn, scope), encoding="utf-8")
    return [figure for measured, _ in parts.values() for figure in measured]


def page(parts: dict[str, Measured], failed: dict[str, str], drawn: Sequence[Path], scope: Scope) -> str:
    """The page in Markdown, with the commit and the machine that were measured."""
    how = "few pictures (`make bench ARGS=--quick`)" if scope.quick else "`make bench`"
    lines = [f"# Benchmarks\n\n{datetime.date.today()}, commit {report.commit()}, {report.machine()}; {how}."]
    lines += [f"\n![{plots.TITLES[path.stem]}]({path.name})" for path in drawn]
    for name in [*parts, *failed]:
        lines.append(f"\n## {PARTS[name][0]}\n")
        if name in failed:
            lines.append(f"Not measured: {failed[name]}.")
            continue
        measured, table = parts[name]
        lines.append(report.as_markdown(measured) + (f"\n\n{table}" if table else ""))
    return "\n".join(lines) + "\n"


def save(file: Path, measured: Measured) -> None:
    """Keep what a part has found; what was there stays until this is whole."""
    content = {"figures": [dataclasses.asdict(figure) for figure in measured[0]], "table": measured[1]}
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(content, indent=1), encoding="utf-8")
    unfinished.replace(file)


def load(file: Path) -> Measured:
    content = json.loads(file.read_text(encoding="utf-8"))
    figures = []
    for one in content["figures"]:
        place = tuple(one["place"]) if one["place"] else None
        figures.append(Figure(**{**one, "samples": tuple(one["samples"]), "place": place}))
    return figures, content["table"]


def install_gmic() -> None:
    """G'MIC comes from the distribution; where that can't be done, the table says that it is missing."""
    if shutil.which("gmic") or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "gmic"]):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
