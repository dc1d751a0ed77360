"""Where a latent model moves forms the picture is finished; where it moves colours, the photograph's detail stays."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.faces.detection.found_face import frame_of
from scumble.faces.latent.edit import Subject, subject
from scumble.faces.latent.photographic import finished_change, finished_picture, soft_face
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.vision.guided_enlargement import enlarged
from scumble.worker.models import ModelCache
from tests.support.faces import portrait

WARM = ModelCache()
FACE = Layer(portrait())


def context() -> Context:
    return Context(0, "cpu", WARM, lambda fraction, message: None)


@pytest.fixture(scope="module")
def face() -> Subject:
    given = context()
    return subject(FACE, frame_of({"image": FACE}, given), "embedded", "latents", given)


def changed(amount: tuple[int, int, int], where: Bounds) -> Layer:
    """The face with so much added in a place, as a layer over it."""
    part = FACE.crop(where).pixels[..., :3].astype(int) + np.array(amount)
    alpha = np.full((*where.extent.shape, 1), 255, np.uint8)
    return Layer(np.concatenate([part.clip(0, 255).astype(np.uint8), alpha], axis=2), where.offset)


def after(face: Subject) -> np.ndarray:
    return np.asarray(face.picture * 2 - 1, np.float32)


MOUTH = Bounds(100, 180, 60, 30)


def test_colours_that_move_alone_leave_the_photograph_s_detail(face: Subject) -> None:
    rouge = changed((30, -15, -3), MOUTH)  # of the same lightness
    made = finished_change(rouge, after(face), face, FACE, None, False, 0, context())
    assert made is rouge


def test_forms_that_move_are_finished_and_nothing_beyond(face: Subject) -> None:
    light = changed((90, 90, 90), MOUTH)
    made = finished_change(light, after(face), face, FACE, None, False, 0, context())
    assert MOUTH.contains(made.bounds)
    there = light.crop(made.bounds)
    assert np.array_equal(made.pixels[..., 3], there.pixels[..., 3])
    assert np.abs(made.pixels[..., :3].astype(int) - there.pixels[..., :3])[5:-5, 5:-5].mean() > 3


def test_a_speck_is_none(face: Subject) -> None:
    speck = changed((90, 90, 90), Bounds(120, 190, 2, 2))
    assert finished_change(speck, after(face), face, FACE, None, False, 0, context()) is speck


def test_a_picture_is_finished_at_the_document_s_size(face: Subject) -> None:
    found = finished_picture(face.picture, FACE, face.place, False, 0, context())
    assert found.shape == (256, 256, 3)
    soft = enlarged(face.picture, (256, 256))
    assert np.abs(np.diff(found, axis=1)).mean() > np.abs(np.diff(soft, axis=1)).mean()


@pytest.mark.parametrize("side", [256, 512])
def test_a_soft_face_knows_its_large_form(side: int) -> None:
    hole = np.zeros((side, side), np.bool_)
    hole[3, 5] = True
    found = soft_face(np.full((side, side, 3), 0.5, np.float32), hole)
    assert found.picture.shape == (256, 256, 3)
    assert found.hole.sum() == 1
    assert (found.large is None) == (side == 256)


def test_the_change_may_lie_in_a_document_of_any_offset(face: Subject) -> None:
    moved = Layer(FACE.pixels, Point(-300, 70))
    given = context()
    there = subject(moved, frame_of({"image": moved}, given), "embedded", "latents", given)
    layer = changed((90, 90, 90), MOUTH)
    layer = Layer(layer.pixels, layer.offset + moved.offset)
    made = finished_change(layer, after(there), there, moved, None, False, 0, given)
    same = finished_change(changed((90, 90, 90), MOUTH), after(face), face, FACE, None, False, 0, context())
    assert made.bounds.offset == same.bounds.offset + moved.offset
    assert np.abs(made.pixels.astype(int) - same.pixels).max() <= 2
