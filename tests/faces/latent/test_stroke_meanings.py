"""What strokes on a face are taken for, by where they lie and what colour they have."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.parts import Parts, parts_of
from scumble.faces.latent.stroke_meanings import Meanings, meanings

from .test_opened_mouth import SIDE, between_the_lips, face

Floats = NDArray[np.float32]
WHITE, BLACK, RED = (0.95, 0.94, 0.9), (0.12, 0.09, 0.08), (0.7, 0.1, 0.2)
PHOTOGRAPH, POINTS = face()
PARTS = parts_of(POINTS, SIDE)


def closed() -> Floats:
    """The portrait with one colour from lip to lip."""
    found = PHOTOGRAPH.copy()
    found[(PARTS.lips + PARTS.mouth) > 0.3] = np.array([0.55, 0.3, 0.28], np.float32)
    return found


def smiling() -> Floats:
    found = closed()
    found[PARTS.mouth > 0.4] = np.array([0.8, 0.77, 0.7], np.float32)
    return found


def open_parts() -> Parts:
    """As if the lips were further apart."""
    mouth = np.asarray(ndimage.gaussian_filter(between_the_lips(POINTS, 18, 5).astype(np.float32), 1.0), np.float32)
    return Parts(np.clip(PARTS.lips - mouth, 0, 1), mouth, PARTS.eyes, open=True)


def meant(
    colour: tuple[float, float, float], where: NDArray[np.bool_], photograph: Floats = PHOTOGRAPH, parts: Parts = PARTS
) -> Meanings:
    rgb = np.broadcast_to(np.array(colour, np.float32), photograph.shape)
    return meanings(rgb, where.astype(np.float32), photograph, POINTS, parts, 1.0)


def spot(x: float, y: float, wide: float, tall: float) -> NDArray[np.bool_]:
    """An ellipse, its middle and half axes in distances between the eyes, from the middle between them."""
    eyes = [POINTS[19:25].mean(0), POINTS[25:31].mean(0)]
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    middle = (eyes[0] + eyes[1]) / 2 + apart * np.array([x, y])
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    away = np.square((columns - middle[0]) / (wide * apart)) + np.square((rows - middle[1]) / (tall * apart))
    return np.asarray(away < 1)


def kinds(found: Meanings) -> set[str]:
    planes = {"shift": np.abs(found.shift).max(2), **{n: getattr(found, n) for n in ("lines", "teeth", "hair", "left")}}
    return {name for name, plane in planes.items() if plane.any()}


def test_white_on_a_closed_mouth_is_teeth() -> None:
    stroke = between_the_lips(POINTS)
    found = meant(WHITE, stroke, closed())
    assert kinds(found) == {"teeth"}
    assert found.teeth.sum() == stroke.sum()


def test_other_colours_and_other_places_are_not() -> None:
    stroke = between_the_lips(POINTS)
    assert "teeth" not in kinds(meant(RED, stroke, closed()))
    assert "teeth" not in kinds(meant(BLACK, stroke, closed()))
    assert "teeth" not in kinds(meant(WHITE, np.roll(stroke, -90, axis=0), closed()))
    bright = closed()
    bright[(PARTS.lips + PARTS.mouth) > 0.3] = 0.85
    assert "teeth" not in kinds(meant(WHITE, stroke, bright)), "they are there already"


def test_white_on_teeth_makes_them_whiter_and_leaves_the_lips() -> None:
    parts, photograph = open_parts(), smiling()
    photograph[parts.mouth > 0.3] = np.array([0.8, 0.72, 0.55], np.float32)
    photograph[(parts.mouth < 0.1) & (PARTS.lips + PARTS.mouth > 0.1)] = np.array([0.55, 0.3, 0.28], np.float32)
    found = meant(WHITE, ndimage.binary_dilation(between_the_lips(POINTS), iterations=4), photograph, parts)
    assert kinds(found) == {"shift"}
    assert found.shift[parts.mouth > 0.9].mean() > 0.04
    assert np.abs(found.shift[parts.mouth < 0.05]).max() < 0.02


def test_an_open_mouth_without_teeth_gets_some() -> None:
    photograph = closed()
    photograph[open_parts().mouth > 0.4] = np.array([0.15, 0.05, 0.05], np.float32)
    assert kinds(meant(WHITE, between_the_lips(POINTS), photograph, open_parts())) == {"teeth"}


@pytest.mark.parametrize("place", [(0, -0.7, 0.7, 0.25), (1.15, 0.3, 0.12, 0.6)])
def test_a_dark_mass_above_the_brows_or_beside_the_face_is_hair(place: tuple[float, float, float, float]) -> None:
    bright = np.full_like(PHOTOGRAPH, 0.75)
    assert kinds(meant(BLACK, spot(*place), bright)) == {"hair"}


def test_a_mass_that_is_no_hair_is_left_to_the_model() -> None:
    bright = np.full_like(PHOTOGRAPH, 0.75)
    assert kinds(meant(BLACK, spot(0, 0.45, 0.25, 0.25), bright)) == {"left"}, "on the nose"
    dark = np.full_like(PHOTOGRAPH, 0.75)
    there = spot(0, -0.7, 0.7, 0.25)
    dark[there] = 0.15
    assert kinds(meant((0.75, 0.75, 0.75), there, dark)) == {"left"}, "skin over hair: a forehead"


def test_a_strong_colour_dyes_hair_that_is_there() -> None:
    dark = np.full_like(PHOTOGRAPH, 0.75)
    there = spot(0, -0.7, 0.7, 0.25)
    dark[there] = np.array([0.35, 0.3, 0.28], np.float32)
    assert kinds(meant((0.65, 0.2, 0.4), there, dark)) == {"shift"}


def test_a_thin_dark_stroke_is_a_line_wherever_it_is() -> None:
    bright = np.full_like(PHOTOGRAPH, 0.75)
    for y in (-0.7, 0.3):
        assert kinds(meant(BLACK, spot(0, y, 0.6, 0.025), bright)) == {"lines"}


def test_without_landmarks_nothing_is_hair_or_teeth() -> None:
    rgb = np.broadcast_to(np.array(BLACK, np.float32), PHOTOGRAPH.shape)
    where = spot(0, -0.7, 0.7, 0.25).astype(np.float32)
    found = meanings(rgb, where, np.full_like(PHOTOGRAPH, 0.75), None, None, 1.0)
    assert kinds(found) == {"left"}
