"""What both descents begin with: the feature network and its layers, the picture at its working size, previews.

`paint-style` by Gatys et al. (2016) and `photo-style` by Luan et al. (2017) lower an objective on a network's features;
this is what they share before they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.reduction import Reduced
from scumble.operations.context import Context
from scumble.vision.vgg.layers import LEAST_SIDE
from scumble_client.errors import ScumbleError

from .feature_network import Features, check_layers, feature_network, layer_list, scale_of
from .inputs import Target, preview_layer, seen_small

if TYPE_CHECKING:
    from scumble.vision.vgg.network import Vgg

Floats = NDArray[np.float32]


class OptimizationParameters(Protocol):
    """The parameters that both operations have."""

    @property
    def features(self) -> Features: ...
    @property
    def pooling(self) -> Literal["max", "average"]: ...
    @property
    def content_layers(self) -> str: ...
    @property
    def style_layers(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def preview_every(self) -> int: ...


@dataclass(frozen=True)
class Optimization:
    """What a descent works on."""

    network: Vgg
    scale: float
    """What the network's activations are multiplied by, so that published weights of losses fit."""
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    longest: int
    """Longest side at the working size, in pixels."""
    content: Reduced
    """The picture at the working size."""
    preview_every: int
    """Iterations between previews; 0 where nobody asks for any."""
    preview: Callable[[Floats], None]
    """Shows a picture, (h, w, 3) in 0 to 1, to whoever waits."""


def prepare(where: Target, parameters: OptimizationParameters, context: Context) -> Optimization:
    """Raises ScumbleError: `weights_missing`, or `invalid_parameter` for a layer or a size that the network can't do."""
    network = feature_network(parameters.features, parameters.pooling, context)
    content_layers, style_layers = layer_list(parameters.content_layers), layer_list(parameters.style_layers)
    check_layers(network, content_layers + style_layers)
    longest = max(LEAST_SIDE, round(parameters.size * context.memory_scale))
    content = seen_small(where.image, where.bounds, longest, context)
    check_size(content)

    def preview(picture: Floats) -> None:
        if context.preview is not None:
            context.preview(preview_layer(picture, content, where.image))

    return Optimization(
        network,
        scale_of(parameters.features),
        content_layers,
        style_layers,
        longest,
        content,
        parameters.preview_every if context.preview is not None else 0,
        preview,
    )


def check_size(small: Reduced) -> None:
    """ScumbleError `invalid_parameter` for a picture that is too small for the network's layers."""
    if min(small.alpha.shape) < LEAST_SIDE:
        raise ScumbleError(
            "invalid_parameter",
            f"A side of fewer than {LEAST_SIDE} pixels is too little to see a style in.",
            "Use method fast, or select more.",
        )
