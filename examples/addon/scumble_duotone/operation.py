"""Duotone: the dark parts of a picture in one colour, the light parts in another, everything between in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from scumble.imaging.layer import Layer
from scumble.imaging.masks import parse_colour
from scumble.operations import Context, NewLayer, Operation, Output, Parameters, Preset, Role, hints

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Shares of red, green and blue in lightness (Rec. 709)."""


class DuotoneParameters(Parameters):
    dark: str = Field(
        "#1b2a49",
        title="Dark",
        description="The colour of what is black.",
        json_schema_extra=hints(widget="colour"),
        pattern="^#[0-9a-fA-F]{6}$",
    )
    light: str = Field(
        "#f4ddb0",
        title="Light",
        description="The colour of what is white.",
        json_schema_extra=hints(widget="colour"),
        pattern="^#[0-9a-fA-F]{6}$",
    )
    amount: float = Field(
        1, ge=0, le=1, title="Amount", description="0 changes nothing.", json_schema_extra=hints(step=0.05)
    )


class Duotone(Operation[DuotoneParameters]):
    name = "duotone"
    title = "Duotone"
    help = "Shows the picture, or what is selected of it, in two colours."
    roles = (
        Role("image", "A picture", "Choose the layer to work on.", required=True),
        Role("mask", "A selection", "Select where the colours change; without one, everywhere.", kind="mask"),
    )
    parameters = DuotoneParameters
    fast = True  # it can follow a hand that moves a slider
    presets = (
        Preset("Ink and paper", "Dark blue on cream.", {}),
        Preset("Rust", "Brown on pale yellow.", {"dark": "#3b1408", "light": "#f2cf87"}),
    )

    def run(self, layers: Mapping[str, Layer], parameters: DuotoneParameters, context: Context) -> Sequence[Output]:
        image = layers["image"]
        context.report(0.0, "Colouring")  # the job may be cancelled here
        work = image.to_working()  # floats (H, W, 3), whatever the depth and colour space
        selected = layers["mask"].coverage(image.bounds) if "mask" in layers else np.float32(1)
        dark, light = (np.array(parse_colour(colour), np.float32) for colour in (parameters.dark, parameters.light))
        lightness = np.clip(work.rgb @ LUMA, 0, 1)[..., None]
        toned = dark + lightness * (light - dark)
        new = NewLayer(image, image.bounds)
        new.put(work.rgb + np.float32(parameters.amount) * (toned - work.rgb), work.alpha * selected, image.bounds)
        return [Output(new.layer(), context.seed)]
