"""Real patches in the place of a soft guess: a hole of an aligned face made of pieces of other aligned faces.

Position-constrained patch search as in face hallucination (Liu, Shum and Freeman, "Face Hallucination: Theory and Practice", IJCV
2007; Ma, Zhang and Qi, "Hallucinating Face by Position-Patch", 2010): eyes come from eyes, as all faces lie alike. For every patch of the
hole each face offers its best place nearby; which faces are taken is settled together by loopy belief propagation (Freeman,
Jones and Pasztor, "Example-Based Super-Resolution", 2002, section 3): patches are to look like the guess, like what is known
around, and like each other where they overlap. What is coarse stays the guess's, as far as it is sure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from scumble.vision.gaussian import blurred

SIDE = 128
"""Side of the aligned faces in which is searched, in pixels; lengths below are in pixels of it."""

PATCH, STEP, REACH, SHIFT = 12, 4, 4, 2
"""Side of a patch, distance between patches, how far from its own place one may be taken, and between places that are tried."""

OFFERED = 24
"""Faces that are weighed against each other for a patch."""

ROUNDS = 8
"""Of belief propagation."""

PLACES = 2 * REACH // SHIFT + 1
"""Places that are tried, across."""

STRAY = 6e-4
"""What a shift of `REACH` costs, as a mean square difference."""

ALIKE, KNOWN, SEAM = 1.0, 1.0, 0.1
"""Weights of likeness to the guess, of agreement with what is known, and of agreement with the neighbour."""

RESTLESS = 0.25
"""How far a seed moves costs, as a share of their spread: another choice among the good ones."""

SURE, UNSURE = 0.5, 4.0
"""Gaussian deviations beyond which the guess decides: where it was told what to do, and where it was not."""

EDGE = 6
"""Power of the window that patches are laid with: the larger, the less they are averaged."""

GAIN = (0.6, 1.6)
"""How far a patch's contrast follows its brightness."""

DOUBT = (0.006, 0.018)
"""Mean square descriptor differences up to which a patch is trusted, and from which the guess stays."""


@dataclass(frozen=True)
class Faces:
    """Aligned faces to copy from."""

    small: Tensor
    """(N, 3, 128, 128) in 0 to 1."""

    large: Tensor
    """(N, 3, S, S) bytes; S is a multiple of 128."""

    known: Tensor
    """(N, 1, 128, 128) of 0 and 1: what may be copied."""


@dataclass(frozen=True)
class Synthesis:
    picture: Tensor
    """(3, S, S): the guess, bit for bit, outside the hole."""

    trust: Tensor
    """(1, S, S) in 0 to 1: how far patches were found that look like the guess."""


@torch.inference_mode()
def synthesized(guess: Tensor, hole: Tensor, sure: Tensor, faces: Faces, seed: int = 0) -> Synthesis:
    """Make the hole of pieces of faces, led by a guess.

    Parameters
    ----------
    guess
        (3, S, S) in 0 to 1.
    hole
        (1, S, S) of 0 and 1.
    sure
        (1, S, S) in 0 to 1: how far the guess was told what to do.
    faces
        As large as the guess.
    seed
        0 takes what fits best; others each make another choice among what fits well.
    """
    scale = guess.shape[-1] // SIDE
    if not len(faces.small) or not bool(hole.any()):
        return Synthesis(guess, torch.zeros_like(hole))
    small, small_hole = functional.avg_pool2d(guess[None], scale)[0], functional.max_pool2d(hole[None], scale)[0]
    grid = _Grid.over(small_hole)
    costs, places = _offers(small, grid, faces)
    order = costs.topk(min(OFFERED, len(costs)), 0, largest=False).indices
    costs = costs.gather(0, order)
    places = places.gather(0, order)
    # faces whose place is not known at all are no offer
    alike = costs.clamp(max=1.0)
    if seed:
        noise = torch.rand(costs.shape, generator=torch.Generator().manual_seed(seed)).to(costs.device)
        spread = (alike - alike.amin(0, keepdim=True)).mean(0, keepdim=True)
        alike = alike + RESTLESS * 2 * noise * spread
    chosen = _settled(small, small_hole, grid, faces.small, order, places, alike)
    face, place, cost = (x.gather(0, chosen[None])[0] for x in (order, places, costs))
    made = _laid(guess, grid, faces.large, face, place, scale)
    trust = ((DOUBT[1] - cost) / (DOUBT[1] - DOUBT[0])).clamp(0, 1)
    trust = functional.interpolate(trust[None, None], size=grid.extent, mode="bilinear", align_corners=False)[0]
    whole = torch.zeros_like(small_hole)
    whole[:, grid.top : grid.top + grid.extent[0], grid.left : grid.left + grid.extent[1]] = trust
    large_trust = functional.interpolate(whole[None], scale_factor=float(scale), mode="bilinear")[0]
    apart = (guess - made)[None]
    coarse = [blurred(apart, deviation * scale)[0] for deviation in (SURE, UNSURE)]
    made = made + sure * coarse[0] + (1 - sure) * coarse[1]
    picture = torch.where(hole > 0, torch.lerp(guess, made.clamp(0, 1), large_trust), guess)
    return Synthesis(picture, large_trust * hole)


