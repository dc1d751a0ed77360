"""Fill what is selected with what the rest of the picture suggests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from scumble.algorithms import masks, seam
from scumble.algorithms.regions import ContextPolicy, Region, hole_bounds, plan_regions
from scumble.geometry import Bounds
from scumble.layers import Layer, from_working
from scumble_client.errors import ScumbleError

from .base import Operation, Output, Parameters, Role
from .context import Context

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

OPAQUE = 0.5
"""A pixel with less alpha is nothing to copy from."""


class InpaintParameters(Parameters):
    method: Literal["patchmatch"] = Field(
        "patchmatch", title="Method", description="patchmatch copies texture from the rest of the picture; no weights."
    )
    mask_from: Literal["mask", "alpha", "color"] = Field(
        "mask",
        title="Fill",
        description="What to fill: the selection (mask), the transparent part (alpha), or what has the key colour (color).",
    )
    key_color: str = Field(
        "#00ff00",
        title="Key colour",
        description="The colour that is filled where “Fill” says color; soft edges of it are found, too.",
        json_schema_extra={"widget": "colour"},
    )
    tolerance: float = Field(
        0.12,
        ge=0,
        le=1,
        title="Tolerance",
        description="How far a pixel may be from the key colour.",
        json_schema_extra={"step": 0.01},
    )
    grow: int = Field(
        0, ge=0, le=256, title="Grow", description="Widen what is filled by so many pixels, beyond the selection."
    )
    feather: int = Field(
        0,
        ge=0,
        le=256,
        title="Feather",
        description="Fade the new layer out over so many pixels beyond what is filled.",
    )
    blend: Literal["membrane", "multiband", "none"] = Field(
        "membrane",
        title="Seam",
        description="How the fill meets its surroundings: by gradients (membrane), by bands of frequency, or as it is.",
    )
    context: float = Field(
        1.0,
        ge=0.1,
        le=4,
        title="Context",
        description="How far around a hole to look for something to copy, as a share of the hole's size.",
        json_schema_extra={"step": 0.1},
    )
    patch: int = Field(
        7,
        ge=3,
        le=15,
        title="Patch size",
        description="Side of the patches that are compared; odd.",
        json_schema_extra={"step": 2},
    )
    variations: int = Field(1, ge=1, le=8, title="Variations", description="How many different layers to make.")

    @field_validator("key_color")
    @classmethod
    def _colour(cls, text: str) -> str:
        masks.parse_colour(text)
        return text

    @field_validator("patch")
    @classmethod
    def _odd(cls, patch: int) -> int:
        if patch % 2 == 0:
            raise ValueError("the patch size is an odd number, so that a patch has a middle")
        return patch


@dataclass(frozen=True)
class _Piece:
    """One region ready to be filled; arrays have the size of its crop."""

    region: Region
    rgb: Floats
    hole: Mask
    source: Mask
    alpha: Floats


class Inpaint(Operation[InpaintParameters]):
    name = "inpaint"
    title = "Inpaint"
    help = "Fills the selection with what the rest of the picture suggests."
    roles = (
        Role("image", "A picture", "Choose the layer to work on.", required=True),
        Role("mask", "A selection", "Select what should be filled.", kind="mask"),
        Role("source", "A source mask", "Copy only from where this is white.", kind="mask"),
    )
    parameters = InpaintParameters

    def run(self, layers: Mapping[str, Layer], parameters: InpaintParameters, context: Context) -> Sequence[Output]:
        image = layers["image"]
        context.report(0.0, "Looking at the selection")
        holes = _Holes(image, layers.get("mask"), parameters)
        frame = Bounds.union([image.bounds, *holes.bounds])
        spread = parameters.grow + parameters.feather
        policy = ContextPolicy(factor=parameters.context, minimum=64 + spread)
        regions = plan_regions(frame, [b.padded(spread) for b in holes.bounds], policy)
        outputs = []
        steps = parameters.variations * sum(region.hole.extent.area for region in regions)
        done = 0.0
        for variation in range(parameters.variations):
            seed = (context.seed + variation) % 2**32
            canvas = _Canvas(image, Bounds.union(region.hole for region in regions))
            for region in regions:
                piece = _prepare(region, image, holes, layers.get("source"), parameters, context)
                share = region.hole.extent.area / steps
                rgb = _fill(piece, seed, parameters, context, context.part(done, done + share, "Filling"))
                done += share
                canvas.put(rgb, piece)
            outputs.append(Output(canvas.layer(), seed))
        context.report(1.0, "Done")
        return outputs


class _Holes:
    """What is to be filled, wherever it is said: bounds of its parts, and coverage (0 to 1) of any part of the plane."""

    def __init__(self, image: Layer, mask: Layer | None, parameters: InpaintParameters) -> None:
        self._image, self._parameters = image, parameters
        if parameters.mask_from == "mask":
            if mask is None:
                raise ScumbleError("missing_input", "Nothing is selected.", "Select what should be filled.")
            self._layer = mask
            support: NDArray[Any] = (
                mask.pixels[..., 0] if mask.pixels.shape[2] <= 2 else mask.pixels[..., :3].max(axis=2)
            )
            if mask.has_alpha:
                support = (support > 0) & (mask.pixels[..., -1] > 0)
            empty = ("The selection is empty.", "Select what should be filled.")
        else:
            support = _of_image(image, parameters)
            # 0 and 255, so that it is read back as any selection is
            self._layer = Layer(support.astype(np.uint8)[..., None] * np.uint8(255), image.offset)
            empty = (
                ("The layer has no transparent part.", "Erase what should be filled, or select it.")
                if parameters.mask_from == "alpha"
                else (
                    f"Nothing has the colour {parameters.key_color}.",
                    "Paint over what should be filled with that colour, or raise the tolerance.",
                )
            )
        if np.issubdtype(support.dtype, np.floating):
            support = np.nan_to_num(support) > 0
        found = [b.moved(self._layer.offset) for b in hole_bounds(support)]
        if not found:
            raise ScumbleError("missing_input", *empty)
        # Parts of a selection that lie off the layer have nothing beside them that they could be filled from.
        self.bounds = [b for b in found if b.padded(1).intersection(image.bounds)]
        if not self.bounds:
            raise ScumbleError(
                "missing_input", "The selection lies outside the layer.", "Choose the layer that it belongs to."
            )

    def coverage(self, bounds: Bounds) -> Floats:
        return self._layer.coverage(bounds)


def _of_image(image: Layer, parameters: InpaintParameters) -> Mask:
    if parameters.mask_from == "alpha":
        if not image.has_alpha:
            return np.zeros(image.extent.shape, np.bool_)
        return masks.from_alpha(np.nan_to_num(image.pixels[..., -1]))
    colour = masks.parse_colour(parameters.key_color)
    if image.colour.kind == "linear":  # the key colour is given as it looks: sRGB-encoded
        colours: NDArray[Any] = image.to_working().rgb
    else:
        colours = image.pixels[..., :1].repeat(3, axis=2) if image.is_gray else image.pixels[..., :3]
    if not image.has_alpha:
        return masks.from_colour(colours, colour, parameters.tolerance)
    seen = image.pixels[..., -1] > 0
    if not seen.all():
        # what was erased keeps its colour in some editors: it must neither count as key nor have a soft edge
        full = np.iinfo(colours.dtype).max if colours.dtype.kind == "u" else 1
        colours = colours.copy()
        colours[~seen] = [0 if channel > 0.5 else full for channel in colour]
    return masks.from_colour(colours, colour, parameters.tolerance) & seen


def _prepare(
    region: Region,
    image: Layer,
    holes: _Holes,
    source: Layer | None,
    parameters: InpaintParameters,
    context: Context,
) -> _Piece:
    working = image.to_working(region.crop)
    for note in working.notes:
        context.note(note)
    alpha = holes.coverage(region.crop)
    if parameters.grow or parameters.feather:
        wide = masks.grow(alpha > 0, parameters.grow)
        # A soft selection stays soft inside; what is added around it is full, then fades.
        alpha = np.maximum(alpha, np.where(alpha > 0, 0, seam.feather(wide, parameters.feather))).astype(np.float32)
    hole = alpha > 0
    allowed = ~hole & (working.alpha >= OPAQUE)
    if source is not None:
        allowed &= source.coverage(region.crop) >= 0.5
    if not allowed.any():
        if hole.all():
            raise ScumbleError(
                "missing_input",
                "Everything is selected, so there is nothing left to copy from.",
                "Select a smaller part.",
            )
        raise ScumbleError(
            "missing_input",
            "Around the selection there is nothing to copy from.",
            "Raise “Context”, or allow more as source.",
        )
    # What is transparent beside the hole has no colour to be compared with: it is filled as well, and not shown.
    unseen = (working.alpha < OPAQUE) & masks.grow(hole, 2 * parameters.patch)
    return _Piece(region, working.rgb, hole | unseen, allowed, alpha)


def _fill(piece: _Piece, seed: int, parameters: InpaintParameters, context: Context, progress: Any) -> Floats:
    import torch

    from scumble.algorithms import patchmatch

    effort = patchmatch.DEFAULT_EFFORT
    if context.memory_scale < 1:  # the table of descriptors is what takes the memory
        effort = replace(effort, largest_search=round(effort.largest_search * context.memory_scale**2))

    def tensor(array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(context.device)

    with torch.inference_mode():
        filled = patchmatch.complete(
            tensor(piece.rgb),
            tensor(piece.hole),
            source=tensor(piece.source),
            seed=seed,
            patch=parameters.patch,
            progress=progress,
            effort=effort,
        )
        suggestion: Floats = filled.suggestion.cpu().numpy()
        if parameters.blend == "none":
            rgb: Floats = filled.image.cpu().numpy()
            return rgb
    if parameters.blend == "membrane":
        return seam.membrane(suggestion, piece.rgb, piece.hole)
    return seam.multiband(suggestion, piece.rgb, piece.alpha)


class _Canvas:
    """The layer that is being made, in the depth and colour of the picture."""

    def __init__(self, image: Layer, bounds: Bounds) -> None:
        self._image, self._bounds = image, bounds
        channels = 2 if image.is_gray else 4
        self._pixels = np.zeros((*bounds.extent.shape, channels), image.pixels.dtype)

    def put(self, rgb: Floats, piece: _Piece) -> None:
        hole = piece.region.hole
        part = piece.region.to_crop(hole).slices
        layer = from_working(rgb[part], piece.alpha[part], hole, self._image)
        layer.pixels[layer.pixels[..., -1] == 0] = 0  # what is not shown is not kept
        self._pixels[hole.relative_to(self._bounds.offset).slices] = layer.pixels

    def layer(self) -> Layer:
        made = Layer(self._pixels, self._bounds.offset, self._image.colour)
        return made.crop(made.content_bounds())
