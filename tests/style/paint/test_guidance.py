"""What guides strokes besides the picture's look: faces, and painted directions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from scumble.imaging.layer import Layer
from scumble.imaging.reduction import reduce
from scumble.operations.context import Context
from scumble.pictures import FOLDER
from scumble.style.inputs import target
from scumble.style.paint.flow import described, flow_planes
from scumble.style.paint.guidance import face_care, painted_direction
from scumble.style.paint.painting import ALONE, PaintingEffort, _threshold, turning
from scumble.worker.models import ModelCache
from tests.support.style import photograph, stored


def context() -> Context:
    return Context(0, "cpu", ModelCache(), lambda fraction, message: None)


def layer_of(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Layer:
    return Layer(np.ascontiguousarray(pixels))


def test_a_face_is_cared_for_and_what_is_around_it_is_not() -> None:
    portrait = np.full((320, 480, 3), 128, np.uint8)
    portrait[30:286, 200:456] = np.asarray(Image.open(FOLDER / "portrait.webp").convert("RGB"))
    image = layer_of(portrait)
    care = face_care(reduce(image, image.bounds, 1), context())
    assert care is not None
    assert care.shape == (320, 480)
    assert float(care[158, 328]) == 1, "the face is in the middle of the pasted square"
    assert float(care[:, :120].max()) == 0


def test_no_face_no_care() -> None:
    image = layer_of(stored(photograph(3, 120, 160)))
    assert face_care(reduce(image, image.bounds, 1), context()) is None


def test_finer_strokes_are_taken_sooner_where_there_is_care() -> None:
    care = torch.tensor([[0.0, 1.0]])
    threshold = _threshold(ALONE, 1, PaintingEffort().detail, care)
    assert isinstance(threshold, torch.Tensor)
    assert float(threshold[0, 1]) < 0.5 * float(threshold[0, 0])
    assert float(threshold[0, 0]) == pytest.approx(_threshold(ALONE, 1, 0.5, None))


def test_turning_compares_directions() -> None:
    assert all(cut.flow == 0 for cut in ALONE.layers)
    assert all(cut.flow > 1 for cut in turning(ALONE).layers)


def test_a_painted_stroke_turns_what_is_near_it_alone() -> None:
    image = layer_of(np.full((200, 400, 3), 128, np.uint8))
    strokes = np.zeros((200, 400, 4), np.uint8)
    strokes[40:160, 60:68] = 255  # upright
    where = target(image, None)
    found = painted_direction(layer_of(strokes), where, reduce(image, image.bounds, 1), context())
    planes = found.over(flow_planes(torch.full((1, 3, 200, 400), 0.5)))
    near, far = (described(planes[..., 95:105, at : at + 8].mean((2, 3)))[0] for at in (60, 380))
    assert float(near[0]) > 0.8, "what crosses an upright stroke points across"
    assert float(far[:2].norm()) < 0.2
