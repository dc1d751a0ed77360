"""What a face completion network is given: holes, lines and colours drawn from analysed faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from torch import Tensor

from . import sketch_examples as examples
from .masks import random_hole
from .sketch_examples import SKETCHES, AnalysedFace

Mask = NDArray[np.bool_]

SKETCH_SHARES = (0.3, 0.2, 0.25, 0.25)
"""How often each of `SKETCHES` is drawn."""

WITH_SKETCH, WITH_COLOURS = 0.82, 0.65
"""Shares of the examples that have lines, and that have colours; the others make the network work without."""

WRONG = 0.05
"""Standard deviation (0 to 1) by which a colour that an artist gives is off, in half of the examples that have colours."""

BROAD = 0.4
"""Share of the examples with colours in which these are a hand's strokes: each of one colour, over whatever lies there."""

REMEMBERED = 9000
"""Faces that stay in memory once they were read: 150 kB each at 128 pixels."""


@dataclass(frozen=True)
class SketchBatch:
    """Tensors: pictures (B, 3, S, S) in 0 to 1; maps (B, 1, S, S) of 0 and 1, and noise in 0 to 1, 0 outside the hole."""

    truth: Tensor
    hole: Tensor
    lines: Tensor
    colours: Tensor
    given: Tensor
    noise: Tensor

    def without(self, sketch: bool = False, colours: bool = False) -> SketchBatch:
        """The same, with no lines, or no colours, given."""
        lines = torch.zeros_like(self.lines) if sketch else self.lines
        given = torch.zeros_like(self.given) if colours else self.given
        return SketchBatch(self.truth, self.hole, lines, self.colours, given, self.noise)


@dataclass(frozen=True)
class Draw:
    """One example as arrays (S, S, …), before it is a tensor."""

    truth: NDArray[np.float32]
    hole: Mask
    lines: Mask
    colours: NDArray[np.float32]
    given: Mask


class Draws:
    """Batches drawn from files of analysed faces."""

    def __init__(self, paths: Sequence[Path], halve: bool = False) -> None:
        self.paths = list(paths)
        self._face = lru_cache(REMEMBERED)(partial(examples.load, halve=halve))

    def batch(self, count: int, rng: np.random.Generator, device: str) -> SketchBatch:
        chosen = rng.integers(len(self.paths), size=count)
        return stacked([random_draw(self._face(self.paths[n]), rng) for n in chosen], rng, device)


def stacked(draws: Sequence[Draw], rng: np.random.Generator, device: str) -> SketchBatch:
    """One batch, with its noise."""

    def pictures(arrays: Sequence[NDArray[Any]]) -> Tensor:
        return torch.from_numpy(np.stack(arrays).transpose(0, 3, 1, 2).astype(np.float32)).to(device)

    def maps(arrays: Sequence[NDArray[Any]]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)[:, None].astype(np.float32)).to(device)

    hole = maps([d.hole for d in draws])
    noise = maps([rng.random(d.hole.shape) for d in draws]) * hole
    return SketchBatch(
        pictures([d.truth for d in draws]),
        hole,
        maps([d.lines for d in draws]) * hole,
        pictures([d.colours for d in draws]),
        maps([d.given for d in draws]) * hole,
        noise,
    )


def random_draw(face: AnalysedFace, rng: np.random.Generator) -> Draw:
    """A hole, with or without lines, with or without colours; mirrored half of the time, now and then in other colours."""
    hole = random_hole(face.hair, face.points, rng)
    side = len(hole)
    lines = np.zeros((side, side), np.bool_)
    if rng.random() < WITH_SKETCH:
        lines = random_lines(face, rng)
    given = np.zeros((side, side), np.bool_)
    named = face.colours.labels
    if rng.random() < WITH_COLOURS:
        if rng.random() < BROAD:
            given, named = broad_strokes(face, hole, rng)
        else:
            given = random_given(face, hole, rng)
    truth = face.truth.astype(np.float32) / np.float32(255)
    palette = face.colours.colours
    if rng.random() < 0.5:
        palette = (palette + rng.normal(0, WRONG, palette.shape)).clip(0, 1).astype(np.float32)
    colours = palette[named]
    if rng.random() < 0.15:  # odd colours are to be followed, too
        order = rng.permutation(3)
        truth, colours = truth[..., order], colours[..., order]
    gain = np.float32(rng.uniform(0.75, 1.0))
    truth, colours = truth * gain, colours * gain
    if rng.random() < 0.5:
        truth, colours = truth[:, ::-1], colours[:, ::-1]
        hole, lines, given = hole[:, ::-1], lines[:, ::-1], given[:, ::-1]
    return Draw(truth, hole, lines, colours, given)


