"""Two views of one place are brought together; two places are not."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.imaging.colour import luma
from scumble.vision.alignment.homography import Matrix, homography, moved
from scumble.vision.alignment.keypoints import keypoints, matched
from scumble.vision.alignment.refinement import light, likeness, refined, shrinking, warped
from tests.support.two_views import Floats, place, seen_from

INNER = np.array([[60, 50], [200, 60], [130, 100], [70, 150], [190, 150]], np.float64)


def found(one: Floats, other: Floats) -> Matrix | None:
    first, second = keypoints(luma(one)), keypoints(luma(other))
    pairs = matched(first, second)
    result = homography(first.places[pairs[:, 0]], second.places[pairs[:, 1]])
    return None if result is None else result.matrix


@pytest.mark.parametrize(("degrees", "size"), [(0, 1.0), (8, 0.85), (-35, 1.0), (90, 1.2), (180, 0.7)])
def test_a_known_homography_is_found(degrees: float, size: float) -> None:
    one = place(1)
    other = seen_from(one, degrees, size)
    matrix = found(one, other.picture)
    assert matrix is not None
    assert np.abs(moved(matrix, INNER) - moved(other.matrix, INNER)).max() < 1.0


def test_another_place_is_not_taken_for_this_one() -> None:
    assert found(place(1), place(2)) is None
    assert found(place(1), np.full((50, 60, 3), 0.5, np.float32)) is None


def test_a_mirrored_picture_is_no_view() -> None:
    one = place(1)
    assert found(one, np.ascontiguousarray(one[:, ::-1])) is None


def test_keypoints_keep_off_what_is_not_usable() -> None:
    picture = luma(place(3))
    usable = np.ones(picture.shape, np.bool_)
    usable[:, :130] = False
    some = keypoints(picture, usable)
    assert 20 < len(some) < len(keypoints(picture))
    assert (some.places[:, 0] > 130).all()
    assert len(keypoints(picture, most=10)) <= 20, "one place may have two directions"
    np.testing.assert_allclose(np.linalg.norm(some.descriptions, axis=1), 1, atol=1e-5)


def test_wrong_matches_do_not_move_it() -> None:
    rng = np.random.default_rng(0)
    matrix = seen_from(place(1)).matrix
    one = rng.uniform(0, 200, (120, 2))
    other = moved(matrix, one) + rng.normal(0, 0.3, one.shape)
    other[:70] = rng.uniform(0, 200, (70, 2))
    result = homography(one, other)
    assert result is not None
    assert result.agree[70:].mean() > 0.95
    assert result.agree[:70].mean() < 0.1
    assert np.abs(moved(result.matrix, INNER) - moved(matrix, INNER)).max() < 0.6
    assert homography(one[:70], other[:70]) is None
    assert homography(one[:11], other[:11]) is None


@pytest.mark.parametrize("off", [(2.5, -1.5), (-6.0, 4.0)])
def test_pixels_make_it_exact(off: tuple[float, float]) -> None:
    one = place(4)
    other = seen_from(one)
    rough = np.array([[1, 0, off[0]], [0, 1, off[1]], [0, 0, 1.0]]) @ other.matrix
    weights = np.ones(one.shape[:2], np.float32)
    weights[80:120, 100:150] = 0
    weights[:30], weights[-30:], weights[:, :30], weights[:, -30:] = 0, 0, 0, 0
    exact = refined(rough, luma(one), luma(other.picture), weights)
    assert np.abs(moved(exact, INNER) - moved(other.matrix, INNER)).max() < 0.25


def test_what_does_not_agree_is_left_where_it_was() -> None:
    start = np.eye(3)
    after = refined(start, luma(place(4)), luma(place(5)), np.ones((200, 260), np.float32))
    assert np.abs(moved(after, INNER) - INNER).max() < 20


def test_light_is_found_beside_another_thing() -> None:
    one = place(6)
    darker = ((one - 0.08) / 0.7).astype(np.float32)
    darker[40:90, 40:100] = (1, 0, 0)  # somebody stands there
    where = np.ones(one.shape[:2], np.bool_)
    fitted = light(one, darker, where)
    np.testing.assert_allclose(fitted.gain, 0.7, atol=0.03)
    np.testing.assert_allclose(fitted.offset, 0.08, atol=0.02)
    np.testing.assert_allclose(fitted.on(darker)[100:], one[100:], atol=0.02)


def test_light_of_what_has_no_contrast_is_its_brightness() -> None:
    flat: Floats = np.full((20, 20, 3), 0.6, np.float32)
    dark: Floats = np.full((20, 20, 3), 0.3, np.float32)
    fitted = light(flat, dark, np.ones((20, 20), np.bool_))
    assert float(np.abs(fitted.on(dark) - flat).max()) < 1e-4


def test_a_smaller_view_does_not_alias() -> None:
    stripes = np.zeros((120, 120), np.float32)
    stripes[:, ::2] = 1
    matrix = np.diag([4.0, 4.0, 1.0])
    assert shrinking(matrix, (30, 30)) == pytest.approx(4)
    seen = warped(stripes, matrix, (30, 30))
    assert np.abs(seen[1:-1, 1:-1] - 0.5).max() < 0.05
    np.testing.assert_array_equal(warped(stripes, np.eye(3), (120, 120)), stripes)


def test_likeness() -> None:
    one, everywhere = luma(place(7)), np.ones((200, 260), np.bool_)
    assert likeness(one, (0.5 * one + 0.2).astype(np.float32), everywhere) == pytest.approx(1)
    assert abs(likeness(one, luma(place(8)), everywhere)) < 0.2
    assert likeness(np.full_like(one, 0.5), np.full_like(one, 0.5), everywhere) == 1
