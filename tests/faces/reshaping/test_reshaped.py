"""Another person out of the bundled portrait: features move, detail stays, and nothing changes beyond head and selection."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.faces.detection.found_face import FaceFrame, frame_of, points_of, whole_face
from scumble.faces.reshaping.reshaped import FOLDED, GRID, _least_area, field, reshaped_layer, with_own_opening
from scumble.faces.reshaping.shapes import FaceShapes, axes_of, face_shapes
from scumble.imaging.geometry import Point
from scumble.imaging.layer import Layer, composite
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from tests.support.faces import on_canvas, portrait

WARM = ModelCache()
FACE = Layer(portrait())


def context() -> Context:
    return Context(0, "cpu", WARM, lambda fraction, message: None)


def found(image: Layer) -> tuple[FaceFrame, np.ndarray]:
    place = frame_of({"image": image}, context())
    points = points_of(image, place, context())
    assert points is not None
    return whole_face(place), points


def reshaped(seed: int = 0, image: Layer = FACE, variety: float = 0.7, selected: Layer | None = None) -> Layer | None:
    place, points = found(image)
    return reshaped_layer(image, place, points, selected, face_shapes(context()), variety, seed, context())


def after(layer: Layer | None, image: Layer = FACE) -> np.ndarray:
    assert layer is not None
    return composite(image, layer).pixels[..., :3].astype(int)


def test_features_move_and_detail_stays() -> None:
    made, before = after(reshaped()), FACE.pixels[..., :3].astype(int)
    middle = slice(90, 220), slice(70, 190)
    assert np.abs(made - before)[middle].mean() > 2
    fine = [np.abs(np.diff(p[middle].mean(2), axis=1)).mean() for p in (before, made)]
    assert 0.85 < fine[1] / fine[0] < 1.2
    assert np.array_equal(made[:, :8], before[:, :8])


def test_a_seed_is_a_person() -> None:
    one, again, other = after(reshaped(3)), after(reshaped(3)), after(reshaped(4))
    assert np.array_equal(one, again)
    assert np.abs(one - other)[90:220, 70:190].mean() > 1


def test_landmarks_lie_where_the_drawn_shape_has_them() -> None:
    _, points = found(FACE)
    axes, shapes = axes_of(points), face_shapes(context())
    moves = field(points, axes, shapes, 0.0, 0)
    own = shapes.coefficients(axes.inside(points)) / shapes.deviations
    change = np.tensordot(np.clip(-0.8 * own, -1.8, 1.8) * shapes.deviations, shapes.components, 1)
    inside = axes.inside(points)
    nearer = points + axes.outside(with_own_opening(inside, inside + change) - inside)
    cells = np.clip((nearer * GRID).astype(int), 0, GRID - 1)
    back = nearer + moves[cells[:, 1], cells[:, 0]]
    assert np.abs(back - points)[10:49].mean() < 0.2 * np.abs(nearer - points)[10:49].mean() + 0.003


def test_what_is_seen_between_the_lips_keeps_its_proportion() -> None:
    _, points = found(FACE)
    before = axes_of(points).inside(points)
    rng = np.random.default_rng(0)
    for _ in range(20):
        after = before + rng.normal(0, 0.08, before.shape)
        kept = with_own_opening(before, after)
        proportion = [
            (one[46:49, 1] - one[43:46, 1]).mean() / np.hypot(*(one[37] - one[31])) for one in (before, after, kept)
        ]
        assert proportion[2] == pytest.approx(proportion[0])
        assert np.array_equal(kept[:31], after[:31]), "the rest of the face is as it was drawn"


@pytest.mark.parametrize("variety", [0.0, 1.0, 2.0])
def test_no_shape_folds_a_face(variety: float) -> None:
    _, points = found(FACE)
    for seed in range(12):
        moves = field(points, axes_of(points), face_shapes(context()), variety, seed)
        assert _least_area(moves) > FOLDED
        assert not np.abs(moves[0]).max() > 0.02, "the frame's rim stays"


def test_shapes_beyond_all_faces_are_held_back() -> None:
    _, points = found(FACE)
    usual = face_shapes(context())
    wild = FaceShapes(usual.mean, usual.components, 30 * usual.deviations)
    for seed in range(4):
        assert _least_area(field(points, axes_of(points), wild, 1.0, seed)) > FOLDED


def test_nothing_changes_beyond_a_selection_and_its_rim_has_no_seam() -> None:
    mask = np.zeros((256, 256, 1), np.uint8)
    mask[90:220, 70:190] = 255
    made, before = after(reshaped(selected=Layer(mask))), FACE.pixels[..., :3].astype(int)
    outside = mask[..., 0] == 0
    assert np.array_equal(made[outside], before[outside])
    assert np.abs(made - before)[~outside].mean() > 1
    rim = np.abs(made - before).max(2)
    assert rim[90:92, 70:190].max() <= 4
    assert rim[90:220, 70:72].max() <= 4


def test_what_is_selected_beside_the_face_changes_nothing() -> None:
    mask = np.zeros((256, 256, 1), np.uint8)
    mask[:6, :6] = 255
    assert reshaped(selected=Layer(mask)) is None


def test_alpha_offset_and_depth_stay() -> None:
    canvas = on_canvas(portrait(200), 300, 300, 60, 40).astype(np.uint16) * 257
    pixels = np.concatenate([canvas, np.full((300, 300, 1), 65535, np.uint16)], axis=2)
    pixels[:, :110] = 0
    image = Layer(pixels, Point(-40, 30))
    layer = reshaped(image=image)
    assert layer is not None
    assert layer.pixels.dtype == np.uint16
    assert not layer.crop(image.bounds).pixels[:, :100, 3].any(), "nothing is shown where nothing was"
    assert layer.crop(image.bounds).pixels[..., 3].any()
