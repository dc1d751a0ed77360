"""A random face that fits where it is put: its latents give way to what is seen around the selection, and it takes on that light.

A face drawn from the prior has its own hair, skin and light; put among another's, its rim is smoke. Here the drawn latents z₀ are the prior's
mean, and what lies around is data, as strokes are for the brush (`solver`): Σ w |x(z) − photograph|² / σ² + |z − z₀|². What the
surroundings do not say stays as it was drawn. Where there are faces to copy from, a whole one of these is better than any that is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.found_face import FaceFrame, aligned_coverage, aligned_layer, points_of, whole_face
from scumble.faces.exemplars.stranger import Place, Strangers
from scumble.faces.finishing.soft_face import finished
from scumble.faces.relighting import relit
from scumble.faces.sketch.layer import detailed, layer_of, weight_in_document
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.vision import blending

from .edit import as_array
from .network import FaceModel
from .photographic import in_aligned, side_of, soft_face
from .solver import Base, Strokes, jacobian, solve

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

MIDDLE, RADII = (0.5, 0.56), (0.36, 0.42)
"""Of the oval that a face fills in its model's frame, in shares of the side: without a selection it is the face, and not its hair."""

SOFTNESS = 0.06
"""Share of the frame's side over which that oval fades out."""

EYES = ((0.361, 0.47, 0.095, 0.05), (0.639, 0.47, 0.095, 0.05))
MOUTH = ((0.5, 0.745, 0.15, 0.07),)
"""Middles and radii of ovals in an aligned frame, in shares of its side."""

SHARE = 0.5
"""Weight of a pixel around: neighbours say nearly the same."""

REACH = 0.2
"""How far around the selection the surroundings count, as a share of the side; beyond it is somebody's shoulder."""

STEPS = 8

TOUCHED = 0.02
"""Coverage from which a pixel is new."""


def face_oval(image: Layer, place: FaceFrame) -> Layer:
    """A mask over the face in a place, as an artist would select it."""
    side = 256
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    radius = np.hypot((x - MIDDLE[0]) / RADII[0], (y - MIDDLE[1]) / RADII[1])
    weight = np.asarray(np.clip((1 - radius) * RADII[0] / SOFTNESS, 0, 1), np.float32)
    bounds = place.bounds.intersection(image.bounds)
    seen = weight_in_document(weight, place, bounds)
    return Layer(np.round(seen * 255).astype(np.uint8)[..., None], bounds.offset)


def fitting_in(network: FaceModel, drawn: torch.Tensor, photograph: Floats, hole: Mask) -> torch.Tensor:
    """(K,): latents near the drawn ones (K,) that show what the photograph (h, w, 3; 0 to 1) shows around the hole (h, w)."""
    side = len(hole)
    near = np.clip(1 - ndimage.distance_transform_edt(~hole) / (REACH * side), 0, 1) * ~hole
    colour = torch.from_numpy(photograph * 2 - 1).permute(2, 0, 1).contiguous().to(drawn.device)
    weight = torch.from_numpy(near.astype(np.float32) * np.float32(SHARE)).to(drawn.device)
    with torch.no_grad():
        picture = network.decode(drawn[None])[0]
    base = Base(drawn, picture, jacobian(network, drawn))
    return solve(network, base, Strokes(colour, weight), STEPS, staying=0.0)


