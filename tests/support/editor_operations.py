"""Operations for the editors' tests: a fast one that follows strokes, one with a latent canvas, one that takes all roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Role
from scumble.operations.context import Context

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
        pixels = image.crop(strokes.bounds).pixels.copy()
        colours = pixels.shape[2] - 1
        pixels[..., :colours] = 255 - pixels[..., :colours]
        pixels[..., colours] = strokes.pixels[..., -1]
        made = Layer(np.ascontiguousarray(pixels), strokes.offset, image.colour)
        bounds = made.content_bounds()
        return [Output(made.crop(bounds) if bounds else made, context.seed)]
