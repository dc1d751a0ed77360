"""Pictures with soft edges, and results over them, for the tests of how a result is laid in both editors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCENES = {
    "style over a soft edge": "inside",
    "softly selected part of a thin picture": "inside",
    "fill over a thin picture": "inside",
    "fill into full transparency": "plain",
    "fill over an object and what is around it": "plain",
    "soft fill over an opaque picture": "plain",
    "fill that moves a soft edge": "mixed",
}
"""Name → how the result is laid, as `scumble_client.editor.soft_edges` calls it."""


def _ramp(side: int, middle: float, width: float) -> NDArray[np.float64]:
    """(side, side): 1 on the left, 0 on the right."""
    across = np.broadcast_to(np.arange(side), (side, side))
    ramp: NDArray[np.float64] = np.clip((middle - across) / width + 0.5, 0, 1)
    return ramp


def _picture(colour: tuple[int, int, int], alpha: NDArray[np.float64]) -> NDArray[np.uint8]:
    side = len(alpha)
    down = np.arange(side)[:, None] * 2
    pixels = np.zeros((side, side, 4), np.uint8)
    for channel in range(3):
        pixels[..., channel] = np.clip(colour[channel] + down - side, 0, 255)
    pixels[..., 3] = np.rint(255 * alpha)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def base_of(scene: str, side: int) -> NDArray[np.uint8]:
    """(side, side, 4): what is read."""
    alpha = {
        "softly selected part of a thin picture": np.full((side, side), 0.5),
        "fill over a thin picture": np.full((side, side), 0.5),
        "fill into full transparency": _ramp(side, side / 4, 0.5),
        "fill over an object and what is around it": _ramp(side, side / 2, 0.5),
        "soft fill over an opaque picture": np.ones((side, side)),
    }.get(scene, _ramp(side, side / 2, side / 2))
    return _picture((200, 110, 60), alpha)


def result_of(scene: str, side: int) -> NDArray[np.uint8]:
    """(side, side, 4): the result's layer, straight alpha."""
    edge = _ramp(side, side / 2, side / 2)
    hole = np.zeros((side, side))
    hole[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
    alpha = {
        "style over a soft edge": edge,
        "softly selected part of a thin picture": 0.5 * edge,
        "fill over a thin picture": 0.5 * hole,
        "fill into full transparency": (1 - _ramp(side, side / 2, 0.5)) * edge * (1 - edge) * 4,
        "fill over an object and what is around it": hole,
        "soft fill over an opaque picture": hole * edge,
        "fill that moves a soft edge": hole * _ramp(side, side / 2 + 4, side / 3).T,
    }[scene]
    return _picture((30, 200, 120), alpha)
