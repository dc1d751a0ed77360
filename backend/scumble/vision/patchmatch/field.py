"""Nearest-neighbour fields over patches: the randomised search of PatchMatch, for all patches at once.

Barnes et al., "PatchMatch: A Randomized Correspondence Algorithm for Structural Image Editing" (SIGGRAPH 2009),
section 3: good matches spread to their neighbours (propagation) and are improved by random samples at shrinking
distances (random search). The paper scans the patches one after another; here each step looks at all of them, with
neighbours at several distances (as in the jump flooding of Rong and Tan 2006), so that it runs as tensor operations.

A patch is named by the flat index `row * width + column` of its top left pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 1 << 15
"""Patches compared at once: their descriptors then stay in the processor's cache, and memory stays small."""

Tick = Callable[[int], None]
"""Told how many comparisons were made, several times a second; it may raise, to cancel."""


Propose = Callable[[Tensor, Tensor], Tensor]
"""From (n,) patches and their (n,) present matches to (n, M) other matches to try; wrong ones are sorted out later."""


@dataclass
class PatchField:
    """Where each target patch finds its most similar source patch.

    Attributes
    ----------
    targets
        (N,) int64: the patches that look for a match.
    nearest
        (height * width,) int64: for each target patch its source patch; -1 elsewhere.
    cost
        (N,) float32: squared distance of the descriptors of each target and its match.
    """

    targets: Tensor
    nearest: Tensor
    cost: Tensor

    @property
    def matches(self) -> Tensor:
        """(N,) int64: the source patch of each target."""
        return self.nearest[self.targets]


def random_field(targets: Tensor, sources: Tensor, pixels: int, generator: torch.Generator) -> PatchField:
    """Each target matched to a random one of `sources` ((S,) int64), at a cost yet unknown (infinite)."""
    nearest = torch.full((pixels,), -1, dtype=torch.int64, device=targets.device)
    drawn = torch.randint(len(sources), (len(targets),), generator=generator, device=targets.device)
    nearest[targets] = sources[drawn]
    return PatchField(targets, nearest, torch.full((len(targets),), torch.inf, device=targets.device))


def search_exactly(field: PatchField, wanted: Tensor, sources: Tensor, table: Tensor, tick: Tick) -> None:
    """Compare each target with every source; see `search` for the arguments, (S,) `sources` are the patches allowed."""
    known = table[sources]
    norms = known.square().sum(1)
    rows = max(1, (BLOCK << 7) // max(1, len(sources)))
    for start in range(0, len(field.targets), rows):
        part = slice(start, start + rows)
        distance = torch.addmm(norms[None], wanted[part], known.T, alpha=-2)
        best = distance.argmin(1)
        field.nearest[field.targets[part]] = sources[best]
        field.cost[part] = (wanted[part] - known[best]).square_().sum(1)
        tick(len(best))


def search(
    field: PatchField,
    wanted: Tensor,
    allowed: Tensor,
    table: Tensor,
    width: int,
    generator: torch.Generator,
    tick: Tick,
    *,
    steps: tuple[int, ...] = (4, 1),
    radii: tuple[int, ...] = (32, 8, 2),
) -> None:
    """Improve `field` in place by one round of propagation and of random search.

    Parameters
    ----------
    wanted
        (N, D) descriptors of the target patches.
    allowed
        (height * width,) bool: which patches may be a match.
    table
        (height * width, D) descriptors of all patches.
    width
        Of the picture: the stride of patch indices.
    steps
        Distances of the neighbours, four each, whose matches are tried, in this order.
    radii
        Half sides of the squares around the present match in which one random patch each is tried.
    """
    _refresh(field, wanted, table, tick)
    device = wanted.device
    for step in steps:
        moves = torch.tensor([step, -step, step * width, -step * width], device=device)

        def shifted(patches: Tensor, now: Tensor, moves: Tensor = moves) -> Tensor:
            found = field.nearest[(patches[:, None] + moves).clamp_(0, len(field.nearest) - 1)]
            return torch.where(found >= 0, found - moves, -1)

        _improve(field, wanted, allowed, table, shifted, tick)
    if not radii:
        return
    reach = torch.tensor(radii, device=device)

    def scattered(patches: Tensor, now: Tensor) -> Tensor:
        drawn = torch.rand((2, len(now), len(radii)), generator=generator, device=device)
        jump = drawn.mul_(2).sub_(1).mul_(reach).round_().to(torch.int64)
        return now[:, None] + jump[0] * width + jump[1]

    _improve(field, wanted, allowed, table, scattered, tick)


def _refresh(field: PatchField, wanted: Tensor, table: Tensor, tick: Tick) -> None:
    """Costs of the present matches: the descriptors of the targets changed since the last round."""
    for start in range(0, len(field.targets), BLOCK):
        part = slice(start, start + BLOCK)
        field.cost[part] = (table.index_select(0, field.nearest[field.targets[part]]) - wanted[part]).square_().sum(1)
        tick(0)


def _improve(field: PatchField, wanted: Tensor, allowed: Tensor, table: Tensor, propose: Propose, tick: Tick) -> None:
    """Take over what is better among the (n, M) patches that `propose(patches, matches)` names for each block."""
    last = len(field.nearest) - 1
    for start in range(0, len(field.targets), BLOCK):
        part = slice(start, start + BLOCK)
        patches = field.targets[part]
        now = field.nearest[patches]
        candidates = propose(patches, now)
        inside = candidates.clamp(0, last)
        usable = (inside == candidates) & allowed[inside]
        candidates = torch.where(usable, inside, now[:, None])
        for column in candidates.unbind(1):
            cost = (table.index_select(0, column) - wanted[part]).square_().sum(1)
            better = cost < field.cost[part]
            field.cost[part] = torch.where(better, cost, field.cost[part])
            now = torch.where(better, column, now)
        field.nearest[patches] = now
        tick(len(patches) * candidates.shape[1])
