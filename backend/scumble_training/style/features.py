"""The embedded feature network: random filters on a pyramid of colours, in VGG's form. Nothing is learned but scales.

Ustyuzhaninov et al., "What does it take to generate natural textures?" (2017): one layer of many random filters, seen at
several scales, describes textures about as well as a trained deep network. VGG's form has no such layer, but can hold it.
The first three channels of every layer carry the picture's colours on, which are never negative, so that no ReLU cuts
them; each pooling halves them, after a binomial filter. So the first convolution of every block sees the colours at its
scale as they are, and most of its filters look at nothing else: 3 × 3 random ones, each with a random threshold, which
together tell how colours and their differences are distributed (as the marginals of Portilla and Simoncelli 2000 do). The
others look at all channels, as in any random network, and so see what goes with what. Six filters of the first layer
answer only to colours beyond black and white: a picture that is optimized has a reason to stay between them.

Each layer is scaled to a mean activation of 1 on training pictures, as in Gatys' normalised VGG.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import save_file

from scumble.vision.vgg.network import Vgg, VggWeights
from scumble_training.common import datasets
from scumble_training.common.trainer import Run, Trainer, TrainerSettings

WIDTHS = ((96, 32), (128, 48), (192, 64), (256, 128), (256,))
"""Channels of each convolution, block by block: many where statistics are taken, few where they are passed on."""

COLOURS = 3
"""Channels that carry the colours."""

RANGE, FLOOR = 2.0, 0.2
"""Colours from 0 to 1 are carried as FLOOR to FLOOR + RANGE."""

MIDDLE = FLOOR + RANGE / 2

PLAIN = 0.8
"""Share of a block's first filters that look at the colours alone."""

BOOST = 2.0
"""How much stronger the others look at the colours than at one of the other channels."""

THRESHOLD = 1.5
"""Deviation of the thresholds, beside that of a filter's answers to a picture of contrast 0.25."""

BEYOND = 2.0
"""Gain of the filters for colours beyond black and white."""

Say = Callable[[str], None]


def train(data: Path, folder: Path, pictures: int = 60, side: int = 256, seed: int = 0, say: Say = print) -> VggWeights:
    """Draw the filters, and find every layer's scale.

    Parameters
    ----------
    data
        The folder with photos.tar, photos.csv, art.tar and art.csv; only rows whose split is `train` are read.
    folder
        Where the numbers are kept in full precision (`features.safetensors`).
    pictures, side
        How many pictures to find the scales on, and the side of the square that is cut out of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    squares = torch.stack(list(_squares(data, pictures, side, np.random.default_rng(seed))))
    tensors = drawn(seed)
    for name in [key.removesuffix(".weight") for key in tensors if key.endswith(".weight")]:
        _scaled(tensors, name, squares)
        say(f"{name}: {len(tensors[f'{name}.weight'])} filters")
    path = folder / "features.safetensors"
    save_file(tensors, path)
    say(f"{path}: {sum(tensor.numel() for tensor in tensors.values()):,} weights")
    return VggWeights(tensors, "reflect")


def drawn(seed: int) -> dict[str, torch.Tensor]:
    """All convolutions before they are scaled, and the preparation of colours."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {"colour.matrix": torch.eye(3) * RANGE, "colour.offset": torch.full((3,), FLOOR)}
    before = COLOURS
    for block, widths in enumerate(WIDTHS, start=1):
        for number, width in enumerate(widths, start=1):
            weight, bias = _random(width, before, generator, statistics=number == 1)
            _carry(weight, bias, smooth=number == len(widths))
            if block == number == 1:
                _guard(weight, bias)
            tensors |= {f"conv{block}_{number}.weight": weight, f"conv{block}_{number}.bias": bias}
            before = width
    return tensors


