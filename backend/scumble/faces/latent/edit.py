"""What the face operations share: the photograph as the model knows it, and a change brought back as a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scumble.faces.detection.found_face import FaceFrame, known_picture, rows_of
from scumble.faces.detection.photograph_cache import digest, photograph_cache
from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer, Working
from scumble.operations.base import hints
from scumble.operations.context import Context
from scumble.operations.new_layer import NewLayer
from scumble_client.errors import ScumbleError

from .model import Model, face_model

if TYPE_CHECKING:
    from .compositing import Enlarger
    from .network import FaceModel
    from .solver import Base

Floats = NDArray[np.float32]

Fit = Literal["none", "latents", "last-layers"]

FIT = Field(
    "latents",
    title="Fit",
    description="How the model is brought near the photograph first; more is nearer, and takes longer.",
    json_schema_extra=hints(
        advanced=True, labels={"none": "Not at all", "latents": "Latents", "last-layers": "Latents and last layers"}
    ),
)

FINISH = Field(
    True,
    title="Finish",
    description="Redraw what has changed as a photograph would show it: skin, hair, teeth.",
)

EXEMPLARS = Field(
    True,
    title="Copy from real faces",
    description="Take skin, hair and eyes from the picture's own faces, your own portraits and the library, where some fit.",
    json_schema_extra=hints(advanced=True, when={"finish": [True]}),
)

SEEN = 0.25 / 255
"""A smaller change is none."""


@dataclass(frozen=True)
class Subject:
    """A face, ready to be edited."""

    place: FaceFrame
    picture: Floats
    """(side, side, 3) in 0 to 1: the aligned photograph."""

    model: FaceModel
    base: Base


def subject(image: Layer, place: FaceFrame, model: Model, fit: Fit, context: Context) -> Subject:
    """The face in a place, known to the model: remembered by its content."""
    import torch

    from . import fitting
    from .compositing import rim

    network = face_model(model, context)
    memory = photograph_cache(context)
    picture = known_picture(image, place, network.side, context)

    def know() -> Base:
        context.report(0.35, "Getting to know the face")
        tensor = torch.from_numpy(picture * 2 - 1).permute(2, 0, 1).contiguous().to(context.device)
        weight = torch.from_numpy(0.3 + 0.7 * rim(network.side)).to(context.device)
        return fitting.fitted(network, tensor, weight, fit != "none", fit == "last-layers")

    name = digest("base", context.device, model, fit, picture)
    return Subject(place, picture, network, memory.get(name, know))


def as_array(picture: object) -> Floats:
    """(3, h, w) tensor to (h, w, 3)."""
    import torch

    assert isinstance(picture, torch.Tensor)
    return np.asarray(picture.detach().permute(1, 2, 0).cpu().numpy(), np.float32)


def change_layer(image: Layer, layers: dict[str, Layer], change: Enlarger, context: Context) -> Layer:
    """The photograph with the change, where there is one, as a layer over it."""
    bounds = change.bounds().intersection(image.bounds)
    for role in ("mask", "within"):
        if role in layers:
            bounds = bounds.intersection(layers[role].bounds)
    if not bounds:
        return _empty(image)
    made = NewLayer(image, bounds)
    for part in rows_of(bounds):
        context.report(0.8 + 0.2 * (part.y - bounds.y) / bounds.height, "Bringing it back")
        around = part.padded(change.margin).intersection(image.bounds)
        working = image.to_working(around)
        for note in working.notes:
            context.note(note)
        inner = part.relative_to(around.offset).slices
        added = change.change(unseen.continued(working.rgb, working.alpha), around)[inner]
        working = Working(working.rgb[inner], working.alpha[inner], part)
        high = max(1.0, float(working.rgb.max(initial=0)))
        rgb = np.clip(working.rgb + added, min(0.0, float(working.rgb.min(initial=0))), high)
        alpha = working.alpha * (np.abs(added).max(axis=2) > SEEN)
        for role in ("mask", "within"):
            if role in layers:
                alpha = alpha * layers[role].coverage(part)
        made.put(rgb, alpha.astype(np.float32), part)
    layer = made.layer()
    return layer if layer.bounds else _empty(image)


def picture_layer(
    image: Layer, layers: dict[str, Layer], picture: NDArray[Any], place: FaceFrame, alpha: Floats
) -> Layer:
    """A model's picture (side, side, 3) in 0 to 1, with its alpha, enlarged into its place over the image."""
    from scumble.faces.detection.alignment import applied, inverse, sampled

    side = picture.shape[0]
    planes = np.concatenate([picture, alpha[..., None]], axis=2)
    bounds = place.bounds.intersection(image.bounds)
    if "mask" in layers:
        bounds = bounds.intersection(layers["mask"].bounds)
    if not bounds:
        raise ScumbleError(
            "missing_input", "The selection lies outside the layer.", "Choose the layer that it belongs to."
        )
    made = NewLayer(image, bounds)
    for part in rows_of(bounds):
        y, x = np.mgrid[part.y : part.bottom, part.x : part.right] + 0.5
        at = applied(inverse(place.frame), np.stack([x.ravel(), y.ravel()], axis=1)) * side
        inside = ((at > 0) & (at < side)).all(axis=1).reshape(part.extent.shape)
        seen = sampled(np.asarray(planes, np.float32), at.reshape(*part.extent.shape, 2), order=3)
        covers = np.clip(seen[..., 3], 0, 1) * inside
        if "mask" in layers:
            covers = covers * layers["mask"].coverage(part)
        made.put(np.clip(seen[..., :3], 0, 1), covers.astype(np.float32), part)
    return made.layer()


def _empty(image: Layer) -> Layer:
    """One transparent pixel: nothing was changed."""
    channels = 2 if image.is_gray else 4
    return Layer(np.zeros((1, 1, channels), image.pixels.dtype), image.offset, image.colour)


def nothing(image: Layer, context: Context, sentence: str) -> Layer:
    """A layer that changes nothing, and why."""
    context.note(sentence)
    return _empty(image)


def region(layers: dict[str, Layer]) -> Bounds:
    return layers["image"].bounds
