"""Holes on faces are completed as faces; others, and what the artist has turned off, are filled as ever."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from tests.support.faces import portrait

WARM = ModelCache()
FACE = Layer(portrait())
NOTE = "completed as one"


def filled(
    mask: np.ndarray, image: Layer = FACE, seed: int = 0, sketch: Layer | None = None, **raw: Any
) -> tuple[Layer, list[str]]:
    operation = find("inpaint")
    context = Context(seed, "cpu", WARM, lambda fraction, message: None)
    layers = {"image": image, "mask": Layer((mask * 255).astype(np.uint8)[..., None])}
    layers |= {"sketch": sketch} if sketch is not None else {}
    (output,) = operation.run(layers, operation.validate(raw), context)
    return output.layer, context.notes


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((256, 256), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


EYES = box(98, 138, 66, 190)


def test_hidden_eyes_come_back_as_eyes() -> None:
    layer, notes = filled(EYES)
    assert any(NOTE in note for note in notes)
    assert np.array_equal(layer.crop(FACE.bounds).alpha() > 0, EYES)
    wall, _ = filled(EYES, faces=False)
    truth = FACE.pixels.astype(float)

    def apart(made: Layer) -> float:
        """At the scale of an eye: where it is dark and where light."""
        seen = composite(FACE, made).pixels.astype(float)
        return float(np.abs(ndimage.gaussian_filter(seen - truth, (4, 4, 0)))[EYES].mean())

    assert apart(layer) < apart(wall)


@pytest.mark.parametrize(
    "raw", [{"faces": False}, {"domain": "art"}, {"method": "patchmatch"}, {"method": "smooth"}], ids=str
)
def test_it_is_a_fill_where_the_artist_says_so(raw: dict[str, Any]) -> None:
    assert not any(NOTE in note for note in filled(EYES, **raw)[1])


@pytest.mark.parametrize(("row", "completed"), [(20, True), (118, False)])
def test_only_lines_that_are_drawn_into_the_hole_make_it_no_face(row: int, completed: bool) -> None:
    sketch = np.zeros((256, 256, 4), np.uint8)
    sketch[row : row + 2, 80:180, 3] = 255
    assert any(NOTE in note for note in filled(EYES, sketch=Layer(sketch))[1]) == completed


@pytest.mark.parametrize("mask", [box(100, 140, 0, 30), box(40, 46, 20, 230), box(150, 175, 60, 90)])
def test_beside_the_features_it_is_a_fill(mask: np.ndarray) -> None:
    assert not any(NOTE in note for note in filled(mask)[1])


def test_a_picture_without_faces_is_as_before() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3)).astype(np.uint8)
    image = Layer(noise)
    one, notes = filled(EYES, image)
    two, _ = filled(EYES, image, faces=False)
    assert np.array_equal(one.pixels, two.pixels)
    assert not any(NOTE in note for note in notes)


def test_what_reaches_beyond_the_face_s_square_is_filled_as_well() -> None:
    canvas = np.full((256, 400, 3), 128, np.uint8)
    canvas[:, :256] = portrait()
    mask = np.zeros((256, 400), np.bool_)
    mask[100:136, 60:275] = True
    layer, _ = filled(mask, Layer(canvas))
    assert np.array_equal(layer.crop(Layer(canvas).bounds).alpha() > 0, mask)


def test_the_same_seed_gives_the_same_pixels_and_another_another() -> None:
    one, two, other = (filled(EYES, seed=seed)[0].pixels for seed in (3, 3, 4))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
