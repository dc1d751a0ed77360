"""Fills of held-out photographs and drawn art by every method of `inpaint` and its peers, all in one run.

    python -m benchmarks.fills [--data FOLDER] [--count N] [--collection photos|art] [--sheet FILE] [--holes objects] [--scumble-alone]
        [--weights FILE] [--lpips-network FILE --lpips-heads FILE]

Every picture (short side 384 pixels, resized by Lanczos) gets one seeded hole: strokes, an object or scratches in turn; with `--holes objects`
one as large as a whole object, in turn a blob, a rectangle and a loose lasso around something, and something with its shadow.
LPIPS, where its weights are named, is that of the hole within its box and 8 pixels around.
Scumble's fills go through the operation, with its crop and its 8 bits. Means over the pictures. The wanted figures are those
of the issue: as near to the truth as the best fill by diffusion, and at the same time textures as true as those of the best
copying peer.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from benchmarks.holes import make_hole
from benchmarks.inpainting import Filled, Mask, Picture, fill_biharmonic, fill_gmic, fill_opencv
from benchmarks.metrics import hole_psnr, hole_ssim, patch_distance, seam_contrast, sharpness
from benchmarks.report import Figure, as_markdown
from scumble.imaging.layer import Layer, composite
from scumble.inpainting.networks.fill import FillNetwork
from scumble.operations import find
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from scumble_training.common import datasets, hole_masks
from scumble_training.common.lpips import Lpips, chosen

Fill = Callable[[Picture, Mask], Filled]

SHORT_SIDE = 384
KINDS = ("strokes", "object", "scratches")
OBJECTS = ("blob", "object_box", "object_lasso", "object_shadow")
"""Kinds of `scumble_training.common.hole_masks`."""

AROUND = 8
SHOWN = ("CC0", "CC-BY", "MIT", "PD")
"""How licences begin whose pictures may be shown."""

DIFFUSION = ("OpenCV Telea", "OpenCV Navier-Stokes", "scikit-image biharmonic")
GMIC = "G'MIC inpaint_matchpatch"
AUTO = "Scumble auto"
COLUMNS = ("PSNR", "SSIM", "sharpness", "seam", "patch distance", "seconds")


def pictures(
    data: Path,
    collection: str,
    count: int,
    split: datasets.Split = "heldout",
    seed: int = 11,
    holes: str = "all",
) -> Iterator[tuple[Picture, Mask, bool]]:
    """The first `count` of the shuffled pictures, each with its hole, and whether its licence lets a sheet show it."""
    licences = {row["file"]: row["licence"] for row in datasets.rows(data, collection, split, academic=True)}
    names = list(licences)
    np.random.default_rng(seed).shuffle(names)
    for number, pixels in enumerate(datasets.pictures(data, collection, names[:count])):
        picture = Image.fromarray(pixels)
        factor = SHORT_SIDE / min(picture.size)
        extent = (round(picture.width * factor), round(picture.height * factor))
        resized = np.asarray(picture.resize(extent, Image.Resampling.LANCZOS), np.float32) / np.float32(255)
        rng = np.random.default_rng([seed, number])
        if holes == "objects":
            hole = hole_masks.KINDS[OBJECTS[number % len(OBJECTS)]](extent[1], extent[0], rng)
        else:
            hole = make_hole(extent[1], extent[0], KINDS[number % 3], rng)
        yield resized, hole, licences[names[number]].startswith(SHOWN)


def ours(method: str, domain: str, models: ModelCache) -> Fill:
    """A method of the operation, called as an editor calls it."""

    def fill(picture: Picture, hole: Mask) -> Filled:
        image = Layer(np.round(picture * 255).astype(np.uint8))
        layers = {"image": image, "mask": Layer(hole.astype(np.uint8)[..., None] * np.uint8(255))}
        operation = find("inpaint")
        asked = Context(0, "cpu", models, lambda fraction, message: None)
        start = time.perf_counter()
        (output,) = operation.run(layers, operation.validate({"method": method, "domain": domain}), asked)
        seconds = time.perf_counter() - start
        return composite(image, output.layer).pixels[..., :3].astype(np.float32) / np.float32(255), seconds

    return fill


def measure(
    data: Path,
    collection: str = "photos",
    count: int = 45,
    out: Callable[[str], None] = print,
    sheet: Path | None = None,
    split: datasets.Split = "heldout",
    samples: dict[str, list[list[float]]] | None = None,
    holes: str = "all",
    peers: bool = True,
    weights: Path | None = None,
    lpips: Lpips | None = None,
) -> dict[str, list[float]]:
    """Each filler's means of `COLUMNS`, and of LPIPS where it is given; each picture's own go into `samples`. A sheet shows: hole,
    the smoothest peer, the copying one, auto, the truth; of Scumble alone: hole, auto, the truth. `weights`: of the embedded network, in
    place of the program's."""
    models = ModelCache()
    domain = "art" if collection == "art" else "photo"
    fillers: dict[str, Fill] = {
        f"Scumble {m}": ours(m, domain, models) for m in ("auto", "network", "patchmatch", "smooth")
    }
    if peers:
        fillers |= {
            GMIC: fill_gmic,
            DIFFUSION[0]: lambda p, h: fill_opencv(p, h, "INPAINT_TELEA"),
            DIFFUSION[1]: lambda p, h: fill_opencv(p, h, "INPAINT_NS"),
            DIFFUSION[2]: fill_biharmonic,
        }
    else:
        fillers = {AUTO: fillers[AUTO]}
    if weights is not None:
        # the operation finds it where it keeps what is warm
        network = FillNetwork()
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(weights).items()})
        models.get(f"scumble-inpaint-{domain}, cpu", network.eval)
    found: dict[str, list[list[float]]] = defaultdict(list)
    rows = []
    for number, (picture, hole, shown_in_sheet) in enumerate(pictures(data, collection, count, split, holes=holes)):
        out(f"{collection}: {number + 1} of {count}")
        made = {}
        for name, fill in fillers.items():
            filled, seconds = fill(picture, hole)
            made[name] = filled
            measured = [
                m(filled, picture, hole) for m in (hole_psnr, hole_ssim, sharpness, seam_contrast, patch_distance)
            ]
            seen = [] if lpips is None else [looks_of(lpips, filled, picture, hole)]
            found[name].append([*measured, seconds, *seen])
        if not shown_in_sheet:
            continue
        others = [made[DIFFUSION[1]], made[GMIC]] if peers else []
        shown = [np.where(hole[..., None], 0, picture), *others, made[AUTO], picture]
        rows.append(np.concatenate([_thumbnail(one) for one in shown], axis=1))
    if sheet is not None and rows:
        Image.fromarray(np.concatenate(rows[:9])).save(sheet, quality=88)
    if samples is not None:
        samples |= found
    return {name: np.mean(values, axis=0).tolist() for name, values in found.items()}


