"""Fills of held-out photographs by `patchmatch` and its peers, in one interleaved run.

    python -m benchmarks.inpainting --data FOLDER [--count N] [--sizes 512 1024]

The photographs (photos.tar and photos.csv in FOLDER, only rows whose split is `heldout`) have a long side of about 480
to 580 pixels; they are resized (Lanczos) to each size, so those of 1024 pixels are enlarged. Each gets one seeded hole.
Peers: G'MIC's `inpaint_matchpatch` with its defaults (Debian package gmic; the time of a call that only loads and saves
is subtracted), OpenCV's Telea and Navier-Stokes, and scikit-image's biharmonic fill on the first few pictures.
Medians over the pictures, except where a column says otherwise; time ratios are medians of the ratios per picture.
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.holes import KINDS, make_hole
from benchmarks.metrics import hole_psnr, hole_ssim, patch_distance, sharpness
from benchmarks.report import Figure
from scumble.vision import blending
from scumble.vision.patchmatch import completion

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]
Filled = tuple[Picture, float]
"""A fill, and the seconds that it took."""

OURS, GMIC = "Scumble patchmatch", "G'MIC inpaint_matchpatch"
SLOW_COUNT = 4
"""Pictures that a filler of minutes gets."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a filler at a size."""

    size: int
    method: str
    pictures: int
    psnr: float
    psnr_mean: float
    ssim: float
    sharpness: float
    patch_distance: float
    patch_distance_mean: float
    seconds: float
    times_gmic: float | None
    """Time divided by G'MIC's; None where G'MIC is not installed."""


def photographs(
    data: Path, count: int, size: int, split: str = "heldout", seed: int = 5
) -> Iterator[tuple[Picture, Mask]]:
    """The first `count` of the shuffled photographs, their long side resized to `size`, each with its hole."""
    with (data / "photos.csv").open(newline="") as table:
        names = [row["file"] for row in csv.DictReader(table) if row["split"] == split]
    np.random.default_rng(seed).shuffle(names)
    with tarfile.open(data / "photos.tar") as tar:
        for number, name in enumerate(names[:count]):
            member = tar.extractfile(name)
            assert member is not None, name
            picture = Image.open(io.BytesIO(member.read())).convert("RGB")
            factor = size / max(picture.size)
            extent = (round(picture.width * factor), round(picture.height * factor))
            pixels = np.asarray(picture.resize(extent, Image.Resampling.LANCZOS), dtype=np.float32) / np.float32(255)
            rng = np.random.default_rng([seed, number, size])
            yield pixels, make_hole(extent[1], extent[0], KINDS[number % len(KINDS)], rng)


def fill_ours(picture: Picture, hole: Mask) -> Filled:
    """What the operation `inpaint` does: completion, then the membrane."""
    start = time.perf_counter()
    done = completion.complete(torch.from_numpy(picture), torch.from_numpy(hole))
    filled = blending.membrane(done.suggestion.numpy(), picture, hole)
    return filled, time.perf_counter() - start


def fill_gmic(picture: Picture, hole: Mask) -> Filled:
    with tempfile.TemporaryDirectory() as folder:
        before, mask, after = (str(Path(folder) / name) for name in ("picture.png", "mask.png", "filled.png"))
        Image.fromarray(_bytes(picture)).save(before)
        Image.fromarray(hole.astype(np.uint8) * 255).save(mask)

        def call(*commands: str) -> float:
            start = time.perf_counter()
            # where a value leaves the range, its PNG writer would scale all others
            line = ["gmic", before, mask, *commands, "remove[1]", "cut", "0,255", "output", after]
            subprocess.run(line, check=True, capture_output=True, timeout=600)
            return time.perf_counter() - start

        idle = call()
        busy = call("inpaint_matchpatch[0]", "[1]")
        return np.asarray(Image.open(after).convert("RGB"), dtype=np.float32) / np.float32(255), max(1e-3, busy - idle)


def fill_opencv(picture: Picture, hole: Mask, method: str) -> Filled:
    import cv2

    pixels, mask = _bytes(picture), hole.astype(np.uint8)
    start = time.perf_counter()
    filled = cv2.inpaint(pixels, mask, 3, getattr(cv2, method))
    seconds = time.perf_counter() - start
    return np.asarray(filled, dtype=np.float32) / np.float32(255), seconds


def fill_biharmonic(picture: Picture, hole: Mask) -> Filled:
    from skimage.restoration import inpaint_biharmonic

    start = time.perf_counter()
    filled = inpaint_biharmonic(picture, hole, channel_axis=-1)
    return np.clip(filled, 0, 1).astype(np.float32), time.perf_counter() - start


def _bytes(picture: Picture) -> NDArray[np.uint8]:
    return np.round(picture * 255).astype(np.uint8)


