"""Learns what restores mosaics (`scumble train inpaint-mosaic`), on illustrations and some photographs, in closed form.

Anchors are the centres of a k-means clustering of cells' surroundings; each anchor's map is a ridge regression, towards the map
of all cells together, over the cells that are nearest to it. The sums that a regression needs are all that is kept, so a stopped
training goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from safetensors.torch import save_file
from torch.nn import functional

from scumble.algorithms.mosaic_cells import Axes, bicubic
from scumble.algorithms.mosaic_grid import Grid
from scumble.networks.mosaic import CELL, PATCH, REACH, SEEN, MosaicExperts, nearest, restored, smooth, surroundings

from . import collections, mosaics
from .checkpoints import append_metrics
from .course import Course
from .trainer import Run, Settings, Trainer

Bytes = NDArray[np.uint8]

SIDE = 96
"""Of the squares, in pixels; a cell has 8."""

CLUSTERED, ROUNDS = 40_000, 10
"""Cells that k-means sees, and how often it moves its centres."""

TEXTURED = 0.02
"""Least spread of the means around a cell that k-means sees: flat cells need no anchors of their own."""

RIDGE = 10.0
"""How many cells' worth an anchor's map is held towards that of all cells."""

HELDOUT = 24


class MosaicSettings(Settings):
    squares: int = Field(6000, ge=10, description="Squares of 12 by 12 cells to learn from.")
    batch: int = Field(200, ge=1, description="Squares in a step.")
    experts: int = Field(256, ge=1, description="Anchors, each with its map.")
    photos: int = Field(200, ge=0, description="Photographs beside the illustrations.")
    pictures: int = Field(600, ge=1, description="Illustrations at most.")


class Sums:
    """What the regressions are solved from: anchors, and by anchor the sums over its cells."""

    def __init__(self, experts: int, device: str) -> None:
        self.anchors = torch.zeros(experts, SEEN, device=device)
        self.seen = torch.zeros(experts, 2 * SEEN, 2 * SEEN, device=device)
        self.wanted = torch.zeros(experts, 2 * SEEN, PATCH**2, device=device)

    def state_dict(self) -> dict[str, torch.Tensor]:
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, tensor in state.items():
            getattr(self, name).copy_(tensor)

    def add(self, pictures: torch.Tensor) -> None:
        """(B, 3, 96, 96) in 0 to 1."""
        cells = functional.avg_pool2d(pictures, CELL)
        missing = pictures - smooth(cells)
        seen, shape, spread = surroundings(cells)
        first, around = REACH * CELL, (PATCH - CELL) // 2
        inner = missing[..., first - around : -first + around, first - around : -first + around]
        wanted = functional.unfold(inner.reshape(-1, 1, *inner.shape[2:]), PATCH, stride=CELL)
        wanted = wanted.view(len(pictures), 3, PATCH**2, -1).permute(0, 3, 1, 2).flatten(0, 1) / spread[:, None, None]
        chosen = nearest(shape, self.anchors)
        order = torch.argsort(chosen, stable=True)
        seen, wanted = seen[order], wanted[order]
        ends = torch.bincount(chosen, minlength=len(self.anchors)).cumsum(0).tolist()
        start = 0
        for number, end in enumerate(ends):
            if end > start:
                x = seen[start:end].reshape(-1, 2 * SEEN)
                self.seen[number] += x.T @ x
                self.wanted[number] += x.T @ wanted[start:end].reshape(-1, PATCH**2)
            start = end

    def solved(self) -> MosaicExperts:
        network = MosaicExperts(len(self.anchors))
        total, eye = self.seen.sum(0), torch.eye(2 * SEEN, device=self.seen.device)
        general = torch.linalg.solve(total + (1e-4 * total.diagonal().mean() + 1e-9) * eye, self.wanted.sum(0))
        maps = torch.linalg.solve(self.seen + RIDGE * eye, self.wanted + RIDGE * general)
        network.load_state_dict({"anchors": self.anchors.cpu(), "maps": maps.cpu()})
        return network


def train(run: Run, settings: MosaicSettings) -> Path:
    sums = Sums(settings.experts, run.device)
    steps = -(-settings.squares // settings.batch)
    course = Course(run, "inpaint-mosaic", steps, {"sums": sums}, keep_every=10)
    pictures = _pictures(run, settings)
    if course.done == 0:
        sums.anchors.copy_(_anchors(pictures, settings, run))
    began = time.monotonic()
    for step in course.steps():
        sums.add(_squares(pictures, settings.batch, course.generator(step), run.device))
    network = sums.solved()
    finished = run.folder / "scumble-mosaic.safetensors"
    state = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, finished, metadata={"squares": str(course.done * settings.batch)})
    _measure(network, run, course.done, time.monotonic() - began)
    return finished


def _squares(pictures: Sequence[Bytes], count: int, rng: np.random.Generator, device: str) -> torch.Tensor:
    found = np.stack([mosaics.square(pictures, rng, SIDE)[0] for _ in range(count)])
    return torch.from_numpy(found).permute(0, 3, 1, 2).to(device).float() / 255


def _anchors(pictures: Sequence[Bytes], settings: MosaicSettings, run: Run) -> torch.Tensor:
    """k-means over the surroundings of cells."""
    rng = np.random.default_rng([run.seed, 2**31])
    cells = functional.avg_pool2d(_squares(pictures, max(20, CLUSTERED // 50), rng, run.device), CELL)
    _, shape, spread = surroundings(cells)
    shape = shape[spread > TEXTURED]
    if len(shape) < settings.experts:
        shape = (
            shape.repeat(-(-settings.experts // max(1, len(shape))), 1)
            if len(shape)
            else torch.zeros(settings.experts, SEEN, device=run.device)
        )
    shape = shape[torch.from_numpy(rng.permutation(len(shape))[:CLUSTERED]).to(run.device)]
    centres = shape[: settings.experts].clone()
    for _ in range(ROUNDS):
        chosen = nearest(shape, centres)
        total = torch.zeros_like(centres).index_add_(0, chosen, shape)
        count = torch.bincount(chosen, minlength=len(centres))[:, None]
        centres = torch.where(count > 0, total / count.clamp(min=1), centres)
    return centres


def _pictures(run: Run, settings: MosaicSettings) -> list[Bytes]:
    found: list[Bytes] = []
    for collection, most in (("art", settings.pictures), ("photos", settings.photos)):
        names = [row["file"] for row in collections.rows(run.data, collection, "train")]
        order = np.random.default_rng(run.seed).permutation(len(names))[:most]
        loaded = collections.pictures(run.data, collection, [names[i] for i in sorted(order)])
        found += [picture for picture in loaded if min(picture.shape[:2]) >= SIDE]
    return found


def _measure(network: MosaicExperts, run: Run, step: int, seconds: float) -> None:
    """PSNR in the region beside bicubic smoothing on held-out illustrations, a line of figures, and a contact sheet."""
    names = [row["file"] for row in collections.rows(run.data, "art", "heldout")][:HELDOUT]
    grid = Axes.of([Grid(CELL, CELL)], SIDE, SIDE)
    gains: list[float] = []
    rows: list[Bytes] = []
    for number, picture in enumerate(collections.pictures(run.data, "art", names)):
        one = mosaics.sample([picture], np.random.default_rng([11, number]), SIDE, 6.0, 24.0)
        if not one.mask.any():
            continue
        truth, damaged = (
            torch.from_numpy(x.copy()).permute(2, 0, 1)[None].float() / 255 for x in (one.truth, one.damaged)
        )
        mask = torch.from_numpy(one.mask)[None, None].float()
        made, plain = restored(network, damaged, mask), bicubic(grid, damaged, mask)
        gains.append(_psnr(made, truth, mask) - _psnr(plain, truth, mask))
        if len(rows) < 8:
            rows.append(np.hstack([_bytes(x) for x in (damaged, plain, made, truth)]))
    if not rows:
        return
    gain = float(np.mean(gains))
    append_metrics(run.folder / "metrics.jsonl", step=step, gain=gain, seconds=round(seconds, 1))
    Image.fromarray(np.vstack(rows)).save(run.folder / "heldout.png")
    run.say(f"step {step}: {gain:+.2f} dB over bicubic smoothing on held-out art, {seconds:.0f} s")


def _psnr(made: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> float:
    error = ((made - truth).square() * mask).sum() / (3 * mask.sum())
    return -10 * float(torch.log10(error.clamp(min=1e-9)))


def _bytes(x: torch.Tensor) -> Bytes:
    array: Bytes = (x[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
    return array


TRAINER = Trainer("What restores the pixels under a mosaic.", ("art", "photos"), MosaicSettings, train)
