"""Fill a hole with patches from the rest of the picture, coarse to fine.

Patches are found by PatchMatch (Barnes et al. 2009, in `nnf`), and the picture is made to agree with them by the
alternation of Wexler et al., "Space-Time Completion of Video" (PAMI 2007): every patch that touches the hole finds its
most similar patch among the known ones; every pixel of the hole becomes the weighted mean of what the patches that
cover it suggest (their eq. 3 and section 3.2). The confidence of a patch falls with its depth in the hole (section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from scumble.algorithms import nnf
from scumble.algorithms.nnf import PatchField
from scumble.algorithms.patch_features import (
    Level,
    describe,
    halve,
    patches_touching,
    patches_within,
    principal_filters,
    window_weights,
)

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Completion:
    """A filled picture.

    Attributes
    ----------
    image
        (H, W, 3) float32: the input, bit for bit, outside the hole.
    nearest
        (H, W, 2) int64: row and column of the source pixel that each pixel of the hole was taken from (of the patch
        with the most weight); elsewhere its own place.
    distance
        (H, W) float32: root mean square colour difference between the patches around a pixel of the hole and the
        source patches that they matched, 0 outside; small where the fill is a trustworthy continuation.
    """

    image: Tensor
    nearest: Tensor
    distance: Tensor


@dataclass(frozen=True)
class Effort:
    coarsest: int = 128
    rounds: tuple[int, ...] = (3, 4, 5, 6)  # from the finest
    dims: int = 20
    texture: float = 1.0
    vote_sharpness: float = 1.0
    final_sharpness: float = 4.0
    final_spread: float = 0.7
    confidence: float = 1.3
    near: float = 0.0
    ring: bool = False


def complete(
    image: Tensor,
    hole: Tensor,
    *,
    source: Tensor | None = None,
    guide: Tensor | None = None,
    seed: int = 0,
    patch: int = 7,
    progress: Progress | None = None,
    effort: Effort = Effort(),
) -> Completion:
    generator = torch.Generator(image.device).manual_seed(seed)
    known = ~hole if source is None else source & ~hole
    finest = Level(image.permute(2, 0, 1).contiguous(), hole, known)
    levels = [finest]
    while max(levels[-1].hole.shape) > effort.coarsest:
        coarser = halve(levels[-1])
        if int(patches_within(coarser.source, patch).sum()) < 64:
            break
        levels.append(coarser)
    field: PatchField | None = None
    onion_fill(levels[-1], patch)
    for index in range(len(levels) - 1, -1, -1):
        level = levels[index]
        solver = Solver(level, patch, effort, generator)
        if field is None:
            solver.field = nnf.random_field(solver.targets, solver.sources, level.hole.numel(), generator)
        else:
            solver.carry(field, levels[index + 1].hole.shape[1], generator)
            solver.vote(effort.vote_sharpness, 1.0, first=True)
        rounds = effort.rounds[min(index, len(effort.rounds) - 1)]
        for r in range(rounds):
            solver.match(generator)
            last = r == rounds - 1 and index == 0
            solver.vote(effort.final_sharpness if last else effort.vote_sharpness, effort.final_spread if last else 1.0)
            if progress:
                progress(0.0)
        field = solver.field
    out = image.clone()
    out[hole] = finest.image.permute(1, 2, 0)[hole]
    if effort.ring:
        sugg = image.reshape(-1, 3).clone()
        sugg[solver.vote_pixels] = solver.total.T
        from scumble.algorithms import seam
        out = torch.from_numpy(seam.membrane(sugg.reshape(image.shape).numpy(), image.numpy(), hole.numpy()))
    return Completion(out, torch.zeros(0), torch.zeros(0))


class Solver:
    def __init__(self, level: Level, patch: int, effort: Effort, generator: torch.Generator) -> None:
        self.level, self.patch, self.effort = level, patch, effort
        self.height, self.width = level.hole.shape
        self.targets = patches_touching(level.hole, patch).flatten().nonzero()[:, 0]
        self.allowed = patches_within(level.source, patch).flatten()
        self.sources = self.allowed.nonzero()[:, 0]
        self.pixels = level.hole.flatten().nonzero()[:, 0]
        near = F.max_pool2d(level.hole.float()[None, None], 3, 1, 1)[0, 0] > 0
        self.vote_pixels = (near if effort.ring else level.hole).flatten().nonzero()[:, 0]
        self.in_hole = level.hole.flatten()[self.vote_pixels]
        self.filters = principal_filters(level, patch, effort.dims, self.sources)
        self.rgb = level.image
        D = len(self.filters) + 2
        self.D = D
        self.table = torch.empty((self.height * self.width, D))
        step = max(1, (1 << 18) // self.width)
        for top in range(0, self.height, step):
            bottom = min(top + step, self.height)
            self.table[top * self.width : bottom * self.width] = self.desc(top, bottom)
        rows = self.targets // self.width
        self.top, self.bottom = int(rows.min()), int(rows.max()) + 1
        self.depth = depth_in_hole(level.hole)
        self.conf = self.effort.confidence ** -self.patch_depth()

    def desc(self, top, bottom):
        seen = describe(self.level.image, self.filters, slice(top, bottom))
        scale = self.effort.near / max(self.height, self.width)
        y = torch.arange(top, bottom)[:, None, None].expand(-1, self.width, 1) * scale
        x = torch.arange(self.width)[None, :, None].expand(bottom - top, -1, 1) * scale
        return torch.cat([seen, y, x], 2).reshape(-1, self.D)

    def patch_depth(self):
        half = self.patch // 2
        centre = self.targets + half * self.width + half
        return self.depth.flatten()[centre]

    def carry(self, field: PatchField, coarse_width: int, generator: torch.Generator) -> None:
        rows, columns = self.targets // self.width, self.targets % self.width
        ch = len(field.nearest) // coarse_width
        pr = (rows // 2).clamp(max=ch - self.patch)
        pc = (columns // 2).clamp(max=coarse_width - self.patch)
        found = field.nearest[pr * coarse_width + pc]
        r = found // coarse_width * 2 + rows - 2 * pr
        c = found % coarse_width * 2 + columns - 2 * pc
        flat = (r * self.width + c).clamp(0, self.height * self.width - 1)
        rnd = nnf.random_field(self.targets, self.sources, self.height * self.width, generator)
        ok = (found >= 0) & self.allowed[flat]
        rnd.nearest[self.targets] = torch.where(ok, flat, rnd.matches)
        rnd.cost.fill_(0)
        self.field = rnd

    def match(self, generator):
        D = self.D
        d = torch.empty((len(self.targets), D))
        step = max(1, (1 << 18) // self.width)
        seen = 0
        for top in range(self.top, self.bottom, step):
            bottom = min(top + step, self.bottom)
            block = self.desc(top, bottom)
            a, b = torch.searchsorted(self.targets, torch.tensor([top * self.width, bottom * self.width])).tolist()
            d[a:b] = block[self.targets[a:b] - top * self.width]
        if len(self.targets) * len(self.sources) <= nnf.EXACT_LIMIT:
            nnf.search_exactly(self.field, d, self.sources, self.table)
        else:
            nnf.search(self.field, d, self.allowed, self.table, self.width, generator)

    def vote(self, sharp, spread, first=False):
        cost = self.field.cost
        var = cost.kthvalue(max(1, int(len(cost) * 0.75)))[0].clamp(min=1e-6)
        weight = self.conf if first else self.conf * torch.exp(-cost / (2 * var) * sharp).clamp_(min=1e-12)
        size = self.height * self.width
        front = (self.patch - 1) * (self.width + 1)
        wmap = torch.zeros(front + size)
        wmap[front + self.targets] = weight
        near = torch.zeros(front + size, dtype=torch.int64)
        near[front:] = self.field.nearest.clamp(min=0)
        C = self.level.image.shape[0]
        colours = F.pad(self.level.image.permute(1, 2, 0).reshape(-1, C), (0, 1), value=1.0)
        span = torch.arange(self.patch)
        offsets = (span[:, None] * self.width + span).flatten()
        ww = window_weights(self.patch, spread).flatten()
        flat = self.level.image.view(C, -1)
        pixels = self.vote_pixels
        total = torch.empty((len(pixels), C + 1))
        for start in range(0, len(pixels), 8192):
            part = pixels[start : start + 8192]
            cover = (part[:, None] - offsets).add_(front)
            w = wmap.take(cover).mul_(ww)
            n = near.take(cover).add_(offsets).clamp_(max=size - 1)
            total[start : start + 8192] = F.embedding_bag(n, colours, per_sample_weights=w, mode="sum")
        total = (total[:, :-1] / total[:, -1:]).T
        flat[:, self.pixels] = total[:, self.in_hole]
        self.total = total


def depth_in_hole(hole):
    from scipy import ndimage
    padded = F.pad(hole, (1, 1, 1, 1), value=True)
    return torch.from_numpy(ndimage.distance_transform_cdt(hole.numpy(), "chessboard")).float()


def onion_fill(level: Level, patch: int) -> None:
    """Fill from the rim inwards, each pixel from the known patch that agrees best with what is known around it."""
    channels, height, width = level.image.shape
    sources = patches_within(level.source, patch).flatten().nonzero()[:, 0]
    windows = level.image.unfold(1, patch, 1).unfold(2, patch, 1)
    allpatches = windows[:, sources // width, sources % width].permute(1, 0, 2, 3).reshape(len(sources), channels, -1)
    flat = allpatches.flatten(1)
    squares = allpatches.square().sum(1)
    unknown = level.hole.clone()
    half = patch // 2
    window = window_weights(patch, 1.0).flatten()
    while bool(unknown.any()):
        near = F.max_pool2d((~unknown).float()[None, None], 3, 1, 1)[0, 0] > 0
        rim = (near & unknown).flatten().nonzero()[:, 0]
        y, x = rim // width, rim % width
        py, px = (y - half).clamp(0, height - patch), (x - half).clamp(0, width - patch)
        w = (~unknown).float().unfold(0, patch, 1).unfold(1, patch, 1)[py, px].flatten(1) * window
        t = level.image.unfold(1, patch, 1).unfold(2, patch, 1)[:, py, px].permute(1, 0, 2, 3).reshape(len(rim), channels, -1)
        d = w @ squares.T - 2 * (t * w[:, None]).flatten(1) @ flat.T
        best = d.argmin(1)
        o = (y - py) * patch + x - px
        level.image.view(channels, -1)[:, rim] = allpatches[best, :, o].T
        unknown.view(-1)[rim] = False
