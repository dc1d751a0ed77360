"""Finding the faces of a picture of any size: the finder on a pyramid, then the landmark network on each aligned crop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from .alignment import (
    Floats,
    Matrix,
    Points,
    aligned,
    applied,
    eye_centres,
    eye_distance,
    inner_frame,
    similarity,
    tilt_of,
)
from .network import CROP, STRIDE, UNIT, FaceFinder, FaceLandmarks

FRAME = 0.9
"""Share of the aligned frame's side that the landmark network sees, as in its training."""

PIXELS_FIRST, PIXELS_MOST = 1_200_000, 6_000_000
"""Pixels of the largest picture that is searched: at first, and where nothing was found in that."""

SHRINK = 1.3
"""Between two sizes of the pyramid; the finder knows sizes that differ by more than two, so each is looked for thrice."""

SMALLEST = 24
"""Shortest side of the pyramid's smallest picture."""

MAYBE, SURE = 0.15, 0.85
"""How likely a face must be for the finder, and then for the landmark network."""

LOOKS = 3
MOST_CANDIDATES = 64

LEAST_EYES = 6.0
"""Smallest eye distance, in pixels; below it, points are guesses."""

CROOKED = 0.30
"""How far the points may be from a mean face's, in eye distances (root mean square), to be a face's."""

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Face:
    """One face in a picture."""

    points: Points
    """(49, 2): x and y in pixels."""

    frame: Matrix
    """From the unit square of the aligned frame to the picture (see `alignment`)."""

    sure: float
    """How likely it is a face, 0 to 1."""

    @cached_property
    def eyes(self) -> float:
        """Distance of the eyes, in pixels."""
        return eye_distance(self.points)

    @cached_property
    def middle(self) -> NDArray[np.float64]:
        """Of the frame, in pixels."""
        return np.asarray(applied(self.frame, np.array([[0.5, 0.5]]))[0])

    @property
    def tilt(self) -> float:
        """Degrees, clockwise."""
        return tilt_of(self.frame)


@dataclass(frozen=True)
class FaceNetworks:
    """Both networks, in evaluation mode."""

    finder: FaceFinder
    landmarks: FaceLandmarks

    @cached_property
    def shape(self) -> Points:
        """(49, 2): the mean face in the unit square of the aligned frame."""
        return np.asarray(self.landmarks.shape.cpu().double().numpy())

    @property
    def device(self) -> torch.device:
        return self.landmarks.shape.device


def find_faces(rgb: Floats, networks: FaceNetworks, progress: Progress | None = None) -> list[Face]:
    """All faces of a picture (H, W, 3) in 0 to 1, the surest first.

    Upright ones and those tilted by up to 30° are found, from an eye distance of 12 pixels on.
    """
    report = progress or (lambda fraction: None)
    pixels = rgb.shape[0] * rgb.shape[1]
    limits = [PIXELS_FIRST] + ([PIXELS_MOST] if pixels > PIXELS_FIRST else [])
    for number, limit in enumerate(limits):
        factor = max(1.0, (pixels / limit) ** 0.5)
        found = _candidates(rgb, networks.finder, networks.device, factor, number > 0)
        report((number + 0.6) / len(limits))
        faces = _looked_at(rgb, found, networks)
        if faces:
            break
    report(1.0)
    return faces


@dataclass(frozen=True)
class _Candidate:
    likely: float
    eyes: Points
    """(2, 2) in pixels of the picture."""

    @property
    def distance(self) -> float:
        return float(np.hypot(*(self.eyes[1] - self.eyes[0])))

    @property
    def middle(self) -> NDArray[np.float64]:
        return np.asarray(self.eyes.mean(axis=0))


@torch.inference_mode()
def _candidates(
    rgb: Floats, finder: FaceFinder, device: torch.device, factor: float, only_fine: bool
) -> list[_Candidate]:
    """What the finder takes for faces, over the sizes from 1 / factor down."""
    picture = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].clamp(0, 1).to(device)
    height, width = rgb.shape[:2]
    found: list[_Candidate] = []
    level = 0
    while True:
        size = [max(1, round(side / (factor * SHRINK**level))) for side in (height, width)]
        if level and (min(size) < SMALLEST or (only_fine and level > 4)):
            break
        small = picture
        if size != [height, width]:
            small = functional.interpolate(picture, size, mode="bilinear", antialias=True)
        around = [(-side) % STRIDE for side in size]
        small = functional.pad(small, (0, around[1], 0, around[0]), mode="replicate")
        logits, eyes = finder(small)
        found += _peaks(logits, eyes, (width / size[1], height / size[0]))
        level += 1
    return _apart(found)


