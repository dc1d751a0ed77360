"""The face model's latents as a canvas of 10 × 10 cells to paint on; and the photograph as the model sees it.

With an untouched canvas and `show=reconstruction`, this is the editor's “reconstruct”; emptying the canvas is its “reset”.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from scumble.faces.detection.found_face import IMAGE, MASK, WITHIN, aligned_coverage, frame_of
from scumble.faces.latent.edit import (
    EXEMPLARS,
    FIT,
    Fit,
    as_array,
    change_layer,
    nothing,
    picture_layer,
    subject,
)
from scumble.faces.latent.model import MODEL, Model
from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Preset, hints
from scumble.operations.context import Context
from scumble_client.errors import ScumbleError

ROWS = COLUMNS = 10


class FaceLatentParameters(Parameters):
    canvas: list[float] = Field(
        [],
        title="Latents",
        description="Cells from −1 to 1, row by row; those first in the canvas change the most. Empty: all 0.",
        json_schema_extra=hints(widget="grid", rows=ROWS, columns=COLUMNS, minimum=-1, maximum=1),
    )
    cells: Literal["added", "taken"] = Field(
        "added",
        title="Cells are",
        description="Added to the photograph's own, or taken as they are, for a face out of the canvas alone.",
        json_schema_extra=hints(advanced=True, labels={"added": "Added", "taken": "Taken as they are"}),
    )
    reach: float = Field(
        2.0,
        ge=0.1,
        le=4,
        title="Reach",
        description="What a cell of 1 means, in standard deviations of faces (1 as published).",
        json_schema_extra=hints(step=0.1),
    )
    show: Literal["change", "reconstruction"] = Field(
        "change",
        title="Show",
        description="The photograph with the change, or the model's own picture of it, without the photograph's detail.",
        json_schema_extra=hints(labels={"change": "The change", "reconstruction": "The model's picture"}),
    )
    finish: bool = Field(
        False,
        title="Finish",
        description="Redraw where it has become much lighter or darker: for new forms; where only the light moves, leave it off.",
    )
    exemplars: bool = EXEMPLARS
    fit: Fit = FIT  # type: ignore[assignment]
    model: Model = MODEL  # type: ignore[assignment]

    @field_validator("canvas", mode="before")
    @classmethod
    def _numbers(cls, canvas: object) -> object:
        """A command line has a text with spaces or commas."""
        return canvas.replace(",", " ").split() if isinstance(canvas, str) else canvas

    @field_validator("canvas")
    @classmethod
    def _cells(cls, canvas: list[float]) -> list[float]:
        if len(canvas) not in (0, ROWS * COLUMNS):
            raise ValueError(f"the canvas has {ROWS * COLUMNS} cells, or none")
        if any(not -1 <= cell <= 1 for cell in canvas):
            raise ValueError("a cell is between -1 and 1")
        return canvas


class FaceLatent(Operation[FaceLatentParameters]):
    name = "face-latent"
    title = "Face latents"
    help = "Changes a face by the latents of the face model, or shows how the model sees it."
    roles = (IMAGE, MASK, WITHIN)
    parameters = FaceLatentParameters
    presets = (
        Preset("Subtle", "A full cell moves the face a little.", {"reach": 1.0}),
        Preset("Strong", "A full cell moves the face far.", {"reach": 3.0}),
        Preset("How the model sees it", "The model's own picture of the face.", {"show": "reconstruction"}),
    )
    fast = True

    def run(self, layers: Mapping[str, Layer], parameters: FaceLatentParameters, context: Context) -> Sequence[Output]:
        context.report(0.0, "Looking for the face")
        layer = _edited(dict(layers), parameters, context)
        context.report(1.0, "Done")
        return [Output(layer, context.seed)]


def _edited(layers: dict[str, Layer], parameters: FaceLatentParameters, context: Context) -> Layer:
    import torch

    from scumble.faces.latent.compositing import enlarger, interpolation_mask, rim
    from scumble.faces.latent.photographic import finished_change
    from scumble.faces.latent.solver import decoded

    place = frame_of(layers, context)
    face = subject(layers["image"], place, parameters.model, parameters.fit, context)
    if face.model.latents != ROWS * COLUMNS:
        raise ScumbleError(
            "invalid_parameter", f"This face model has {face.model.latents} latents, not 100.", "Choose another model."
        )
    cells = np.array(parameters.canvas or [0.0] * ROWS * COLUMNS, np.float32) * np.float32(parameters.reach)
    moved = torch.from_numpy(cells).to(context.device)
    z = moved if parameters.cells == "taken" else face.base.z + moved
    correction = None if parameters.cells == "taken" else face.base.correction
    with torch.no_grad():
        after = as_array(decoded(face.model, z[None], correction)[0])
    if parameters.show == "reconstruction" or parameters.cells == "taken":
        return picture_layer(layers["image"], layers, after / 2 + 0.5, place, rim(face.model.side))
    change = after - as_array(face.base.picture)
    change = change * interpolation_mask(change)[..., None]
    if "within" in layers:
        change = change * aligned_coverage(layers["within"], place, face.model.side)[..., None]
    if np.abs(change).max() < 1 / 255:
        return nothing(layers["image"], context, "All cells of the canvas are 0, so nothing changes.")
    layer = change_layer(layers["image"], layers, enlarger(change / 2, face.picture, place.frame), context)
    if parameters.finish:
        return finished_change(layer, after, face, layers["image"], None, parameters.exemplars, context.seed, context)
    return layer
