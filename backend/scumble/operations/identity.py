"""The layer back as it came: for measuring the way there and back, and for trying a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scumble.imaging.layer import Layer

from .base import Operation, Output, Parameters, Role
from .context import Context


class IdentityParameters(Parameters):
    """There are none."""


class Identity(Operation[IdentityParameters]):
    name = "identity"
    title = "Identity"
    help = "Gives the layer back unchanged: a test of the connection."
    roles = (
        Role("image", "A layer", "Choose the layer to send.", required=True),
        Role("mask", "A selection", "It is sent along and left unused.", kind="mask"),
    )
    parameters = IdentityParameters
    hidden = True

    def run(self, layers: Mapping[str, Layer], parameters: IdentityParameters, context: Context) -> Sequence[Output]:
        context.report(0.0, "Returning the layer")
        return [Output(layers["image"], context.seed)]
