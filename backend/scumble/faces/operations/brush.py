"""Paint on a face: the strokes say what is wanted there, and the face follows in a way that faces can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from scumble.faces.detection.found_face import IMAGE, MASK, WITHIN, aligned_coverage, aligned_layer, frame_of
from scumble.faces.latent.edit import EXEMPLARS, FINISH, FIT, Fit, as_array, change_layer, nothing, subject
from scumble.faces.latent.model import MODEL, Model
from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Preset, Role, hints
from scumble.operations.context import Context
from scumble_client.errors import ScumbleError


class FaceBrushParameters(Parameters):
    mode: Literal["colour", "lighten", "darken"] = Field(
        "colour",
        title="Mode",
        description="What strokes mean: their colour is wanted there, or the place should become lighter or darker.",
        json_schema_extra=hints(labels={"colour": "Colour", "lighten": "Lighten", "darken": "Darken"}),
    )
    strength: float = Field(
        1.0,
        ge=0,
        le=1,
        title="Strength",
        description="How far to go from the face as it is to what is painted.",
        json_schema_extra=hints(step=0.05),
    )
    locality: float = Field(
        0.6,
        ge=0,
        le=1,
        title="Locality",
        description="1: nothing moves beyond three times the brush's radius. 0: the whole face may follow.",
        json_schema_extra=hints(step=0.05),
    )
    finish: bool = FINISH  # type: ignore[assignment]
    exemplars: bool = EXEMPLARS  # type: ignore[assignment]
    steps: int = Field(
        12,
        ge=1,
        le=100,
        title="Steps",
        description="Most steps of the search for the face; it ends when it is done.",
        json_schema_extra=hints(advanced=True),
    )
    fit: Fit = FIT  # type: ignore[assignment]
    model: Model = MODEL  # type: ignore[assignment]


class FaceBrush(Operation[FaceBrushParameters]):
    name = "face-brush"
    title = "Face brush"
    help = "Changes a face towards what is painted over it, as faces can change; the photograph's detail stays."
    roles = (
        IMAGE,
        Role("strokes", "A layer with strokes", "Paint on a new layer what you want in the face.", required=True),
        MASK,
        WITHIN,
    )
    parameters = FaceBrushParameters
    presets = (
        Preset("Make-up", "Stays where it is painted, half as strong.", {"strength": 0.5, "locality": 1.0}),
        Preset("New features", "Hair, teeth, glasses: the face may follow.", {"strength": 1.0, "locality": 0.4}),
        Preset("Light", "Strokes lighten what is under them.", {"mode": "lighten", "strength": 0.6}),
        Preset("Shadow", "Strokes darken what is under them.", {"mode": "darken", "strength": 0.6}),
    )
    fast = True

    def run(self, layers: Mapping[str, Layer], parameters: FaceBrushParameters, context: Context) -> Sequence[Output]:
        given = dict(layers)
        context.report(0.0, "Looking at the strokes")
        if not (given["strokes"].alpha() > 0).any():
            raise ScumbleError(
                "missing_input", "Nothing is painted on the strokes' layer.", "Paint on it what you want in the face."
            )
        place = frame_of(given, context)
        face = subject(given["image"], place, parameters.model, parameters.fit, context)
        layer = self._edited(given, face, parameters, context)
        context.report(1.0, "Done")
        return [Output(layer, context.seed)]

    def _edited(
        self, layers: dict[str, Layer], face: object, parameters: FaceBrushParameters, context: Context
    ) -> Layer:
        import torch

        from scumble.faces.latent.compositing import enlarger, interpolation_mask
        from scumble.faces.latent.edit import Subject
        from scumble.faces.latent.photographic import finished_change
        from scumble.faces.latent.solver import Strokes, decoded, solve
        from scumble.faces.latent.strokes import paint_targets

        assert isinstance(face, Subject)
        side = face.model.side
        rgb, alpha = aligned_layer(layers["strokes"], face.place, side)
        if not (alpha > 0.02).any():
            raise ScumbleError(
                "missing_input",
                "The strokes do not touch the face.",
                "Paint on the face, with a brush that is not too thin for it.",
            )
        within = aligned_coverage(layers["within"], face.place, side) if "within" in layers else None
        before = as_array(face.base.picture)
        error = face.picture * 2 - 1 - before
        wanted = paint_targets(
            rgb, alpha, before, parameters.mode, parameters.strength, parameters.locality, within, error
        )

        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(context.device)

        strokes = Strokes(tensor(wanted.colour).permute(2, 0, 1), tensor(wanted.weight), tensor(wanted.stay))
        progress = context.part(0.5, 0.8, "Solving")
        z = solve(face.model, face.base, strokes, parameters.steps, progress=progress)
        with torch.no_grad():
            after = as_array(decoded(face.model, z[None], face.base.correction)[0])
        # what no picture can show would come out as a stain
        seen = face.picture * 2 - 1
        change = np.clip(seen + after - before, -1, 1) - seen
        change = change * (interpolation_mask(change) * wanted.through)[..., None]
        if np.abs(change).max() < 1 / 255:
            return nothing(layers["image"], context, "The strokes ask for what the face already is.")
        image = layers["image"]
        layer = change_layer(image, layers, enlarger(change / 2, face.picture, face.place.frame), context)
        if parameters.finish:
            return finished_change(layer, after, face, image, parameters.exemplars, context.seed, context)
        return layer
