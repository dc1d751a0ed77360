"""The embedded feature network: filters learned layer by layer from unlabelled pictures, without gradients.

Coates and Ng, "Learning Feature Representations with K-means" (2012): the patches that a convolution will see are brought
to a common contrast, whitened, and clustered on the sphere; the clusters' centres are half of its filters, and the bias
lets the stronger half of their answers through. The other half is random, without a bias: the clusters see edges and
textures, but neither brightness nor contrast, which random filters tell well. Each layer is scaled to a mean activation
of 1, as in Gatys' normalised VGG. It takes minutes; a layer that is done is kept, so a stopped training goes on with the
next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch.nn import functional

from scumble.networks.vgg import Vgg, Weights

from . import collections
from .trainer import Run, Settings, Trainer

BLOCKS = (2, 2, 2, 2, 1)
WIDTHS = (48, 96, 160, 256, 256)

PATCHES = 40_000
ROUNDS = 12
MOST_COMPONENTS = 400
KEPT_VARIANCE = 0.995
ACTIVE = 0.5
"""Share of the answers that a filter lets through."""

Say = Callable[[str], None]


def train(data: Path, folder: Path, pictures: int = 200, side: int = 256, seed: int = 0, say: Say = print) -> Weights:
    """Learn all layers, or those that `folder` does not hold yet; the finished weights.

    Parameters
    ----------
    data
        The folder with photos.tar, photos.csv, art.tar and art.csv; only rows whose split is `train` are read.
    folder
        Where every finished layer is kept (`features.safetensors`); training goes on from what lies there.
    pictures, side
        How many pictures to look at, and the side of the square that is cut out of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "features.safetensors"
    tensors = load_file(path) if path.exists() else {}
    rng = np.random.default_rng(seed)
    squares = torch.stack(list(_squares(data, pictures, side, rng)))
    if "colour.matrix" not in tensors:
        tensors |= whitened_colours(squares)
    before = 3
    for block, (count, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True), start=1):
        for number in range(1, count + 1):
            name = f"conv{block}_{number}"
            if f"{name}.weight" not in tensors:
                say(f"{name}: learning {width} filters over {before} channels")
                generator = np.random.default_rng([seed, block, number])
                tensors |= learned(squares, tensors, name, width, generator)
                save_file(tensors, path)
            before = width
    say(f"{path}: {sum(tensor.numel() for tensor in tensors.values()):,} weights")
    return Weights(tensors, "reflect")


def whitened_colours(squares: torch.Tensor) -> dict[str, torch.Tensor]:
    """Preparation that gives the training pictures' colours zero mean and unit covariance (ZCA)."""
    colours = squares[:, :, ::8, ::8].permute(0, 2, 3, 1).reshape(-1, 3).double()
    mean = colours.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(colours.T))
    matrix = vectors @ torch.diag(1 / (values + 1e-3).sqrt()) @ vectors.T
    return {"colour.matrix": matrix.float(), "colour.offset": -(matrix @ mean).float()}


