"""All benchmarks, one after the other, as one page: `make bench`.

    python -m benchmarks [--data FOLDER] [--count N] [--out FILE]

Figures that have a bound come first in each part; the exit code is 1 if one of them is missed.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
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


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Scumble beside its peers.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with photos.tar and .csv")
    parser.add_argument("--count", type=int, default=16, help="photographs per size for the fills")
    parser.add_argument("--out", type=Path, help="a file to write the page to, as well")
    options = parser.parse_args(argv)
    if not (options.data / "photos.tar").is_file():
        print(f"There is no photos.tar in {options.data}: name its folder with --data.", file=sys.stderr)
        return 2
    install_gmic()
    torch.set_num_threads(2)
    page = [f"# Benchmarks\n\n{datetime.date.today()}, {report.machine()}; `make bench` makes this page."]
    figures: list[Figure] = []

    def part(title: str, measure: Callable[[], list[Figure]]) -> None:
        print(title, file=sys.stderr)
        measured = measure()
        figures.extend(measured)
        page.append(f"\n## {title}\n\n{report.as_markdown(measured)}")

    part("Starting", startup.measure)
    part("Transport", lambda: transport.measure(options.data))
    if platform.system() == "Linux":
        part("Memory", memory.measure)
    part("Krita", krita.measure)
    part("GIMP", gimp.measure)
    rows = inpainting.measure(options.data, options.count, (512, 1024), out=lambda line: print(line, file=sys.stderr))
    part("Inpainting held-out photographs", lambda: inpainting.figures(rows))
    page.append(f"\n{inpainting.as_markdown(rows)}")
    for collection in ("photos", "art"):
        filled = fills.measure(options.data, collection, out=lambda line: print(line, file=sys.stderr))
        part(f"Fills of held-out {collection}", lambda: fills.figures(filled, collection))  # noqa: B023 (called at once)
        page.append(f"\n{fills.table(filled)}")
    part("Speed of fills", fills.speed)
    mosaics = mosaic.measure(options.data, 20, 10, out=lambda line: print(line, file=sys.stderr))
    part("Mosaics on held-out illustrations and photographs", lambda: mosaic.figures(mosaics))
    page.append(f"\n{mosaic.table(mosaics)}")
    part("Photo style", lambda: [*photo_style.measure(options.data), *matting.measure()])
    part("Painted style", paint_style.measure)
    part("Textures made again from features", lambda: textures.measure(options.data))
    part("Faces", lambda: [*face_finding.measure(options.data), *face_brush.measure(options.data)])
    part("Faces from sketch and colours", lambda: face_sketch.measure(options.data))
    text = "\n".join(page)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")
    return 1 if any(figure.met is False for figure in figures) else 0


def install_gmic() -> None:
    """G'MIC comes from the distribution; where that can't be done, the table says that it is missing."""
    if shutil.which("gmic") or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "gmic"]):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