@dataclass(frozen=True)
class _Grid:
    """The patches over a hole: R rows and C columns of corners, `STEP` apart."""

    top: int
    left: int
    rows: int
    columns: int
    active: Tensor
    """(R, C): patches that touch the hole."""

    @classmethod
    def over(cls, hole: Tensor) -> _Grid:
        ys, xs = (hole[0].amax(axis).nonzero()[:, 0] for axis in (1, 0))
        last = (SIDE - PATCH) // STEP
        spans = []
        for at in (ys, xs):
            first = max(0, int(at[0]) - PATCH + STEP) // STEP
            spans.append((min(first, last), min(last, max(int(at[-1]) // STEP, first))))
        (r0, r1), (c0, c1) = spans
        top, left, rows, columns = r0 * STEP, c0 * STEP, r1 - r0 + 1, c1 - c0 + 1
        part = hole[:, top : top + (rows - 1) * STEP + PATCH, left : left + (columns - 1) * STEP + PATCH]
        return cls(top, left, rows, columns, functional.max_pool2d(part[None], PATCH, STEP)[0, 0] > 0)

    @property
    def extent(self) -> tuple[int, int]:
        return (self.rows - 1) * STEP + PATCH, (self.columns - 1) * STEP + PATCH

    def cut(self, picture: Tensor, scale: int = 1) -> Tensor:
        """(R, C, channels, PATCH · scale, PATCH · scale): the patches of a picture (channels, S, S)."""
        height, width = self.extent
        part = picture[
            :, self.top * scale : (self.top + height) * scale, self.left * scale : (self.left + width) * scale
        ]
        patches = part.unfold(1, PATCH * scale, STEP * scale).unfold(2, PATCH * scale, STEP * scale)
        return patches.permute(1, 2, 0, 3, 4)


@cache
def _basis(device: torch.device) -> Tensor:
    """(D, 3, PATCH, PATCH): what a patch is described by: low frequencies of its lightness, and lower ones of its colours, by
    the discrete cosine transform, and each one's mean. Scaled so that a distance of descriptors is a mean square of pixels."""
    at = (torch.arange(PATCH, dtype=torch.float32) + 0.5) * math.pi / PATCH
    waves = [torch.cos(n * at) * (1 if n else math.sqrt(0.5)) * math.sqrt(2 / PATCH) for n in range(PATCH)]
    light = torch.tensor([0.299, 0.587, 0.114])
    rows = []
    for colour, most in ((light, 6), (torch.tensor([0.5, -0.5, 0.0]), 2), (torch.tensor([-0.25, -0.25, 0.5]), 2)):
        for v in range(most + 1):
            for u in range(most + 1 - v):
                rows.append(colour[:, None, None] * waves[v][:, None] * waves[u])
    return (torch.stack(rows) / PATCH).to(device)


def _described(pictures: Tensor, stride: int) -> Tensor:
    return functional.conv2d(pictures, _basis(pictures.device), stride=stride)


def _offers(guess: Tensor, grid: _Grid, faces: Faces) -> tuple[Tensor, Tensor]:
    """(N, R, C) twice: for each face and patch the least cost, and which of the shifts it is at."""
    height, width = grid.extent
    wanted = _described(guess[None, :, grid.top : grid.top + height, grid.left : grid.left + width], STEP)
    best = guess.new_full((len(faces.small), grid.rows, grid.columns), torch.inf)
    places = torch.zeros(best.shape, dtype=torch.int64, device=guess.device)
    y0, y1 = max(0, grid.top - REACH), min(SIDE, grid.top + height + REACH)
    x0, x1 = max(0, grid.left - REACH), min(SIDE, grid.left + width + REACH)
    beyond = (
        x0 - grid.left + REACH,
        grid.left + width + REACH - x1,
        y0 - grid.top + REACH,
        grid.top + height + REACH - y1,
    )
    pad = tuple(size // SHIFT for size in beyond)
    for start in range(0, len(faces.small), 16):  # so many at a time: descriptors are large
        part = slice(start, start + 16)
        there = _described(faces.small[part, :, y0:y1, x0:x1], SHIFT)
        lacking = functional.max_pool2d(1 - faces.known[part, :, y0:y1, x0:x1], PATCH, SHIFT)
        there = functional.pad(there, pad)
        lacking = functional.pad(lacking, pad, value=1.0)[:, 0]
        for place in range(PLACES**2):
            y, x = place // PLACES, place % PLACES
            rows, columns = _every(y, grid.rows), _every(x, grid.columns)
            stray = ((y - PLACES // 2) ** 2 + (x - PLACES // 2) ** 2) * (SHIFT / REACH) ** 2
            cost = (there[..., rows, columns] - wanted).square().sum(1) + STRAY * stray + lacking[..., rows, columns]
            better = cost < best[part]
            best[part] = torch.where(better, cost, best[part])
            places[part] = torch.where(better, place, places[part])
    return best, places


def _every(first: int, count: int) -> slice:
    return slice(first, first + (count - 1) * STEP // SHIFT + 1, STEP // SHIFT)


def _taken(faces: Tensor, face: Tensor, place: Tensor, grid: _Grid, scale: int = 1) -> Tensor:
    """(…, R, C, 3, P, P): the patches of these faces at these shifts; `face` and `place` are (…, R, C)."""
    device = faces.device
    y = torch.arange(grid.rows, device=device)[:, None] * STEP + grid.top - REACH + place // PLACES * SHIFT
    x = torch.arange(grid.columns, device=device) * STEP + grid.left - REACH + place % PLACES * SHIFT
    # where no face has a whole patch, which one is taken is of no meaning, but it must be one
    y, x = (at.clamp(0, SIDE - PATCH) * scale for at in (y, x))
    along = torch.arange(PATCH * scale, device=device)
    rows, columns = y[..., None, None] + along[:, None], x[..., None, None] + along
    found = faces[face[..., None, None], :, rows, columns]
    return found.movedim(-1, -3)


def _recoloured(patches: Tensor, wanted: Tensor) -> Tensor:
    """Patches with the mean colours of others, and as much more contrast as these are brighter."""
    have, want = (x.mean((-2, -1), keepdim=True) for x in (patches, wanted))
    return want + ((want + 0.05) / (have + 0.05)).clamp(*GAIN) * (patches - have)


def _settled(
    guess: Tensor, hole: Tensor, grid: _Grid, faces: Tensor, face: Tensor, place: Tensor, alike: Tensor
) -> Tensor:
    """(R, C): which of the K offers (K, R, C) each patch takes."""
    wanted, inside = grid.cut(guess), grid.cut(hole)
    patches = _recoloured(_taken(faces, face, place, grid), wanted)  # (K, R, C, 3, P, P)
    wrong = ((patches - wanted).square().mean(3) * (1 - inside[:, :, 0])).mean((3, 4))
    cost = ALIKE * alike + KNOWN * wrong
    cost = cost * grid.active
    flat = patches.movedim(0, 2)  # (R, C, K, 3, P, P)
    pairs = []
    for axis, (a, b) in enumerate(
        (
            (flat[:-1, ..., STEP:, :], flat[1:, ..., : PATCH - STEP, :]),
            (flat[:, :-1, ..., STEP:], flat[:, 1:, ..., : PATCH - STEP]),
        )
    ):
        a, b = a.flatten(3), b.flatten(3)
        apart = (
            a.square().sum(-1)[..., None] + b.square().sum(-1)[..., None, :] - 2 * a @ b.transpose(-1, -2)
        ) / a.shape[-1]
        linked = grid.active[:-1] & grid.active[1:] if axis == 0 else grid.active[:, :-1] & grid.active[:, 1:]
        pairs.append(SEAM * apart.clamp(min=0) * linked[..., None, None])
    return _propagated(cost.movedim(0, 2), pairs[0], pairs[1])


def _propagated(cost: Tensor, below: Tensor, right: Tensor) -> Tensor:
    """(R, C): the labels of the least sum of costs that min-sum loopy belief propagation comes to.

    `cost` is (R, C, K); `below` (R - 1, C, K, K) and `right` (R, C - 1, K, K) cost a label beside its neighbour's. Messages are
    halved with the ones before, so that they settle.
    """
    down, up = torch.zeros_like(cost), torch.zeros_like(cost)
    onward, back = torch.zeros_like(cost), torch.zeros_like(cost)
    for _ in range(ROUNDS):
        belief = cost + down + up + onward + back

        def sent(belief: Tensor, pair: Tensor, axis: int) -> Tensor:
            message = (belief[..., None] + pair).amin(-2) if axis else (belief[..., None, :] + pair).amin(-1)
            return message - message.amin(-1, keepdim=True)

        new = (
            sent(belief[:-1] - up[:-1], below, 1),
            sent(belief[1:] - down[1:], below, 0),
            sent(belief[:, :-1] - back[:, :-1], right, 1),
            sent(belief[:, 1:] - onward[:, 1:], right, 0),
        )
        down[1:].lerp_(new[0], 0.5)
        up[:-1].lerp_(new[1], 0.5)
        onward[:, 1:].lerp_(new[2], 0.5)
        back[:, :-1].lerp_(new[3], 0.5)
    return (cost + down + up + onward + back).argmin(-1)


def _laid(guess: Tensor, grid: _Grid, faces: Tensor, face: Tensor, place: Tensor, scale: int) -> Tensor:
    """(3, S, S): the guess with the chosen patches laid over it."""
    taken = _taken(faces, face, place, grid, scale).float() / 255
    patches = _recoloured(taken, grid.cut(guess, scale))
    side = PATCH * scale
    ramp = torch.sin(math.pi * (torch.arange(side, device=guess.device) + 0.5) / side) ** EDGE
    window = (ramp[:, None] * ramp).clamp(min=1e-6) * grid.active[..., None, None, None]
    height, width = (size * scale for size in grid.extent)

    def folded(patches: Tensor) -> Tensor:
        rows = patches.flatten(2).flatten(0, 1).T[None]
        return functional.fold(rows, (height, width), side, stride=STEP * scale)[0]

    weight = folded(window)
    laid = folded(patches * window) / weight.clamp(min=1e-9)
    out = guess.clone()
    here = slice(grid.top * scale, grid.top * scale + height), slice(grid.left * scale, grid.left * scale + width)
    out[:, here[0], here[1]] = torch.where(weight > 0, laid, out[:, here[0], here[1]])
    return out
