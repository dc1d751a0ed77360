"""One scale of patch completion: find matches, let them vote, again.

The two steps of Wexler et al., "Space-Time Completion of Video" (PAMI 2007), section 3, on the patches that touch the
hole. A step costs what the hole costs, except for the table of descriptors, which is made once per scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from . import field
from .features import Level, describe, patches_touching, patches_within, principal_filters, window_weights
from .field import Tick

EXACT_PAIRS = 1 << 23
"""Up to so many pairs of patches, all pairs are compared: exact, and at that size no slower."""

STRIP = 1 << 18
"""Pixels that are described at once."""

VOTERS = 1 << 13
"""Pixels that are voted on at once."""

DEEPEST = 60
"""Confidence falls no further than this many pixels into the hole: beyond, only differences between patches count."""


@dataclass(frozen=True)
class SearchEffort:
    """How hard the completion tries. The defaults were chosen on photographs.

    Attributes
    ----------
    coarsest
        Longest side of the coarsest scale, in pixels.
    rounds
        Rounds of matching and voting per scale, the finest first; further, coarser scales take the last number.
    dims
        Components that are compared per patch.
    nearness
        Weight of the distance between a patch and its match, in units of the picture's longest side: what is near is
        more likely to be of the same kind and in the same light.
    confidence
        Base of the fall of a patch's weight per pixel of depth in the hole (Wexler et al. section 3.3: 1.3).
    sharpness
        How much the better matches count in the last vote; 1 in all others.
    spread
        Width of the last vote within a patch, in half sides: a narrow one copies, a wide one averages.
    guidance
        Share of the guide, where one is given, in what is matched.
    largest_search
        Scales of more pixels only take over the matches of the next coarser one: their descriptors would need
        gigabytes.
    """

    coarsest: int = 128
    rounds: tuple[int, ...] = (3, 4, 5, 6)
    dims: int = 14
    nearness: float = 0.5
    confidence: float = 1.3
    sharpness: float = 4.0
    spread: float = 0.7
    guidance: float = 0.5
    largest_search: int = 10_000_000


@dataclass(frozen=True)
class Vote:
    """What the matched patches say, for the pixels of the hole and those next to it.

    Attributes
    ----------
    colours
        (N, 3) float32.
    origins
        (N,) int64: the flat index of the source pixel that the patch with the most weight puts there.
    distance
        (N,) float32: weighted mean of the patches' squared colour difference to their matches.
    """

    colours: Tensor
    origins: Tensor
    distance: Tensor


class LevelSolver:
    """Holds one scale: its picture, its descriptors and the field of matches.

    Attributes
    ----------
    targets
        (N,) int64: the patches that touch the hole.
    pixels
        (M,) int64: the pixels of the hole and those next to it (they show how well the fill meets its surroundings).
    """

    def __init__(
        self, level: Level, patch: int, effort: SearchEffort, generator: torch.Generator, guide: Tensor | None
    ) -> None:
        self.level = level
        self.patch = patch
        self.effort = effort
        self.generator = generator
        self.guide = guide
        self.height, self.width = level.hole.shape
        self.size = self.height * self.width
        self.targets = patches_touching(level.hole, patch).flatten().nonzero()[:, 0]
        self.allowed = patches_within(level.source, patch).flatten()
        self.sources = self.allowed.nonzero()[:, 0]
        beside = functional.max_pool2d(level.hole.float()[None, None], 3, 1, 1)[0, 0] > 0
        self.pixels = beside.flatten().nonzero()[:, 0]
        self.in_hole = level.hole.flatten()[self.pixels]
        self.trust = self._trust()
        self.field = field.random_field(self.targets, self.sources, self.size, generator)
        self.filters: Tensor | None = None
        self.table: Tensor | None = None

    def release(self) -> None:
        """Give back the memory of what only the search needs; the matches stay."""
        self.table = None
        self.sources = self.sources[:0].clone()

    def carry(self, coarse: LevelSolver) -> None:
        """Begin with the matches of the next coarser scale, at twice its coordinates."""
        rows, columns = self.targets // self.width, self.targets % self.width
        above = (rows // 2).clamp(max=coarse.height - self.patch)
        left = (columns // 2).clamp(max=coarse.width - self.patch)
        found = coarse.field.nearest[above * coarse.width + left]
        row = found // coarse.width * 2 + rows - 2 * above
        column = found % coarse.width * 2 + columns - 2 * left
        place = (row * self.width + column).clamp_(0, self.size - 1)
        usable = (found >= 0) & (row < self.height) & (column < self.width) & self.allowed[place]
        self.field.nearest[self.targets] = torch.where(usable, place, self.field.matches)

    def match(self, tick: Tick, exact: bool = False) -> None:
        """Look for better matches for what the hole now shows."""
        if self.table is None or self.filters is None:
            self.filters = principal_filters(self.level, self.patch, self.effort.dims, self.sources)
            self.table = self._table(self.level.image, tick)
        wanted = self._wanted(tick)
        if exact or len(self.targets) * len(self.sources) <= EXACT_PAIRS:
            field.search_exactly(self.field, wanted, self.sources, self.table, tick)
        else:
            field.search(self.field, wanted, self.allowed, self.table, self.width, self.generator, tick)

    def vote(self, tick: Tick, *, final: bool = False, first: bool = False) -> Vote | None:
        """Put into the hole what the matches say (Wexler et al. eq. 3); more is told of the final vote.

        The weight of a patch is its confidence times its similarity, whose scale is the 75th percentile of all costs.
        In the first vote costs are not known yet.
        """
        cost = self.field.cost
        weight = self.trust
        if not first:
            scale = cost.kthvalue(max(1, int(0.75 * len(cost)))).values.clamp(min=1e-6)
            sharpness = self.effort.sharpness if final else 1.0
            weight = weight * torch.exp(cost * (-sharpness / 2) / scale).clamp_(min=1e-12)
        # Patches that would start above or left of the picture have no weight: the maps begin that much earlier.
        front = (self.patch - 1) * (self.width + 1)
        weights = weight.new_zeros(front + self.size)
        weights[front + self.targets] = weight
        matches = torch.zeros(front + self.size, dtype=torch.int32, device=weights.device)
        matches[front + self.targets] = self.field.matches.to(torch.int32)
        costs = None
        if final:
            costs = weights.new_zeros(front + self.size)
            costs[front + self.targets] = self._colour_cost()
        channels = self.level.image.shape[0]
        picture = weights.new_ones((self.size, channels + 1))
        picture[:, :channels] = self.level.image.view(channels, -1).T
        span = torch.arange(self.patch, device=weight.device)
        offsets = (span[:, None] * self.width + span).flatten()
        window = window_weights(self.patch, self.effort.spread if final else 1.0).to(weight.device).flatten()
        total = picture.new_empty((len(self.pixels), channels + 1))
        origins, distances = [], []
        for start in range(0, len(self.pixels), VOTERS):
            part = slice(start, start + VOTERS)
            covering = (self.pixels[part, None] - offsets).add_(front)
            share = _at(weights, covering).mul_(window)
            from_pixel = _at(matches, covering).long().add_(offsets).clamp_(max=self.size - 1)
            total[part] = functional.embedding_bag(from_pixel, picture, per_sample_weights=share, mode="sum")
            if costs is not None:
                origins.append(from_pixel.gather(1, share.argmax(1, keepdim=True))[:, 0])
                distances.append((_at(costs, covering) * share).sum(1) / total[part, -1])
            tick(len(share))
        colours = total[:, :-1] / total[:, -1:]
        self.level.image.view(channels, -1)[:, self.pixels[self.in_hole]] = colours[self.in_hole].T
        return Vote(colours, torch.cat(origins), torch.cat(distances)) if final else None

    def _trust(self) -> Tensor:
        """(N,) confidence of the target patches, by the depth of their centres in the hole."""
        depth = ndimage.distance_transform_cdt(self.level.hole.cpu().numpy(), "chessboard")
        centres = self.targets + (self.patch // 2) * (self.width + 1)
        deep = torch.from_numpy(depth).to(self.targets.device).flatten()[centres].clamp_(max=DEEPEST)
        return torch.pow(self.effort.confidence, -deep.float())

    def _described(self, image: Tensor, top: int, bottom: int) -> Tensor:
        """(rows * width, D) descriptors of the patches that start in these rows, with their place as two components."""
        assert self.filters is not None
        seen = describe(image, self.filters, slice(top, bottom))
        scale = self.effort.nearness / max(self.height, self.width)
        rows = torch.arange(top, bottom, device=image.device).mul(scale)[:, None].expand(-1, self.width)
        columns = torch.arange(self.width, device=image.device).mul(scale).expand(bottom - top, -1)
        return torch.cat([seen, rows[..., None], columns[..., None]], 2).flatten(0, 1)

    def _table(self, image: Tensor, tick: Tick) -> Tensor:
        assert self.filters is not None
        table = image.new_empty((self.size, len(self.filters) + 2))
        step = max(1, STRIP // self.width)
        for top in range(0, self.height, step):
            bottom = min(top + step, self.height)
            table[top * self.width : bottom * self.width] = self._described(image, top, bottom)
            tick(0)
        return table

    def _wanted(self, tick: Tick) -> Tensor:
        """(N, D) descriptors of the targets as the hole now is."""
        assert self.filters is not None
        image = self.level.image
        if self.guide is not None:
            image = torch.where(self.level.hole, torch.lerp(image, self.guide, self.effort.guidance), image)
        wanted = image.new_empty((len(self.targets), len(self.filters) + 2))
        step = max(1, STRIP // self.width)
        for top in range(int(self.targets[0]) // self.width, int(self.targets[-1]) // self.width + 1, step):
            bottom = min(top + step, self.height)
            edges = torch.tensor([top * self.width, bottom * self.width], device=image.device)
            start, stop = torch.searchsorted(self.targets, edges).tolist()
            if start < stop:
                strip = self._described(image, top, bottom)
                wanted[start:stop] = strip[self.targets[start:stop] - top * self.width]
            tick(0)
        return wanted

    def _colour_cost(self) -> Tensor:
        """(N,) the matches' costs without the part that is for the distance between the places."""
        rows = (self.targets // self.width - self.field.matches // self.width).float()
        columns = (self.targets % self.width - self.field.matches % self.width).float()
        scale = self.effort.nearness / max(self.height, self.width)
        return (self.field.cost - (rows.square() + columns.square()) * scale**2).clamp_(min=0)


def _at(values: Tensor, places: Tensor) -> Tensor:
    """`values.take(places)`, several times as fast, and on every device."""
    return values.index_select(0, places.flatten()).view_as(places)
