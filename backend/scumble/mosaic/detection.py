"""Finding a mosaic's cells: their size and phase inside a region, and which pixels of the region really are mosaic.

Inside a mosaic, colours change at the edges of cells and nowhere else. So the mean difference between neighbouring
columns has peaks at equal distances; the size and phase that explain most of it, with no more edges than needed, are those of the
cells. Sizes need not be whole numbers (a mosaic that was resized), and JPEG only adds a floor of noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .grid import Grid, cell_numbers

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SMALLEST, LARGEST = 3.5, 68.0
"""Sides of cells that are looked for, in pixels."""

WINDOW = 384
"""Pixels of a profile that the first search looks at; the rest refines it."""

CERTAIN = 0.45
"""Least score of a mosaic; smooth or textured pictures without one stay below, unless they are very small."""


FLAT, LEAST_STEP = 0.35, 3 / 255
"""In a cell of a mosaic colours change by at most so much of what they change by at its edge, which is more than the second."""


@dataclass(frozen=True)
class DetectedMosaic:
    """A mosaic's cells.

    Attributes
    ----------
    score
        From 0 to 1: how well edges of cells explain the changes of colour, the mean of both axes.
    """

    grid: Grid
    score: float


def detect(picture: Floats, mask: Mask, size: float = 0.0) -> DetectedMosaic | None:
    """The cells of the mosaic in the mask, or None where there is no mosaic (or one of a single cell).

    Parameters
    ----------
    picture
        (H, W, 3) in 0 to 1.
    mask
        (H, W), where the mosaic is; some pixels around it do no harm.
    size
        Of the cells, where it is known: then only their phase is looked for, and something is always found in a mask that
        is not empty. 0 finds it.
    """
    if size:
        return _of_size(picture, mask, size)
    profiles = [_profile(picture, mask, axis) for axis in (1, 0)]
    across, down = ([(p, *_best(p))] if p is not None else [] for p in profiles)
    if not across and not down:
        return None
    if not across or not down:  # stripes, or a region of one row of cells: the other side is taken to be the same
        (profile, score, size, origin) = (across or down)[0]
        if score < CERTAIN:
            return None
        return DetectedMosaic(_grid(size, origin + profile.start, bool(across), mask), score)
    (px, sx, wx, ox), (py, sy, wy, oy) = across[0], down[0]
    size, joint_x, joint_y = _joint(px, py)
    both = 0.5 * (joint_x[0] + joint_y[0])
    if both >= 0.88 * 0.5 * (sx + sy):
        grid, score = Grid(size, size, joint_x[1] + px.start, joint_y[1] + py.start), both
    else:
        grid, score = Grid(wx, wy, ox + px.start, oy + py.start), 0.5 * (sx + sy)
    return DetectedMosaic(grid, score) if score >= CERTAIN else None


def score_of(picture: Floats, mask: Mask, grid: Grid) -> float:
    """How well these cells explain the mosaic in the mask, as `Found.score`; 0 where nothing changes."""
    scores = []
    for axis, size, origin in ((1, grid.size_x, grid.origin_x), (0, grid.size_y, grid.origin_y)):
        profile = _profile(picture, mask, axis)
        if profile is not None:
            scores.append(float(_scores(profile, size, np.array([origin - profile.start]))[0]))
    return float(np.mean(scores)) if scores else 0.0


def mosaic_pixels(picture: Floats, mask: Mask, grid: Grid) -> Mask:
    """The part of the mask that is mosaic: of a selection that reaches beyond it, only what lies in cells of one colour.

    What is no mosaic is left out where it is connected to the mask's outside; inside, all is mosaic. Where no cell looks like one
    (they are too few, or too alike), the whole mask is taken.
    """
    height, width = mask.shape
    rows = cell_numbers(grid.size_y, grid.origin_y, height)
    columns = cell_numbers(grid.size_x, grid.origin_x, width)
    shape = int(rows[-1]) + 1, int(columns[-1]) + 1
    number = rows[:, None] * shape[1] + columns[None, :]
    if not mask.any():
        return mask
    cells = _mosaic_cells(picture, mask, number, shape)
    if not cells.any():
        return mask
    inside = mask & cells.ravel()[number]
    used, place = np.unique(number[mask], return_inverse=True)
    colours = picture[mask]
    middle = np.stack([ndimage.median(colours[:, c], place, np.arange(len(used))) for c in range(3)], axis=1)
    distance = np.abs(colours - middle[place]).max(axis=1)
    noise = float(np.median(distance[inside[mask]])) if inside.any() else 0.0
    same = distance <= 10 / 255 + 4 * noise
    share = np.bincount(place, same) / np.bincount(place)
    fits = np.zeros_like(mask)
    fits[mask] = same & (share[place] >= 0.5)
    fits &= inside
    beyond = np.pad(~mask, 1, constant_values=True)
    eight = np.ones((3, 3), np.bool_)
    out = ndimage.binary_propagation(beyond, eight, mask=beyond | np.pad(mask & ~fits, 1))[1:-1, 1:-1]
    return np.asarray(mask & ~out)


def _mosaic_cells(picture: Floats, mask: Mask, number: NDArray[np.int64], shape: tuple[int, int]) -> Mask:
    """`shape`: the cells at whose edges colours change much more than inside; and such as differ from no neighbour, between those."""
    count = shape[0] * shape[1]
    within, across = (np.zeros((2, count)) for _ in range(2))  # sums, and how many
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        change = np.abs(picture[one] - picture[other]).max(axis=2)
        both = mask[one] & mask[other]
        same = number[one] == number[other]
        for wanted, sums, at in ((same, within, (one,)), (~same, across, (one, other))):
            for side in at:
                chosen = number[side][both & wanted]
                sums[0] += np.bincount(chosen, change[both & wanted], count)
                sums[1] += np.bincount(chosen, minlength=count)
    inside, edge = (sums[0] / np.maximum(sums[1], 1) for sums in (within, across))
    there = (within[1] > 0) & (across[1] > 0)
    if not there.any():
        return np.zeros(shape, np.bool_)
    noise = float(np.quantile(inside[there], 0.1))
    sharp = there & (edge > LEAST_STEP) & (inside - noise <= FLAT * edge)
    sure = sharp.reshape(shape)
    eight = np.ones((3, 3))
    beside = ndimage.convolve(sure.astype(np.float64), eight, mode="constant") - sure
    sure &= (beside >= 2) | (sure.sum() <= 4)
    alike = (there & (edge <= LEAST_STEP)).reshape(shape)
    between = ndimage.binary_closing(np.pad(sure, 1), eight)[1:-1, 1:-1]
    return np.asarray(sure | (alike & between))


@dataclass(frozen=True)
class _Profile:
    """Mean change of colour between each column (or row) and the one before it; `start` is where it begins."""

    values: NDArray[np.float64]
    start: int

    @cached_property
    def is_exact(self) -> bool:
        """Whether cells are flat to the bit, as before any JPEG: most places then show no change at all."""
        return float(np.median(self.values)) == 0


def _profile(picture: Floats, mask: Mask, axis: int) -> _Profile | None:
    change = np.abs(np.diff(picture, axis=axis)).sum(axis=2)
    both = mask[:, 1:] & mask[:, :-1] if axis == 1 else mask[1:] & mask[:-1]
    count = both.sum(axis=1 - axis)
    total = np.minimum(change, 0.6).astype(np.float64)
    total = (total * both).sum(axis=1 - axis)
    there = np.flatnonzero(count)
    if there.size < SMALLEST:
        return None
    part = slice(int(there[0]), int(there[-1]) + 1)
    mean = total[part] / np.maximum(count[part], 1)
    # a column of few pixels says little: beside long ones its mean would be mostly noise
    weight = np.minimum(1, count[part] / max(1.0, 0.15 * float(count.max())))
    values = np.sqrt(mean) * weight  # a few strong outlines must not hide the weaker edges of all other cells
    if values.max() <= 1e-3:
        return None
    return _Profile(values, part.start + 1)  # value k lies between pixel start + k - 1 and start + k


def _scores(profile: _Profile, size: float, origins: NDArray[np.float64]) -> NDArray[np.float64]:
    """(phases,) how well edges of cells of this size explain the profile, 0 to 1.

    The correlation of both: half the size has edges where nothing changes, twice the size leaves half of the changes
    unexplained, so both correlate less, and so does noise, however strong it is. In a mosaic without noise it counts, too,
    how much of the changes lies at edges: where there are few of them, large cells at the strongest correlate too well.
    """
    values = profile.values
    length = len(values)
    first = np.floor(-origins / size)
    steps = np.arange(int(np.ceil(length / size)) + 2)
    at = np.floor(origins[:, None] + size * (first[:, None] + steps[None]) + 0.5).astype(np.int64)
    valid = (at >= 0) & (at < length)
    at = np.clip(at, 0, length - 1)
    hit = np.where(valid, values[at], 0).sum(axis=1)
    edges = valid.sum(axis=1)
    share = edges / length
    spread = values.std() * np.sqrt(share * (1 - share))
    found = (hit / length - values.mean() * share) / np.maximum(spread, 1e-9)
    if profile.is_exact:
        found = found * hit / values.sum()
    return np.where((edges > 0) & (edges < length), np.maximum(found, 0), 0)


def _sizes(length: int) -> NDArray[np.float64]:
    """Sizes so close that over the whole length edges move by half a pixel at most; whole numbers among them."""
    found, size = [], SMALLEST
    largest = min(LARGEST, length + 1.0)
    while size <= largest:
        found.append(size)
        size += max(0.004, 0.5 * size / max(length, 1))
    whole = np.arange(np.ceil(SMALLEST), np.floor(largest) + 1)
    return np.unique(np.concatenate([found, whole]))


def _table(profile: _Profile, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(sizes, 2): best score and its origin."""
    found = np.zeros((len(sizes), 2))
    for number, size in enumerate(sizes):
        origins = np.arange(0, size, 0.5 if size % 1 else 1.0)
        scores = _scores(profile, float(size), origins)
        best = int(scores.argmax())
        ties = np.flatnonzero(scores >= scores[best] - 1e-9)
        # of phases that round to the same edges, the middle one
        run = ties[ties - np.arange(len(ties)) == ties[0]]
        found[number] = scores[best], origins[run[len(run) // 2]]
    return found


def _window(profile: _Profile) -> _Profile:
    """The part of a long profile with most in it."""
    length = len(profile.values)
    if length <= WINDOW:
        return profile
    sums = np.convolve(profile.values, np.ones(WINDOW), "valid")
    first = int(sums.argmax())
    return _Profile(profile.values[first : first + WINDOW], profile.start + first)


def _choose(sizes: NDArray[np.float64], scores: NDArray[np.float64]) -> int:
    """The best score; of those within 2 % of it the smallest of a run of sizes, a whole number if there is one."""
    best = scores.max()
    near = np.flatnonzero(scores >= 0.98 * best)
    top = int(scores.argmax())
    close = near[np.abs(sizes[near] / sizes[top] - 1) < 0.03]
    whole = close[sizes[close] % 1 == 0]
    if whole.size:
        return int(whole[np.argmax(scores[whole])])
    first = int(near[0])
    return first if sizes[first] < 0.7 * sizes[top] else top


def _best(profile: _Profile) -> tuple[float, float, float]:
    """Score, size, and origin relative to the profile's start."""
    part = _window(profile)
    sizes = _sizes(len(part.values))
    table = _table(part, sizes)
    chosen = _choose(sizes, table[:, 0])
    origin = float(table[chosen, 1]) + part.start - profile.start
    size, scores, origins = _closer([profile], float(sizes[chosen]), [origin])
    return scores[0], size, origins[0]


def _closer(profiles: list[_Profile], size: float, origins: list[float]) -> tuple[float, list[float], list[float]]:
    """As `_refined`; whole sizes that explain all of short profiles stay as they are."""
    if size % 1 == 0:
        scores = [float(_scores(p, size, np.array([o % size]))[0]) for p, o in zip(profiles, origins, strict=True)]
        if max(len(profile.values) for profile in profiles) <= WINDOW or min(scores) > 0.8:
            return size, scores, [o % size for o in origins]
    return _refined(profiles, size, origins)


def _refined(profiles: list[_Profile], size: float, origins: list[float]) -> tuple[float, list[float], list[float]]:
    """Size, scores and origins over whole profiles, searched closely around what was found for a part or in coarse steps."""
    length = max(len(profile.values) for profile in profiles)
    spread = min(0.02, 1.5 / length + (0.01 if length > WINDOW else 0.0))
    best = [float(_scores(p, size, np.array([o % size]))[0]) for p, o in zip(profiles, origins, strict=True)]
    found = (size, best, [o % size for o in origins])
    for near in size * np.linspace(1 - spread, 1 + spread, 81):
        steps = np.arange(0, near, 0.1)
        tables = [_scores(profile, float(near), steps) for profile in profiles]
        if sum(table.max() for table in tables) > sum(found[1]) + 1e-6:
            places = [np.flatnonzero(table >= table.max() - 1e-9) for table in tables]
            middles = [float(steps[place[len(place) // 2]]) for place in places]
            found = (float(near), [float(table.max()) for table in tables], middles)
    return found


def _joint(px: _Profile, py: _Profile) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """One size for both axes: size, then score and origin (relative to the profile's start) of each."""
    wx, wy = _window(px), _window(py)
    sizes = _sizes(max(len(wx.values), len(wy.values)))
    tx, ty = _table(wx, sizes), _table(wy, sizes)
    chosen = _choose(sizes, tx[:, 0] + ty[:, 0])
    origins = [
        float(table[chosen, 1]) + part.start - profile.start for profile, part, table in ((px, wx, tx), (py, wy, ty))
    ]
    size, scores, origins = _closer([px, py], float(sizes[chosen]), origins)
    return size, (scores[0], origins[0]), (scores[1], origins[1])


def _grid(size: float, origin: float, across: bool, mask: Mask) -> Grid:
    """From one axis alone: on the other, cells begin where the mask does."""
    first = int(np.flatnonzero(mask.any(axis=1 if across else 0))[0])
    return Grid(size, size, origin, first) if across else Grid(size, size, first, origin)


def _of_size(picture: Floats, mask: Mask, size: float) -> DetectedMosaic | None:
    if not mask.any():
        return None
    origins, scores = [], []
    for axis in (1, 0):
        profile = _profile(picture, mask, axis)
        if profile is None:  # nothing changes: the mask's own border is as good a guess as any
            origins.append(float(np.flatnonzero(mask.any(axis=1 - axis))[0]))
            continue
        score, origin = _table(profile, np.array([size]))[0]
        origins.append(float(origin) + profile.start)
        scores.append(float(score))
    return DetectedMosaic(Grid(size, size, origins[0], origins[1]), float(np.mean(scores)) if scores else 0.0)
