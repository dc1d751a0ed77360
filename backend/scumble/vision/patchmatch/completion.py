"""Fill a hole with patches from the rest of the picture, coarse to fine.

Patches are found by PatchMatch (Barnes et al. 2009; in `field`), and the picture is made to agree with them by the
alternation of Wexler et al., "Space-Time Completion of Video" (PAMI 2007; in `solver`): each patch that touches
the hole finds its most similar known patch, and each pixel of the hole becomes the weighted mean of what the patches
over it suggest. Coarse scales decide what goes where; finer ones begin with their field of matches, so that the detail
is the picture's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from scumble.vision.resampling import area_resized

from .features import Level, halve, patches_within
from .onion_peel import onion_peel
from .solver import LevelSolver, SearchEffort, Vote

__all__ = ["Completion", "Progress", "SearchEffort", "complete"]

Progress = Callable[[float], None]

FEWEST_SOURCES = 64
"""A scale with fewer known patches than this has lost too much of the picture."""

LARGE_HOLE = 600_000
"""Pixels of hole times rounds, per scale: larger holes get fewer rounds at their fine scales."""

DEFAULT_EFFORT = SearchEffort()

EXACT_START = 1 << 26
"""Up to so many pairs of patches, the first matches at the coarsest scale are exact."""


@dataclass(frozen=True)
class Completion:
    """A filled picture.

    Attributes
    ----------
    original
        (H, W, 3) float32: the input itself.
    hole
        (H, W) bool: what was filled.
    nearest
        (H, W, 2) int32: row and column of the source pixel that a pixel of the hole was mostly taken from; elsewhere
        its own place.
    distance
        (H, W) float32: root mean square colour difference between the patches over a pixel of the hole and their
        matches; 0 outside. Small where the fill is a trustworthy continuation.
    suggestion
        (H, W, 3) float32: the fill in the input, but the pixels next to the hole hold what the matched patches have
        there. So `seam.membrane(suggestion, original, hole)` makes the fill meet its surroundings.
    """

    original: Tensor
    hole: Tensor
    nearest: Tensor
    distance: Tensor
    suggestion: Tensor

    @property
    def image(self) -> Tensor:
        """(H, W, 3) float32: the input with the fill; the input, bit for bit, outside the hole."""
        return torch.where(self.hole[..., None], self.suggestion, self.original)


@torch.no_grad()
def complete(
    image: Tensor,
    hole: Tensor,
    *,
    source: Tensor | None = None,
    guide: Tensor | None = None,
    seed: int = 0,
    patch: int = 7,
    progress: Progress | None = None,
    effort: SearchEffort = DEFAULT_EFFORT,
) -> Completion:
    """Fill the hole of a picture from its other parts.

    Parameters
    ----------
    image
        (H, W, 3) float32, finite, sRGB-encoded, about [0, 1]. What the hole holds is of no meaning.
    hole
        (H, W) bool: what to fill.
    source
        (H, W) bool: what may be copied; all but the hole if it is not given. The hole is never a source.
    guide
        (h, w, 3) float32, of any size: the whole picture, about as the hole should look. Matches are then also chosen
        by their likeness to it.
    seed
        Of the random search. The same seed gives the same picture on the same device.
    patch
        Side of the patches, odd. Where there are not enough whole patches to copy from, smaller ones are used, and at
        last the colours of the nearest source pixels.
    progress
        Called several times a second with the part that is done, in [0, 1]. What it raises ends the completion.
    effort
        How hard to try.

    Raises
    ------
    ValueError
        For arguments that do not fit each other, and where there is no pixel to copy from.
    """
    _check(image, hole, source, guide, patch)
    if not bool(hole.any()):
        return _nothing_to_do(image, hole)
    known = ~hole if source is None else source & ~hole
    if not bool(known.any()):
        raise ValueError("there is no pixel to copy from")
    patch = _usable_patch(known, patch)
    if patch < 3:
        return _nearest_colours(image, hole, known)
    levels = _pyramid(Level(image.permute(2, 0, 1).clone(), hole, known), patch, effort.coarsest)
    meter = _Meter(progress, _rounds(levels, effort))
    generator = torch.Generator(image.device).manual_seed(seed)
    if guide is None:
        onion_peel(levels[-1], patch, generator, meter.tick)
    else:
        levels[-1].image = torch.where(levels[-1].hole, _at_the_scale(guide, levels[-1]), levels[-1].image)
    solver: LevelSolver | None = None
    vote: Vote | None = None
    for index in range(len(levels) - 1, -1, -1):
        rounds = meter.begin(index)
        wanted = _at_the_scale(guide, levels[index]) if guide is not None and rounds else None
        coarser, solver = solver, LevelSolver(levels[index], patch, effort, generator, wanted)
        begins = coarser is None
        meter.tick(0)
        if coarser is not None:
            solver.carry(coarser)
            coarser = None
            if not rounds:
                solver.release()
            vote = solver.vote(meter.tick, first=True, final=index == 0 and rounds == 0)
        for number in range(rounds):
            pairs = len(solver.targets) * len(solver.sources)
            solver.match(meter.tick, exact=begins and number == 0 and pairs <= EXACT_START)
            vote = solver.vote(meter.tick, final=index == 0 and number == rounds - 1)
            meter.round_done()
        solver.release()
        levels = levels[: index + 1]
    assert solver is not None
    assert vote is not None
    return _completion(image, hole, solver, vote)


def _check(image: Tensor, hole: Tensor, source: Tensor | None, guide: Tensor | None, patch: int) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != torch.float32:
        raise ValueError(f"the image must be float32 (H, W, 3), not {image.dtype} {tuple(image.shape)}")
    for name, mask in (("hole", hole), ("source", source)):
        if mask is not None and (mask.shape != image.shape[:2] or mask.dtype != torch.bool):
            raise ValueError(f"{name} must be bool {tuple(image.shape[:2])}, not {mask.dtype} {tuple(mask.shape)}")
    if guide is not None and (guide.ndim != 3 or guide.shape[2] != 3 or guide.dtype != torch.float32):
        raise ValueError(f"the guide must be float32 (H, W, 3), not {guide.dtype} {tuple(guide.shape)}")
    if patch < 1 or patch % 2 == 0:
        raise ValueError("the side of a patch is an odd number")


def _places(height: int, width: int, device: torch.device) -> Tensor:
    """(H, W, 2) int32: each pixel's own row and column."""
    places = torch.empty((height, width, 2), dtype=torch.int32, device=device)
    places[..., 0] = torch.arange(height, dtype=torch.int32, device=device)[:, None]
    places[..., 1] = torch.arange(width, dtype=torch.int32, device=device)
    return places