def learned(
    squares: torch.Tensor, tensors: dict[str, torch.Tensor], name: str, width: int, rng: np.random.Generator
) -> dict[str, torch.Tensor]:
    """One convolution's weight (width, C, 3, 3) and bias (width,), given all before it."""
    patches = _patches(squares, tensors, name, rng)
    mean = patches.mean(dim=1, keepdim=True)
    centred = patches - mean
    length = centred.norm(dim=1, keepdim=True)
    floor = torch.quantile(length[:, 0], 0.3)
    even = centred / (length + floor)
    centre = even.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov((even - centre).T))
    order = torch.argsort(values, descending=True)
    share = torch.cumsum(values[order], 0) / values.sum()
    kept = order[: min(MOST_COMPONENTS, int((share < KEPT_VARIANCE).sum()) + 1)]
    whitening = vectors[:, kept] / (values[kept] + 0.01 * values[order[0]]).sqrt()
    clusters = width - width // 2
    centres = spherical_k_means((even - centre) @ whitening, clusters, rng)
    # The whitened filter, brought back to the space of patches; without the patch's mean, as the patches are.
    filters = centres @ whitening.T
    filters -= filters.mean(dim=1, keepdim=True)
    drawn = torch.from_numpy(rng.standard_normal((width // 2, patches.shape[1])).astype(np.float32))
    filters = torch.cat([filters, drawn / patches.shape[1] ** 0.5])
    plain = width // 3 if name == "conv1_1" else 0
    if plain:  # the first layer also sees plain colour, by filters of both signs, of which one always answers
        filters[:plain] = _colour_filters(plain)
    answers = patches @ filters.T
    bias = -torch.quantile(answers[:: max(1, len(answers) // 8000)], 1 - ACTIVE, dim=0)
    bias[:plain] = 0
    bias[clusters:] = 0
    scale = 1 / functional.relu(answers + bias).mean(0).clamp(min=1e-6)
    channels = patches.shape[1] // 9
    weight = (filters * scale[:, None]).reshape(width, channels, 3, 3)
    return {f"{name}.weight": weight.contiguous(), f"{name}.bias": (bias * scale).contiguous()}


def spherical_k_means(points: torch.Tensor, count: int, rng: np.random.Generator) -> torch.Tensor:
    """(count, D) unit vectors: k-means by angle; a centre that no point chooses starts again at a random one."""
    chosen = torch.from_numpy(rng.permutation(len(points))[:count])
    centres = functional.normalize(points[chosen], dim=1)
    for _ in range(ROUNDS):
        likeness = points @ centres.T
        strength, nearest = likeness.max(dim=1)
        total = torch.zeros_like(centres).index_add_(0, nearest, points * strength[:, None].clamp(min=0))
        empty = total.norm(dim=1) < 1e-6
        if empty.any():
            total[empty] = points[torch.from_numpy(rng.integers(0, len(points), int(empty.sum())))]
        centres = functional.normalize(total, dim=1)
    return centres


def _colour_filters(count: int) -> torch.Tensor:
    """Means over the patch of colours spread over the sphere, each with its opposite."""
    generator = torch.Generator().manual_seed(1)
    half = functional.normalize(torch.randn(count - count // 2, 3, generator=generator), dim=1)
    both = torch.cat([half, -half])[:count]
    return both[:, :, None].expand(count, 3, 9).reshape(count, 27) / 9


def _patches(
    squares: torch.Tensor, tensors: dict[str, torch.Tensor], name: str, rng: np.random.Generator
) -> torch.Tensor:
    """(PATCHES, C · 9): what the convolution will see, at random places."""
    network = Vgg(Weights(tensors, "reflect"))
    before = _input_of(name)
    each = -(-PATCHES // len(squares))
    found = []
    with torch.inference_mode():
        for start in range(0, len(squares), 16):
            batch = squares[start : start + 16]
            x = network.prepared(batch) if before is None else network(batch, [before])[before]
            height, width = x.shape[2] - 2, x.shape[3] - 2
            for picture in x:
                rows, columns = rng.integers(0, height, each), rng.integers(0, width, each)
                windows = picture.unfold(1, 3, 1).unfold(2, 3, 1)
                found.append(windows[:, rows, columns].permute(1, 0, 2, 3).reshape(each, -1))
    return torch.cat(found)[:PATCHES]


def _input_of(name: str) -> str | None:
    block, number = (int(part) for part in name.removeprefix("conv").split("_"))
    if number > 1:
        return f"relu{block}_{number - 1}"
    return f"pool{block - 1}" if block > 1 else None


def _squares(data: Path, count: int, side: int, rng: np.random.Generator) -> Iterator[torch.Tensor]:
    """(3, side, side) in 0 to 1, cut out of training pictures at random places."""
    for kind, share in (("photos", 0.7), ("art", 0.3)):
        names = [row["file"] for row in collections.rows(data, kind, "train")]
        chosen = [names[i] for i in rng.permutation(len(names))[: round(count * share)]]
        for picture in collections.pictures(data, kind, chosen):
            if min(picture.shape[:2]) >= side:
                y, x = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
                square = picture[y : y + side, x : x + side].astype(np.float32) / np.float32(255)
                yield torch.from_numpy(square).permute(2, 0, 1).contiguous()


def save(weights: Weights, path: Path, notes: Sequence[tuple[str, str]] = ()) -> None:
    """Write what is shipped: half precision, with the padding in the file's own notes."""
    half = {name: tensor.half().contiguous() for name, tensor in weights.tensors.items()}
    save_file(half, path, metadata={"padding": weights.padding, **dict(notes)})


class FeatureSettings(Settings):
    pictures: int = Field(200, ge=1, description="How many pictures to learn from.")


def _run(run: Run, settings: FeatureSettings) -> Path:
    weights = train(run.data, run.folder, settings.pictures, seed=run.seed, say=run.say)
    finished = run.folder / "scumble-features.safetensors"
    save(weights, finished)
    return finished


TRAINER = Trainer("The network that compares styles.", ("photos", "art"), FeatureSettings, _run)
