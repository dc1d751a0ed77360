"""A picture painted by the style network: smooth, at any size, strip by strip.

The network normalizes by statistics of the whole picture. Where the picture is too large to be seen at once, these come from squares that
are spread over it evenly; each strip is then painted with them, and with as much around it as the network can see, so no seam shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file
from scumble.vision.precision import fast

from .style_network import MULTIPLE, REACH, Statistics, StyleNetwork

WEIGHTS = "scumble-style"
"""The network's entry in the weights' manifest."""

AT_ONCE = 1_000_000
"""Pixels up to which a picture is painted as a whole."""

SAMPLED, ROWS, COLUMNS = 256, 3, 4
"""Side and number of the squares that tell a larger picture's statistics."""

STYLE_AT = 512
"""Longest side at which a style is looked at."""

LEAST = 32
"""Shortest side of what is painted; smaller pictures are carried on beyond their borders."""

Tick = Callable[[float], None]


def style_network(context: Context) -> StyleNetwork:
    """The network, warm where it was used before. Raises ScumbleError `weights_missing` where its file is not here."""
    path = weight_file(WEIGHTS, context)

    def load() -> StyleNetwork:
        from safetensors.torch import load_file

        network = StyleNetwork()
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
        return network.to(context.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload, no-any-return]

    return context.models.get(f"{WEIGHTS}, {context.device}", load)


def code_of(network: StyleNetwork, styles: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """(1, CODE): what to paint like. Styles are (1, 3, h, w) in 0 to 1, of the size that their strokes should have."""
    total = None
    for style, share in zip(styles, shares, strict=True):
        shortest = min(style.shape[2:])
        if shortest < LEAST:
            style = functional.interpolate(style, scale_factor=LEAST / shortest, mode="bilinear", align_corners=False)
        with fast(style.device):
            code = network.encode(style).float() * share
        total = code if total is None else total + code
    assert total is not None
    return total


def paint_smoothly(network: StyleNetwork, coloured: Tensor, code: Tensor, tick: Tick | None = None) -> Tensor:
    """(1, 3, H, W) in 0 to 1: the picture, which is in the style's colours already, painted. `tick` is told the share that is done."""
    height, width = coloured.shape[2:]
    beyond = [max(LEAST, -(-side // MULTIPLE) * MULTIPLE) - side for side in (width, height)]
    padded = functional.pad(coloured, (0, beyond[0], 0, beyond[1]), mode="replicate")
    if padded.shape[2] * padded.shape[3] <= AT_ONCE:
        with fast(coloured.device):
            painted: Tensor = network(padded, code)
        return painted[:, :, :height, :width].clamp(0, 1).contiguous()
    known = _sampled_statistics(network, padded, code)
    made = torch.empty_like(padded)
    rows = max(MULTIPLE, AT_ONCE // padded.shape[3] // MULTIPLE * MULTIPLE - 2 * REACH)
    for top in range(0, padded.shape[2], rows):
        bottom = min(top + rows, padded.shape[2])
        first, last = max(0, top - REACH), min(padded.shape[2], bottom + REACH)
        with fast(coloured.device):
            part = network(padded[:, :, first:last], code, known.again())
        made[:, :, top:bottom] = part[:, :, top - first : bottom - first]
        if tick is not None:
            tick(bottom / padded.shape[2])
    return made[:, :, :height, :width].clamp(0, 1).contiguous()


def _sampled_statistics(network: StyleNetwork, picture: Tensor, code: Tensor) -> Statistics:
    """Of squares spread evenly over the picture, borders and all."""
    side = [min(SAMPLED, length) for length in picture.shape[2:]]
    tops = torch.linspace(0, picture.shape[2] - side[0], ROWS).long().tolist()
    lefts = torch.linspace(0, picture.shape[3] - side[1], COLUMNS).long().tolist()
    squares = torch.cat([picture[:, :, y : y + side[0], x : x + side[1]] for y in tops for x in lefts])
    found = Statistics(shared=True)
    with fast(picture.device):
        network(squares, code, found)
    return found