def sampled_layer(
    network: FaceModel,
    drawn: torch.Tensor,
    image: Layer,
    mask: Layer,
    place: FaceFrame,
    finish: bool,
    exemplars: bool,
    seed: int,
    context: Context,
) -> Layer:
    """The face of the drawn latents (K,), where the mask lies on the face in a place.

    Raises
    ------
    ScumbleError
        `missing_input` where the mask lies beside the face.
    """
    photograph, _ = aligned_layer(image, place, network.side)
    small = aligned_coverage(mask, place, network.side) > TOUCHED
    z = (
        fitting_in(network, drawn, np.asarray(photograph, np.float32), small)
        if small.any() and not small.all()
        else drawn
    )
    with torch.inference_mode():
        picture = np.asarray(as_array(network.decode(z[None])[0]) / 2 + 0.5, np.float32)
    whole, side = whole_face(place), side_of(place)
    around, alpha = aligned_layer(image, whole, side)
    model, seen = in_aligned(picture, side)
    hole = np.asarray((aligned_coverage(mask, whole, side) > TOUCHED) & (seen > 0.5))
    known = np.where((alpha > 0.5)[..., None], around, model).astype(np.float32)
    model = relit(model, around, hole & (alpha > 0.5))
    soft = blending.membrane(model, known, hole) if hole.any() and not hole.all() else model
    soft = np.asarray(np.where(hole[..., None], soft, known).clip(0, 1), np.float32)
    if finish and hole.any():
        soft = _with_features(soft, hole, whole, seed, context)
        soft = detailed(
            finished(soft_face(soft, hole), exemplars, image, whole, mask, seed, context), hole, image, whole, 1.0, seed
        )
    return layer_of(soft, image, mask, whole, 0, True, context)


class Exchange:
    """A face that may give way to somebody's out of those that may be copied from, where a mask lies on it: aligned, and compared with
    them, once for all variations."""

    def __init__(self, image: Layer, mask: Layer, place: FaceFrame, context: Context) -> None:
        self._image, self._mask, self._context = image, mask, context
        self._whole, side = whole_face(place), side_of(place)
        points = points_of(image, place, context)
        self._hole = aligned_coverage(mask, self._whole, side) > TOUCHED
        self._strangers: Strangers | None = None
        if points is None or not self._hole.any():
            return
        self._around, alpha = aligned_layer(image, self._whole, side)
        self._known = alpha > 0.5
        self._strangers = Strangers(Place(self._around, self._known, self._hole, points), context)

    def layer(self, variety: float, seed: int) -> Layer | None:
        """One of them. None where there is nobody, or no face whose features another's could be laid over.

        Raises
        ------
        ScumbleError
            `missing_input` where the mask lies beside the face.
        """
        face = None if self._strangers is None else self._strangers.somebody(variety, seed)
        if face is None:
            return None
        hole, image, whole = self._hole, self._image, self._whole
        seen = np.where(self._known[..., None], self._around, face).astype(np.float32)
        soft = blending.membrane(face, seen, hole) if not hole.all() else face
        soft = np.asarray(np.where(hole[..., None], soft, seen).clip(0, 1), np.float32)
        picture = detailed(soft, hole, image, whole, 1.0, seed)
        return layer_of(picture, image, self._mask, whole, 0, True, self._context)


def _with_features(soft: Floats, hole: Mask, place: FaceFrame, seed: int, context: Context) -> Floats:
    """The picture (S, S, 3) with eyes and mouth as the completion network draws them: the model's are a few of its own pixels.

    Of the eyes it is told nothing but the face around, of the mouth the model's colours, so that one that is closed stays so.
    """
    from scumble.faces.sketch.completion import input_of, softly_completed
    from scumble.faces.sketch.inputs import Conditions
    from scumble.vision.guided_enlargement import enlarged

    side = len(soft)
    eyes, mouth = (_ovals(side, one) & hole for one in (EYES, MOUTH))
    redrawn = eyes | mouth
    if not redrawn.any():
        return soft
    nothing = np.zeros((side, side), np.bool_)
    given = Conditions(soft, redrawn, nothing, nothing, soft, mouth)
    found = softly_completed(input_of(given, place), seed, context)
    assert found is not None
    picture = found.picture if len(found.picture) == side else enlarged(found.picture, (side, side))
    return np.where(redrawn[..., None], picture, soft).astype(np.float32)


def _ovals(side: int, ovals: Sequence[tuple[float, float, float, float]]) -> Mask:
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    inside = np.logical_or.reduce(
        [np.hypot((x - left) / across, (y - top) / down) < 1 for left, top, across, down in ovals]
    )
    return np.asarray(inside, np.bool_)
