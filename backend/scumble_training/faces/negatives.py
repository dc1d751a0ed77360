"""What is no face: photographs and drawings, and the places in them that the networks so far take for faces.

Some of these pictures do show people. Photographs in which the networks are very sure of a face are left out from then on;
drawings, which mostly show somebody, come in only when the networks see no face in them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scumble.faces.detection.alignment import aligned, inner_frame
from scumble.faces.detection.network import CROP
from scumble.faces.detection.search import FRAME, FaceNetworks, proposals

from . import scenes as face_scenes

AT_ONCE = (60, 30)
"""Photographs and drawings that are searched at a time."""

SURELY, PERHAPS = 0.97, 0.6
"""How sure the landmark network must be for a photograph, and for a drawing, to be left out."""

KEPT = 3000
"""False faces that are remembered."""


class Negatives:
    """Backgrounds (N, 3, 256, 256), as bytes, and false faces."""

    def __init__(self, data: Path, limit: int | None) -> None:
        load = face_scenes.load_backgrounds
        self.photos = face_scenes.planes(load(data, "train", ("photos",), limit=limit))
        self.art = face_scenes.planes(load(data, "train", ("art",), limit=limit))
        self.usable = np.ones(len(self.photos), np.bool_)
        self.clean_art: set[int] = set()
        self.false: list[NDArray[np.uint8]] = []
        self.mined = False
        self.backgrounds = self.photos

    def batch(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """(count, 3, 64, 64) in 0 to 1 without a face: half of them false ones, where there are some."""
        hard = min(count // 2, len(self.false))
        out = []
        if hard:
            chosen = rng.integers(0, len(self.false), hard)
            out.append(face_scenes.tensor(np.stack([self.false[i] for i in chosen])))
        lost = self.backgrounds[rng.integers(0, len(self.backgrounds), count - hard)].float() / 255
        parts = np.stack([face_scenes.part(rng.uniform(0.1, 0.8), rng) for _ in range(count - hard)])
        out.append(face_scenes.warped(lost, parts, CROP))
        return torch.cat(out)

    def mine(self, networks: FaceNetworks, rng: np.random.Generator) -> str:
        """Search a part of the pictures; says what came of it."""
        self.mined = True
        before = len(self.false)
        for index in rng.permutation(len(self.photos))[: AT_ONCE[0]]:
            surest, crops = _false_faces(self.photos[index], networks)
            self.usable[index] = surest < SURELY
            if surest < SURELY:
                self.false += crops
        for index in rng.permutation(len(self.art))[: AT_ONCE[1]].tolist():
            surest, crops = _false_faces(self.art[index], networks)
            if surest < PERHAPS:
                self.clean_art.add(index)
                self.false += crops
            else:
                self.clean_art.discard(index)
        found = len(self.false) - before
        self.false = self.false[-KEPT:]
        self.backgrounds = torch.cat([self.photos[self.usable], self.art[sorted(self.clean_art)]])
        return f"{found} false faces; {len(self.backgrounds)} backgrounds, {len(self.clean_art)} of them drawings"


def _false_faces(picture: torch.Tensor, networks: FaceNetworks) -> tuple[float, list[NDArray[np.uint8]]]:
    """How sure the landmark network is of the surest face in a picture, and the crops of all that the finder proposes."""
    rgb = picture.permute(1, 2, 0).numpy().astype(np.float32) / np.float32(255)
    frames, sure = proposals(rgb, networks)
    crops = [np.rint(aligned(rgb, inner_frame(frame, FRAME), CROP) * 255).astype(np.uint8) for frame in frames]
    return max(sure, default=0.0), crops