def _random(width: int, before: int, generator: torch.Generator, statistics: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Filters (width, before, 3, 3) that keep the deviation (He et al. 2015), and biases that centre the colours."""
    weight = torch.randn(width, before, 3, 3, generator=generator) * (2 / (9 * before)) ** 0.5
    weight[:, :COLOURS] *= BOOST
    if statistics and before > COLOURS:
        plain = width - int(width * PLAIN)
        weight[plain:, COLOURS:] = 0
        weight[plain:, :COLOURS] *= (before / COLOURS) ** 0.5 / BOOST
    bias = -MIDDLE * weight[:, :COLOURS].sum((1, 2, 3))
    if statistics:
        deviation = weight.square().sum((1, 2, 3)).sqrt() * (RANGE / 4)
        bias += THRESHOLD * deviation * torch.randn(width, generator=generator)
    return weight, bias


def _carry(weight: torch.Tensor, bias: torch.Tensor, smooth: bool) -> None:
    """Let the first channels pass the colours on; smoothed where a pooling follows."""
    binomial = torch.tensor([1.0, 2.0, 1.0]) / 4
    for channel in range(COLOURS):
        weight[channel], bias[channel] = 0, 0
        if smooth:
            weight[channel, channel] = binomial[:, None] * binomial
        else:
            weight[channel, channel, 1, 1] = 1


def _guard(weight: torch.Tensor, bias: torch.Tensor) -> None:
    """Let two channels for each colour answer beyond white, and beyond black."""
    for channel in range(COLOURS):
        for place, sign in enumerate((1, -1)):
            number = COLOURS + 2 * channel + place
            weight[number] = 0
            weight[number, channel, 1, 1] = sign * BEYOND
            bias[number] = -BEYOND * (FLOOR + RANGE if sign > 0 else -FLOOR)


def _scaled(tensors: dict[str, torch.Tensor], name: str, squares: torch.Tensor) -> None:
    """Bring the layer's mean activation to 1, and let the next one divide by the same."""
    layer = name.replace("conv", "relu")
    network = Vgg(VggWeights(tensors, "reflect"), "average")
    with torch.inference_mode():
        means = [float(network(batch, [layer])[layer].mean()) for batch in squares.split(8)]  # type: ignore[no-untyped-call]
    scale = 1 / (sum(means) / len(means))
    tensors[f"{name}.weight"] *= scale
    tensors[f"{name}.bias"] *= scale
    names = [key for key in tensors if key.endswith(".weight")]
    following = names[names.index(f"{name}.weight") + 1 :][:1]
    for key in following:
        tensors[key] /= scale


def _squares(data: Path, count: int, side: int, rng: np.random.Generator) -> Iterator[torch.Tensor]:
    """(3, side, side) in 0 to 1, cut out of training pictures at random places."""
    for kind, share in (("photos", 0.7), ("art", 0.3)):
        names = [row["file"] for row in datasets.rows(data, kind, "train")]
        chosen = [names[i] for i in rng.permutation(len(names))[: round(count * share)]]
        for picture in datasets.pictures(data, kind, chosen):
            if min(picture.shape[:2]) >= side:
                y, x = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
                square = picture[y : y + side, x : x + side].astype(np.float32) / np.float32(255)
                yield torch.from_numpy(square).permute(2, 0, 1).contiguous()


def save(weights: VggWeights, path: Path, notes: Sequence[tuple[str, str]] = ()) -> None:
    """Write what is shipped: half precision, with the padding in the file's own notes."""
    half = {name: tensor.half().contiguous() for name, tensor in weights.tensors.items()}
    save_file(half, path, metadata={"padding": weights.padding, **dict(notes)})


class FeatureSettings(TrainerSettings):
    pictures: int = Field(60, ge=1, description="How many pictures to find the layers' scales on.")


def _run(run: Run, settings: FeatureSettings) -> Path:
    weights = train(run.data, run.folder, settings.pictures, seed=run.seed, say=run.say)
    finished = run.folder / "scumble-features.safetensors"
    save(weights, finished)
    return finished


TRAINER = Trainer("The network that compares styles.", ("photos", "art"), FeatureSettings, _run)