def _nothing_to_do(image: Tensor, hole: Tensor) -> Completion:
    height, width = image.shape[:2]
    distance = image.new_zeros((height, width))
    return Completion(image, hole, _places(height, width, image.device), distance, image.clone())


def _usable_patch(known: Tensor, patch: int) -> int:
    """The largest side, up to `patch`, of which there is a choice of patches to copy from; 1 if there are none."""
    for fewest in (32, 1):
        for side in range(patch, 2, -2):
            if int(patches_within(known, side).sum()) >= fewest:
                return side
    return 1


def _nearest_colours(image: Tensor, hole: Tensor, known: Tensor) -> Completion:
    """No whole patch is known: each pixel takes the colour of the nearest source pixel."""
    found = ndimage.distance_transform_edt(~known.cpu().numpy(), return_distances=False, return_indices=True)
    done = _nothing_to_do(image, hole)
    nearest = torch.from_numpy(found).to(image.device, torch.int32).permute(1, 2, 0)
    done.nearest[hole] = nearest[hole]
    done.suggestion[hole] = image[nearest[hole][:, 0], nearest[hole][:, 1]]
    done.distance[hole] = 1.0
    return done


def _pyramid(finest: Level, patch: int, coarsest: int) -> list[Level]:
    levels = [finest]
    while max(levels[-1].hole.shape) > coarsest:
        coarser = halve(levels[-1])
        if int(patches_within(coarser.source, patch).sum()) < FEWEST_SOURCES:
            break
        levels.append(coarser)
    return levels


def _at_the_scale(guide: Tensor, level: Level) -> Tensor:
    """(3, H, W): the guide at the size of the level."""
    batch, size = guide.permute(2, 0, 1)[None], level.hole.shape
    if guide.shape[:2] != size:
        if guide.shape[0] > size[0]:
            batch = area_resized(batch, size)
        else:
            batch = functional.interpolate(batch, size=tuple(size), mode="bicubic")
    return batch[0].contiguous()


def _rounds(levels: list[Level], effort: SearchEffort) -> list[tuple[int, int]]:
    """For each scale, the finest first: how many rounds, and the weight of one round's work."""
    plan = []
    for index, level in enumerate(levels):
        pixels = int(level.hole.sum())
        rounds = min(effort.rounds[min(index, len(effort.rounds) - 1)], max(1, LARGE_HOLE // max(1, pixels)))
        coarsest = index == len(levels) - 1
        if level.hole.numel() > effort.largest_search and not coarsest:
            rounds = 0
        plan.append((rounds, pixels + level.hole.numel() // 20))
    return plan


class _Meter:
    """Turns the work of the scales into one growing fraction."""

    def __init__(self, report: Progress | None, plan: list[tuple[int, int]]) -> None:
        self.report = report
        self.plan = plan
        self.total = max(1, sum(max(1, rounds) * work for rounds, work in plan))
        self.done = 0.0
        self.work = 0
        self.ticked = 0

    def begin(self, index: int) -> int:
        """Start a scale; its number of rounds."""
        finished = self.plan[index + 1 :]
        self.done = float(sum(max(1, rounds) * work for rounds, work in finished))
        rounds, self.work = self.plan[index]
        self.ticked = 0
        self.tick(0)
        return rounds

    def round_done(self) -> None:
        self.done += self.work
        self.ticked = 0
        self.tick(0)

    def tick(self, comparisons: int) -> None:
        """A round takes about 16 comparisons per pixel of the hole; it never counts as more than one round."""
        if self.report is not None:
            self.ticked += comparisons
            within = min(1.0, self.ticked / (16 * max(1, self.work))) * self.work
            self.report(min(1.0, (self.done + within) / self.total))


def _completion(image: Tensor, hole: Tensor, solver: LevelSolver, vote: Vote) -> Completion:
    height, width = hole.shape
    suggestion = solver.level.image.permute(1, 2, 0)  # the solver has filled the hole of its own copy
    suggestion[solver.pixels // width, solver.pixels % width] = vote.colours
    nearest, distance = _places(height, width, image.device), image.new_zeros((height, width))
    inside = solver.pixels[solver.in_hole]
    origins = vote.origins[solver.in_hole]
    nearest.view(-1, 2)[inside] = torch.stack([origins // width, origins % width], 1).to(torch.int32)
    distance.view(-1)[inside] = vote.distance[solver.in_hole].clamp(min=0).sqrt()
    return Completion(image, hole, nearest, distance, suggestion)
