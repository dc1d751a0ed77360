"""A style picture cut into overlapping blocks, each described by what it would look like in a painting.

What a block is compared by (after Efros and Freeman, "Image Quilting for Texture Synthesis and Transfer", 2001): the
colours of its cells, which should be those of the place to be painted; its left and upper rim, which should continue
what is painted already; features of a network, whose statistics are those of adaptive instance normalization
(Huang and Belongie 2017): the calmest places of the content go to the calmest blocks of the style; and, where it is asked for, which way
it runs (`flow`).

Pictures are (1, 3, H, W) tensors in 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .flow import described, flow_planes

COLOUR_PARTS, RIM_PARTS, FEATURE_PARTS = 12, 20, 8
"""Principal components that are compared."""

CHROMA = 0.7
"""Weight of a difference of chroma, beside one of luma."""

SAMPLE = 4000

_YCC = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))


def to_ycc(rgb: Tensor, chroma: float = CHROMA) -> Tensor:
    """Luma and two differences of colour, these times `chroma`."""
    matrix = rgb.new_tensor(_YCC)
    matrix[1:] *= chroma
    return torch.einsum("ij,bjhw->bihw", matrix, rgb)


def from_ycc(ycc: Tensor) -> Tensor:
    """The inverse of `to_ycc(rgb, 1)`."""
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(ycc.new_tensor(_YCC)), ycc)


@dataclass(frozen=True)
class Cut:
    """How blocks are cut. Lengths are in pixels.

    Attributes
    ----------
    side
        Of a block.
    overlap
        With each neighbour.
    cells
        Along a side, whose mean colours are compared.
    rim, features, flow
        Weights of the rim, of the features and of the direction, beside that of the colours.
    usage
        What one use of a place of the style adds to the cost of the blocks there, in parts of the blocks' variance: so that
        none is seen too often.
    """

    side: int
    overlap: int
    cells: int = 4
    rim: float = 1.0
    features: float = 0.7
    usage: float = 0.005
    flow: float = 0.0

    @property
    def step(self) -> int:
        return self.side - self.overlap


@dataclass(frozen=True)
class Style:
    """One style picture, its features (1, C, h, w) at a quarter of its size, and where it shows something (H, W)."""

    picture: Tensor
    features: Tensor
    seen: Tensor


def turned(picture: Tensor, variant: int) -> Tensor:
    """Variant 0 to 3 of a (1, C, H, W) picture: bit 0 mirrors it, then bit 1 exchanges rows and columns."""
    mirrored = picture.flip(3) if variant & 1 else picture
    return mirrored.transpose(2, 3) if variant & 2 else mirrored


def box_means(planes: Tensor, side: int) -> Tensor:
    """(1, C, H − side + 1, W − side + 1): means over squares, by running sums.

    They are computed on the CPU: MPS has no 64-bit floats, and on CUDA running sums are not the same twice.
    """
    if side == 1:
        return planes
    sums = functional.pad(planes.cpu(), (1, 0, 1, 0)).double().cumsum(3).cumsum_(2)
    wide = sums[:, :, side:] - sums[:, :, :-side]
    return ((wide[..., side:] - wide[..., :-side]) / side**2).to(planes.dtype).to(planes.device)


class Projection:
    """Principal components of (N, D) descriptors, times a weight."""

    def __init__(self, points: Tensor, parts: int, generator: torch.Generator, weight: float = 1.0) -> None:
        chosen = points[torch.randperm(len(points), generator=generator)[:SAMPLE].to(points.device)]
        self.mean = chosen.mean(0)
        centred = (chosen - self.mean).cpu().double()
        _, vectors = torch.linalg.eigh(centred.T @ centred)
        self.axes = vectors[:, -parts:].to(points) * weight

    def __call__(self, points: Tensor) -> Tensor:
        projected: Tensor = (points - self.mean) @ self.axes
        return projected


class Blocks:
    """All blocks of some style pictures.

    Attributes
    ----------
    keys, norms
        (N, D), and half their squared lengths (N,): what is nearest to a query q has the least norm − q · key.
    style, place
        (N,) which picture a block comes from, and the number of the part of it (half a block wide) that its middle is in,
        the same for all its turned variants.
    atlas
        (3, A): all variants of all pictures, flattened one after the other; an *origin* is an index into it.
    """

    def __init__(self, styles: Sequence[Style], cut: Cut, most: int, variants: int, generator: torch.Generator) -> None:
        self.cut = cut
        pixels = sum(s.picture.shape[2] * s.picture.shape[3] for s in styles) * variants
        # steps that divide the distance of neighbours: then what lies beside a block in its painting can lie beside it here
        strides = [d for d in range(1, cut.step + 1) if cut.step % d == 0]
        self.stride = next((d for d in strides if pixels / d**2 <= most), cut.step)
        colours, rims, features, tops, widths, numbers, pieces, places = [], [], [], [], [], [], [], []
        flows = []
        start = first_place = 0
        for number, style in enumerate(styles):
            for variant in range(variants):
                picture, seen = turned(style.picture, variant), turned(style.seen[None, None], variant)
                height, width = picture.shape[2:]
                rows = torch.arange(0, height - cut.side + 1, self.stride, device=picture.device)
                columns = torch.arange(0, width - cut.side + 1, self.stride, device=picture.device)
                whole = box_means(seen, cut.side)[0, 0][rows][:, columns].flatten() > 1 - 0.5 / cut.side**2
                colour, rim = self._described(to_ycc(picture), rows, columns)
                colours.append(colour[whole])
                rims.append(rim[whole])
                features.append(self._pooled(turned(style.features, variant), rows, columns)[whole])
                if cut.flow:
                    flows.append(self._running(flow_planes(picture), rows, columns)[whole])
                tops.append((start + rows[:, None] * width + columns).flatten()[whole])
                widths.append(torch.full_like(tops[-1], width))
                numbers.append(torch.full_like(tops[-1], number))
                part, count = _parts(rows + cut.side // 2, columns + cut.side // 2, variant, height, width, cut.side)
                places.append(first_place + part[whole])
                pieces.append(picture.reshape(3, -1))
                start += height * width
            first_place += count
        self.atlas, self.style, self.place = torch.cat(pieces, 1), torch.cat(numbers), torch.cat(places)
        self._tops, self._widths = torch.cat(tops), torch.cat(widths)
        if not len(self.style):
            raise ValueError("no block of the style is seen whole")
        self._of_colour = Projection(torch.cat(colours), COLOUR_PARTS, generator)
        self._of_rim = Projection(torch.cat(rims), RIM_PARTS, generator, cut.rim)
        colour, rim = self._of_colour(torch.cat(colours)), self._of_rim(torch.cat(rims))
        self.variance = float(colour.var(0).sum() + rim.var(0).sum()) if len(colour) > 1 else 1.0
        normal = _normalised(torch.cat(features))
        self._of_feature = Projection(normal, FEATURE_PARTS, generator)
        spread = self._of_feature(normal).var(0).sum().clamp(min=1e-6) if len(normal) > 1 else normal.new_ones(())
        self._of_feature.axes *= cut.features * (self.variance / spread) ** 0.5
        self._rim_pixels = self._linear_rim()
        parts = [colour, self._of_feature(normal)]
        if cut.flow:
            flow = torch.cat(flows)
            self._flow_weight = cut.flow * (self.variance / float(flow.var(0).sum().clamp(min=1e-6))) ** 0.5
            self._calm = flow[:, 2].mean(), flow[:, 2].std(correction=0)
            parts.append(flow * self._flow_weight)
        self.keys = torch.cat([*parts, rim], 1).contiguous()
        self.norms = self.keys.square().sum(1) / 2

    def wanted(
        self, target: Tensor, features: Tensor, rows: Tensor, columns: Tensor, flow: Tensor | None = None
    ) -> Tensor:
        """(R, C, D'): the part of the queries that doesn't depend on what is painted already.

        `rows` and `columns` are where blocks begin in `target`; `flow` are its planes, where it is asked for.
        """
        colour, _ = self._described(to_ycc(target), rows, columns)
        found = self._of_feature(_normalised(self._pooled(features, rows, columns)))
        parts = [self._of_colour(colour), found]
        if self.cut.flow:
            assert flow is not None
            running = self._running(flow, rows, columns)
            mean, spread = self._calm
            lively = running[:, 2:]
            # the calmest places of the content go to the calmest blocks of the style
            lively = (lively - lively.mean()) / (lively.std(correction=0) + 1e-4) * spread + mean
            parts.append(torch.cat([running[:, :2], lively], 1) * self._flow_weight)
        return torch.cat(parts, 1).view(len(rows), len(columns), -1)

    def continuing(self, painted: Tensor) -> Tensor:
        """(n, D''): the rest of the queries, from the (n, 3, side, side) places as they are painted so far."""
        found: Tensor = painted.flatten(1) @ self._rim_pixels - self._of_rim.mean @ self._of_rim.axes
        return found

    def origins(self, chosen: Tensor) -> Tensor:
        """(n, side, side) of blocks."""
        span = torch.arange(self.cut.side, device=chosen.device)
        return self._tops[chosen][:, None, None] + span[:, None] * self._widths[chosen][:, None, None] + span

    def _linear_rim(self) -> Tensor:
        """(3 · side², D''): `_described` and the projection of a rim in one, as they are linear in the block's pixels."""
        places, side, cell = self._rim_places(), self.cut.side, self._rim_cell
        cells = self._of_rim.axes.new_zeros(len(places), side, side)
        for number, (row, column) in enumerate(places):
            cells[number, row : row + cell, column : column + cell] = 1 / cell**2 / len(places) ** 0.5
        axes = self._of_rim.axes.view(len(places), 3, -1)
        colours = to_ycc(torch.eye(3, device=cells.device)[..., None, None])[..., 0, 0]  # (from r, g, b; to y, c, c)
        return torch.einsum("phw,rc,pcd->rhwd", cells, colours, axes).reshape(3 * side * side, -1)

    @property
    def _rim_cell(self) -> int:
        return max(1, self.cut.overlap // 2)

    def _rim_places(self) -> list[tuple[int, int]]:
        starts = range(0, self.cut.side - self._rim_cell + 1, self._rim_cell)
        return [(i, j) for i in starts for j in starts if i < self.cut.overlap or j < self.cut.overlap]

    def _described(self, ycc: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """(N, ·) colours of the cells, and of the rim, of all blocks that begin in these rows and columns."""
        side = self.cut.side // self.cut.cells
        cells = [(i * side, j * side) for i in range(self.cut.cells) for j in range(self.cut.cells)]
        return tuple(
            torch.stack([seen[:, rows + i][:, :, columns + j] for i, j in places])
            .permute(2, 3, 0, 1)
            .reshape(len(rows) * len(columns), -1)
            / len(places) ** 0.5
            for seen, places in (
                (box_means(ycc, side)[0], cells),
                (box_means(ycc, self._rim_cell)[0], self._rim_places()),
            )
        )

    def _running(self, planes: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """(N, 3) which way each block runs, and how lively it is."""
        pooled = box_means(planes, self.cut.side)[0][:, rows][:, :, columns]
        return described(pooled.permute(1, 2, 0).reshape(len(rows) * len(columns), 3))

    def _pooled(self, features: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """(N, C) means of the features over each block."""
        side = min(max(1, self.cut.side // 4), *features.shape[2:])
        seen = box_means(features, side)[0]
        down = (rows // 4).clamp(max=seen.shape[1] - 1)
        across = (columns // 4).clamp(max=seen.shape[2] - 1)
        return seen[:, down][:, :, across].permute(1, 2, 0).reshape(len(rows) * len(columns), -1)


def _parts(rows: Tensor, columns: Tensor, variant: int, height: int, width: int, side: int) -> tuple[Tensor, int]:
    """(N,) the number of the part of the unturned picture that each place of a variant is in, and how many there are."""
    down, across = rows[:, None].expand(-1, len(columns)).flatten(), columns.expand(len(rows), -1).flatten()
    if variant & 2:
        down, across, height, width = across, down, width, height
    if variant & 1:
        across = width - 1 - across
    part = max(1, side // 2)
    per_row = -(-width // part)
    return down // part * per_row + across // part, per_row * -(-height // part)


def _normalised(features: Tensor) -> Tensor:
    """Zero mean and unit deviation of each channel: what AdaIN does on both sides, up to a common affine map."""
    return (features - features.mean(0)) / (features.std(0, correction=0) + 1e-4)
