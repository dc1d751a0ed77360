"""What guides strokes besides the picture's look: faces, where they are finer, and a layer that says which way they run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scumble.imaging.layer import Layer
from scumble.imaging.reduction import Reduced, reduce
from scumble.operations.context import Context
from scumble.style.inputs import Target
from scumble.vision.gaussian import blurred
from scumble_client.errors import ScumbleError

from .flow import NOISE, flow_planes

Floats = NDArray[np.float32]

FACE = 0.36
"""Radius around the middle of a face's frame in which strokes are finer, in sides of that frame; beyond, they become broader softly."""

REACH = 24.0
"""How far, in pixels of a picture of 768, a painted direction turns the strokes around it."""

DESIGNED_AT = 768

SEEN = 0.02
"""Share of the strongest direction's strength at which one counts in full."""


@dataclass(frozen=True)
class Direction:
    """Which way strokes are to run, (1, 2, H, W): unit vectors of the double angle of what crosses them; and how far, (1, 1, H, W)."""

    vectors: Tensor
    share: Tensor

    def over(self, planes: Tensor) -> Tensor:
        """Flow planes (1, 3, H, W) that are turned this way."""
        energy = planes[:, 2:]
        wanted = self.vectors * (energy + NOISE)
        return torch.cat([planes[:, :2] * (1 - self.share) + wanted * self.share, energy], 1)


def face_care(small: Reduced, context: Context) -> Tensor | None:
    """(H, W) in 0 to 1: how much a place belongs to a face; None where there is none."""
    from scumble.faces.detection.search import find_faces
    from scumble.faces.detection.weights import face_networks

    height, width = small.alpha.shape
    if min(height, width) < 32:
        return None
    faces = find_faces(np.asarray(np.clip(small.rgb, 0, 1), np.float32), face_networks(context))
    if not faces:
        return None
    rows, columns = np.indices((height, width))
    care = np.zeros((height, width), np.float32)
    for face in faces:
        side = float(np.sqrt(abs(np.linalg.det(face.frame[:, :2]))))
        away = np.hypot(columns - face.middle[0], rows - face.middle[1]) / (FACE * side)
        care = np.maximum(care, np.clip(2 - away, 0, 1).astype(np.float32))
    return torch.from_numpy(care).to(context.device)


def painted_direction(layer: Layer, where: Target, small: Reduced, context: Context) -> Direction:
    """What a layer of strokes, or a picture of lines, says. Raises ScumbleError `missing_input` where it says nothing.

    Strokes on a transparent layer are seen by their edges, an opaque layer by its lightness.
    """
    seen = reduce(layer.crop(where.bounds), where.bounds, small.factor)
    luma = seen.rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    plane = luma if float(seen.alpha.min()) > 0.99 else seen.alpha
    planes = flow_planes(torch.from_numpy(np.repeat(plane[None, None], 3, axis=1)).to(context.device))
    sigma = REACH * max(small.alpha.shape) / DESIGNED_AT
    vectors = blurred(planes[:, :2], max(1.0, sigma))
    length = vectors.square().sum(1, keepdim=True).sqrt()
    strongest = float(length.max())
    if strongest <= 1e-9:
        raise ScumbleError(
            "missing_input",
            "The direction layer shows no strokes here.",
            "Paint a few strokes the way the painting's should run, or choose a picture of lines.",
        )
    return Direction(vectors / (length + 1e-12), (length / (SEEN * strongest)).clamp(max=1))
