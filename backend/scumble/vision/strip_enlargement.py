"""What was worked out small, strip by strip at full size: the way back from `scumble.imaging.reduction`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.geometry import Bounds

Floats = NDArray[np.float32]


def enlarged(planes: Floats, factor: int, bounds: Bounds) -> Callable[[Bounds], Floats]:
    """A function that gives any strip of `strips(bounds, factor)` its part of the planes, enlarged bilinearly.

    Parameters
    ----------
    planes
        (P, h, w), as many rows and columns as `reduce` gave.
    """
    import torch  # listing operations imports this module, and must stay quick
    from torch.nn import functional

    padded = torch.from_numpy(np.pad(planes, ((0, 0), (1, 1), (0, 0)), mode="edge"))[None]

    def part(strip: Bounds) -> Floats:
        first = (strip.y - bounds.y) // factor
        count = -(-strip.height // factor)
        # one row more on either side, so that neighbouring strips agree where they meet
        block = padded[:, :, first : first + count + 2]
        if factor > 1:
            size = ((count + 2) * factor, planes.shape[2] * factor)
            with torch.inference_mode():
                block = functional.interpolate(block, size=size, mode="bilinear", align_corners=False)
        found: Floats = block[0, :, factor : factor + strip.height, : strip.width].numpy()
        return found

    return part