def looks_of(lpips: Lpips, filled: Picture, truth: Picture, hole: Mask) -> float:
    """LPIPS of the hole."""
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    box = (
        slice(max(0, int(rows[0]) - AROUND), max(int(rows[-1]) + AROUND + 1, 32)),
        slice(max(0, int(columns[0]) - AROUND), max(int(columns[-1]) + AROUND + 1, 32)),
    )
    both = (
        torch.from_numpy(np.ascontiguousarray(np.clip(p[box], 0, 1))).permute(2, 0, 1)[None] for p in (filled, truth)
    )
    with torch.inference_mode():
        return float(lpips(*both, torch.from_numpy(hole[box])[None, None].float()))


def _thumbnail(picture: Picture) -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.resize((300, 225), Image.Resampling.LANCZOS))


def figures(rows: Mapping[str, Sequence[float]], collection: str) -> list[Figure]:
    auto = dict(zip(COLUMNS, rows[AUTO], strict=False))
    best = max(DIFFUSION, key=lambda name: rows[name][0])
    gmic = dict(zip(COLUMNS, rows[GMIC], strict=False))
    return [
        Figure(
            f"{collection}: PSNR of auto above the best diffusion's",
            auto["PSNR"] - rows[best][0],
            "dB",
            0,
            "at least",
            f"{auto['PSNR']:.2f} dB; {best} {rows[best][0]:.2f} dB",
        ),
        Figure(
            f"{collection}: patch distance of auto / G'MIC's",
            auto["patch distance"] / gmic["patch distance"],
            "×",
            1,
            detail=f"{auto['patch distance']:.1f} / {gmic['patch distance']:.1f}",
        ),
        Figure(f"{collection}: sharpness of auto / the truth's", auto["sharpness"], "×", 0.8, "at least"),
        Figure(f"{collection}: sharpness of auto / the truth's", auto["sharpness"], "×", 1.2),
        Figure(f"{collection}: seam of auto, away from the truth's", abs(auto["seam"] - 1), "", 0.1),
    ]


