"""Paint on a face: the strokes say what is wanted there, and the face follows in a way that faces can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from scumble.faces.detection.alignment import aligned
from scumble.faces.detection.found_face import (
    IMAGE,
    MASK,
    WITHIN,
    FaceFrame,
    aligned_coverage,
    aligned_layer,
    aligned_picture,
    frame_of,
    known_picture,
    points_of,
    whole_face,
)
from scumble.faces.latent.edit import EXEMPLARS, FINISH, FIT, Fit, as_array, change_layer, nothing, subject
from scumble.faces.latent.model import MODEL, Model
from scumble.faces.latent.strokes import PAINTED
from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Preset, Role, hints
from scumble.operations.context import Context
from scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from scumble.faces.detection.alignment import Points
    from scumble.faces.latent.assembly import Redrawn
    from scumble.faces.latent.photographic import Painted
    from scumble.faces.latent.stroke_bounds import FaceMap
    from scumble.faces.latent.stroke_meanings import Meanings


TOUCHES = 0.02
"""Coverage from which a stroke counts."""

NOTHING = "The strokes ask for what the face already is."


Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


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
    finish: bool = FINISH
    exemplars: bool = EXEMPLARS
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
    help = "Changes a face towards what is painted over it, in ways that faces can change."
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
    live: ClassVar[Mapping[str, Any]] = {
        "finish": False,
        "steps": 5,
    }  # after five, 99 of 100 values are within 2 of 255

    def run(self, layers: Mapping[str, Layer], parameters: FaceBrushParameters, context: Context) -> Sequence[Output]:
        given = dict(layers)
        context.report(0.0, "Looking at the strokes")
        if not (given["strokes"].alpha() > 0).any():
            raise ScumbleError(
                "missing_input", "Nothing is painted on the strokes' layer.", "Paint on it what you want in the face."
            )
        place = frame_of(given, context)
        layer = _painted(given, place, parameters, context)
        context.report(1.0, "Done")
        return [Output(layer, context.seed)]


def _painted(layers: dict[str, Layer], place: FaceFrame, parameters: FaceBrushParameters, context: Context) -> Layer:
    """Strokes that tint are laid on, thin ones stay, hair and teeth are made; the face follows the others."""
    from scumble.faces.detection.parts import parts_of
    from scumble.faces.detection.photograph_cache import digest, photograph_cache
    from scumble.faces.latent.assembly import assembled
    from scumble.faces.latent.drawn_strokes import drawn
    from scumble.faces.latent.photographic import Painted, side_of
    from scumble.faces.latent.stroke_meanings import meanings

    image, side = layers["image"], side_of(place)
    whole = whole_face(place)
    rgb, alpha = aligned_layer(layers["strokes"], whole, side)
    if not (alpha > TOUCHES).any():
        raise ScumbleError(
            "missing_input",
            "The strokes do not touch the face.",
            "Paint on the face, with a brush that is not too thin for it.",
        )
    if parameters.mode != "colour":
        return _followed(layers, place, Painted(rgb, alpha), parameters, context)
    photograph = known_picture(image, whole, side, context)
    points = points_of(image, place, context)
    parts, face, in_pixels = None, None, None
    if points is not None:
        marks = in_pixels = points * side
        parts = photograph_cache(context).get(digest("landmarks' parts", marks, side), lambda: parts_of(marks, side))
        face = _map_of(image, whole, photograph, points, context)
    meant = meanings(rgb, alpha, photograph, in_pixels, parts, parameters.strength, face)
    left = meant.left
    followed = None
    if (left > TOUCHES).any():
        # teeth are white in a face's own way: what the model finds for a mouth is not moved on towards flat white
        colours = left if parts is None else left * (1 - np.clip(parts.lips + parts.mouth, 0, 1))
        followed = _followed(layers, place, Painted(rgb, left), parameters, context, colours, face)
    made = [] if points is None else _made(layers, whole, photograph, points, meant, face, parameters.finish, context)
    lines = None
    if (meant.lines > TOUCHES).any():
        lines = drawn(photograph, meant.lines, in_pixels)
    if not made and lines is None and not meant.shift.any():
        return followed if followed is not None else nothing(image, context, NOTHING)
    layer = assembled(image, layers, whole, followed, made, meant.shift, lines, parameters.strength)
    return layer if layer.bounds else nothing(image, context, NOTHING)


def _map_of(image: Layer, place: FaceFrame, photograph: Floats, points: Points, context: Context) -> FaceMap | None:
    """Which part of the face each place of its aligned frame (S, S, 3) is; None where that is not sure. Remembered by its content.
    `points` in the unit square of the frame `place`."""
    from scumble.faces.detection.photograph_cache import digest, photograph_cache
    from scumble.faces.latent.stroke_bounds import SURE, FaceMap
    from scumble.faces.parsing.masks import WEIGHTS, face_masks
    from scumble.operations.weight_file import weight_file

    side = len(photograph)
    weight_file(WEIGHTS, context)  # what is remembered was made with it as well: the layer says so

    def look() -> FaceMap | None:
        seen = aligned_layer(image, place, side)[1]
        masks = face_masks(photograph, points, context, np.asarray(seen, np.float32))
        return FaceMap(masks, points * side) if masks.sure > SURE else None

    return photograph_cache(context).get(digest("parts", context.device, photograph, points), look)


def _made(
    layers: dict[str, Layer],
    place: FaceFrame,
    photograph: Floats,
    points: Points,
    meant: Meanings,
    face: FaceMap | None,
    fine: bool,
    context: Context,
) -> list[Redrawn]:
    """What is neither tinted nor looked for, but made: a smile's teeth, and hair; if `fine`, as the document is. `photograph` (S, S, 3) and
    `points`, in its unit square, are of the aligned frame `place`."""
    from scumble.faces.latent.hair_strokes import hair
    from scumble.faces.latent.opened_mouth import opened_mouth
    from scumble.faces.latent.stroke_bounds import hair_reach
    from scumble.faces.sketch.layer import finest_side

    coarse = len(meant.left)
    side = finest_side(place, coarse) if fine else coarse
    step = side // coarse

    def enlarged(plane: Floats) -> Mask:
        return np.kron(ndimage.binary_dilation(plane > PAINTED), np.ones((step, step), np.bool_))

    found: list[Redrawn] = []
    if not ((meant.teeth > TOUCHES).any() or (meant.hair > TOUCHES).any()):
        return found
    rgb, alpha = aligned_layer(layers["strokes"], place, side)
    if step > 1:
        photograph = aligned_picture(layers["image"], place, side)
    if (meant.teeth > TOUCHES).any():
        seen = aligned_layer(layers["image"], place, side)[1] > 0.5
        found.append(opened_mouth(photograph, (alpha > PAINTED) & enlarged(meant.teeth), points * side, seen))
        photograph = found[-1].over(photograph)
    if (meant.hair > TOUCHES).any():
        locks = hair(photograph, rgb, alpha * enlarged(meant.hair), points * side, context.seed)
        if face is not None:
            reach = np.kron(hair_reach(meant.hair, face), np.ones((step, step), np.float32))
            locks = replace(
                locks, weight=locks.weight * ndimage.uniform_filter(reach, step) if step > 1 else locks.weight * reach
            )
        found.append(locks)
    return found


def _followed(
    layers: dict[str, Layer],
    place: FaceFrame,
    painted: Painted,
    parameters: FaceBrushParameters,
    context: Context,
    colours: Floats | None = None,
    parts: FaceMap | None = None,
) -> Layer:
    """The face, moved through the latent space towards what is painted; `colours` (S, S): where its very colours are meant; `parts`
    bound what follows."""
    import torch

    from scumble.faces.detection.model_frame import model_frame
    from scumble.faces.latent.compositing import enlarger, interpolation_mask
    from scumble.faces.latent.photographic import finished_change
    from scumble.faces.latent.solver import Strokes, decoded, solve
    from scumble.faces.latent.stroke_bounds import mass_reach
    from scumble.faces.latent.strokes import paint_targets

    image = layers["image"]
    face = subject(image, place, parameters.model, parameters.fit, context)
    side = face.model.side
    inner = model_frame(np.array([[len(painted.rgb), 0, 0], [0, len(painted.rgb), 0.0]]))
    planes = np.concatenate([painted.rgb * painted.alpha[..., None], painted.alpha[..., None]], axis=2)
    seen = aligned(planes, inner, side)
    alpha = np.asarray(np.clip(seen[..., 3], 0, 1), np.float32)
    rgb = np.asarray(seen[..., :3] / np.maximum(seen[..., 3:], 1e-4), np.float32)
    within = aligned_coverage(layers["within"], place, side) if "within" in layers else None
    if parts is not None:
        reach = np.asarray(
            np.clip(aligned(mass_reach(painted.alpha, parts)[..., None], inner, side)[..., 0], 0, 1), np.float32
        )
        within = reach if within is None else within * reach
    before = as_array(face.base.picture)
    error = face.picture * 2 - 1 - before
    wanted = paint_targets(rgb, alpha, before, parameters.mode, parameters.strength, parameters.locality, within, error)

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(context.device)

    strokes = Strokes(tensor(wanted.colour).permute(2, 0, 1), tensor(wanted.weight), tensor(wanted.stay))
    progress = context.part(0.5, 0.8, "Solving")
    z = solve(face.model, face.base, strokes, parameters.steps, progress=progress)
    with torch.no_grad():
        after = as_array(decoded(face.model, z[None], face.base.correction)[0])
    # what no picture can show would come out as a stain
    shown = face.picture * 2 - 1
    change = np.clip(shown + after - before, -1, 1) - shown
    change = change * (interpolation_mask(change) * wanted.through)[..., None]
    if np.abs(change).max() < 1 / 255:
        return nothing(image, context, NOTHING)
    layer = change_layer(image, layers, enlarger(change / 2, face.picture, place.frame), context)
    if not parameters.finish:
        return layer
    asked = None
    if colours is not None:
        asked = replace(painted, alpha=colours * np.float32(parameters.strength))
    return finished_change(layer, after, face, image, asked, parameters.exemplars, context.seed, context)
