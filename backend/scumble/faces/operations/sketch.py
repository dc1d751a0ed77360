"""A face completed from a selection, a sketch and colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from scumble.faces.sketch.completion import WEIGHTS, Weights
from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Preset, Role, hints
from scumble.operations.context import Context


class FaceSketchParameters(Parameters):
    detail: float = Field(
        1.0,
        ge=0,
        le=2,
        title="Detail",
        description="How much of the fine detail of the picture's other parts (pores, strands) is laid over the new part.",
        json_schema_extra=hints(step=0.1),
    )
    feather: int = Field(
        0,
        ge=0,
        le=256,
        title="Feather",
        description="Fade the new layer out over so many pixels beyond the selection.",
        json_schema_extra=hints(unit="pixels"),
    )
    blend: bool = Field(
        True,
        title="Blend the seam",
        description="Let the new part take on its surroundings' colours at its rim.",
        json_schema_extra=hints(advanced=True),
    )
    exemplars: bool = Field(
        True,
        title="Copy from real faces",
        description="Take skin, hair and eyes from the picture's own faces, your own portraits and the library, where some fit.",
    )
    variations: int = Field(1, ge=1, le=8, title="Variations", description="How many different layers to make.")
    weights: Weights = WEIGHTS  # type: ignore[assignment]


class FaceSketch(Operation[FaceSketchParameters]):
    name = "face-sketch"
    title = "Face from sketch"
    help = "Completes the selected part of a face, following what is sketched and coloured there."
    roles = (
        Role("image", "A picture with a face", "Choose the layer that shows the face.", required=True),
        Role(
            "mask",
            "A selection",
            "Select what is to be completed; nothing changes outside.",
            required=True,
            kind="mask",
        ),
        Role(
            "sketch",
            "A sketch",
            "Draw lines on a layer of their own: dark or light, thick or thin; only those selected count.",
        ),
        Role(
            "color",
            "Colours",
            "Paint colours on a layer of their own, where they matter; what stays transparent is left open.",
        ),
    )
    parameters = FaceSketchParameters
    presets = (
        Preset("As drawn", "Follows lines and colours.", {}),
        Preset("Four proposals", "Four layers to choose from.", {"variations": 4}),
        Preset("Smooth skin", "Less grain, a soft rim.", {"detail": 0.3, "feather": 4}),
    )

    def run(self, layers: Mapping[str, Layer], parameters: FaceSketchParameters, context: Context) -> Sequence[Output]:
        from scumble.faces.sketch.completion import completed, completion_input
        from scumble.faces.sketch.inputs import frame_of_hole
        from scumble.faces.sketch.layer import detailed, layer_of

        given = dict(layers)
        image, mask = given["image"], given["mask"]
        context.report(0.0, "Looking for the face")
        place = frame_of_hole(image, mask, context)
        context.report(0.3, "Reading sketch and colours")
        job = completion_input(given, place, parameters.weights, context)
        outputs = []
        for number in range(parameters.variations):
            seed = (context.seed + number) % 2**32
            context.report(0.4 + 0.6 * number / parameters.variations, "Completing the face")
            found = completed(job, parameters.exemplars, image, mask, seed, context)
            picture = detailed(found, job.fine.hole, image, place, parameters.detail, seed)
            layer = layer_of(picture, image, mask, place, parameters.feather, parameters.blend, context)
            outputs.append(Output(layer, seed))
        context.report(1.0, "Done")
        return outputs
