"""Which network completes a face: the embedded one, or SC-FEGAN's published weights that the artist has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .context import Context
from .face_sketch_inputs import Conditions
from .weight_file import weight_file

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
Weights = Literal["embedded", "sc-fegan"]
"""Entries of the weights' manifest; `embedded` is `scumble-face-sketch`."""

EMBEDDED = "scumble-face-sketch"

SIDES: dict[str, int] = {"embedded": 256, "sc-fegan": 512}
"""At which an aligned face is seen, in pixels."""

WEIGHTS = Field(
    "embedded",
    title="Weights",
    description="The network: the embedded one, or SC-FEGAN's published weights, once they are here (scumble weights pull).",
)


def completed(given: Conditions, weights: Weights, seed: int, context: Context) -> Floats:
    """(S, S, 3) in 0 to 1: the aligned face with its hole completed; outside the hole, bit for bit what it was.

    Odd seeds complete the mirrored face; each has its own noise.
    """
    import torch

    rng = np.random.default_rng(seed)
    mirrored = seed % 2 == 1
    complete = _published if weights == "sc-fegan" else _embedded

    def tensor(array: NDArray[np.generic]) -> torch.Tensor:
        planes = array.astype(np.float32)
        planes = planes.transpose(2, 0, 1) if planes.ndim == 3 else planes[None]
        planes = planes[:, :, ::-1] if mirrored else planes
        return torch.from_numpy(np.ascontiguousarray(planes)).to(context.device)[None]

    with torch.inference_mode():
        parts = (given.picture, given.hole, given.lines, given.colours, given.given)
        found = complete(*(tensor(part) for part in parts), rng, context)
    picture = found[0].float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    picture = picture[:, ::-1] if mirrored else picture
    return np.where(given.hole[..., None], picture, given.picture).astype(np.float32)


def _embedded(
    picture: torch.Tensor,
    hole: torch.Tensor,
    lines: torch.Tensor,
    colours: torch.Tensor,
    given: torch.Tensor,
    rng: np.random.Generator,
    context: Context,
) -> torch.Tensor:
    import torch

    from scumble.algorithms.sketch_fill import sketch_fill
    from scumble.networks.precision import fast
    from scumble.weights import face_sketch

    path = weight_file(EMBEDDED, context)
    network = context.models.get(f"{EMBEDDED}, {context.device}", lambda: face_sketch.load(path, context.device))
    guess = sketch_fill(picture, hole > 0.5, lines > 0.5, colours, given > 0.5)
    noise = torch.from_numpy(rng.random(hole.shape, np.float32)).to(hole.device) * hole
    with fast(context.device):
        found: torch.Tensor = network(guess, hole, lines, given, noise)
    return found


def _published(
    picture: torch.Tensor,
    hole: torch.Tensor,
    lines: torch.Tensor,
    colours: torch.Tensor,
    given: torch.Tensor,
    rng: np.random.Generator,
    context: Context,
) -> torch.Tensor:
    import torch

    from scumble.networks.sc_fegan import inputs_of
    from scumble.weights import sc_fegan

    path = weight_file("sc-fegan", context)
    network = context.models.get(f"sc-fegan, {context.device}", lambda: sc_fegan.load(path, context.device))
    # as the published program makes it: normal noise of deviation 255 in bytes, saturated, then divided by 255 in integers
    noise = torch.from_numpy((rng.standard_normal(hole.shape) >= 1).astype(np.float32)).to(hole.device)
    found = network(inputs_of(picture, hole, lines, colours, given, noise))
    return (found.flip(1) + 1) / 2
