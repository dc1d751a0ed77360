"""Which network completes a face: the embedded one, or SC-FEGAN's published weights that the artist has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scumble.faces.detection.found_face import FaceFrame
from scumble.imaging.layer import Layer
from scumble.operations.base import hints
from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file

from .inputs import Conditions, conditions

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
Weights = Literal["embedded", "sc-fegan"]
"""Entries of the weights' manifest; `embedded` is `scumble-face-sketch`."""

EMBEDDED, FINISH = "scumble-face-sketch", "scumble-face-finish"

PUBLISHED_SIDE = 512
"""At which SC-FEGAN sees an aligned face, in pixels."""

FINE = (256, 512)
"""Sides of the embedded networks' result: that of the one that finishes, and twice as much, brought together with lines and colours."""

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
    from scumble.faces.detection.alignment import scale_of

    if weights == "sc-fegan":
        return CompletionInput(place, conditions(layers, place, PUBLISHED_SIDE, context), None, None)
    large = scale_of(place.frame) > sum(FINE) / 2
    fine = conditions(layers, place, FINE[large], context)
    # the networks learned from lines that were thin at the larger one's size
    middle = fine.halved(thin=True) if large else fine
    return CompletionInput(place, fine, middle, middle.halved(thin=False))


def completed(job: CompletionInput, seed: int, context: Context) -> Floats:
    """(F, F, 3) in 0 to 1: the aligned face with its hole completed; outside the hole, bit for bit what it was.

    Odd seeds complete the mirrored face; each has its own noise.
    """
    import torch

    rng = np.random.default_rng(seed)
    mirrored = seed % 2 == 1
    with torch.inference_mode():
        fine = _Tensors(job.fine, mirrored, context)
        if job.small is None or job.middle is None:
            picture = _published(fine, rng, context)
        else:
            middle = fine if job.middle is job.fine else _Tensors(job.middle, mirrored, context)
            picture = _embedded(_Tensors(job.small, mirrored, context), middle, fine, rng, context)
    picture = picture[:, ::-1] if mirrored else picture
    return np.where(job.fine.hole[..., None], np.clip(picture, 0, 1), job.fine.picture).astype(np.float32)


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


def _embedded(small: _Tensors, middle: _Tensors, fine: _Tensors, rng: np.random.Generator, context: Context) -> Floats:
    """Completed at 128 pixels, finished at 256, and from there enlarged along given lines and colours."""
    from torch.nn import functional

    from scumble.vision.guided_enlargement import guided_enlargement
    from scumble.vision.precision import fast

    from . import weights as sketch_weights

    paths = {name: weight_file(name, context) for name in (EMBEDDED, FINISH)}
    complete = context.models.get(
        f"{EMBEDDED}, {context.device}", lambda: sketch_weights.load(paths[EMBEDDED], context.device)
    )
    finish = context.models.get(
        f"{FINISH}, {context.device}", lambda: sketch_weights.load_finishing(paths[FINISH], context.device)
    )
    noise, more = (_noise(one.hole, rng) for one in (small, middle))
    with fast(context.device):
        found = complete(small.guess(), small.hole, small.lines, small.given, noise)
    large = functional.interpolate(found.float(), scale_factor=2.0, mode="bicubic", align_corners=False).clamp(0, 1)
    guess = middle.guess()
    with fast(context.device):
        start = middle.picture + (large - middle.picture) * middle.hole
        found = finish(start, guess, middle.hole, middle.lines, middle.given, more).clamp(0, 1)
    if fine is middle:
        return _array(found)
    return guided_enlargement(_array(found), _array(guess), _array(fine.guess()))


def _noise(hole: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    import torch

    return torch.from_numpy(rng.random(hole.shape, np.float32)).to(hole.device) * hole


def _published(given: _Tensors, rng: np.random.Generator, context: Context) -> Floats:
    import torch

    from . import sc_fegan_weights
    from .sc_fegan import inputs_of

    path = weight_file("sc-fegan", context)
    network = context.models.get(f"sc-fegan, {context.device}", lambda: sc_fegan_weights.load(path, context.device))
    # as the published program makes it: normal noise of deviation 255 in bytes, saturated, then divided by 255 in integers
    noise = torch.from_numpy((rng.standard_normal(given.hole.shape) >= 1).astype(np.float32)).to(given.hole.device)
    found = network(inputs_of(given.picture, given.hole, given.lines, given.colours, given.given, noise))
    return _array((found.flip(1) + 1) / 2)


def _array(picture: torch.Tensor) -> Floats:
    """(1, 3, H, W) to (H, W, 3)."""
    return np.asarray(picture[0].float().permute(1, 2, 0).cpu().numpy(), np.float32)
