"""Which networks the face operations work with, and the small memory that makes live painting quick.

What a photograph is to the model (where its faces are, its latents, the Jacobian there) is remembered by the content of
its pixels, so that after the first stroke only the strokes are solved.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .context import Context
from .weight_file import weight_file

if TYPE_CHECKING:
    from scumble.algorithms.face_search import FaceNetworks
    from scumble.networks.face_latent import FaceModel

T = TypeVar("T")

Model = Literal["embedded", "ian-simple", "ian-v1"]
"""Entries of the weights' manifest; `embedded` is `scumble-face-latent`."""

LANDMARKS = "scumble-face-landmarks"
EMBEDDED = "scumble-face-latent"

REMEMBERED = 24
"""Things that are remembered: three for a photograph, which together take about 5 MB."""

MODEL = Field(
    "embedded",
    title="Face model",
    description="The network that knows faces: the embedded one, or the published one that was downloaded "
    "(scumble weights pull).",
)


class Recent:
    """The last few things that were worked out, by a key."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._found: OrderedDict[str, Any] = OrderedDict()

    def get(self, key: str, make: Callable[[], T]) -> T:
        if key not in self._found:
            self._found[key] = make()
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        self._found.move_to_end(key)
        value: T = self._found[key]
        return value


def recent(context: Context) -> Recent:
    """The worker's memory of photographs."""
    return context.models.get("photographs of faces", Recent)


def digest(*parts: NDArray[Any] | str | float) -> str:
    """A name for this content."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            state.update(f"{part.shape} {part.dtype} ".encode())
            state.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        else:
            state.update(f"{part} ".encode())
    return state.hexdigest()


def face_networks(context: Context) -> FaceNetworks:
    """The face finder and the landmark network."""
    from scumble.weights import face_landmarks

    path = weight_file(LANDMARKS, context)
    return context.models.get(f"{LANDMARKS}, {context.device}", lambda: face_landmarks.load(path, context.device))


def face_model(model: Model, context: Context) -> FaceModel:
    """The face model. Raises ScumbleError `weights_missing` where its file is not here."""
    from scumble.weights import face_latent, ian

    name = EMBEDDED if model == "embedded" else model
    path = weight_file(name, context)

    def load() -> FaceModel:
        return face_latent.load(path, context.device) if model == "embedded" else ian.load(path, context.device)

    return context.models.get(f"{name}, {context.device}", load)
