"""Which network completes a face: the embedded one, or SC-FEGAN's published weights that the artist has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scumble.faces.detection.found_face import FaceFrame
from scumble.faces.finishing.soft_face import SIDES, side_for
from scumble.imaging.layer import Layer
from scumble.operations.base import hints
from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file

from .inputs import Conditions, conditions

if TYPE_CHECKING:
    import torch

    from scumble.faces.finishing.soft_face import SoftFace

Floats = NDArray[np.float32]
Weights = Literal["embedded", "sc-fegan"]
"""Entries of the weights' manifest; `embedded` is `scumble-face-sketch`."""

EMBEDDED = "scumble-face-sketch"

PUBLISHED_SIDE = 512
"""At which SC-FEGAN sees an aligned face, in pixels."""

WEIGHTS = Field(
    "embedded",
    title="Weights",
    description="The network: Scumble's own, or SC-FEGAN's that was downloaded.",
    json_schema_extra=hints(advanced=True, labels={"embedded": "Scumble's own", "sc-fegan": "SC-FEGAN"}),
)


@dataclass(frozen=True)
class CompletionInput:
    """A face to be completed, as it is at the size of the result and at the network's."""

    place: FaceFrame
    fine: Conditions
    middle: Conditions | None
    """At the size of the network that finishes; None where there is one network, which works at the size of the result."""

    small: Conditions | None
    """At the size of the network that completes, or None."""


def completion_input(layers: dict[str, Layer], place: FaceFrame, weights: Weights, context: Context) -> CompletionInput:
    """What there is to do, whatever the seed."""
    if weights == "sc-fegan":
        return CompletionInput(place, conditions(layers, place, PUBLISHED_SIDE, context), None, None)
    return input_of(conditions(layers, place, side_for(place.frame), context), place)


def input_of(fine: Conditions, place: FaceFrame) -> CompletionInput:
    """The same for the embedded network, of conditions whose side is one of `SIDES`."""
    large = len(fine.hole) > SIDES[0]
    # the networks learned from lines that were thin at the larger one's size
    middle = fine.halved(thin=True) if large else fine
    return CompletionInput(place, fine, middle, middle.halved(thin=False))


def completed(
    job: CompletionInput, exemplars: bool, image: Layer, selected: Layer | None, seed: int, context: Context
) -> Floats:
    """(F, F, 3) in 0 to 1: the aligned face with its hole completed; outside the hole, bit for bit what it was.

    Odd seeds complete the mirrored face; each has its own noise. With `exemplars` real faces are copied where some fit, but for
    what is `selected` of the image.
    """
    from scumble.faces.exemplars.copying import Guess, copied, sureness
    from scumble.faces.finishing.soft_face import finished

    soft = softly_completed(job, seed, context)
    if soft is not None:
        return finished(soft, exemplars, image, job.place, selected, seed, context)
    found = _published(job.fine, seed, context)
    if not exemplars:
        return found
    sure = sureness(job.fine.lines | job.fine.given)
    return copied(Guess(found, job.fine.hole, sure), image, job.place, selected, seed, context).picture


def softly_completed(job: CompletionInput, seed: int, context: Context) -> SoftFace | None:
    """The face as the embedded network completes it, at 128 pixels enlarged; None where a published one does it at its own size."""
    import torch
    from torch.nn import functional

    from scumble.faces.finishing.soft_face import FineFace, SoftFace
    from scumble.vision.precision import fast

    from . import weights as sketch_weights

    small, middle, fine = job.small, job.middle, job.fine
    if small is None or middle is None:
        return None
    path = weight_file(EMBEDDED, context)
    complete = context.models.get(f"{EMBEDDED}, {context.device}", lambda: sketch_weights.load(path, context.device))
    mirrored = seed % 2 == 1
    with torch.inference_mode():
        given = _Tensors(small, mirrored, context)
        with fast(context.device):
            noise = _noise(given.hole, np.random.default_rng(seed))
            found = complete(given.guess(), given.hole, given.lines, given.given, noise)
        large = functional.interpolate(found.float(), scale_factor=2.0, mode="bicubic", align_corners=False)
        guides = [_array(_Tensors(one, False, context).guess()) for one in (middle, fine)]
    picture = _array(large.clamp(0, 1))
    picture = picture[:, ::-1] if mirrored else picture
    soft = np.where(middle.hole[..., None], picture, middle.picture)
    return SoftFace(
        soft,
        guides[0],
        middle.hole,
        middle.lines,
        middle.given,
        None if fine is middle else FineFace(fine.picture, guides[1], fine.hole, fine.lines | fine.given),
    )


class _Tensors:
    """Conditions as (1, C, S, S) tensors; maps are of 0 and 1."""

    def __init__(self, given: Conditions, mirrored: bool, context: Context) -> None:
        import torch

        def tensor(array: NDArray[np.generic]) -> torch.Tensor:
            planes = array.astype(np.float32)
            planes = planes.transpose(2, 0, 1) if planes.ndim == 3 else planes[None]
            planes = planes[:, :, ::-1] if mirrored else planes
            return torch.from_numpy(np.ascontiguousarray(planes)).to(context.device)[None]

        self.picture, self.hole, self.lines = tensor(given.picture), tensor(given.hole), tensor(given.lines)
        self.colours, self.given = tensor(given.colours), tensor(given.given)

    def guess(self) -> torch.Tensor:
        from .first_guess import first_guess

        return first_guess(self.picture, self.hole > 0.5, self.lines > 0.5, self.colours, self.given > 0.5)


def _noise(hole: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    import torch

    return torch.from_numpy(rng.random(hole.shape, np.float32)).to(hole.device) * hole


def _published(fine: Conditions, seed: int, context: Context) -> Floats:
    import torch

    from . import sc_fegan_weights
    from .sc_fegan import inputs_of

    path = weight_file("sc-fegan", context)
    network = context.models.get(f"sc-fegan, {context.device}", lambda: sc_fegan_weights.load(path, context.device))
    rng, mirrored = np.random.default_rng(seed), seed % 2 == 1
    with torch.inference_mode():
        given = _Tensors(fine, mirrored, context)
        # as the published program makes it: normal noise of deviation 255 in bytes, saturated, then divided by 255 in integers
        drawn = (rng.standard_normal(given.hole.shape) >= 1).astype(np.float32)
        noise = torch.from_numpy(drawn).to(given.hole.device)
        found = network(inputs_of(given.picture, given.hole, given.lines, given.colours, given.given, noise))
    picture = _array((found.flip(1) + 1) / 2)
    picture = picture[:, ::-1] if mirrored else picture
    return np.where(fine.hole[..., None], np.clip(picture, 0, 1), fine.picture).astype(np.float32)


def _array(picture: torch.Tensor) -> Floats:
    """(1, 3, H, W) to (H, W, 3)."""
    return np.asarray(picture[0].float().permute(1, 2, 0).cpu().numpy(), np.float32)
