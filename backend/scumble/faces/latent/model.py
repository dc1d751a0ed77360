"""Which face model an operation works with: the embedded one, or published weights that the artist has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field

from scumble.operations.base import hints
from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file

if TYPE_CHECKING:
    from .network import FaceModel

T = TypeVar("T")

Model = Literal["embedded", "ian-simple", "ian-v1"]
"""Entries of the weights' manifest; `embedded` is `scumble-face-latent`."""

EMBEDDED = "scumble-face-latent"

MODEL = Field(
    "embedded",
    title="Face model",
    description="The network that knows faces: Scumble's own, or the Neural Photo Editor's that was downloaded.",
    json_schema_extra=hints(
        advanced=True, labels={"embedded": "Scumble's own", "ian-simple": "IAN, simple", "ian-v1": "IAN, first version"}
    ),
)


def face_model(model: Model, context: Context) -> FaceModel:
    """The face model. Raises ScumbleError `weights_missing` where its file is not here."""
    from . import ian_weights
    from . import weights as latent_weights

    name = EMBEDDED if model == "embedded" else model
    path = weight_file(name, context)

    def load() -> FaceModel:
        return (
            latent_weights.load(path, context.device) if model == "embedded" else ian_weights.load(path, context.device)
        )

    return context.models.get(f"{name}, {context.device}", load)
