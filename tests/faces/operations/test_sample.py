"""`face-sample` and `face-latent`: random faces, the latent canvas, and the model's own view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scumble.faces.detection.alignment import mirrored_points
from scumble.faces.detection.found_face import aligned_picture, frame_of, points_of, whole_face
from scumble.faces.exemplars import library, stranger
from scumble.faces.exemplars.collection import Writer, new_face
from scumble.faces.exemplars.library import own_directory
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.base import Output
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError
from tests.support.faces import portrait

WARM = ModelCache()
FACE = Layer(portrait())
EMPTY = Layer(np.full((120, 200, 4), 90, np.uint8))


def run(operation: str, image: Layer, seed: int = 0, mask: Layer | None = None, **raw: Any) -> list[Output]:
    chosen = find(operation)
    layers = {"image": image} if mask is None else {"image": image, "mask": mask}
    context = Context(seed, "cpu", WARM, lambda fraction, message: None)
    return list(chosen.run(layers, chosen.validate(raw), context))


class TestSample:
    def test_the_same_seed_gives_the_same_face(self) -> None:
        one, two, other = (run("face-sample", EMPTY, seed=s)[0].layer for s in (3, 3, 4))
        assert np.array_equal(one.pixels, two.pixels)
        assert np.abs(one.pixels.astype(int) - other.pixels).mean() > 3

    def test_without_a_face_it_lies_in_the_middle(self) -> None:
        layer = run("face-sample", EMPTY, rim="hard")[0].layer
        assert layer.bounds == Bounds(0, 0, 200, 120)  # the square around a wide layer, as far as the layer goes

    def test_the_selection_says_where(self) -> None:
        mask = np.zeros((120, 200, 1), np.uint8)
        mask[20:100, 60:140] = 255
        layer = run("face-sample", EMPTY, mask=Layer(mask), rim="hard")[0].layer
        assert layer.bounds == Bounds(60, 20, 80, 80)

    def test_no_truncation_is_more_varied(self) -> None:
        spread = []
        for truncation in (0.0, 0.5, 1.0):
            faces = [
                o.layer.pixels[..., :3].astype(float)
                for o in run("face-sample", EMPTY, truncation=truncation, variations=3, rim="hard", finish=False)
            ]
            spread.append(float(np.std(faces, axis=0).mean()))
        assert spread[0] == 0
        assert spread[0] < spread[1] < spread[2]

    def test_finished_it_has_detail_that_the_model_has_not(self) -> None:
        soft, finished = (
            run("face-sample", EMPTY, seed=3, rim="hard", finish=f, exemplars=False)[0].layer.pixels.astype(int)
            for f in (False, True)
        )
        assert finished.shape == soft.shape
        fine = [np.abs(np.diff(p[..., :3], axis=1)).mean() for p in (soft, finished)]
        assert fine[1] > 1.05 * fine[0]

    def test_variations_have_seeds_of_their_own(self) -> None:
        outputs = run("face-sample", EMPTY, seed=7, variations=3)
        assert [o.seed for o in outputs] == [7, 8, 9]

    def test_over_a_face_it_takes_its_place(self) -> None:
        layer = run("face-sample", FACE)[0].layer
        assert layer.bounds.width > 150


class TestWithoutALibrary:
    """The photograph's own face in another shape."""

    @pytest.fixture(autouse=True)
    def _nobody(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCUMBLE_FACES", str(tmp_path / "own"))
        monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path / "weights"))

    def test_variations_are_people_of_other_shapes_with_the_skin_that_is_there(self) -> None:
        made = [
            composite(FACE, one.layer).pixels[..., :3].astype(float) for one in run("face-sample", FACE, variations=3)
        ]
        before = FACE.pixels[..., :3].astype(float)
        middle = slice(90, 220), slice(70, 190)
        for number, one in enumerate(made):
            assert np.abs(one - before)[middle].mean() > 1.5
            assert np.abs(one[middle].mean((0, 1)) - before[middle].mean((0, 1))).max() < 8
            assert np.abs(one - made[number - 1])[middle].mean() > 1

    def test_the_face_model_is_not_loaded_for_it(self) -> None:
        models = ModelCache()
        context = Context(0, "cpu", models, lambda fraction, message: None)
        chosen = find("face-sample")
        list(chosen.run({"image": FACE}, chosen.validate({}), context))
        assert "scumble-face-latent" not in context.weights
        assert "scumble-face-shapes" in context.weights

    def test_a_square_or_no_copies_is_the_model_s_own_face(self) -> None:
        for raw in ({"rim": "hard"}, {"exemplars": False}):
            context = Context(0, "cpu", WARM, lambda fraction, message: None)
            chosen = find("face-sample")
            list(chosen.run({"image": FACE}, chosen.validate(raw), context))
            assert "scumble-face-latent" in context.weights


