"""Which network an inpainting operation fills with: an embedded one, or published weights that the artist has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scumble.operations.context import Context
from scumble.operations.weight_file import is_here, may_run, weight_file

if TYPE_CHECKING:
    from .networks.fill import FillNetwork
    from .weights.loading import Inpainter

Domain = Literal["photo", "art"]

PublishedWeights = Literal[
    "embedded",
    "big-lama",
    "anime-manga-lama",
    "migan",
    "deepfill-places2",
    "deepfill-celebahq",
    "pconv-keras",
    "pconv-pytorch",
    "deepcreampy-bar",
]
"""Entries of the weights' manifest; `embedded` is the network of the domain."""

MIGAN_BEFORE = "migan-torchscript"
"""Whoever has only the form that was used before goes on with it."""


def embedded_network(domain: Domain, context: Context) -> FillNetwork:
    """The embedded network, warm where it was used before."""
    from safetensors.torch import load_file

    from .networks.fill import FillNetwork

    name = f"scumble-inpaint-{domain}"
    path = weight_file(name, context)

    def load() -> FillNetwork:
        network = FillNetwork()
        network.load_state_dict({key: tensor.float() for key, tensor in load_file(path).items()})
        return network.eval().to(context.device)

    return context.models.get(f"{name}, {context.device}", load)


def published_network(name: str, context: Context) -> Inpainter:
    """Downloaded weights, ready to fill.

    Raises ScumbleError `weights_missing` where their file is not here, `unauthorized` where it is a program that nobody has allowed.
    """
    from .weights.loading import load

    if name == "migan" and not is_here(name) and is_here(MIGAN_BEFORE):
        name = MIGAN_BEFORE
    path = weight_file(name, context)
    return context.models.get(
        f"{name}, {context.device}", lambda: load(path, context.device, lambda sha256: may_run(name, sha256))
    )