def _peaks(logits: torch.Tensor, eyes: torch.Tensor, scale: tuple[float, float]) -> list[_Candidate]:
    likely = torch.sigmoid(logits)[0]
    best = functional.max_pool2d(likely[None, None], 3, 1, 1)[0, 0]
    rows, columns = torch.nonzero((likely == best) & (likely > MAYBE), as_tuple=True)
    out = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        place = np.array([column + 0.5, row + 0.5]) * STRIDE
        offsets = eyes[0, :, row, column].cpu().double().numpy().reshape(2, 2) * UNIT
        both = (place + offsets) * np.array(scale)
        if np.hypot(*(both[1] - both[0])) >= 2:
            out.append(_Candidate(float(likely[row, column]), both))
    return out


def _apart(found: Sequence[_Candidate]) -> list[_Candidate]:
    """The likeliest of those that lie on one another."""
    ordered = sorted(found, key=lambda c: -c.likely)[: 4 * MOST_CANDIDATES]
    middles = np.array([one.middle for one in ordered]).reshape(-1, 2)
    distances = np.array([one.distance for one in ordered])
    kept: list[int] = []
    for number in range(len(ordered)):  # beside all that were kept at once: there are thousands of pairs
        away = np.hypot(*(middles[number] - middles[kept]).T)
        if (away > 0.7 * np.maximum(distances[number], distances[kept])).all():
            kept.append(number)
            if len(kept) == MOST_CANDIDATES:
                break
    return [ordered[number] for number in kept]


def _looked_at(rgb: Floats, found: Sequence[_Candidate], networks: FaceNetworks) -> list[Face]:
    """The candidates that the landmark network agrees with, with their points."""
    ends = np.stack(eye_centres(networks.shape))
    frames = [similarity(ends, candidate.eyes) for candidate in found]
    faces: list[Face] = []
    for face in sorted(refined(rgb, frames, networks), key=lambda f: -f.sure):
        if all(np.hypot(*(face.middle - k.middle)) > 0.8 * max(face.eyes, k.eyes) for k in faces):
            faces.append(face)
    return faces


def proposals(rgb: Floats, networks: FaceNetworks, most: int = 8) -> tuple[list[Matrix], list[float]]:
    """The frames that the finder proposes, and how sure the landmark network is of each at its first look."""
    ends = np.stack(eye_centres(networks.shape))
    found = _candidates(rgb, networks.finder, networks.device, 1.0, False)[:most]
    frames = [similarity(ends, candidate.eyes) for candidate in found]
    if not frames:
        return [], []
    crops = np.stack([aligned(rgb, inner_frame(frame, FRAME), CROP) for frame in frames])
    with torch.inference_mode():
        seen = torch.from_numpy(crops).permute(0, 3, 1, 2).clamp(0, 1).to(networks.device)
        _, logits = networks.landmarks(seen)
    return frames, torch.sigmoid(logits).tolist()


@torch.inference_mode()
def refined(rgb: Floats, frames: Sequence[Matrix], networks: FaceNetworks) -> list[Face]:
    """Look at roughly placed frames again and again; those that turn out to hold no face are left out."""
    if not frames:
        return []
    shape = networks.shape
    frames = list(frames)
    for _ in range(LOOKS):
        inner = [inner_frame(frame, FRAME) for frame in frames]
        crops = np.stack([aligned(rgb, frame, CROP) for frame in inner])
        seen = torch.from_numpy(crops).permute(0, 3, 1, 2).clamp(0, 1).to(networks.device)
        places, logits = networks.landmarks(seen)
        both = zip(inner, places.cpu().double().numpy(), strict=True)
        points = [applied(frame, place) for frame, place in both]
        frames = [similarity(shape, point) for point in points]
    out = []
    for point, frame, sure in zip(points, frames, torch.sigmoid(logits).tolist(), strict=True):
        eyes = eye_distance(point)
        off = np.sqrt(((applied(frame, shape) - point) ** 2).sum(axis=1).mean()) / max(eyes, 1e-6)
        if sure >= SURE and eyes >= LEAST_EYES and off < CROOKED:
            out.append(Face(point, frame, sure))
    return out
