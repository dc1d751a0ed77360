"""Painted style: a picture is painted again in the manner of one or more paintings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Role
from scumble.operations.context import Context
from scumble.style.inputs import IMAGE, MASK, STYLE, Canvas, target

from .fast import run_fast
from .inputs import gather
from .neural import run_gatys
from .parameters import PaintStyleParameters


class PaintStyle(Operation[PaintStyleParameters]):
    name = "paint-style"
    title = "Paint style"
    help = "Paints a picture again in the manner of a painting."
    roles = (
        IMAGE,
        STYLE,
        Role("second_style", "A second style", "Another layer or file, to be mixed in."),
        Role("third_style", "A third style", "Another layer or file, to be mixed in."),
        Role("initial", "A picture to begin with", "gatys starts from it, in place of the picture itself."),
        MASK,
    )
    parameters = PaintStyleParameters

    def run(self, layers: Mapping[str, Layer], parameters: PaintStyleParameters, context: Context) -> Sequence[Output]:
        context.report(0.0, "Looking at the pictures")
        styles = gather(layers, parameters)
        where = target(layers["image"], layers.get("mask"))
        canvas = Canvas(where)
        if parameters.method == "fast":
            run_fast(where, styles, parameters, context, canvas)
        else:
            run_gatys(where, styles, layers.get("initial"), parameters, context, canvas)
        context.report(1.0, "Done")
        return [Output(canvas.layer(), context.seed)]
