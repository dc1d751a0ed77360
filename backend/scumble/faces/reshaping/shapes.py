"""How the shapes of faces differ: principal components of 49 landmarks, of faces seen from the front.

Points are told in the face's own axes: from the middle between the eyes, x along the line of the eyes and y down, in eye distances.
Faces are taken as symmetrical, and an open mouth as no property of a face.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scumble.faces.detection.alignment import Points, eye_centres
from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file
from scumble_client.errors import ScumbleError

WEIGHTS = "scumble-face-shapes"


@dataclass(frozen=True)
class FaceShapes:
    """The usual shape, and what shapes differ by, the largest differences first."""

    mean: Points
    """(49, 2)."""

    components: NDArray[np.float64]
    """(K, 49, 2), orthonormal."""

    deviations: NDArray[np.float64]
    """(K,): of each component's coefficient among faces."""

    def coefficients(self, points: Points) -> NDArray[np.float64]:
        """(K,): of a face's points in its own axes (`axes_of`)."""
        return np.asarray(((points - self.mean)[None] * self.components).sum((1, 2)))


@dataclass(frozen=True)
class Axes:
    """A face's own axes in a picture."""

    middle: Points
    """(2,): between the eyes."""

    turn: NDArray[np.float64]
    """(2, 2): rows are unit vectors, to the second eye and down."""

    unit: float
    """The distance between the eyes."""

    def inside(self, points: Points) -> Points:
        """Places (…, 2) of the picture in the face's axes."""
        return np.asarray((points - self.middle) @ self.turn.T / self.unit)

    def outside(self, vectors: Points) -> Points:
        """Vectors (…, 2) of the face's axes in the picture."""
        return np.asarray(self.unit * vectors @ self.turn)


def axes_of(points: Points) -> Axes:
    """Those of 49 landmarks. Raises ValueError where both eyes lie in one place."""
    left, right = eye_centres(points)
    apart = float(np.linalg.norm(right - left))
    if not apart > 1e-6:
        raise ValueError("both eyes lie in one place")
    along = (right - left) / apart
    return Axes((left + right) / 2, np.array([along, [-along[1], along[0]]]), apart)


def face_shapes(context: Context) -> FaceShapes:
    """The embedded ones. Raises ScumbleError `weights_missing`."""
    path = weight_file(WEIGHTS, context)
    return context.models.get(WEIGHTS, lambda: load(path))


def load(path: Path) -> FaceShapes:
    """Raises ScumbleError `weights_missing` where the file is not theirs, or is damaged."""
    from safetensors.numpy import load_file

    try:
        tensors = {name: value.astype(np.float64) for name, value in load_file(path).items()}
        mean, components, deviations = (tensors[name] for name in ("mean", "components", "deviations"))
        if mean.shape != (49, 2) or components.shape != (len(deviations), 49, 2) or not len(deviations):
            raise ValueError("the shapes of the tensors differ")
        if not all(np.isfinite(value).all() for value in tensors.values()):
            raise ValueError("there are numbers that are none")
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing", f"“{path.name}” can't be read as the shapes of faces.", "Install Scumble again."
        ) from error
    return FaceShapes(mean, components, deviations)
