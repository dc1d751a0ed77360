"""Painted style: a picture is painted again in the manner of one or more paintings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Preset, Role
from scumble.operations.context import Context
from scumble.style.inputs import IMAGE, MASK, STYLE, Canvas, target

from .fast import run_fast
from .inputs import gather
from .network_method import run_network
from .neural import run_gatys
from .parameters import PaintStyleParameters


class PaintStyle(Operation[PaintStyleParameters]):
    name = "paint-style"
    title = "Paint style"
    help = "Paints a picture again in the manner of a painting."
    roles = (
        IMAGE,
        STYLE,
        Role("second_style", "A second style", "Another layer or file, to be mixed in.", placed=False, advanced=True),
        Role("third_style", "A third style", "Another layer or file, to be mixed in.", placed=False, advanced=True),
        Role(
            "initial",
            "A picture to begin with",
            "The slow method starts from it, in place of the picture itself.",
            advanced=True,
        ),
        Role(
            "direction",
            "A direction",
            "Strokes, or a picture of lines: the painting's strokes run the same way there.",
            advanced=True,
        ),
        MASK,
    )
    parameters = PaintStyleParameters
    slow: ClassVar[Mapping[str, tuple[Any, ...]]] = {"method": ("gatys",)}
    presets = (
        Preset("Oil painting", "Thick strokes in the painting's colours.", {"painting": "impasto"}),
        Preset("My own colours", "The painting's strokes, the picture's colours.", {"original_colors": True}),
        Preset("Fine strokes", "Half as large, with more detail.", {"style_scale": 0.5, "detail": 0.8}),
        Preset("Broad strokes", "Twice as large, with less detail.", {"style_scale": 2.0, "detail": 0.2}),
    )

    def run(self, layers: Mapping[str, Layer], parameters: PaintStyleParameters, context: Context) -> Sequence[Output]:
        context.report(0.0, "Looking at the pictures")
        styles = gather(layers, parameters)
        where = target(layers["image"], layers.get("mask"))
        canvas = Canvas(where)
        if parameters.method == "fast":
            run_fast(where, styles, layers.get("direction"), parameters, context, canvas)
        elif parameters.method == "network":
            run_network(where, styles, parameters, context, canvas)
        else:
            run_gatys(where, styles, layers.get("initial"), parameters, context, canvas)
        context.report(1.0, "Done")
        return [Output(canvas.layer(), context.seed)]
