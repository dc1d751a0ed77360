"""White over a closed mouth makes a smile of the face's own lips, with teeth between them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.found_face import aligned_picture, frame_of, points_of, whole_face
from scumble.faces.detection.parts import parts_of
from scumble.faces.latent.assembly import Redrawn
from scumble.faces.latent.opened_mouth import opened_mouth
from scumble.imaging.colour import luma
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


def between_the_lips(points: NDArray[np.float64], wide: int = 14, tall: int = 3) -> NDArray[np.bool_]:
    middle = points[31:49].mean(0)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    return np.asarray((np.abs(x - middle[0]) < wide) & (np.abs(y - middle[1]) < tall))


def opened(white: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.float32], NDArray[np.float64], Redrawn]:
    photograph, points = face()
    white = between_the_lips(points) if white is None else white
    return photograph, points, opened_mouth(photograph, white, points, np.ones((SIDE, SIDE), np.bool_))


def test_there_are_teeth_between_lips_and_the_rest_of_the_face_stays() -> None:
    photograph, points, made = opened()
    after = made.over(photograph)
    middle = points[31:49].mean(0).astype(int)
    there = luma(after)[middle[1] - 8 : middle[1] + 9, middle[0] - 12 : middle[0] + 13]
    skin = float(np.median(luma(photograph)[made.weight > 0.5]))
    assert (there > 1.1 * skin).mean() > 0.2
    assert np.ptp(after[middle[1] - 8 : middle[1] + 9, middle[0]].mean(axis=1)) > 0.2, "lips around them"
    assert 0.01 < (made.weight > 0).mean() < 0.2, "the mouth and no more"
    assert np.array_equal(after[made.weight == 0], photograph[made.weight == 0])
    eyes = parts_of(points, SIDE).eyes > 0.01
    assert not made.weight[eyes].any()
    assert after.min() >= 0
    assert after.max() <= 1


def test_single_teeth_are_seen() -> None:
    photograph, points, made = opened()
    after, middle = luma(made.over(photograph)), points[31:49].mean(0).astype(int)
    rows = after[middle[1] - 6 : middle[1] + 7, middle[0] - 16 : middle[0] + 17]
    row = rows[int(rows.mean(axis=1).argmax())]
    darker = (row[1:-1] < row[:-2]) & (row[1:-1] < row[2:])
    assert darker.sum() >= 3


def test_a_tall_stroke_opens_the_mouth_wider() -> None:
    photograph, points = face()
    seen = np.ones((SIDE, SIDE), np.bool_)
    changes = []
    for tall in (3, 12):
        made = opened_mouth(photograph, between_the_lips(points, tall=tall), points, seen)
        changes.append(np.abs(made.over(photograph) - photograph).sum())
    assert changes[1] > 1.1 * changes[0]


def test_where_nothing_is_seen_nothing_is_drawn() -> None:
    photograph, points = face()
    seen = np.ones((SIDE, SIDE), np.bool_)
    seen[:, : int(points[31:49, 0].mean())] = False
    made = opened_mouth(photograph, between_the_lips(points), points, seen)
    assert not made.weight[~seen].any()
    assert made.weight[seen].any()


@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_tilted_face_smiles_along_its_own_axes(degrees: float) -> None:
    photograph, points, made = opened()
    straight = made.over(photograph)
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned_points = (points - SIDE / 2) @ matrix.T + SIDE / 2

    def turned(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(
            ndimage.rotate(picture, -degrees, axes=(1, 0), reshape=False, order=1, mode="nearest"), np.float32
        )

    white = turned(between_the_lips(points).astype(np.float32)) > 0.5
    tilted = opened_mouth(turned(photograph), white, turned_points, np.ones((SIDE, SIDE), np.bool_))
    expected, found = turned(straight), tilted.over(turned(photograph))
    inside = tilted.weight > 0.5
    assert np.abs(found - expected)[inside].mean() < 0.35 * np.abs(expected - turned(photograph))[inside].mean() + 0.01


def test_lips_so_thin_that_landmarks_meet() -> None:
    photograph, points = face()
    points = points.copy()
    for upper, lower in ((43, 48), (44, 47), (45, 46)):
        points[lower] = points[upper]
    points[33:36] = points[43:46]
    made = opened_mouth(photograph, between_the_lips(points), points, np.ones((SIDE, SIDE), np.bool_))
    assert np.isfinite(made.picture).all()
    assert made.weight.any()
