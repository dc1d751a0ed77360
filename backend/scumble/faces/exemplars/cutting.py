"""Faces of a picture, cut out for the library: which are of use, and at which resolution they really are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from scumble.faces.detection.alignment import Matrix, aligned, applied, eye_centres, inverse, scale_of
from scumble.faces.detection.found_face import FaceFrame
from scumble.faces.detection.search import Face, FaceNetworks, find_faces
from scumble.imaging.colour import luma
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.imaging.reduction import factor_for, reduce

from .collection import SIDE, NewFace, new_face

Floats = NDArray[np.float32]

SEARCHED = 1600
"""Longest side, in pixels, of the picture that is searched: faces that are too small in it are so in most pictures anyway."""

LEAST_SIDE = 96
"""Pixels across the frame: with fewer, an eye is eight pixels wide."""

APART = 0.5
"""Least distance of a face's middle from a surer one's, in sides of the latter's frame: a face is half a side wide, so cheek by cheek
they are as far from each other."""

SEEN = 0.8
"""Share of the frame that the picture must show; beyond its border there would be smears to copy."""

TURNED = 0.35
"""How far the bridge of the nose may be from the middle of the eyes, in eye distances. Portraits turned by a sixth of a
right angle have 0.2; beyond this, one eye is seen from the side."""

SHARP = 0.37
"""Least ratio of the Laplacian's deviation in a picture to that in the picture at half the side.

It does not depend on contrast or light. What is smooth from pixel to pixel has 0.25: in a Taylor series, the Laplacian at half
the spacing is a quarter. Sharp faces of five collections at 256 pixels have 0.46 to 0.83 (5 % to 95 %); blurred by a
Gaussian of 0.7 pixels they have 0.38 to 0.45, by one of a pixel 0.33 to 0.37, by one of two 0.27 to 0.28.
"""

ROUNDING = 1.0
"""What rounding to bytes adds to the Laplacian's variance (20 / 12 for a plane, half of it for the mean of three), and a little
more: else what is smooth altogether would count as sharp. Grain of a camera does count as detail."""

SHRINK = 0.8
"""Between two sizes at which a face that is out of focus is looked at."""

BRIDGE = 13
"""The lowest point of the nose's bridge."""

Reason = Literal["small", "cut off", "turned", "blurred"]


@dataclass(frozen=True)
class CutOut:
    """What of a picture's faces is of use."""

    faces: tuple[NewFace, ...]
    refused: tuple[Reason, ...]
    """Why others are not, one for each."""

    @property
    def found(self) -> int:
        return len(self.faces) + len(self.refused)


def cut_out(picture: Layer, source: str, networks: FaceNetworks) -> CutOut:
    """The faces of a picture, aligned, at most `SIDE` pixels, never enlarged; `source` names the picture."""
    factor = factor_for(picture.bounds, SEARCHED)
    seen = reduce(picture, picture.bounds, factor)
    over_gray = seen.rgb * seen.alpha[..., None] + 0.5 * (1 - seen.alpha[..., None])
    kept: list[NewFace] = []
    refused: list[Reason] = []
    for face in apart(find_faces(np.asarray(over_gray, np.float32), networks)):
        one = _cut(picture, face, factor, source)
        if isinstance(one, NewFace):
            kept.append(one)
        else:
            refused.append(one)
    return CutOut(tuple(kept), tuple(refused))


def apart(faces: Sequence[Face]) -> list[Face]:
    """Those that lie on no surer one; given are the surest first.

    A mouth and a brow can be taken for the eyes of a second face: in an operation nobody would choose that, here it would be
    stored.
    """
    kept: list[Face] = []
    for face in faces:
        if all(np.hypot(*(face.middle - k.middle)) > APART * scale_of(k.frame) for k in kept):
            kept.append(face)
    return kept


def _cut(picture: Layer, face: Face, factor: int, source: str) -> NewFace | Reason:
    frame = face.frame * factor + np.array([[0, 0, picture.offset.x], [0, 0, picture.offset.y]])
    points = applied(inverse(face.frame), face.points)
    side = min(SIDE, int(scale_of(frame)))
    if side < LEAST_SIDE:
        return "small"
    if turn(points) > TURNED:
        return "turned"
    bounds = FaceFrame(frame, True).bounds.padded(4)
    if _share_seen(picture, frame, bounds) < SEEN:
        return "cut off"
    rgb = _aligned(picture, frame, bounds, side)
    sharp = sharp_side(rgb)
    if sharp < LEAST_SIDE:
        return "blurred"
    if sharp < side:
        rgb = _aligned(picture, frame, bounds, sharp)
    return new_face(rgb, points, Path(source).name)


def turn(points: NDArray[np.float64]) -> float:
    """How far a face is turned to a side: from the middle of the eyes to the nose, along the eyes, in eye distances."""
    left, right = eye_centres(points)
    across = right - left
    along = (points[BRIDGE] - (left + right) / 2) @ across
    return float(abs(along) / max(float(across @ across), 1e-12))


def sharp_side(rgb: NDArray[np.uint8]) -> int:
    """The largest side, up to that of the picture (S, S, 3), at which it has detail from pixel to pixel; at last 0."""
    side = int(rgb.shape[0])
    while side >= LEAST_SIDE // 2:
        if sharpness(rgb if side == rgb.shape[0] else _smaller(rgb, side, Image.Resampling.LANCZOS)) >= SHARP:
            return side
        side = int(side * SHRINK)
    return 0


def sharpness(rgb: NDArray[np.uint8]) -> float:
    """See `SHARP`; of brows to chin of an aligned picture (S, S, 3), so that the background does not count."""
    half = _smaller(rgb, rgb.shape[0] // 2, Image.Resampling.BOX)
    return float(np.sqrt(_detail(rgb) / max(_detail(half), 1e-6)))


def _detail(rgb: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian."""
    side = rgb.shape[0]
    rows, columns = slice(round(0.3 * side), round(0.85 * side)), slice(round(0.2 * side), round(0.8 * side))
    laplacian = ndimage.laplace(luma(rgb.astype(np.float32)))
    return max(float(laplacian[rows, columns].var()) - ROUNDING, 0.0)


def _smaller(rgb: NDArray[np.uint8], side: int, by: Image.Resampling) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(rgb).resize((side, side), by), np.uint8)


def _share_seen(picture: Layer, frame: Matrix, bounds: Bounds) -> float:
    """How much of the frame lies in the picture, where that is not transparent."""
    alpha = picture.crop(bounds).alpha()
    moved = frame - np.array([[0, 0, bounds.x], [0, 0, bounds.y]])
    return float(np.clip(aligned(alpha[..., None], moved, 64), 0, 1).mean())


def _aligned(picture: Layer, frame: Matrix, bounds: Bounds, side: int) -> NDArray[np.uint8]:
    """(side, side, 3) in sRGB; what is transparent lies on gray."""
    inside = bounds.intersection(picture.bounds)
    working = picture.to_working(inside)
    alpha = working.alpha[..., None]
    rgb = np.asarray(working.rgb * alpha + 0.5 * (1 - alpha), np.float32)
    moved = frame - np.array([[0, 0, inside.x], [0, 0, inside.y]])
    seen = np.clip(aligned(rgb, moved, side, order=3), 0, 1)
    return np.asarray(np.rint(seen * 255), np.uint8)
