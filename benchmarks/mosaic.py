"""Mosaics on held-out illustrations and photographs: what `restore-mosaic` makes of them beside bicubic smoothing.

    python -m benchmarks.mosaic --data FOLDER [--art N] [--photos N] [--sheet FILE] [--weights FILE] [--cells 6 8 …]
        [--lpips-network FILE --lpips-heads FILE]

Every picture gets, for each size of cell (6 to 24 pixels), one seeded region (a rectangle or an ellipse of a fifth to two
fifths of the shorter side, of whole cells, at a random phase). Bicubic smoothing knows the cells' true size and phase, and the
means of all cells, of the picture around the mosaic too; `restore-mosaic` has to find the cells by itself. LPIPS, where its weights
are named, is that of the region within its box and 16 pixels around.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.metrics import hole_psnr, sharpness
from benchmarks.report import Figure, as_markdown
from scumble.mosaic import detection, restoration
from scumble.mosaic.cells import Axes, bicubic, masked_means, share_of_cells
from scumble.mosaic.grid import Grid, pixelate
from scumble.mosaic.network import MosaicNetwork
from scumble.mosaic.weights import load
from scumble.weights import WeightStore
from scumble_training.common import datasets
from scumble_training.common.lpips import Lpips, chosen
from scumble_training.mosaic.examples import whole_cells

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]

CELLS = (6, 8, 12, 16, 24)
FREE = ("MIT", "CC0", "CC-BY", "public domain")
"""Beginnings of the licences of pictures that may stand on a contact sheet."""


@dataclass(frozen=True)
class Row:
    """One picture with one mosaic."""

    collection: str
    cell: int
    found: bool
    """Whether detection gave the true cells."""
    block: float
    """PSNR in the region of the mosaic itself, in dB; the next three likewise."""
    plain: float
    smooth: float
    restored: float
    looks: tuple[float, float, float] | None
    """LPIPS of the mosaic, bicubic smoothing and `restored`; None without its weights."""
    sharpness: float
    plain_sharpness: float
    worst: float
    """Largest difference between a whole cell's mean, after rounding to 8 bits, and its colour, in 8-bit steps."""
    seconds: float


def region(shape: tuple[int, ...], grid: Grid, rng: np.random.Generator) -> Mask:
    height, width = shape[:2]
    side = min(height, width)
    tall, wide = rng.uniform(0.2, 0.4, 2) * side
    y, x = rng.uniform(0.3, 0.7) * height, rng.uniform(0.3, 0.7) * width
    rows, columns = np.mgrid[:height, :width]
    if rng.random() < 0.5:
        mask = ((rows - y) / tall * 2) ** 2 + ((columns - x) / wide * 2) ** 2 < 1
    else:
        mask = (abs(rows - y) < tall / 2) & (abs(columns - x) < wide / 2)
    return whole_cells(np.asarray(mask), grid)


