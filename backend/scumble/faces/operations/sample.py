"""Somebody else's face: out of those that may be copied from; without any, the photograph's own with another's shape; and where there is
no face yet, or no photograph is wanted, one drawn from the face model at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scumble.faces.detection.found_face import IMAGE, MASK, FaceFrame, frame_of, points_of, whole_face
from scumble.faces.latent.edit import EXEMPLARS, FINISH, as_array, picture_layer
from scumble.faces.latent.model import MODEL, Model, face_model
from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Preset, hints
from scumble.operations.context import Context

if TYPE_CHECKING:
    from scumble.faces.detection.alignment import Points


class FaceSampleParameters(Parameters):
    truncation: float = Field(
        0.7,
        ge=0,
        le=2,
        title="Variety",
        description="How far from the mean face: 0 is the mean itself, 1 is as varied as real faces are.",
        json_schema_extra=hints(step=0.05),
    )
    rim: Literal["soft", "hard"] = Field(
        "soft",
        title="Rim",
        description="Whether the new face takes on what is around it and fades out, or fills its square as it was drawn.",
        json_schema_extra=hints(labels={"soft": "Fits in", "hard": "Square"}),
    )
    finish: bool = FINISH
    exemplars: bool = EXEMPLARS
    variations: int = Field(1, ge=1, le=8, title="Variations", description="How many different faces to make.")
    model: Model = MODEL  # type: ignore[assignment]


class FaceSample(Operation[FaceSampleParameters]):
    name = "face-sample"
    title = "Random face"
    help = "Puts a random face where a face or the selection is; without either, in the middle of the layer."
    roles = (IMAGE, MASK)
    parameters = FaceSampleParameters
    presets = (
        Preset("Anybody", "As varied as most faces are.", {}),
        Preset("Near the mean", "Even, common features.", {"truncation": 0.4}),
        Preset("Four strangers", "Four faces to choose from.", {"truncation": 0.9, "variations": 4}),
    )

    def run(self, layers: Mapping[str, Layer], parameters: FaceSampleParameters, context: Context) -> Sequence[Output]:
        import torch

        from scumble.faces.latent.fitting_in import Exchange, face_oval, sampled_layer
        from scumble.faces.latent.photographic import finished_picture

        given = dict(layers)
        context.report(0.0, "Looking for a place")
        place = frame_of(given, context, needs_face=False)
        mask = None  # of what is to fit in; otherwise the square is filled
        if place.found and parameters.rim == "soft":
            mask = given["mask"] if "mask" in given else face_oval(given["image"], place)
        copies = parameters.finish and parameters.exemplars and parameters.model == "embedded"
        own = points_of(given["image"], place, context) if mask is not None and copies else None
        exchange = Exchange(given["image"], mask, place, context) if mask is not None and copies else None
        outputs = []
        for variation in range(parameters.variations):
            context.report(0.4 + 0.6 * variation / parameters.variations, "Drawing a face")
            seed = (context.seed + variation) % 2**32
            somebody = None if exchange is None else exchange.layer(parameters.truncation, seed)
            if somebody is None and own is not None:
                somebody = _reshaped(given, own, place, parameters.truncation, seed, context)
            if somebody is not None:
                outputs.append(Output(somebody, seed))
                continue
            network = face_model(parameters.model, context)  # not before: nobody needs it where somebody is copied
            # drawn by numpy, whose stream is the same on every device
            drawn = np.random.default_rng(seed).standard_normal((1, network.latents)).astype(np.float32)
            z = torch.from_numpy(drawn * np.float32(parameters.truncation)).to(context.device)
            if mask is not None:
                options = parameters.finish, parameters.exemplars, seed, context
                outputs.append(Output(sampled_layer(network, z[0], given["image"], mask, place, *options), seed))
                continue
            with torch.inference_mode():
                picture = np.asarray(as_array(network.decode(z)[0]) / 2 + 0.5, np.float32)
            alpha = _rim(parameters.rim, network.side)
            if parameters.finish:
                picture = finished_picture(picture, given["image"], place, parameters.exemplars, seed, context)
                alpha = _rim(parameters.rim, len(picture))
            outputs.append(Output(picture_layer(given["image"], given, picture, place, alpha), seed))
        context.report(1.0, "Done")
        return outputs


def _reshaped(
    layers: Mapping[str, Layer], points: Points, place: FaceFrame, variety: float, seed: int, context: Context
) -> Layer | None:
    """The face that is there with another's shape; None where nothing of it moves."""
    from scumble.faces.reshaping.reshaped import reshaped_layer
    from scumble.faces.reshaping.shapes import face_shapes

    shapes = face_shapes(context)
    selected = layers.get("mask")
    return reshaped_layer(layers["image"], whole_face(place), points, selected, shapes, variety, seed, context)


def _rim(kind: Literal["soft", "hard"], side: int) -> NDArray[np.float32]:
    """(side, side): the new face's alpha."""
    from scumble.faces.latent.compositing import rim

    return rim(side) if kind == "soft" else np.ones((side, side), np.float32)
