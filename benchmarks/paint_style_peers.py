"""Painted style beside its peers: our strokes and our smooth method, the program as it was, and MicroAST, in one run.

    python -m benchmarks.paint_style_peers --data FOLDER [--peer FOLDER] [--before CHECKOUT] [--sheet FOLDER]

Six photographs that nothing was tuned on (the collection `photos`, held out) in the manner of four bundled paintings, at 512 pixels.

- *Style distance*: Gram matrices of the first five maps of SqueezeNet that LPIPS looks at, each place at unit length over its channels;
  the Frobenius norm of their difference to the painting's, summed. Lower is nearer.
- *Structure*: `benchmarks.photo_style.structure`; 1 is the photograph itself.
- *Repetition*: the highest peak, away from the middle, of the autocorrelation of the high-passed lightness of a smooth sky. 0 is none.

SqueezeNet's and LPIPS's files are those of `scumble weights pull squeezenet-torchvision lpips-squeeze`, or are named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from benchmarks.paint_style import painted
from benchmarks.photo_style import structure
from benchmarks.report import Figure, as_markdown
from scumble.imaging.layer import Layer
from scumble.pictures import painting
from scumble.worker.models import ModelCache
from scumble_training.common import datasets, lpips
from scumble_training.style import microast
from scumble_training.style.style_losses import gram, unit

Picture = NDArray[np.float32]

PHOTOGRAPHS = {
    "portrait": "photos/p01084.webp",
    "sky": "photos/p00929.webp",
    "street": "photos/p00586.webp",
    "animal": "photos/p00215.webp",
    "still life": "photos/p00906.webp",
    "night": "photos/p01020.webp",
}

PAINTINGS = ("impasto", "ocean-waves", "bedroom", "pointillism")

SKY = {"sky": (0.0, 0.45, 0.0, 0.4)}
"""Smooth skies: top, bottom, left and right as shares of the picture."""

SIDE = 512
TAPS = 5
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
NEAR = 8
"""Pixels around the middle of an autocorrelation that are a picture's own softness."""


class Judge:
    """The style distance."""

    def __init__(self, network: lpips.Lpips) -> None:
        self.network = network

    @torch.inference_mode()
    def grams(self, picture: Picture) -> list[Tensor]:
        return [gram(unit(maps))[0] for maps in self.network.maps(_tensor(picture))[:TAPS]]

    def distance(self, result: Picture, style: Picture) -> float:
        pairs = zip(self.grams(result), self.grams(style), strict=True)
        return sum(float((one - other).norm()) for one, other in pairs)


def repetition(picture: Picture, box: tuple[float, float, float, float]) -> float:
    """The highest peak away from the middle of the autocorrelation of a part's high-passed lightness, up to half the part away."""
    height, width = picture.shape[:2]
    top, bottom, left, right = (
        round(share * side) for share, side in zip(box, (height, height, width, width), strict=True)
    )
    part = (picture @ LUMA)[top:bottom, left:right].astype(np.float64)
    part -= ndimage.gaussian_filter(part, 4)
    part -= part.mean()
    size = [2 * side for side in part.shape]
    power = np.abs(np.fft.rfft2(part, size)) ** 2
    counts = np.fft.irfft2(np.abs(np.fft.rfft2(np.ones_like(part), size)) ** 2, size)
    found = np.fft.fftshift(np.fft.irfft2(power, size) / np.maximum(counts, 1))
    found /= max(float(found.max()), 1e-12)
    rows, columns = np.indices(found.shape)
    down, across = np.abs(rows - part.shape[0]), np.abs(columns - part.shape[1])
    away = (np.hypot(down, across) > NEAR) & (down < part.shape[0] // 2) & (across < part.shape[1] // 2)
    return float(found[away].max())


def fitted(image: Image.Image, longest: int = SIDE) -> NDArray[np.uint8]:
    factor = longest / max(image.size)
    size = (round(image.width * factor), round(image.height * factor))
    return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS)).copy()


def before(checkout: Path) -> Callable[[NDArray[np.uint8], str], Picture]:
    """The program as it is in another checkout, called as a user calls it."""

    def made(photograph: NDArray[np.uint8], name: str) -> Picture:
        with tempfile.TemporaryDirectory() as folder:
            given, layer, whole = (Path(folder) / f"{end}.png" for end in ("given", "layer", "whole"))
            Image.fromarray(photograph).save(given)
            subprocess.run(
                [sys.executable, "-m", "scumble.cli", "run", "paint-style", "--image", given, "--set", f"painting={name}",
                 "--out", layer, "--composite", whole],
                check=True, cwd=checkout, stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": f"{checkout / 'backend'}{os.pathsep}{checkout}"},
            )  # fmt: skip
            return np.asarray(Image.open(whole).convert("RGB"), np.float32) / np.float32(255)

    return made


