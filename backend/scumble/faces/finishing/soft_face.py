"""A soft face finished: once by the network alone, and once more with what real faces offer for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.alignment import Matrix, scale_of
from scumble.faces.detection.found_face import FaceFrame
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file

if TYPE_CHECKING:
    import torch

    from scumble.faces.exemplars.copying import Copies

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

WEIGHTS = "scumble-face-finish"

SIDES = (256, 512)
"""Of an aligned face that is finished, in pixels: the network's own, and twice as much."""

BESIDE = 3
"""Pixels at the network's size around a drawn line in which nothing is copied."""

ALIKE = 0.06
"""How far, root mean square over colours (0 to 1), the result may be from a copy that lends it its finest detail."""


def side_for(frame: Matrix) -> int:
    """Of an aligned face whose frame is so large in the document: the one of `SIDES` that is nearer."""
    return SIDES[scale_of(frame) > sum(SIDES) / 2]


@dataclass(frozen=True)
class SoftFace:
    """An aligned face whose hole is softly filled, at the network's size S = 256."""

    picture: Floats
    """(S, S, 3) in 0 to 1: the photograph, and in the hole the soft guess."""

    guide: Floats
    """(S, S, 3) in 0 to 1: where edges are known to be, as the network and the enlargement see them (the same as `picture` where
    nothing else is known)."""

    hole: Mask
    """(S, S)."""

    lines: Mask
    given: Mask
    """(S, S): where a line and where a colour was given."""

    large: FineFace | None = None
    """The same at twice the size, where the document is that fine."""


@dataclass(frozen=True)
class FineFace:
    """What is known at 512 pixels: the photograph, the guide and the hole, as in `SoftFace`."""

    picture: Floats
    guide: Floats
    hole: Mask
    told: Mask
    """(S, S): where a line or a colour was given."""


class Finishing:
    """A soft face and its noise, ready to be finished with copies or without."""

    def __init__(self, soft: SoftFace, seed: int, context: Context) -> None:
        self.soft, self._context = soft, context
        noise = np.random.default_rng([seed, 2]).random(soft.hole.shape, np.float32) * soft.hole
        planes = (soft.picture, soft.guide, soft.hole, soft.lines, soft.given, noise)
        self._inputs = [_tensor(plane, context) for plane in planes]

    @property
    def side(self) -> int:
        """Of the result: 512 where the document is that fine, else 256."""
        return len(self.soft.hole if self.soft.large is None else self.soft.large.hole)

    def picture(self, copies: Copies | None = None) -> Floats:
        """(S, S, 3) in 0 to 1 of `side`: the photograph, bit for bit, outside the hole. `copies` are of that side as well."""
        import torch
        from torch.nn import functional

        from scumble.vision.guided_enlargement import enlarged, guided_enlargement
        from scumble.vision.precision import fast

        from . import weights

        context, soft, large = self._context, self.soft, self.soft.large
        path = weight_file(WEIGHTS, context)
        network = context.models.get(f"{WEIGHTS}, {context.device}", lambda: weights.load(path, context.device))
        offered: list[torch.Tensor] = []
        if copies is not None:
            offered = [_tensor(copies.picture, context), _tensor(copies.trust, context)]
            if large is not None:
                offered = [functional.avg_pool2d(one, 2) for one in offered]
        with torch.inference_mode(), fast(context.device):
            found = network(*self._inputs, *offered).float().clamp(0, 1)
        small = _array(found)
        if large is None:
            return np.where(soft.hole[..., None], small, soft.picture)
        fine = guided_enlargement(small, soft.guide, large.guide)
        if copies is not None:
            coarse = _array(offered[0])
            lent = copies.picture - enlarged(coarse, large.hole.shape)
            apart = np.square(coarse - small).mean(2, keepdims=True)
            agreed = enlarged(np.asarray(np.exp(-apart / ALIKE**2), np.float32), large.hole.shape)
            fine = fine + agreed * copies.trust[..., None] * lent
        return np.where(large.hole[..., None], fine.clip(0, 1), large.picture).astype(np.float32)


def finished(
    soft: SoftFace,
    exemplars: bool,
    image: Layer,
    place: FaceFrame,
    selected: Layer | None,
    seed: int,
    context: Context,
) -> Floats:
    """(S, S, 3) in 0 to 1, S as in `Finishing.side`: the face finished, with copies of real faces where `exemplars` says so.

    `selected` is what of the document must not be copied.
    """
    from scumble.faces.exemplars.copying import Guess, copied, sureness

    finishing = Finishing(soft, seed, context)
    alone = finishing.picture()
    if not exemplars:
        return alone
    large = soft.large
    hole, told = (soft.hole, soft.lines | soft.given) if large is None else (large.hole, large.told)
    copies = copied(Guess(alone, hole, sureness(told)), image, place, selected, seed, context)
    return finishing.picture(replace(copies, trust=copies.trust * _beside(soft.lines, len(hole))))


def _beside(lines: Mask, side: int) -> Floats:
    """(S, S): 0 on and beside lines that were drawn, of which no other face knows, and 1 elsewhere."""
    near = ndimage.binary_dilation(lines, np.ones((3, 3), np.bool_), BESIDE) if lines.any() else lines
    factor = side // len(lines)
    return np.asarray(~np.kron(near, np.ones((factor, factor), np.bool_)), np.float32)


def _tensor(plane: NDArray[np.generic], context: Context) -> torch.Tensor:
    """(1, C, S, S)."""
    import torch

    planes = plane.astype(np.float32)
    planes = planes.transpose(2, 0, 1) if planes.ndim == 3 else planes[None]
    return torch.from_numpy(np.ascontiguousarray(planes)).to(context.device)[None]


def _array(picture: torch.Tensor) -> Floats:
    """(1, 3, H, W) to (H, W, 3)."""
    return np.asarray(picture[0].float().permute(1, 2, 0).cpu().numpy(), np.float32)