class TestLatents:
    def test_an_untouched_canvas_changes_nothing(self) -> None:
        assert not run("face-latent", FACE)[0].layer.pixels[..., 3].any()

    def test_a_cell_changes_the_face_both_ways(self) -> None:
        changes = []
        for value in (-1.0, 1.0):
            layer = run("face-latent", FACE, canvas=[value] + [0.0] * 99)[0].layer
            changes.append((composite(FACE, layer).pixels.astype(float) - FACE.pixels).mean(axis=2).ravel())
        assert min(np.abs(c).mean() for c in changes) > 1
        assert np.corrcoef(*changes)[0, 1] < -0.3

    def test_reach_scales_it(self) -> None:
        change = [
            np.abs(
                composite(FACE, run("face-latent", FACE, canvas=[1.0] + [0.0] * 99, reach=r)[0].layer).pixels.astype(
                    int
                )
                - FACE.pixels
            ).mean()
            for r in (0.5, 2.0)
        ]
        assert change[0] < 0.5 * change[1]

    def test_reconstruction_looks_like_the_face(self) -> None:
        layer = run("face-latent", FACE, show="reconstruction")[0].layer
        shown = composite(FACE, layer).pixels[80:210, 70:180].astype(float)
        truth = FACE.pixels[80:210, 70:180].astype(float)
        assert np.abs(shown - truth).mean() < 25
        assert np.corrcoef(shown.ravel(), truth.ravel())[0, 1] > 0.85

    def test_cells_taken_as_they_are_need_no_likeness(self) -> None:
        one = run("face-latent", FACE, cells="taken")[0].layer
        other = run("face-latent", FACE, cells="taken", canvas=[0.5] * 100)[0].layer
        assert one.pixels.shape == other.pixels.shape
        assert not np.array_equal(one.pixels, other.pixels)

    def test_the_command_line_s_text(self) -> None:
        parameters = find("face-latent").validate({"canvas": ", ".join(["0.5"] * 100)})
        assert parameters.canvas == [0.5] * 100

    @pytest.mark.parametrize("canvas", [[0.0] * 99, [2.0] + [0.0] * 99, "a b", [float("nan")] * 100])
    def test_canvases_that_are_none(self, canvas: Any) -> None:
        with pytest.raises(ScumbleError) as raised:
            find("face-latent").validate({"canvas": canvas})
        assert raised.value.code == "invalid_parameter"

    def test_described_as_a_grid(self) -> None:
        (canvas,) = [p for p in find("face-latent").describe()["parameters"] if p["name"] == "canvas"]
        assert (canvas["type"], canvas["rows"], canvas["columns"]) == ("grid", 10, 10)


class TestStrangers:
    @pytest.fixture(autouse=True)
    def _library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCUMBLE_FACES", str(tmp_path / "own"))
        context = Context(0, "cpu", WARM, lambda fraction, message: None)
        place = frame_of({"image": FACE}, context)
        points = points_of(FACE, place, context)
        assert points is not None
        people = []
        for number in range(6):
            picture = np.asarray(aligned_picture(FACE, whole_face(place), 256) * 255, np.float32)
            picture = np.clip(picture * (0.7 + 0.05 * number) + 6 * number, 0, 255)
            people.append(new_face(np.asarray(picture, np.uint8)[:, ::-1], mirrored_points(points), f"{number}.jpg"))
        Writer(own_directory()).add(people)

    def test_somebody_is_put_there_with_the_skin_of_a_photograph(self) -> None:
        (copied,) = run("face-sample", FACE, seed=1)
        (drawn,) = run("face-sample", FACE, seed=1, exemplars=False)
        before = FACE.pixels[..., :3].astype(float)
        after, model = (composite(FACE, one.layer).pixels[..., :3].astype(float) for one in (copied, drawn))
        middle = slice(90, 190), slice(90, 170)

        def detail(picture: Any) -> float:
            return float(np.abs(np.diff(picture[middle].mean(2), axis=1)).mean())

        assert np.abs(after - before)[middle].mean() > 1
        assert detail(after) > 1.2 * detail(model)
        assert np.array_equal(after[:20], before[:20]), "the rest of the picture"

    def test_they_are_compared_once_for_all_variations_and_the_layer_says_whose_they_are(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[int] = []

        def counted() -> library.ExemplarLibrary:
            opened.append(1)
            return library.open_libraries()

        monkeypatch.setattr(stranger, "open_libraries", counted)
        context = Context(0, "cpu", WARM, lambda fraction, message: None)
        chosen = find("face-sample")
        outputs = list(chosen.run({"image": FACE}, chosen.validate({"variations": 3}), context))
        assert [one.seed for one in outputs] == [0, 1, 2]
        assert len(opened) == 1
        assert context.copied_from == ["own portraits"]
        assert "scumble-face-latent" not in context.weights

    def test_variations_are_different_people_and_bounded_by_the_selection(self) -> None:
        mask = np.zeros((256, 256, 1), np.uint8)
        mask[80:230, 60:200] = 255
        made = run("face-sample", FACE, seed=1, mask=Layer(mask), variations=3)
        assert all(one.layer.bounds.x >= 60 and one.layer.bounds.right <= 200 for one in made)
        assert not np.array_equal(made[0].layer.pixels, made[1].layer.pixels) or not np.array_equal(
            made[0].layer.pixels, made[2].layer.pixels
        )

    def test_without_a_face_there_the_model_draws_one(self) -> None:
        with_library = run("face-sample", EMPTY, seed=3, finish=False)[0].layer
        without = run("face-sample", EMPTY, seed=3, finish=False, exemplars=False)[0].layer
        assert np.array_equal(with_library.pixels, without.pixels)
