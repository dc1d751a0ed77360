"""A face brought into the light of another that it takes the place of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.colour import luma

Floats = NDArray[np.float32]

GAIN = 4.0
"""By at most so much it is made lighter or darker."""


def relit(face: Floats, photograph: Floats, where: NDArray[np.bool_], chroma: float = 1.0) -> Floats:
    """(S, S, 3): the face, as light there as the photograph's median colour; of the difference in hue it takes over the share `chroma`."""
    if not where.any():
        return face
    wanted, has = (np.maximum(np.median(one[where], axis=0), 1 / 64) for one in (photograph, face))
    gain = wanted / has
    if chroma != 1:
        light = luma(np.asarray(wanted, np.float32)[None])[0] / luma(np.asarray(has, np.float32)[None])[0]
        gain = light * np.power(gain / light, chroma)
    return np.asarray(face * gain.clip(1 / GAIN, GAIN), np.float32)
