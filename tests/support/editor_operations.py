"""Operations for the editors' tests: a fast one that follows strokes and has a latent canvas, one that takes files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Role
from scumble.operations.context import Context
from scumble_client.errors import ScumbleError

CELLS = 10


class FollowParameters(Parameters):
    strength: float = Field(1.0, ge=0, le=1, title="Strength", description="How much of the strokes shows.")
    latent: tuple[float, ...] = Field(
        (),
        title="Latent canvas",
        description="Paint on it to change the face.",
        json_schema_extra={"widget": "grid", "rows": CELLS, "columns": CELLS, "minimum": -1.0, "maximum": 1.0},
    )


class Follow(Operation[FollowParameters]):
    """Gives the inverted picture where there are strokes: so a test sees what was read, and from where."""

    name = "test-follow"
    title = "Follow"
    help = "For tests of live mode."
    roles = (
        Role("image", "A picture", "Choose the layer to work on.", required=True),
        Role("strokes", "Strokes", "Paint on a layer called Strokes.", required=True),
        Role("mask", "A selection", "Only there.", kind="mask"),
        Role("style", "A style", "A picture file."),
    )
    parameters = FollowParameters
    hidden = True
    fast = True

    def run(self, layers: Mapping[str, Layer], parameters: FollowParameters, context: Context) -> Sequence[Output]:
        image, strokes = layers["image"], layers["strokes"]
        if not (strokes.alpha() > 0).any():
            raise ScumbleError(
                "missing_input", "Nothing is painted on the strokes' layer.", "Paint on it what you want in the face."
            )
        pixels = image.crop(strokes.bounds).pixels.copy()
        colours = pixels.shape[2] - 1
        pixels[..., :colours] = 255 - pixels[..., :colours]
        pixels[..., colours] = strokes.pixels[..., -1]
        made = Layer(np.ascontiguousarray(pixels), strokes.offset, image.colour)
        bounds = made.content_bounds()
        return [Output(made.crop(bounds) if bounds else made, context.seed)]


FILES = ("style", "segmentation", "style_segmentation", "source", "marked", "reference")
"""Roles of `ReadsFiles`, the last one with a name that no operation of Scumble's has."""


class ReadsFiles(Operation[Parameters]):
    """Gives the first pixel of each file, one beside the other: so a test sees which were read."""

    name = "test-files"
    title = "Files"
    help = "For tests of what is kept of files."
    roles = (
        Role("image", "A picture", "Choose the layer to work on.", required=True),
        *(Role(name, f"A {name.replace('_', ' ')}", "A picture file.") for name in FILES),
    )
    parameters = Parameters
    hidden = True

    def run(self, layers: Mapping[str, Layer], parameters: Parameters, context: Context) -> Sequence[Output]:
        image = layers["image"]
        pixels = np.zeros((1, len(FILES), 4), np.uint8)
        for place, name in enumerate(FILES):
            if name in layers:
                pixels[0, place, :3] = layers[name].pixels[0, 0, :3]
                pixels[0, place, 3] = 255
        return [Output(Layer(pixels, image.offset), context.seed)]