def peer(network: microast.MicroAst) -> Callable[[NDArray[np.uint8], str], Picture]:
    """MicroAST, the painting as large as the photograph."""

    def made(photograph: NDArray[np.uint8], name: str) -> Picture:
        style = fitted(Image.open(painting(name)))
        given, manner = (_tensor(_floats(picture)) for picture in (photograph, style))
        height, width = given.shape[2:]
        padded = functional.pad(given, (0, -width % 4, 0, -height % 4), mode="replicate")
        found = network(padded, manner)[0, :, :height, :width].clamp(0, 1)
        return np.ascontiguousarray(found.permute(1, 2, 0).numpy())

    return made


def ours(models: ModelCache, method: str) -> Callable[[NDArray[np.uint8], str], Picture]:
    return lambda photograph, name: painted(Layer(photograph), models, {"painting": name, "method": method})[0]


def measure(
    data: Path, judge: Judge, methods: Mapping[str, Callable[[NDArray[np.uint8], str], Picture]], sheet: Path | None
) -> list[Figure]:
    """Means over all photographs and paintings, for each method; sheets of all pictures at full size."""
    pictures = datasets.pictures(data, "photos", PHOTOGRAPHS.values())
    photographs = {name: fitted(Image.fromarray(pixels)) for name, pixels in zip(PHOTOGRAPHS, pictures, strict=True)}
    styles = {name: _floats(fitted(Image.open(painting(name)))) for name in PAINTINGS}
    own = [judge.distance(_floats(p), style) for p in photographs.values() for style in styles.values()]
    figures = [Figure("the photographs themselves: style distance", float(np.mean(own)))]
    for method, made in methods.items():
        far, kept, again, seconds = [], [], [], []
        for name, photograph in photographs.items():
            row = [_floats(photograph)]
            for chosen, style in styles.items():
                start = time.process_time()
                found = made(photograph, chosen)
                seconds.append(time.process_time() - start)
                far.append(judge.distance(found, style))
                kept.append(structure(found, _floats(photograph)))
                if name in SKY:
                    again.append(repetition(found, SKY[name]))
                row.append(found)
            if sheet is not None:
                sheet.mkdir(parents=True, exist_ok=True)
                page = np.round(np.clip(np.concatenate(row, 1), 0, 1) * 255).astype(np.uint8)
                Image.fromarray(page).save(sheet / f"{name.replace(' ', '-')}-{method.replace(' ', '-')}.png")
        bound = 0.95 if method == "strokes" else None
        least = 0.36 if method == "strokes" else None
        figures += [
            Figure(
                f"{method}: style distance",
                float(np.mean(far)),
                bound=bound,
                detail=f"{min(far):.2f} to {max(far):.2f}",
            ),
            Figure(
                f"{method}: structure",
                float(np.mean(kept)),
                bound=least,
                sense="at least",
                detail=f"least {min(kept):.2f}",
            ),
            Figure(
                f"{method}: repetition in a smooth sky",
                float(np.mean(again)),
                detail=f"{min(again):.2f} to {max(again):.2f}",
            ),
            Figure(f"{method}: processor time a picture", float(np.median(seconds)), "s"),
        ]
    return figures


def _floats(picture: NDArray[np.uint8]) -> Picture:
    return picture.astype(np.float32) / np.float32(255)


def _tensor(picture: Picture) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.paint_style_peers", description="Painted style and its peers."
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder with photos.tar and photos.csv")
    parser.add_argument("--peer", type=Path, help="a folder with MicroAST's four files")
    parser.add_argument("--before", type=Path, help="another checkout of this program")
    parser.add_argument(
        "--sheet", type=Path, help="a folder for sheets: a photograph and its paintings, for each method"
    )
    parser.add_argument("--lpips-network", default="", help="SqueezeNet's file; else the one that was pulled")
    parser.add_argument("--lpips-heads", default="", help="LPIPS's heads; else the file that was pulled")
    options = parser.parse_args(argv)
    torch.set_num_threads(2)
    models = ModelCache()
    methods: dict[str, Callable[[NDArray[np.uint8], str], Picture]] = {
        "strokes": ours(models, "fast"),
        "smooth": ours(models, "network"),
    }
    if options.before is not None:
        methods["before"] = before(options.before)
    if options.peer is not None:
        methods["MicroAST"] = peer(microast.load(options.peer))
    judge = Judge(lpips.chosen(options.lpips_network, options.lpips_heads))
    found = measure(options.data, judge, methods, options.sheet)
    print(as_markdown(found))
    return 1 if any(figure.met is False for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