def looks(samples: Mapping[str, Sequence[Sequence[float]]], collection: str) -> list[Figure]:
    """Each filler's patch distance to the picture around the hole: less looks more like it."""
    column = COLUMNS.index("patch distance")
    found = []
    for name, rows in samples.items():
        values = tuple(float(row[column]) for row in rows)
        what = f"{collection}: patch distance of {name}"
        found.append(Figure(what, float(np.mean(values)), samples=values, place=(f"looks-{collection}", name, 0)))
    return found


def sizes(sides: Sequence[int] = (256, 512, 1024, 2048), repeats: int = 3) -> list[Figure]:
    """Seconds of each method at growing sizes of picture, with a hole of 5 %, warm."""
    models, found = ModelCache(), []
    for method in ("auto", "network", "patchmatch", "smooth"):
        fill = ours(method, "photo", models)
        for side in sides:
            picture, hole = _waves(side), np.zeros((side, side), np.bool_)
            edge = round(side * 0.05**0.5)
            hole[side // 3 : side // 3 + edge, side // 3 : side // 3 + edge] = True
            fill(picture, hole)
            seconds = tuple(fill(picture, hole)[1] for _ in range(repeats))
            found.append(
                Figure(
                    f"{method}, {side} × {side} pixels, a hole of 5 %",
                    float(np.median(seconds)),
                    "s",
                    samples=seconds,
                    place=("cost", method, side * side / 1e6),
                )
            )
    return found


def _waves(side: int) -> Picture:
    """Soft colours and fine lines, (side, side, 3) in 0 to 1."""
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    fine = rng.normal(0, 0.04, (side, side, 1))
    return np.clip(np.asarray(coarse, np.float32) / np.float32(255) + fine, 0, 1).astype(np.float32)


def speed(repeats: int = 5) -> list[Figure]:
    """512 × 512 pixels with a hole of 20 %, warm."""
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).resize(
        (512, 512), Image.Resampling.BICUBIC
    )
    picture = np.asarray(coarse, np.float32) / np.float32(255)
    hole = np.zeros((512, 512), np.bool_)
    hole[140:369, 140:369] = True
    models, found = ModelCache(), []
    for method, bound in (("auto", 2.5), ("network", 1.0)):
        fill = ours(method, "photo", models)
        fill(picture, hole)
        seconds = tuple(fill(picture, hole)[1] for _ in range(repeats))
        what = f"512 × 512 with a 20 % hole, {method}"
        found.append(Figure(what, float(np.median(seconds)), "s", bound, samples=seconds))
    return found


def table(rows: Mapping[str, Sequence[float]]) -> str:
    columns = [*COLUMNS, "LPIPS"][: max(map(len, rows.values()))]
    lines = [f"| fill | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    lines += [
        f"| {name} | " + " | ".join(f"{v:.3g}" if v < 10 else f"{v:.2f}" for v in values) + " |"
        for name, values in rows.items()
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fills", description="Fills beside their peers.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with photos.tar and art.tar")
    parser.add_argument("--count", type=int, default=45, help="pictures")
    parser.add_argument("--collection", default="photos", choices=("photos", "art"))
    parser.add_argument(
        "--split", default="heldout", choices=("heldout", "train"), help="train is for trying things out"
    )
    parser.add_argument("--sheet", type=Path, help="a picture to write: hole, Navier-Stokes, G'MIC, auto, truth")
    parser.add_argument("--holes", default="all", choices=("all", "objects"))
    parser.add_argument(
        "--scumble-alone", action="store_true", help="auto alone, without its peers and without timings"
    )
    parser.add_argument("--weights", type=Path, help="of the embedded network; those of the program if not given")
    parser.add_argument("--lpips-network", default="", help="weights for LPIPS; without it, none is measured")
    parser.add_argument("--lpips-heads", default="")
    options: Any = parser.parse_args(argv)
    torch.set_num_threads(2)
    rows = measure(
        options.data,
        options.collection,
        options.count,
        lambda line: print(line, file=sys.stderr),
        options.sheet,
        options.split,
        holes=options.holes,
        peers=not options.scumble_alone,
        weights=options.weights,
        lpips=chosen(options.lpips_network, options.lpips_heads) if options.lpips_network else None,
    )
    print(table(rows))
    if options.scumble_alone:
        return 0
    print(as_markdown([*figures(rows, options.collection), *speed()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
