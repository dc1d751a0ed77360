"""Copies for the trainer of the finishing network: patches of this machine's exemplar library, for faces that are learned from.

The face itself, which may be in the library, is no exemplar: it would teach to copy what nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from scumble.faces.exemplars.copying import Guess, Shelf, sureness
from scumble.faces.exemplars.library import open_libraries
from scumble.faces.exemplars.synthesis import SIDE, Faces, synthesized
from scumble.operations.context import Context
from scumble.worker.models import ModelCache

SAME = 0.02
"""A face whose thumbnail differs by less than this (mean absolute difference, 0 to 1) is the same picture."""

THUMBNAIL = 16


@dataclass(frozen=True)
class CopySearch:
    """Copies for aligned faces of S pixels.

    Parameters
    ----------
    shelf
        The library.
    count
        Faces that are looked through for each.
    """

    shelf: Shelf
    count: int
    device: str

    @classmethod
    def on_this_machine(cls, count: int, device: str) -> CopySearch | None:
        """None where there is no library."""
        library = open_libraries()
        return cls(Shelf(library), count, device) if len(library) else None

    def find(self, soft: Tensor, hole: Tensor, told: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """Copies (3, S, S) and trust (1, S, S) for a soft picture (3, S, S); `told` is where lines or colours were given."""
        side = soft.shape[-1]
        guess = Guess(_rows(soft), hole[0].cpu().numpy() > 0.5, sureness(told[0].cpu().numpy() > 0.5))
        context = Context(0, self.device, ModelCache(), lambda fraction, message: None)
        own = _thumbnail(truth)
        faces = []
        for _, picture in self.shelf.alike(guess, context, self.count + 2):
            face = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).to(self.device)
            small = _thumbnail(face.float() / 255)
            if min(float((small - one).abs().mean()) for one in (own, own.flip(-1))) > SAME:
                faces.append(face)
        large = torch.stack(faces[: self.count])
        small = functional.avg_pool2d(large.float() / 255, side // SIDE)
        found = synthesized(
            soft,
            hole,
            torch.from_numpy(guess.sure[None]).to(self.device),
            Faces(small, large, torch.ones_like(small[:, :1])),
        )
        return found.picture, found.trust


def _rows(picture: Tensor) -> np.ndarray:
    return np.asarray(picture.float().clamp(0, 1).permute(1, 2, 0).cpu().numpy(), np.float32)


def _thumbnail(picture: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(picture[None], THUMBNAIL)[0]
