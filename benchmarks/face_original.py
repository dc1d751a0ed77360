"""The Neural Photo Editor's own brush (Brock et al. 2017; `NPE.py`), on any face model: what the face brush is measured against.

Each brush event takes one gradient step on the mean squared difference under a square brush; nothing holds the latents back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from scumble.faces.latent.compositing import published_composite
from scumble.faces.latent.network import FaceModel

Floats = NDArray[np.float32]

STEP = 0.05


@dataclass
class OriginalEditor:
    """One face being edited as the published program does it; pictures are (3, side, side) in −1 to 1."""

    model: FaceModel
    picture: torch.Tensor

    def __post_init__(self) -> None:
        with torch.no_grad():
            self.z = self.model.encode(self.picture[None])[0].clone()
            self.before = self.model.decode(self.z[None])[0]

    def event(self, x: float, y: float, half: int, colour: tuple[float, float, float]) -> None:
        """One movement of the brush over (x, y), with a square of 2 · half + 1 pixels."""
        side = self.model.side
        left, top = max(round(x) - half, 0), max(round(y) - half, 0)
        right, bottom = min(round(x) + half + 1, side), min(round(y) + half + 1, side)
        z = self.z.detach().requires_grad_()
        patch = self.model.decode(z[None])[0, :, top:bottom, left:right]
        loss = ((patch - torch.tensor(colour)[:, None, None]) ** 2).mean()
        (gradient,) = torch.autograd.grad(loss, z)
        self.z = (z - STEP * gradient * (1 + half)).detach()

    def result(self) -> Floats:
        """(side, side, 3): the published composite."""
        with torch.no_grad():
            after = self.model.decode(self.z[None])[0]
        return published_composite(*(t.permute(1, 2, 0).numpy() for t in (self.picture, self.before, after)))
