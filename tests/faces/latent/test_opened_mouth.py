"""White over a closed mouth opens it; white over teeth leaves them to the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scumble.faces.detection.found_face import aligned_picture, frame_of, points_of, whole_face
from scumble.faces.detection.parts import parts_of
from scumble.faces.latent.opened_mouth import opened_mouth
from scumble.faces.latent.stroke_meanings import meanings
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from tests.support.faces import portrait

SIDE = 256
FACE = Layer(portrait())


def face() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The aligned portrait and its landmarks in pixels."""
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None)
    place = frame_of({"image": FACE}, context)
    points = points_of(FACE, place, context)
    assert points is not None
    return aligned_picture(FACE, whole_face(place), SIDE), points * SIDE


def between_the_lips(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    middle = points[31:49].mean(0)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    return np.asarray((np.abs(x - middle[0]) < 14) & (np.abs(y - middle[1]) < 3))


def test_what_is_asked_for_is_a_smile() -> None:
    photograph, points = face()
    seen = np.ones((SIDE, SIDE), np.bool_)
    given = opened_mouth(photograph, between_the_lips(points), points, seen)
    assert given.hole[given.given].all()
    assert given.hole[given.lines].all()
    assert given.hole[parts_of(points, SIDE).lips > 0.5].all(), "the old lips go"
    light = given.colours.mean(2)
    middle = points[31:49].mean(0).astype(int)
    assert (
        light[middle[1], middle[0]] > 1.2 * np.median(light[given.given & (light > 0)])
        or light[middle[1], middle[0]] > 0.6
    )
    assert given.colours.max() <= 1
    assert 0.005 < given.hole.mean() < 0.15, "the mouth and no more"


def test_a_wide_stroke_makes_a_wide_mouth() -> None:
    photograph, points = face()
    seen = np.ones((SIDE, SIDE), np.bool_)
    narrow = between_the_lips(points)
    wide = narrow.copy()
    rows = np.flatnonzero(narrow.any(1))
    columns = np.flatnonzero(narrow.any(0))
    wide[rows[0] : rows[-1] + 1, columns[0] - 40 : columns[-1] + 41] = True
    extents = [
        np.ptp(np.flatnonzero(opened_mouth(photograph, one, points, seen).given.any(0))) for one in (narrow, wide)
    ]
    assert extents[1] > extents[0] + 8


def test_where_nothing_is_seen_nothing_is_drawn() -> None:
    photograph, points = face()
    seen = np.zeros((SIDE, SIDE), np.bool_)
    given = opened_mouth(photograph, between_the_lips(points), points, seen)
    assert not given.hole.any()
    assert not given.given.any()
    assert not given.lines.any()


def test_only_white_on_a_mouth_that_is_not_white_means_teeth() -> None:
    photograph, points = face()
    closed = photograph.copy()
    parts = parts_of(points, SIDE)
    mouth = (parts.lips + parts.mouth) > 0.3
    closed[mouth] = np.array([0.55, 0.3, 0.28], np.float32)
    stroke = between_the_lips(points)
    alpha = stroke.astype(np.float32)

    def painted(colour: tuple[float, float, float], over: NDArray[np.float32], where: NDArray[np.float32]) -> float:
        rgb = np.broadcast_to(np.array(colour, np.float32), over.shape)
        return float(meanings(rgb, where, over, parts, 1.0).teeth.sum())

    assert painted((0.95, 0.94, 0.9), closed, alpha) == alpha.sum()
    assert painted((0.7, 0.1, 0.2), closed, alpha) == 0, "a lipstick"
    assert painted((0.1, 0.1, 0.1), closed, alpha) == 0, "an open mouth without teeth"
    bright = closed.copy()
    bright[mouth] = 0.85
    assert painted((0.95, 0.94, 0.9), bright, alpha) == 0, "they are there already"
    assert painted((0.95, 0.94, 0.9), closed, np.roll(alpha, -90, axis=0)) == 0, "a light on the nose"
