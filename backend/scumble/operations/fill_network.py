"""Which network an inpainting operation fills with: an embedded one, or published weights that the artist has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .context import Context
from .weight_file import weight_file

if TYPE_CHECKING:
    from scumble.networks.fill import FillNetwork
    from scumble.weights.inpainting import Inpainter

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


def embedded_network(domain: Domain, context: Context) -> FillNetwork:
    """The embedded network, warm where it was used before."""
    from safetensors.torch import load_file

    from scumble.networks.fill import FillNetwork

    name = f"scumble-inpaint-{domain}"
    path = weight_file(name, context)

    def load() -> FillNetwork:
        network = FillNetwork()
        network.load_state_dict({key: tensor.float() for key, tensor in load_file(path).items()})
        return network.eval().to(context.device)

    return context.models.get(f"{name}, {context.device}", load)


def published_network(name: str, context: Context) -> Inpainter:
    """Downloaded weights, ready to fill. Raises ScumbleError `weights_missing` where their file is not here."""
    from scumble.weights.inpainting import load

    path = weight_file(name, context)
    return context.models.get(f"{name}, {context.device}", lambda: load(path, context.device))
