"""Which faces are of use to the library, and at which resolution they are stored."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms
from scipy import ndimage

from scumble.faces.detection.alignment import eye_centres
from scumble.faces.detection.search import Face
from scumble.faces.exemplars.collection import decoded, thumbnail
from scumble.faces.exemplars.cutting import LEAST_SIDE, CutOut, apart, cut_out, sharp_side, sharpness, turn
from scumble.imaging.colour import Colour
from scumble.imaging.layer import Layer
from tests.support.exemplars import networks
from tests.support.faces import mean_points, on_canvas, portrait


def cut(picture: NDArray[np.uint8]) -> CutOut:
    return cut_out(Layer(picture), "folder/anna.jpg", networks())


def blurred(picture: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    return np.asarray(ndimage.gaussian_filter(picture, (sigma, sigma, 0)))


def test_a_portrait_is_aligned_and_keeps_its_pixels() -> None:
    found = cut(on_canvas(portrait(256), 400, 500, 120, 70))
    (face,) = found.faces
    assert found.refused == ()
    assert face.source == "anna.jpg"
    assert 236 <= face.side <= 276
    left, right = eye_centres(face.points.astype(np.float64))
    assert right[0] - left[0] == pytest.approx(0.278, abs=0.02)
    assert left[1] == pytest.approx(0.47, abs=0.03)
    back = decoded(face.jpeg, face.side)
    assert sharpness(back) > 0.9 * sharpness(portrait(256))
    assert np.abs(thumbnail(back).astype(int) - thumbnail(portrait(256))).mean() < 18, "but for a slightly other frame"


def test_an_enlarged_face_is_stored_as_large_as_it_really_is() -> None:
    (face,) = cut(portrait(700)).faces
    assert 200 <= face.side <= 330


@pytest.mark.parametrize("picture", [np.full((200, 300, 3), 90, np.uint8), np.zeros((1, 1, 3), np.uint8)])
def test_no_face(picture: NDArray[np.uint8]) -> None:
    assert cut(picture).found == 0


def test_too_small() -> None:
    assert set(cut(on_canvas(portrait(80), 200, 300, 90, 60)).refused) == {"small"}


def test_out_of_focus() -> None:
    found = cut(blurred(portrait(256), 4))
    assert found.faces == ()
    assert found.refused == ("blurred",)


def test_cut_off() -> None:
    """The picture ends below the mouth; the face is found all the same."""
    found = cut(portrait(300)[60:250, 40:260])
    assert found.faces == ()
    assert found.refused == ("cut off",)


def test_what_is_transparent_counts_as_not_there() -> None:
    pixels = np.dstack([portrait(256), np.full((256, 256), 255, np.uint8)])
    assert len(cut(pixels).faces) == 1
    pixels[:80, :, 3] = 0
    found = cut(pixels)
    assert found.faces == ()


def test_colours_go_by_the_profile() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = cut(portrait(256)).faces[0]
    tagged = cut_out(Layer(portrait(256), colour=Colour("icc", icc)), "a.jpg", networks()).faces[0]
    difference = decoded(plain.jpeg, plain.side).astype(int) - decoded(tagged.jpeg, tagged.side)
    assert np.abs(difference).max() <= 6


def test_what_lies_on_a_surer_face_is_none() -> None:
    def at(x: float, side: float) -> Face:
        return Face(np.zeros((49, 2)), np.array([[side, 0, x], [0, side, 0.0]]), 1.0)

    surest, on_it, beside = at(0, 200), at(30, 150), at(130, 200)
    assert apart([surest, on_it, beside]) == [surest, beside]
    assert apart([]) == []


def test_two_people() -> None:
    both = np.concatenate([portrait(200), portrait(200)[:, ::-1]], axis=1)
    assert len(cut(both).faces) == 2


class TestSharpness:
    def test_it_does_not_depend_on_contrast_and_light(self) -> None:
        picture = portrait(256)
        darker = (picture * 0.5 + 60).astype(np.uint8)
        assert sharpness(darker) == pytest.approx(sharpness(picture), rel=0.05)

    def test_the_more_blurred_the_smaller(self) -> None:
        sides = [sharp_side(blurred(portrait(256), sigma)) for sigma in (0.0, 1.0, 1.5, 2.0, 3.0, 6.0)]
        assert sides == sorted(sides, reverse=True)
        assert sides[0] == 256
        assert 100 <= sides[1] <= 210
        assert sides[4] < LEAST_SIDE

    def test_a_plane_is_not_sharp(self) -> None:
        assert sharp_side(np.full((200, 200, 3), 128, np.uint8)) == 0


@pytest.mark.parametrize("across", [-0.3, 0.3])
def test_turned(across: float) -> None:
    """The nose moves towards the side that the face is turned to."""
    points = mean_points()
    assert turn(points) < 0.05
    points[10:19, 0] += across * 0.5
    assert turn(points) > 0.4