def available(out: Callable[[str], None]) -> dict[str, tuple[Callable[[Picture, Mask], Filled], bool]]:
    """By name: the fillers that can run here, and whether they are slow; the missing ones are named on `out`."""
    fillers: dict[str, tuple[Callable[[Picture, Mask], Filled], bool]] = {OURS: (fill_ours, False)}
    if shutil.which("gmic"):
        fillers[GMIC] = (fill_gmic, False)
    else:
        out("G'MIC is missing from this table: install it with `apt-get install gmic`.")
    try:
        import cv2  # noqa: F401
    except ImportError:
        out("OpenCV is missing from this table: install it with `pip install opencv-python-headless`.")
    else:
        fillers["OpenCV Telea"] = (lambda p, h: fill_opencv(p, h, "INPAINT_TELEA"), False)
        fillers["OpenCV Navier-Stokes"] = (lambda p, h: fill_opencv(p, h, "INPAINT_NS"), False)
    try:
        import skimage.restoration  # noqa: F401
    except ImportError:
        out("scikit-image is missing from this table: install it with `pip install scikit-image`.")
    else:
        fillers["scikit-image biharmonic"] = (fill_biharmonic, True)
    return fillers


def measure(
    data: Path, count: int, sizes: Sequence[int], split: str = "heldout", out: Callable[[str], None] = print
) -> list[Row]:
    """Run all fillers that there are; one row each per size."""
    fillers = available(out)
    fill_ours(np.zeros((64, 64, 3), np.float32), np.eye(64, dtype=np.bool_))  # the first call loads libraries
    rows = []
    for size in sizes:
        found: dict[str, list[list[float]]] = defaultdict(list)
        for number, (picture, hole) in enumerate(photographs(data, count, size, split)):
            for name, (fill, slow) in fillers.items():
                if slow and (number >= SLOW_COUNT or size > 600):
                    continue
                filled, seconds = fill(picture, hole)
                found[name].append([measured(filled, picture, hole) for measured in MEASURES] + [seconds])
            out(f"{size} pixels: {number + 1} of {count}")
        rows += [_row(size, name, np.array(values), found.get(GMIC)) for name, values in found.items()]
    return rows


MEASURES: tuple[Callable[[Picture, Picture, Mask], float], ...] = (hole_psnr, hole_ssim, sharpness, patch_distance)


def _row(size: int, name: str, values: NDArray[np.float64], gmic: list[list[float]] | None) -> Row:
    psnr, ssim, sharp, distance, seconds = np.median(values, axis=0).tolist()
    ratio = None
    if gmic is not None:
        ratio = float(np.median(values[:, -1] / np.array(gmic)[: len(values), -1]))
    means = values.mean(axis=0)
    return Row(size, name, len(values), psnr, float(means[0]), ssim, sharp, distance, float(means[3]), seconds, ratio)


def figures(rows: Sequence[Row]) -> list[Figure]:
    """What the fill should keep beside G'MIC's, at each size; nothing where G'MIC is missing."""
    found = []
    for size in sorted({row.size for row in rows}):
        at = {row.method: row for row in rows if row.size == size}
        ours, gmic = at[OURS], at.get(GMIC)
        if gmic is None or ours.times_gmic is None:
            continue
        where = f"at {size} pixels"
        found += [
            Figure(
                f"time / G'MIC's {where}",
                ours.times_gmic,
                "×",
                1,
                detail=f"{ours.seconds:.2f} s / {gmic.seconds:.2f} s",
            ),
            Figure(
                f"patch distance / G'MIC's {where}",
                ours.patch_distance_mean / gmic.patch_distance_mean,
                "×",
                1,
                detail=f"means {ours.patch_distance_mean:.1f} / {gmic.patch_distance_mean:.1f}",
            ),
            Figure(
                f"hole-PSNR above G'MIC's {where}",
                ours.psnr_mean - gmic.psnr_mean,
                "dB",
                0,
                "at least",
                detail=f"means {ours.psnr_mean:.2f} dB, {gmic.psnr_mean:.2f} dB",
            ),
        ]
    return found


def as_markdown(rows: Sequence[Row]) -> str:
    lines = [
        "| size | fill | pictures | PSNR | (mean) | SSIM | sharpness | patch distance | (mean) | seconds | time / G'MIC's |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = "" if row.times_gmic is None else f"{row.times_gmic:.2f}"
        lines.append(
            f"| {row.size} | {row.method} | {row.pictures} | {row.psnr:.2f} | {row.psnr_mean:.2f} | {row.ssim:.3f} "
            f"| {row.sharpness:.2f} | {row.patch_distance:.1f} | {row.patch_distance_mean:.1f} | {row.seconds:.2f} | {ratio} |"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inpainting", description="Fills beside their peers.")
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder with photos.tar and photos.csv"
    )
    parser.add_argument("--count", type=int, default=20, help="pictures per size")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024], help="long sides, in pixels")
    parser.add_argument("--threads", type=int, default=2, help="processor threads that torch may use")
    arguments: Any = parser.parse_args(argv)
    if not (arguments.data / "photos.tar").is_file():
        print(f"There is no photos.tar in {arguments.data}: name its folder with --data.", file=sys.stderr)
        return 2
    torch.set_num_threads(arguments.threads)
    rows = measure(arguments.data, arguments.count, arguments.sizes, out=lambda line: print(line, file=sys.stderr))
    print(as_markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
