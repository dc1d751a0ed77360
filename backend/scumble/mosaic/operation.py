"""Restore what lies under a mosaic, so that the new pixels agree with the mosaic's own colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy import ndimage

from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.imaging.regions import ContextPolicy, hole_bounds, plan_regions
from scumble.operations.base import Operation, Output, Parameters, Preset, Role, hints
from scumble.operations.context import Context
from scumble.operations.key_colour import KEY_COLOUR, TOLERANCE, KeyColour, has_key_colour
from scumble.operations.new_layer import NewLayer
from scumble.operations.weight_file import may_run, weight_file
from scumble_client.errors import ScumbleError

from . import detection
from .grid import Grid

if TYPE_CHECKING:
    import torch

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

EMBEDDED = "scumble-mosaic"

LEAST_CELLS = 2
"""A part with fewer cells than this on a side says nothing of its own about their size."""

TOGETHER = 64
"""Parts of a mosaic that lie closer than this, in pixels, are looked at together."""

SEEN = 0.1
"""A pixel with less alpha says nothing of the mosaic: its colour is rounded too coarsely."""

BEYOND = 0.02
"""So far out of 0 to 1 is rounding of a colour space; what is farther out are colours of light that screens can't show."""

OTHER_GRID = 1.25
"""A part has cells of its own if they explain it so many times better than those of all parts together."""


class RestoreMosaicParameters(Parameters):
    mask_from: Literal["mask", "color"] = Field(
        "mask",
        title="Restore",
        description="Where the mosaic is: the selection, or what is painted in the key colour on the marked picture.",
        json_schema_extra=hints(advanced=True, labels={"mask": "The selection", "color": "The key colour"}),
    )
    key_color: KeyColour = KEY_COLOUR
    tolerance: float = TOLERANCE
    cell: float = Field(
        0,
        ge=0,
        le=256,
        title="Cell size",
        description="Side of the mosaic's cells in pixels; 0 finds it, and 4 to 64 are found.",
        json_schema_extra=hints(step=0.5, unit="pixels"),
    )
    method: Literal["learned", "smooth"] = Field(
        "learned",
        title="Method",
        description="By a network that learned from drawn art and photographs, or the smoothest picture that agrees with the mosaic.",
        json_schema_extra=hints(labels={"learned": "Learned", "smooth": "Smooth"}),
    )
    weights: Literal["embedded", "deepcreampy-mosaic"] = Field(
        "embedded",
        title="Weights",
        description="The network: Scumble's own, or DeepCreamPy's that was downloaded.",
        json_schema_extra=hints(
            advanced=True,
            when={"method": ["learned"]},
            labels={"embedded": "Scumble's own", "deepcreampy-mosaic": "DeepCreamPy (drawn art)"},
        ),
    )
    variations: int = Field(1, ge=1, le=8, title="Variations", description="How many different layers to make.")

    @field_validator("cell")
    @classmethod
    def _size(cls, cell: float) -> float:
        if 0 < cell < 2:
            raise ValueError("a cell has at least 2 pixels; 0 finds the size")
        return cell


@dataclass(frozen=True)
class _Piece:
    """Mosaics of one place: a crop of the picture, and what of it has which cells."""

    crop: Bounds
    rgb: Floats
    alpha: Floats
    parts: tuple[tuple[Grid, Mask], ...]

    @property
    def hole(self) -> Bounds:
        together = np.logical_or.reduce([mask for _, mask in self.parts])
        return Bounds.union(hole_bounds(together)).moved(self.crop.offset)


