"""What the face parser is taught: hair and skin as a published network sees them, lips, eyes and mouth as landmarks say.

The teacher (skin, clothes and hair of portraits, MIT; an ONNX file) is asked once for each face, and what it says is kept.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from scumble.faces.detection.alignment import Points
from scumble.faces.detection.parts import SOFT, brows_of, parts_of, polygon
from scumble.faces.parsing.network import CLASSES
from scumble_client.errors import ScumbleError
from scumble_training.common import datasets

from .pictures import resized
from .sketch_examples import COLLECTION

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

TEACHER_SIDE = 512
"""Of the pictures that the teacher sees, in pixels."""

SIDE = 128
"""Of the labels."""

MEAN, DEVIATION = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)
"""Of ImageNet's colours, which the teacher expects."""

SKIN, HAIR = 0, 2
"""Among the teacher's three maps; the one between is clothes."""

INNER_FACE = (0, 4, 5, 9, 28, 37, 40, 31, 19)
"""Points around brows, eyes and mouth: what lies between them is face, whatever else it looks like, unless it is hair."""


class Teacher:
    """The published network, run by ONNX Runtime, which only this needs.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is not the teacher's, and `invalid_parameter` where ONNX Runtime is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            runtime = importlib.import_module("onnxruntime")
        except ImportError:
            raise ScumbleError(
                "invalid_parameter",
                "The face parser's teacher needs ONNX Runtime, which is not installed.",
                "Install it: pip install onnxruntime",
            ) from None
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            (given,) = self._session.get_inputs()
        except Exception as error:  # whatever a damaged file makes its reader raise
            raise ScumbleError(
                "weights_missing",
                f"“{path.name}” can't be read as the face parser's teacher.",
                "Name the ONNX file of its network of skin, clothes and hair: --set teacher=FILE",
            ) from error
        self._given = given.name

    def __call__(self, picture: Bytes) -> Bytes:
        """(2, SIDE, SIDE) skin and hair, 0 to 255, of a picture (S, S, 3)."""
        large = Image.fromarray(picture).resize((TEACHER_SIDE, TEACHER_SIDE), Image.Resampling.BICUBIC)
        seen = (np.asarray(large, np.float32) / np.float32(255) - MEAN) / DEVIATION
        (found,) = self._session.run(None, {self._given: np.ascontiguousarray(seen.transpose(2, 0, 1)[None])})
        cells = np.asarray(found, np.float32)[0, [SKIN, HAIR]].clip(0, 1)
        step = TEACHER_SIDE // SIDE
        small = cells.reshape(2, SIDE, step, SIDE, step).mean((2, 4))
        return np.asarray(np.round(small * 255), np.uint8)


def taught(data: Path, folder: Path, names: Sequence[str], teacher: Callable[[Bytes], Bytes]) -> Iterator[Path]:
    """Ask for the faces that were not asked for yet; yields each one's file."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not path_of(folder, name).exists()]
    for name, picture in zip(missing, datasets.pictures(data, COLLECTION, missing), strict=True):
        path = path_of(folder, name)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.save(file, teacher(resized(picture, 256)))
        unfinished.replace(path)
        yield path


def path_of(folder: Path, name: str) -> Path:
    return folder / f"{Path(name).stem}.npy"


def labels_of(said: Bytes, points: Points) -> Bytes:
    """(6, SIDE, SIDE), in the order of `CLASSES`, whose sum is 255 up to rounding.

    Parameters
    ----------
    said
        The teacher's skin and hair.
    points
        (49, 2): shares of the side.
    """
    skin, hair = said.astype(np.float32) / np.float32(255)
    together = np.maximum(skin + hair, 1)
    skin, hair = skin / together, hair / together
    other = 1 - skin - hair
    # hands and glasses apart, nothing in the middle of a face is clothes or a wall
    inner = polygon(points[list(INNER_FACE)] * SIDE, SIDE)
    inside = ndimage.gaussian_filter(inner.astype(np.float32), SOFT * SIDE)
    skin, other = skin + inside * other, other * (1 - inside)
    parts = parts_of(points * SIDE, SIDE)
    shown = np.where(hair > 0.5, 1 - hair, 1).astype(np.float32)  # a fringe hides brows and lids
    lips, mouth = parts.lips, parts.mouth
    eyes = np.maximum(parts.eyes, brows_of(points * SIDE, SIDE)) * shown
    over = np.maximum(lips + mouth + eyes, 1)
    lips, mouth, eyes = lips / over, mouth / over, eyes / over
    rest = 1 - lips - mouth - eyes
    maps = {"other": other * rest, "skin": skin * rest, "hair": hair * rest, "lips": lips, "eyes": eyes, "mouth": mouth}
    return np.round(np.stack([maps[name] for name in CLASSES]) * 255).astype(np.uint8)
