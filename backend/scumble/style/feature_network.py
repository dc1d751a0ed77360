"""Which feature network an operation sees with: the embedded one, or a published VGG-19 that the artist has downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from scumble.operations.base import hints
from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file
from scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from scumble.vision.vgg.network import Pooling, Vgg

Features = Literal["embedded", "vgg19-caffe-torch", "vgg19-torchvision", "adain-vgg"]
"""Entries of the weights' manifest; `embedded` is `scumble-features`."""

EMBEDDED = "scumble-features"

EMBEDDED_SCALE = 100.0
"""The embedded network's activations have a mean of 1; times this, weights published for VGG-19 (Caffe) fit them."""

NORMALISED_SCALE = 1.0

LAYERS_HINT = "Write layers like relu1_1, relu2_1"

LABELS = {
    "embedded": "Scumble's own",
    "vgg19-caffe-torch": "VGG-19 (Caffe)",
    "vgg19-torchvision": "VGG-19 (torchvision)",
    "adain-vgg": "VGG-19 (AdaIN)",
}


def features_field(when: Mapping[str, Sequence[Any]] | None = None) -> Any:
    """The parameter that chooses among them; `when` as in `hints`."""
    return Field(
        "embedded",
        title="Features",
        description="The network that compares styles: Scumble's own, or a VGG-19 that was downloaded.",
        json_schema_extra=hints(advanced=True, labels=LABELS, when=when),
    )


def feature_network(features: Features, pooling: Pooling, context: Context) -> Vgg:
    """The network, warm where it was used before. Raises ScumbleError `weights_missing` where its file is not here."""
    from scumble.vision.vgg import weights as vgg_weights
    from scumble.vision.vgg.network import Vgg

    name = EMBEDDED if features == "embedded" else features
    path = weight_file(name, context)

    def load() -> Vgg:
        form: vgg_weights.Form | None = "caffe" if features == "vgg19-caffe-torch" else None
        return Vgg(vgg_weights.load(path, form), pooling).to(context.device)

    return context.models.get(f"{name}, {pooling} pooling, {context.device}", load)


def scale_of(features: Features) -> float:
    """What the activations are multiplied by, so that published weights fit."""
    return EMBEDDED_SCALE if features == "embedded" else NORMALISED_SCALE


def layer_list(text: str) -> tuple[str, ...]:
    """Layers out of “relu1_1, relu2_1”. Raises ValueError for anything that is not a layer of VGG-19."""
    from scumble.vision.vgg.layers import LAYERS

    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise ValueError("at least one layer is needed")
    for name in names:
        if name not in LAYERS:
            raise ValueError(f"there is no layer {name}; they are called relu1_1 to relu5_4")
    return names


def _checked(text: str) -> str:
    layer_list(text)
    return text


LayerList = Annotated[str, AfterValidator(_checked)]
"""A parameter that names layers, separated by commas."""


def check_layers(network: Vgg, layers: tuple[str, ...]) -> None:
    """ScumbleError `invalid_parameter` for a layer that this network does not have."""
    for name in layers:
        if name not in network.names:
            has = ", ".join(n for n in network.names if n.startswith("relu"))
            raise ScumbleError("invalid_parameter", f"This feature network has no layer {name}.", f"It has: {has}.")