class RestoreMosaic(Operation[RestoreMosaicParameters]):
    name = "restore-mosaic"
    title = "Restore mosaic"
    help = "Redraws what lies under a mosaic, in agreement with the mosaic's colours."
    roles = (
        Role("image", "A picture with a mosaic", "Choose the layer that the mosaic is on.", required=True),
        Role("mask", "A selection", "Select the mosaic.", kind="mask"),
        Role(
            "marked", "A marked picture", "A copy on which the mosaic is painted over in the key colour.", advanced=True
        ),
    )
    parameters = RestoreMosaicParameters
    presets = (
        Preset("Find the cells", "The size of the cells is found by itself.", {}),
        Preset("Three proposals", "Three layers to choose from.", {"variations": 3}),
        Preset("Calm and exact", "No invention: the smoothest picture that agrees.", {"method": "smooth"}),
    )

    def run(
        self, layers: Mapping[str, Layer], parameters: RestoreMosaicParameters, context: Context
    ) -> Sequence[Output]:
        image = layers["image"]
        context.report(0.0, "Looking for the mosaic")
        covered = _selected(layers, parameters)
        found = [bounds.moved(image.offset) for bounds in hole_bounds(covered > 0)]
        regions = plan_regions(image.bounds, found, ContextPolicy(0.0, TOGETHER // 2))
        pieces = [p for r in regions if (p := _piece(image, covered, r.hole, parameters, context)) is not None]
        if not pieces:
            raise ScumbleError(
                "missing_input", "No mosaic was found there.", "Select the mosaic more closely, or set “Cell size”."
            )
        if len(pieces) < len(regions):
            context.note(
                f"{len(regions) - len(pieces)} of {len(regions)} selected places hold no mosaic; they stay as they are."
            )
        restorer = _Restorer(parameters, context)
        outputs = []
        done, steps = 0, parameters.variations * len(pieces)
        everything = Bounds.union([piece.hole for piece in pieces])
        for variation in range(parameters.variations):
            turn = (context.seed + variation) % 8
            made = NewLayer(image, everything)
            for piece in pieces:
                rgb, alpha = restorer.restored(piece, turn, (done / steps, (done + 1) / steps))
                done += 1
                part = piece.hole.relative_to(piece.crop.offset).slices
                made.put(rgb[part], alpha[part], piece.hole)
            outputs.append(Output(made.layer(), (context.seed + variation) % 2**32))
        context.report(1.0, "Done")
        return outputs


def _selected(layers: Mapping[str, Layer], parameters: RestoreMosaicParameters) -> Floats:
    """(height, width) of the image: how far each pixel is selected, by the selection or the key colour, or by both."""
    image, selection, marked = layers["image"], layers.get("mask"), layers.get("marked")
    if parameters.mask_from == "mask":
        if selection is None:
            raise ScumbleError("missing_input", "Nothing is selected.", "Select the mosaic.")
        covered = selection.coverage(image.bounds)
        if not (covered > 0).any():
            empty = not (selection.coverage() > 0).any()
            raise ScumbleError(
                "missing_input",
                "The selection is empty." if empty else "The selection lies outside the layer.",
                "Select the mosaic." if empty else "Choose the layer that it belongs to.",
            )
        return covered
    if marked is None:
        raise ScumbleError(
            "missing_input",
            "The key colour hides the mosaic, so the picture without it is needed as well.",
            "Give the unpainted picture as image, and the painted one as marked picture (--marked).",
        )
    if marked.extent != image.extent:
        raise ScumbleError(
            "invalid_parameter",
            f"The marked picture is {marked.extent.width} × {marked.extent.height} pixels, "
            f"the image {image.extent.width} × {image.extent.height}.",
            "Mark a copy of the image, without changing its size.",
        )
    covered = has_key_colour(marked, parameters.key_color, parameters.tolerance).astype(np.float32)
    if selection is not None:
        covered = np.minimum(covered, selection.coverage(image.bounds))
    if not (covered > 0).any():
        raise ScumbleError(
            "missing_input",
            f"Nothing has the colour {parameters.key_color}.",
            "Paint over the mosaic with that colour, or raise the tolerance.",
        )
    return covered


def _piece(
    image: Layer, covered: Floats, hole: Bounds, parameters: RestoreMosaicParameters, context: Context
) -> _Piece | None:
    """One place: its cells, and a crop with so much around it as the network sees; None where no mosaic is found."""
    working = image.to_working(hole)
    selected = (covered[hole.relative_to(image.offset).slices] > 0) & (working.alpha >= SEEN)
    grids = _grids(working.rgb, selected, parameters.cell)
    if not grids:
        return None
    largest = max(max(grid.size_x, grid.size_y) for grid, _ in grids)
    margin = int(np.ceil(8 * largest))
    if parameters.weights == "deepcreampy-mosaic":  # its crops: half as much again, 256 pixels at least
        margin = max(margin // 4, hole.extent.longest // 4, (256 - hole.extent.shortest) // 2)
    crop = hole.padded(margin).intersection(image.bounds)
    whole = image.to_working(crop)
    for note in whole.notes:
        context.note(note)
    rgb = unseen.continued(whole.rgb, whole.alpha)
    inset = hole.relative_to(crop.offset)
    parts = []
    for grid, mask in grids:
        wide = np.zeros(crop.extent.shape, np.bool_)
        wide[inset.slices] = mask
        moved = grid.moved(-inset.x, -inset.y)
        wide = detection.mosaic_pixels(rgb, wide, moved)
        if wide.any():
            parts.append((moved, wide))
    if not parts:
        return None
    return _Piece(crop, rgb, whole.alpha * covered[crop.relative_to(image.offset).slices], tuple(parts))


def _grids(rgb: Floats, selected: Mask, cell: float) -> list[tuple[Grid, Mask]]:
    """The cells of every part of a selection; parts that are too small to say have those of all together."""
    together = detection.detect(rgb, selected, cell)
    labels, count = ndimage.label(selected, np.ones((3, 3)))
    if count <= 1:
        return [(together.grid, selected)] if together else []
    rest = np.zeros_like(selected)
    own: list[tuple[Grid, Mask]] = []
    for number, (down, across) in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[down, across] == number
        joint = (
            detection.score_of(rgb[down, across], part, together.grid.moved(across.start, down.start))
            if together
            else 0.0
        )
        alone = None
        if joint < 0.8 and min(part.shape) >= LEAST_CELLS * detection.SMALLEST:
            alone = detection.detect(rgb[down, across], part, cell)
        if alone is not None and alone.score > OTHER_GRID * joint:
            mask = np.zeros_like(selected)
            mask[down, across] = part
            own.append((alone.grid.moved(-across.start, -down.start), mask))
        elif together is not None:
            rest[down, across] |= part
    return own + ([(together.grid, rest)] if together is not None and rest.any() else [])


class _Restorer:
    """The chosen method with its network, for all pieces."""

    def __init__(self, parameters: RestoreMosaicParameters, context: Context) -> None:
        from scumble.inpainting.weights import loading

        from . import weights as reader

        self._parameters, self._context = parameters, context
        self._network: Any = None
        if parameters.method == "smooth":
            return
        embedded = parameters.weights == "embedded"
        name = EMBEDDED if embedded else parameters.weights
        path = weight_file(name, context)
        load: Any = (
            (lambda: reader.load(path).to(context.device))
            if embedded
            else (lambda: loading.load(path, context.device, lambda sha256: may_run(name, sha256)))
        )
        self._network = context.models.get(f"{name}, {context.device}", load)

    def restored(self, piece: _Piece, turn: int, share: tuple[float, float]) -> tuple[Floats, Floats]:
        """(H, W, 3) of the piece's crop, and its alpha."""
        import torch

        progress = self._context.part(*share, "Restoring")
        progress(0.0)
        bounded = bool(piece.rgb.min() >= -BEYOND and piece.rgb.max() <= 1 + BEYOND)
        picture = torch.from_numpy(piece.rgb).to(self._context.device)
        shown = np.zeros(piece.crop.extent.shape, np.bool_)
        with torch.inference_mode():
            for grid, mask in piece.parts:
                hole = torch.from_numpy(mask).to(self._context.device)
                picture = self._fill(picture, hole, grid, turn, bounded, progress)
                shown |= mask
        return picture.cpu().numpy(), np.where(shown, piece.alpha, np.float32(0)).astype(np.float32)

    def _fill(
        self, picture: torch.Tensor, hole: torch.Tensor, grid: Grid, turn: int, bounded: bool, progress: Any
    ) -> torch.Tensor:
        from . import restoration
        from .cells import Axes

        if self._network is None:
            return restoration.smooth_fill(picture, hole, grid, bounded)
        if self._parameters.weights == "embedded":
            tile = max(128, round(768 * self._context.memory_scale))
            return restoration.fill(self._network, picture, hole, grid, turn, bounded, tile, progress)
        flips = [axis for bit, axis in ((1, 1), (2, 0)) if turn & bit]  # DeepCreamPy's own four variations
        made = self._network.fill(picture.flip(flips), hole.flip(flips), keep_mosaic=True).flip(flips)
        axes = Axes.of([grid], *hole.shape, device=picture.device)
        return restoration.agreeing(
            axes, made.permute(2, 0, 1)[None], picture.permute(2, 0, 1)[None], hole[None, None].float(), bounded
        )