def random_lines(face: AnalysedFace, rng: np.random.Generator) -> Mask:
    """One of the face's sketches, sometimes with strokes left out, sometimes only those around one place."""
    lines = face.lines[int(rng.choice(len(SKETCHES), p=SKETCH_SHARES))]
    fate = rng.random()
    if fate < 0.3:
        labels, count = ndimage.label(lines, np.ones((3, 3), np.bool_))
        keep = rng.random(count + 1) < rng.uniform(0.4, 0.95)
        keep[0] = False
        return np.asarray(keep[labels])
    if fate < 0.4:
        y, x = np.mgrid[: len(lines), : len(lines)] / len(lines)
        place = rng.uniform(0.2, 0.8, 2)
        return np.asarray(lines & (np.hypot(y - place[0], x - place[1]) < rng.uniform(0.15, 0.4)))
    return np.asarray(lines)


def random_given(face: AnalysedFace, hole: Mask, rng: np.random.Generator) -> Mask:
    """Where an artist gives colours: everywhere in the hole, in some segments, or in strokes that stay in their segment."""
    labels, count = face.colours.labels, len(face.colours.colours)
    kind = rng.random()
    if kind < 0.35:
        return hole
    if kind < 0.6:
        chosen = rng.random(count) < rng.uniform(0.2, 0.8)
        return np.asarray(chosen[labels] & hole)
    side = len(hole)
    rows, columns = np.nonzero(hole)
    given = np.zeros(hole.shape, np.bool_)
    for _ in range(int(rng.integers(1, 14))):
        one = int(rng.integers(len(rows)))
        angle, width = rng.uniform(0, 2 * np.pi), int(rng.integers(2, 17)) / 256
        stroke = _stroke(side, (columns[one], rows[one]), angle, width, int(rng.integers(1, 6)), 0.6, (0.02, 0.08), rng)
        given |= stroke & (labels == labels[rows[one], columns[one]])
    return given & hole


def broad_strokes(face: AnalysedFace, hole: Mask, rng: np.random.Generator) -> tuple[Mask, NDArray[np.uint8]]:
    """Three to eight thick strokes, each in the colour of the segment that it begins in, also where it leaves that.

    Returns
    -------
    tuple
        (H, W): where a colour is given, and the number of the segment whose colour it is.
    """
    side = len(hole)
    named = face.colours.labels.copy()
    given = np.zeros(hole.shape, np.bool_)
    rows, columns = np.nonzero(hole)
    for _ in range(int(rng.integers(3, 9))):
        one = int(rng.integers(len(rows)))
        angle, width = rng.uniform(0, 2 * np.pi), rng.uniform(1 / 48, 1 / 16)
        stroke = _stroke(side, (columns[one], rows[one]), angle, width, int(rng.integers(1, 4)), 0.5, (0.03, 0.1), rng)
        stroke = stroke & hole
        named[stroke] = face.colours.labels[rows[one], columns[one]]
        given |= stroke
    return given, named


def _stroke(
    side: int,
    start: tuple[int, int],
    angle: float,
    width: float,
    pieces: int,
    turn: float,
    lengths: tuple[float, float],
    rng: np.random.Generator,
) -> Mask:
    """(side, side): a line of so many pieces from (x, y) on; `turn` is the standard deviation between two pieces' angles, in radians, and
    `width` and `lengths` are shares of the side."""
    at = np.array(start, np.float64)
    points = [tuple(at.tolist())]
    for _ in range(pieces):
        angle += rng.normal(0, turn)
        at = at + rng.uniform(*lengths) * side * np.array([np.cos(angle), np.sin(angle)])
        points.append(tuple(at.tolist()))
    canvas = Image.new("1", (side, side))
    ImageDraw.Draw(canvas).line(points, fill=1, width=max(1, round(width * side)))
    return np.asarray(canvas)
