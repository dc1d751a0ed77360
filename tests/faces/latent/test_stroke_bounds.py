"""What is painted on a face keeps to the part that it was put on, as masks that are made by hand say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.parts import parts_of
from scumble.faces.latent.stroke_bounds import (
    FaceMap,
    covers_lips,
    dyed,
    hair_reach,
    lips_of,
    mass_reach,
    part_under,
    tint_reach,
)
from scumble.faces.latent.stroke_meanings import Meanings, meanings
from scumble.faces.parsing.masks import FaceMasks
from scumble.imaging.colour import luma

from .test_opened_mouth import SIDE, face

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

PHOTOGRAPH, POINTS = face()
PARTS = parts_of(POINTS, SIDE)
EYES = [POINTS[19:25].mean(0), POINTS[25:31].mean(0)]
APART = float(np.linalg.norm(EYES[1] - EYES[0]))


def spot(x: float, y: float, wide: float, tall: float) -> Mask:
    """An ellipse, its middle and half axes in distances between the eyes, from the middle between them."""
    middle = (EYES[0] + EYES[1]) / 2 + APART * np.array([x, y])
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    away = np.square((columns - middle[0]) / (wide * APART)) + np.square((rows - middle[1]) / (tall * APART))
    return np.asarray(away < 1)


HEAD, FACE = spot(0, 0.1, 1.3, 1.75), spot(0, 0.35, 0.95, 1.15)


def masks(hat: bool = False) -> FaceMasks:
    """An oval of skin in an oval of hair; under a hat there is less of it."""
    lips, mouth, eyes = PARTS.lips, PARTS.mouth, PARTS.eyes
    skin = FACE * (1 - lips - mouth - eyes).clip(0, 1)
    hair = (HEAD & ~FACE).astype(np.float32)
    if hat:
        covered = spot(0, -1.2, 1.3, 0.8)
        hair, skin = hair * ~covered, skin * ~covered
    hair, skin, lips, eyes, mouth = (np.asarray(one, np.float32) for one in (hair, skin, lips, eyes, mouth))
    return FaceMasks(hair, skin, lips, eyes, mouth, sure=1.0)


MAP = FaceMap(masks(), POINTS)
HATTED = FaceMap(masks(hat=True), POINTS)


def flat() -> Floats:
    """Hair, skin and a wall, each of one colour, the hair with strands."""
    found = np.full((SIDE, SIDE, 3), 0.85, np.float32)
    strands = 0.3 + 0.08 * np.sin(np.arange(SIDE) * 1.5)
    found[HEAD] = np.broadcast_to(strands[:, None, None] * np.array([1, 0.85, 0.7]), found.shape)[HEAD]
    found[FACE] = np.array([0.75, 0.58, 0.5])
    return found


def meant(
    colour: tuple[float, float, float], where: Mask, known: FaceMap | None = MAP, picture: Floats | None = None
) -> Meanings:
    rgb = np.broadcast_to(np.array(colour, np.float32), PHOTOGRAPH.shape)
    given = flat() if picture is None else picture
    return meanings(rgb, where.astype(np.float32), given, POINTS, PARTS, 1.0, known)


def size(shift: Floats) -> Floats:
    return np.asarray(np.abs(shift).max(2), np.float32)


class TestTints:
    def test_rouge_stays_on_skin(self) -> None:
        stroke = spot(-0.75, 0.5, 0.4, 0.35)
        before, after = meant((0.8, 0.42, 0.42), stroke, None), meant((0.8, 0.42, 0.42), stroke)
        hair = (MAP.masks.hair > 0.5) & stroke
        assert size(before.shift)[hair].max() > 0.05, "it goes on over the hair where nothing is known"
        assert size(after.shift)[MAP.masks.hair > 0.5].max() == 0
        skin = stroke & FACE & (ndimage.distance_transform_edt(stroke) > 8)
        assert np.array_equal(after.shift[skin], before.shift[skin])

    def test_it_leaves_the_dark_frame_of_glasses_and_the_white_of_an_eye(self) -> None:
        picture = flat()
        frame = spot(-0.5, 0, 0.4, 0.3) & ~spot(-0.5, 0, 0.34, 0.24)
        picture[frame] = 0.08
        stroke = spot(-0.5, 0.35, 0.42, 0.32)
        found = meant((0.85, 0.5, 0.5), stroke, picture=picture)
        assert size(found.shift)[frame].max() < 0.02
        assert size(found.shift)[PARTS.eyes > 0.95].max() < 0.06
        assert size(found.shift)[spot(-0.5, 0.5, 0.1, 0.05)].min() > 0.05

    def test_a_shadow_on_a_lid_stays_there(self) -> None:
        stroke = spot(-0.5, 0, 0.3, 0.2)
        reach = tint_reach("face", stroke.astype(np.float32), flat(), MAP)
        assert reach[stroke & (PARTS.eyes > 0.95)].mean() > 0.5, "who paints all over an eye means it"

    def test_what_is_put_on_a_wall_does_not_tint_hair(self) -> None:
        stroke = spot(1.75, 0.4, 0.4, 0.8)
        found = meant((0.5, 0.75, 0.95), stroke)
        assert size(found.shift)[HEAD].max() < 0.01
        assert size(found.shift)[stroke & ~HEAD].max() > 0.2

    def test_a_lipstick_broader_than_the_lips_is_one_all_the_same(self) -> None:
        stroke = ndimage.binary_dilation(PARTS.lips + PARTS.mouth > 0.5, iterations=9)
        picture = flat()
        picture[PARTS.lips > 0.3] = np.array([0.7, 0.42, 0.4])
        picture[PARTS.mouth > 0.5] = np.array([0.8, 0.78, 0.72])
        found = size(meant((0.65, 0.1, 0.25), stroke, picture=picture).shift)
        assert found[PARTS.lips > 0.9].min() > 0.2
        assert found[(PARTS.mouth > 0.9) & (PARTS.lips < 0.05)].max(initial=0) < 0.02, "teeth"
        assert found[ndimage.distance_transform_edt(PARTS.lips + PARTS.mouth < 0.05) > 8].max() == 0

    def test_half_a_face_in_red_is_no_lipstick(self) -> None:
        assert not covers_lips(spot(0, 0.9, 0.9, 0.6).astype(np.float32), MAP.masks)
        assert covers_lips((PARTS.lips > 0.3).astype(np.float32), MAP.masks)

    def test_lips_that_one_teacher_sees_are_lips_and_a_trace_far_away_is_none(self) -> None:
        weak = np.asarray(0.66 * PARTS.lips, np.float32)
        weak[:20, :20] = 0.5
        none = np.zeros((SIDE, SIDE), np.float32)
        found = lips_of(FaceMasks(none, none, weak, none, none), PARTS)
        assert found[PARTS.lips > 0.95].min() > 0.9
        assert found[:20, :20].max() == 0


class TestDye:
    LOOSE = spot(1.05, 0.2, 0.4, 0.9)
    """Over hair, some cheek, and some wall."""

    def test_a_colour_painted_loosely_over_hair_leaves_ear_forehead_and_wall(self) -> None:
        found = size(meant((0.85, 0.25, 0.55), self.LOOSE).shift)
        assert found[MAP.masks.hair < 0.01].max() == 0
        inside = self.LOOSE & (MAP.masks.hair > 0.99)
        assert np.median(found[inside]) > 0.3

    @pytest.mark.parametrize("colour", [(0.85, 0.25, 0.55), (0.12, 0.09, 0.07), (0.8, 0.65, 0.4), (0.9, 0.9, 0.9)])
    def test_hair_has_the_colour_and_keeps_its_strands(self, colour: tuple[float, float, float]) -> None:
        picture, full = flat(), np.ones((SIDE, SIDE), np.float32)
        after = picture + dyed(picture, np.array(colour, np.float32), full, MAP.masks)
        hair = MAP.masks.hair > 0.99
        assert np.abs(after[hair].mean(0) - colour).max() < 0.06
        lines = luma(after)[:, SIDE // 2][hair[:, SIDE // 2]]
        before = luma(picture)[:, SIDE // 2][hair[:, SIDE // 2]]
        assert np.corrcoef(lines, before)[0, 1] > 0.95
        assert after.min() >= 0
        assert after.max() <= 1

    def test_a_natural_colour_dyes_where_all_of_it_lies_on_hair(self) -> None:
        found = meant((0.5, 0.4, 0.3), spot(1.1, 0.1, 0.12, 0.5))
        assert size(found.shift).any()
        assert not found.hair.any()

    def test_a_skin_s_colour_over_hair_is_a_forehead(self) -> None:
        found = meant((0.74, 0.58, 0.51), spot(1.1, 0.1, 0.12, 0.5))
        assert not found.shift.any()
        assert found.left.any()

    def test_a_fringe_of_which_some_locks_lie_on_hair_is_one_fringe(self) -> None:
        locks = spot(-0.3, -0.75, 0.12, 0.4) | spot(0.05, -0.7, 0.12, 0.4) | spot(0.9, -0.75, 0.1, 0.3)
        found = meant((0.1, 0.08, 0.07), locks)
        assert not found.shift.any()
        assert np.array_equal(found.hair > 0, locks)

    def test_on_several_parts_nothing_is_sure(self) -> None:
        stroke = spot(0.95, 0.1, 0.25, 0.5).astype(np.float32)
        half = FaceMasks(*(np.float32(0.4) * getattr(MAP.masks, n) for n in ("hair", "skin", "lips", "eyes", "mouth")))
        assert part_under(stroke, stroke, half, for_dye=False) == ""


class TestMasses:
    def test_a_fringe_does_not_hang_into_the_eyes_unless_it_is_painted_over_them(self) -> None:
        short, long = (spot(0, y, 0.9, tall).astype(np.float32) for y, tall in ((-0.5, 0.45), (-0.35, 0.6)))
        opening = MAP.opening > 0.9
        assert opening.any()
        assert hair_reach(short, MAP)[opening].max() < 0.11
        assert hair_reach(long, MAP)[opening].min() == 1

    def test_nothing_goes_over_a_hat_unless_it_is_painted_on_it(self) -> None:
        hat = HATTED.hat
        assert hat[spot(0, -1.1, 0.3, 0.1)].min() == 1
        assert not hat[spot(0, 0.5, 0.5, 0.5)].any()
        assert not MAP.hat.any(), "hair is no hat"
        fringe = spot(0, -0.2, 0.7, 0.4).astype(np.float32)
        assert hair_reach(fringe, HATTED)[spot(0, -1.1, 0.3, 0.1)].max() == 0
        assert mass_reach(fringe, HATTED)[spot(0, -1.1, 0.3, 0.1)].max() == 0
        ribbon = spot(0, -1.1, 0.4, 0.1).astype(np.float32)
        assert mass_reach(ribbon, HATTED)[ribbon > 0].min() == 1

    def test_what_is_not_touched_does_not_follow(self) -> None:
        beard = spot(0, 1.15, 0.5, 0.25).astype(np.float32)
        reach = mass_reach(beard, MAP)
        assert reach[MAP.masks.hair > 0.5].max() < 1e-6
        assert reach[~HEAD].max() < 1e-6
        assert reach[FACE & (beard == 0)].min() > 0.9
        assert reach[beard > 0].min() == 1

    def test_what_was_painted_always_follows(self) -> None:
        everywhere = np.zeros((SIDE, SIDE), np.float32)
        everywhere[:, : SIDE // 2] = 1
        assert mass_reach(everywhere, MAP)[:, : SIDE // 2].min() == 1


def test_nothing_is_moved_where_the_map_is_empty() -> None:
    """A face out of the frame: no part divides by nothing."""
    nothing = FaceMasks(*np.zeros((5, SIDE, SIDE), np.float32))
    stroke = spot(0, 0, 0.3, 0.3).astype(np.float32)
    known = FaceMap(nothing, POINTS + 10 * SIDE)
    assert part_under(stroke, stroke, nothing, for_dye=True) == "other"
    assert not dyed(flat(), np.zeros(3, np.float32), stroke, nothing).any()
    for reach in (hair_reach(stroke, known), mass_reach(stroke, known), tint_reach("face", stroke, flat(), known)):
        assert np.isfinite(reach).all()