def measure(
    data: Path,
    art: int,
    photos: int,
    sheet: Path | None = None,
    out: Callable[[str], None] = print,
    weights: Path | None = None,
    lpips: Lpips | None = None,
    cells: Sequence[int] = CELLS,
) -> list[Row]:
    network = load(weights or WeightStore().path("scumble-mosaic"))
    rows: list[Row] = []
    shown: list[NDArray[np.uint8]] = []
    for collection, count in (("art", art), ("photos", photos)):
        listed = datasets.rows(data, collection, "heldout", academic=True)[:count]
        names = [row["file"] for row in listed]
        for number, picture in enumerate(datasets.pictures(data, collection, names)):
            free = listed[number]["licence"].startswith(FREE)
            for cell in cells:
                rng = np.random.default_rng([number, cell, len(collection)])
                grid = Grid(cell, cell, *rng.integers(0, cell, 2).tolist())
                mask = region(picture.shape, grid, rng)
                if not mask.any():
                    continue
                row, line = _one(collection, cell, picture, mask, grid, network, lpips)
                rows.append(row)
                if collection == "art" and free and cell in (6, 12, 24) and len(shown) < 12:
                    shown.append(line)
            out(f"{collection}: {number + 1} of {len(names)}")
    if sheet is not None:
        halves = [np.vstack(shown[n::2][: len(shown) // 2]) for n in range(2)]
        Image.fromarray(np.hstack(halves)).save(sheet, quality=88)
    return rows


def _one(
    collection: str,
    cell: int,
    picture: NDArray[np.uint8],
    mask: Mask,
    grid: Grid,
    network: MosaicNetwork,
    lpips: Lpips | None,
) -> tuple[Row, NDArray[np.uint8]]:
    truth = picture.astype(np.float32) / np.float32(255)
    damaged = np.where(mask[..., None], pixelate(picture, grid), picture).astype(np.float32) / np.float32(255)
    x, hole = torch.from_numpy(damaged), torch.from_numpy(mask)
    axes = Axes.of([grid], *mask.shape)
    batch, flat = x.permute(2, 0, 1)[None], hole[None, None].float()
    with torch.inference_mode():
        plain = bicubic(axes, batch, flat)[0].permute(1, 2, 0).numpy()
        start = time.perf_counter()
        found = detection.detect(damaged, mask)
        used = found.grid if found is not None else grid
        made = restoration.fill(network, x, hole, used).numpy()
        seconds = time.perf_counter() - start
        smooth = restoration.smooth_fill(x, hole, used).numpy()
        rounded = torch.from_numpy(np.rint(np.clip(made, 0, 1) * 255).astype(np.float32) / 255).permute(2, 0, 1)[None]
        off = (axes.means(rounded) - masked_means(axes, batch, flat)).abs() * (share_of_cells(axes, flat) > 0.9999)
    agrees = found is not None and detection.score_of(damaged, mask, found.grid) >= detection.score_of(
        damaged, mask, grid
    )
    psnr = [hole_psnr(p, truth, mask) for p in (damaged, plain, smooth, made)]
    row = Row(
        collection,
        cell,
        bool(agrees),
        block=psnr[0],
        plain=psnr[1],
        smooth=psnr[2],
        restored=psnr[3],
        looks=None if lpips is None else _looks(lpips, truth, mask, damaged, plain, made),
        sharpness=sharpness(made, truth, mask),
        plain_sharpness=sharpness(plain, truth, mask),
        worst=255 * float(off.max()),
        seconds=seconds,
    )
    return row, _line([damaged, plain, made, truth], mask)


def _looks(lpips: Lpips, truth: Picture, mask: Mask, *pictures: Picture) -> Any:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (
        slice(max(0, int(rows[0]) - 16), int(rows[-1]) + 17),
        slice(max(0, int(columns[0]) - 16), int(columns[-1]) + 17),
    )
    where = torch.from_numpy(mask[box])[None, None].float()
    true, *others = (
        torch.from_numpy(np.ascontiguousarray(np.clip(p[box], 0, 1))).permute(2, 0, 1)[None] for p in (truth, *pictures)
    )
    with torch.inference_mode():
        return tuple(float(lpips(one, true, where)) for one in others)


def _line(pictures: Sequence[Picture], mask: Mask, size: int = 150) -> NDArray[np.uint8]:
    """The surroundings of the region in each, side by side."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    half = max(np.ptp(rows), np.ptp(columns)) // 2 + 16
    half = min(half, min(mask.shape) // 2)
    y, x = (int(np.clip(p.mean(), half, n - half)) for p, n in zip((rows, columns), mask.shape, strict=True))
    cuts = [
        np.rint(np.clip(p[y - half : y + half, x - half : x + half], 0, 1) * 255).astype(np.uint8) for p in pictures
    ]
    return np.hstack([np.asarray(Image.fromarray(c).resize((size, size), Image.Resampling.BICUBIC)) for c in cuts])


def figures(rows: Sequence[Row]) -> list[Figure]:
    found = []
    for collection in ("art", "photos"):
        here = [row for row in rows if row.collection == collection]
        if not here:
            continue
        gains = [row.restored - row.plain for row in here]
        detail = f"means {_mean(here, 'restored'):.2f} dB, {_mean(here, 'plain'):.2f} dB; {len(here)} mosaics"
        found.append(Figure(f"PSNR above bicubic smoothing, {collection}", float(np.mean(gains)), "dB", detail=detail))
        looks = [row.looks for row in here if row.looks]
        if looks:
            mosaic, plain, made = np.mean(looks, 0)
            detail = f"{made:.3f}; bicubic {plain:.3f}, the mosaic {mosaic:.3f}"
            found.append(
                Figure(f"LPIPS, {collection}, as a share of bicubic smoothing's", made / plain, "×", 0.4, detail=detail)
            )
            found.append(Figure(f"LPIPS, {collection}, as a share of the mosaic's", made / mosaic, "×", 0.7))
    worst = max(row.worst for row in rows)
    found.append(Figure("largest error of a cell's mean", worst, "of 255", 2))
    share = float(np.mean([row.found for row in rows]))
    found.append(Figure("mosaics whose cells were found", 100 * share, "%", detail=f"{len(rows)} mosaics"))
    return found


def _mean(rows: Sequence[Row], name: str) -> float:
    return float(np.mean([getattr(row, name) for row in rows]))


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| pictures | cell | mosaic | bicubic | smooth | restored | gain | sharpness (bicubic) | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for collection in ("art", "photos"):
        for cell in CELLS:
            here = [row for row in rows if (row.collection, row.cell) == (collection, cell)]
            if here:
                m = {n: _mean(here, n) for n in Row.__dataclass_fields__ if n not in ("collection", "found", "looks")}
                lines.append(
                    f"| {len(here)} {collection} | {cell} | {m['block']:.2f} | {m['plain']:.2f} | {m['smooth']:.2f} "
                    f"| {m['restored']:.2f} | {m['restored'] - m['plain']:+.2f} "
                    f"| {m['sharpness']:.2f} ({m['plain_sharpness']:.2f}) | {m['seconds']:.2f} |"
                )
    return "\n".join(lines)


def looks_table(rows: Sequence[Row]) -> str:
    lines = ["| LPIPS | cell | mosaic | bicubic | restored |", "|---|---|---|---|---|"]
    for collection in ("art", "photos"):
        for cell in CELLS:
            here = [row.looks for row in rows if (row.collection, row.cell) == (collection, cell) and row.looks]
            if here:
                mosaic, plain, made = np.mean(here, 0)
                lines.append(f"| {len(here)} {collection} | {cell} | {mosaic:.3f} | {plain:.3f} | {made:.3f} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mosaic", description="Mosaics beside bicubic smoothing."
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--art", type=int, default=57, help="illustrations")
    parser.add_argument("--photos", type=int, default=30, help="photographs")
    parser.add_argument("--sheet", type=Path, help="a contact sheet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", type=Path, help="of the network; those of the program if not given")
    parser.add_argument("--cells", type=int, nargs="+", default=list(CELLS), help="sizes of cells, in pixels")
    parser.add_argument("--lpips-network", default="", help="weights for LPIPS; without it, none is measured")
    parser.add_argument("--lpips-heads", default="")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    lpips = chosen(options.lpips_network, options.lpips_heads) if options.lpips_network else None
    rows = measure(
        options.data,
        options.art,
        options.photos,
        options.sheet,
        lambda line: print(line, file=sys.stderr),
        options.weights,
        lpips,
        options.cells,
    )
    if lpips is not None:
        print(looks_table(rows), end="\n\n")
    print(as_markdown(figures(rows)))
    print()
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
