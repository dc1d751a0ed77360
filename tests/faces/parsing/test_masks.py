"""Masks of faces: the bundled portrait in many lights and sizes, its parts where its landmarks are, and what is no part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scumble import pictures
from scumble.faces.detection.found_face import FaceFrame, aligned_picture, frame_of, points_of, whole_face
from scumble.faces.parsing.masks import FaceMasks, face_masks
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from tests.support.devices import is_real_gpu
from tests.support.faces import portrait

Floats = NDArray[np.float32]

WARM = ModelCache()
PARTS = ("hair", "skin", "lips", "eyes", "mouth")

CHEEK, FOREHEAD, HAIR, WALL = (0.36, 0.62), (0.5, 0.38), (0.88, 0.3), (0.97, 0.85)
"""Places in the portrait: x and y as shares of its side."""


def context() -> Context:
    return Context(0, "cpu", WARM, lambda fraction, message: None)


def photograph(side: int = 256) -> Floats:
    return portrait(side).astype(np.float32) / np.float32(255)


def landmarks() -> NDArray[np.float64]:
    layer = Layer(portrait())
    place = frame_of({"image": layer}, context())
    points = points_of(layer, place, context())
    assert points is not None
    whole = whole_face(place).frame
    in_pixels: NDArray[np.float64] = points @ whole[:, :2].T + whole[:, 2]
    return in_pixels / 256


def at(mask: Floats, place: tuple[float, float]) -> float:
    """The mean of a few pixels around a place."""
    side = len(mask)
    x, y = (int(share * side) for share in place)
    reach = max(1, side // 64)
    return float(mask[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1].mean())


def agree(one: FaceMasks, other: FaceMasks, name: str) -> float:
    """Intersection over union of what both say is that part."""
    a, b = getattr(one, name) > 0.5, getattr(other, name) > 0.5
    return float((a & b).sum() / max(1, (a | b).sum()))


def looks_like_the_portrait(found: FaceMasks) -> None:
    assert at(found.skin, CHEEK) > 0.8
    assert at(found.skin, FOREHEAD) > 0.8
    assert at(found.hair, HAIR) > 0.6
    assert at(found.hair + found.face, WALL) < 0.2
    points = landmarks()
    assert at(found.eyes, tuple(points[19:25].mean(0))) > 0.5
    assert at(found.eyes, tuple(points[25:31].mean(0))) > 0.5
    assert at(np.asarray(found.lips + found.mouth), tuple(points[31:].mean(0))) > 0.5


@pytest.mark.parametrize("side", [64, 100, 128, 256, 500, 1024])
@pytest.mark.parametrize("told", [False, True])
def test_at_every_size_parts_lie_where_they_are(side: int, told: bool) -> None:
    found = face_masks(photograph(side), landmarks() if told else None, context())
    for name in PARTS:
        mask = getattr(found, name)
        assert mask.shape == (side, side)
        assert mask.dtype == np.float32
        assert 0 <= mask.min() <= mask.max() <= 1
    total = sum(getattr(found, name) for name in PARTS)
    assert total.max() <= 1 + 1e-5
    looks_like_the_portrait(found)


LIGHTS: dict[str, Callable[[Floats], NDArray[np.floating]]] = {
    "grey": lambda p: np.repeat(p.mean(2, keepdims=True), 3, 2),
    "dark": lambda p: p * 0.2,
    "bright": lambda p: (p * 1.5).clip(0, 1),
    "red light": lambda p: p * [1.0, 0.45, 0.4],
    "blue light": lambda p: p * [0.45, 0.6, 1.0],
    "pale": lambda p: 0.6 + 0.3 * p,
}


@pytest.mark.parametrize("light", LIGHTS)
def test_light_and_colour_hardly_matter(light: str) -> None:
    plain = face_masks(photograph(), None, context())
    found = face_masks(LIGHTS[light](photograph()).astype(np.float32), None, context())
    looks_like_the_portrait(found)
    assert agree(found, plain, "skin") > 0.8
    assert agree(found, plain, "hair") > 0.6


def test_a_mirrored_face_has_mirrored_parts() -> None:
    plain = face_masks(photograph(), None, context())
    found = face_masks(np.ascontiguousarray(photograph()[:, ::-1]), None, context())
    turned = FaceMasks(*(getattr(found, name)[:, ::-1] for name in PARTS))
    assert agree(turned, plain, "skin") > 0.85
    assert agree(turned, plain, "hair") > 0.75


def test_the_same_face_gives_the_same_bits() -> None:
    one, two = (face_masks(photograph(), landmarks(), context()) for _ in range(2))
    assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in PARTS)


def test_every_device_finds_the_same(device: str) -> None:
    there = Context(0, device, ModelCache(), lambda fraction, message: None)
    found, wanted = (face_masks(photograph(128), landmarks(), one) for one in (there, context()))
    allowed = 0.05 if is_real_gpu(device) else 0.02  # where bfloat16 is fast, convolutions run in it
    for name in PARTS:
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=allowed)


def test_landmarks_draw_lips_eyes_and_mouth() -> None:
    """Moved up and down, the landmarks take the parts with them; hair and skin stay."""
    moved = landmarks() + np.array([0, 0.03])
    given, lower = (face_masks(photograph(), points, context()) for points in (landmarks(), moved))
    rows = np.arange(256)

    def middle(mask: Floats) -> float:
        return float((mask.sum(1) * rows).sum() / mask.sum())

    assert middle(lower.lips) > middle(given.lips) + 1
    assert agree(given, lower, "hair") > 0.9


def test_outside_the_picture_is_no_part_whatever_lies_there() -> None:
    picture = photograph()
    seen = np.ones((256, 256), np.float32)
    seen[:, :90] = 0
    hidden = [np.where(seen[..., None] > 0, picture, value).astype(np.float32) for value in (0, 1, np.nan, picture)]
    found = [face_masks(one, landmarks(), context(), seen) for one in hidden]
    for one in found:
        for name in PARTS:
            assert not getattr(one, name)[:, :90].any()
            assert np.array_equal(getattr(one, name), getattr(found[0], name))
    assert at(found[0].skin, (0.55, 0.62)) > 0.8
    soft = face_masks(picture, None, context(), np.full((256, 256), 0.5, np.float32))
    assert soft.face.max() <= 0.5


def test_nothing_at_all_is_no_part() -> None:
    found = face_masks(photograph(), landmarks(), context(), np.zeros((256, 256), np.float32))
    assert not any(getattr(found, name).any() for name in PARTS)


@pytest.mark.parametrize("kind", ["flat", "noise"])
def test_what_is_no_face_gives_numbers(kind: str) -> None:
    rng = np.random.default_rng(0)
    picture = np.full((96, 96, 3), 0.5, np.float32) if kind == "flat" else rng.random((96, 96, 3), np.float32)
    found = face_masks(picture, None, context())
    assert all(np.isfinite(getattr(found, name)).all() for name in PARTS)


def test_a_painted_face_too() -> None:
    path = pictures.painting("mona-lisa")
    layer = Layer(np.asarray(Image.open(path).convert("RGB"), np.uint8))
    place = frame_of({"image": layer}, context())
    if not place.found:
        pytest.skip("the finder has not found her")
    whole = FaceFrame(whole_face(place).frame, True)
    found = face_masks(aligned_picture(layer, whole, 256), points_of(layer, place, context()), context())
    assert at(found.skin, (0.5, 0.6)) > 0.8
    assert at(found.hair, (0.5, 0.6)) < 0.1


@pytest.mark.parametrize(
    ("shape", "points", "seen"),
    [
        ((64, 32, 3), None, None),
        ((64, 64, 4), None, None),
        ((64, 64), None, None),
        ((0, 0, 3), None, None),
        ((64, 64, 3), (68, 2), None),
        ((64, 64, 3), None, (32, 32)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    shape: tuple[int, ...], points: tuple[int, int] | None, seen: tuple[int, int] | None
) -> None:
    with pytest.raises(ValueError, match=r"picture|landmarks"):
        face_masks(
            np.zeros(shape, np.float32),
            None if points is None else np.zeros(points),
            context(),
            None if seen is None else np.ones(seen, np.float32),
        )
