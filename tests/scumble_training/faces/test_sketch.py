"""The trainers of face completion: what is made of faces, what networks are given, the losses, and a few steps of both."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy import ndimage

from scumble.faces.sketch import sc_fegan_weights
from scumble.faces.sketch import weights as weights
from scumble.vision.vgg.network import Vgg, random_weights
from scumble_client.errors import ScumbleError
from scumble_training.common.metrics import gradient_energy
from scumble_training.common.trainer import Run
from scumble_training.common.weave import weave, weave_error
from scumble_training.faces import masks as face_masks
from scumble_training.faces import sc_fegan_losses, sketch_examples
from scumble_training.faces import sketch as sketch_trainer
from scumble_training.faces.flat_colours import FlatColours
from scumble_training.faces.sketch_draws import SketchBatch, broad_strokes, random_draw, random_given, stacked
from scumble_training.faces.sketch_examples import AnalysedFace, analysed
from scumble_training.faces.sketch_metrics import obedience
from scumble_training.registry import find
from tests.scumble_training.common.test_lpips import published
from tests.support.faces import collections, mean_points, portrait

SIDE = 128


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collections(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def face() -> AnalysedFace:
    return analysed(portrait(SIDE), mean_points(), np.random.default_rng(0))


class TestExamples:
    def test_lines_are_thin_and_clean_and_differ(self, face: AnalysedFace) -> None:
        assert face.lines.shape == (4, SIDE, SIDE)
        for lines in face.lines:
            assert 0.005 < lines.mean() < 0.14  # the portrait has strands of hair
            sizes = np.bincount(ndimage.label(lines, np.ones((3, 3)))[0].ravel())[1:]
            assert np.median(sizes) >= SIDE / 22
        assert len({lines.tobytes() for lines in face.lines}) == 4

    def test_colours_are_those_of_the_face(self, face: AnalysedFace) -> None:
        error = np.abs(face.colours.picture() - face.truth / 255.0).mean()
        assert error < 0.06
        assert 8 < len(face.colours.colours) <= 255

    def test_the_hair_of_the_portrait(self, face: AnalysedFace) -> None:
        assert 0.1 < face.hair.mean() < 0.5
        assert not face.hair[int(0.6 * SIDE) : int(0.7 * SIDE), int(0.45 * SIDE) : int(0.55 * SIDE)].any(), "no nose"

    def test_no_hair_where_all_is_one_colour(self) -> None:
        rgb = np.full((64, 64, 3), 0.5, np.float32)
        flat = FlatColours(np.zeros((64, 64), np.uint8), np.full((1, 3), 0.5, np.float32))
        assert not face_masks.hair(rgb, flat, mean_points()).any()

    def test_kept_and_read_again(self, data: Path, tmp_path: Path) -> None:
        run = Run(data, tmp_path)
        (one, *_others) = sketch_examples.prepare(run, "heldout", 64)
        assert not list(sketch_examples.prepare(run, "heldout", 64)), "made once"
        found = sketch_examples.load(one)
        assert found.lines.shape == (4, 64, 64)
        assert found.colours.labels.max() < len(found.colours.colours)

    def test_points_that_are_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ScumbleError, match=r"faces_landmarks49\.npz"):
            sketch_examples.load_points(tmp_path)


class TestDraws:
    def test_strokes_start_at_the_eyes(self) -> None:
        points = mean_points()
        rng = np.random.default_rng(0)
        masks = [face_masks.eye_strokes(SIDE, points, rng) for _ in range(30)]
        mean = np.mean(masks, axis=0)
        assert mean[int(0.47 * SIDE), int(0.36 * SIDE)] > 0.3 > mean[3, 3]
        assert 0.03 < mean.mean() < 0.5

    def test_all_kinds_of_conditions_occur(self, face: AnalysedFace) -> None:
        rng = np.random.default_rng(1)
        draws = [random_draw(face, rng) for _ in range(60)]
        assert {bool(d.lines.any()) for d in draws} == {True, False}
        assert {bool(d.given.any()) for d in draws} == {True, False}
        assert any(d.hole.all() for d in draws)
        assert min(d.hole.mean() for d in draws) < 0.2
        batch = stacked(draws[:3], rng, "cpu")
        outside = batch.hole == 0
        for part in (batch.lines, batch.given, batch.noise):
            assert not part[outside].any()

    def test_strokes_of_colour_stay_in_their_segment(self, face: AnalysedFace) -> None:
        hole = np.ones((SIDE, SIDE), np.bool_)
        shares = [random_given(face, hole, np.random.default_rng(s)).mean() for s in range(20)]
        assert max(shares) == 1
        assert min(shares) < 0.1

    def test_a_hand_s_strokes_have_one_colour_each_and_leave_their_segments(self, face: AnalysedFace) -> None:
        hole = np.zeros((SIDE, SIDE), np.bool_)
        hole[SIDE // 4 :] = True
        left = 0
        for seed in range(12):
            given, named = broad_strokes(face, hole, np.random.default_rng(seed))
            assert given.any()
            assert not given[~hole].any()
            assert len(np.unique(named[given])) <= 8
            assert np.array_equal(named[~given], face.colours.labels[~given])
            left += int((named != face.colours.labels).sum())
        assert left > 0

    def test_without(self, face: AnalysedFace) -> None:
        rng = np.random.default_rng(2)
        batch = stacked([random_draw(face, rng)], rng, "cpu")
        assert not batch.without(sketch=True).lines.any()
        assert not batch.without(colours=True).given.any()


class TestMeasures:
    def test_an_edge_under_the_line_obeys_and_one_beside_it_does_not(self) -> None:
        picture = np.full((40, 40, 3), 0.3, np.float32)
        picture[:, 20:] = 0.7
        hole = np.ones((40, 40), np.bool_)
        at, beside = (np.arange(40) == x for x in (21, 30))
        lines = np.broadcast_to(at, (40, 40))
        assert obedience(picture, lines, hole) == 1
        assert obedience(picture, np.broadcast_to(beside, (40, 40)), hole) == 0
        assert obedience(picture, lines | beside, hole) == 0.5
        assert math.isnan(obedience(picture, lines, ~hole))

    def test_sharpness_is_of_the_hole_alone(self) -> None:
        torch.manual_seed(0)
        truth, hole = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
        hole[..., :16] = 1
        flat = truth.clone()
        flat[..., 16:] = 0.5
        assert gradient_energy(flat, truth, hole) == pytest.approx(1)
        flat[..., :16] = 0.5 * truth[..., :16]
        assert gradient_energy(flat, truth, hole) == pytest.approx(0.25)

    def test_a_weave_is_told_from_noise(self) -> None:
        torch.manual_seed(0)
        noise, hole = torch.rand(2, 3, 64, 64), torch.ones(2, 1, 64, 64)
        hole[1, :, :, :20] = 0
        woven = 0.5 + 0.1 * torch.rand(1, 3, 4, 4).repeat(2, 1, 16, 16)
        assert weave(noise, hole) < 0.15
        assert weave(woven, hole) > 0.9

    @pytest.mark.parametrize("side", [32, 64])
    def test_a_weave_is_a_far_larger_error_than_noise(self, side: int) -> None:
        torch.manual_seed(0)
        hole = torch.ones(1, 1, side, side)
        hole[..., : side // 4] = 0
        noise = torch.randn(1, 3, side, side) * hole
        woven = torch.randn(1, 3, 4, 4).repeat(1, 1, side // 4, side // 4) * hole
        assert weave_error(woven, hole) > 4 * weave_error(noise, hole)
        assert weave_error(0 * noise, hole) < 1e-3
        assert weave_error(noise, 0 * hole) < 1e-3, "nothing is asked of what is no hole"

    def test_a_weave_can_be_unlearned(self) -> None:
        torch.manual_seed(0)
        hole = torch.ones(1, 1, 64, 64)
        wrong = (0.1 * torch.randn(1, 3, 4, 4).repeat(1, 1, 16, 16)).requires_grad_()
        optimizer = torch.optim.Adam([wrong], 0.01)
        before = float(weave_error(wrong.detach(), hole))
        for _ in range(15):
            optimizer.zero_grad()
            torch.autograd.backward(weave_error(wrong, hole))
            optimizer.step()
        assert float(weave_error(wrong.detach(), hole)) < 0.5 * before


class TestPublishedLosses:
    def test_the_hole_counts_alpha_times(self) -> None:
        truth, hole = torch.zeros(1, 3, 2, 2), torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
        assert sc_fegan_losses.pixel_loss(truth + 1, truth, hole, 6.0) == pytest.approx((6 + 3) / 4)

    def test_adversarial_terms(self) -> None:
        real, made = torch.tensor([2.0, 4.0]), torch.tensor([-1.0, 3.0])
        assert sc_fegan_losses.generator_loss(made) == -1
        assert sc_fegan_losses.discriminator_loss(real, made) == pytest.approx((1 - 3) + (1 + 1))
        assert sc_fegan_losses.extra_loss(real) == 10

    def test_the_penalty_is_of_the_gradient_in_the_hole(self) -> None:
        hole = torch.zeros(1, 1, 4, 4)
        hole[..., :2] = 1  # 8 pixels of 3 channels
        truth, made = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)

        def judge(picture: torch.Tensor) -> torch.Tensor:
            return (0.5 * picture).sum().reshape(1)

        penalty = sc_fegan_losses.gradient_penalty(judge, truth, made, hole, torch.rand(1, 1, 1, 1))
        assert float(penalty) == pytest.approx((math.sqrt(24 * 0.25) - 1) ** 2, rel=1e-4)


SETTINGS: dict[str, dict[str, Any]] = {
    "embedded": {"side": 64, "batch": 2, "gan": 0.02, "gan_from": 1, "judge_width": 4, "polish": 4, "weave": 1},
    "published": {"form": "published", "side": 128, "batch": 1, "width": 4, "judge_width": 4, "gan": 0.001},
}
FILES = {"embedded": "scumble-face-sketch.safetensors", "published": "sc-fegan.safetensors"}


@pytest.fixture
def _few_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small feature network; the real one takes most of the time."""
    small = Vgg(random_weights((2, 2, 1), (4, 4, 4)))
    monkeypatch.setattr(sketch_trainer, "feature_network", lambda: small)
    monkeypatch.setattr(sketch_trainer, "loaded_features", lambda setting: (small, 1.0))


def trained(form: str, data: Path, folder: Path, steps: int, minutes: float | None = None, **more: object) -> Path:
    trainer = find("face-sketch")
    torch.manual_seed(99)  # whatever happened before must not matter
    raw = {**SETTINGS[form], "steps": steps, "measure_every": 4, "faces": 3, "heldout": 2, **more}
    run = Run(data, folder, seed=5, minutes=minutes, say=lambda text: None)
    return trainer.train(run, trainer.validate({name: str(value) for name, value in raw.items()}))


@pytest.mark.usefixtures("_few_features")
class TestTrainers:
    def test_the_embedded_one_leaves_a_file_grids_and_figures(self, data: Path, tmp_path: Path) -> None:
        path = trained("embedded", data, tmp_path, 2)
        assert path.name == FILES["embedded"]
        assert weights.load(path).size.widths[0] > 0
        assert (tmp_path / "heldout-000002.jpg").is_file()
        (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
        figures = json.loads(line)
        assert {"pixel", "gradient", "features", "weave", "judge", "psnr_both", "obeys_sketch"} <= figures.keys()
        assert all(math.isfinite(value) for value in figures.values())

    def test_lpips_is_learned_from_and_measured(self, data: Path, tmp_path: Path) -> None:
        network, heads, _ = published(tmp_path)
        given: dict[str, Any] = {"lpips": 2, "lpips_network": network, "lpips_heads": heads, "features": 0}
        trained("embedded", data, tmp_path, 2, **given)
        figures = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
        assert "features" not in figures
        assert 0 < figures["lpips"] < math.inf
        assert 0 < figures["lpips_both"] < math.inf

    def test_lpips_without_its_files_says_where_they_are(
        self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path / "none"))
        with pytest.raises(ScumbleError) as caught:
            trained("embedded", data, tmp_path, 2, lpips=1)
        assert caught.value.code == "weights_missing"
        assert "squeezenet-torchvision" in f"{caught.value.message} {caught.value.hint}"

    def test_a_start_is_what_the_first_step_changes(self, data: Path, tmp_path: Path) -> None:
        path = trained("embedded", data, tmp_path / "small", 1, polish=0)
        longer = trained("embedded", data, tmp_path / "more", 1, start=path, rate=1e-9)
        before, after = load_file(path), load_file(longer)
        assert set(after) - set(before) == {f"polish.{n}.{kind}" for n in (0, 2) for kind in ("weight", "bias")}
        for name, tensor in before.items():
            torch.testing.assert_close(after[name].float(), tensor.float(), rtol=1e-2, atol=1e-3)
        assert weights.load(longer).size.polish == 4

    def test_a_start_of_another_kind_is_refused(self, data: Path, tmp_path: Path) -> None:
        with pytest.raises(ScumbleError):
            trained("embedded", data, tmp_path, 1, start=tmp_path / "nothing.safetensors")

    def test_the_published_one(self, data: Path, tmp_path: Path) -> None:
        path = trained("published", data, tmp_path, 2)
        assert path.name == FILES["published"]
        assert sc_fegan_weights.load(path).width == 4
        figures = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
        names = {"pixel", "perceptual", "style", "variation", "adversarial", "judge", "penalty", "extra"}
        assert names <= figures.keys()
        assert all(math.isfinite(value) for value in figures.values())

    @pytest.mark.parametrize("form", SETTINGS)
    def test_stopped_and_gone_on_with_gives_the_same_bits(self, form: str, data: Path, tmp_path: Path) -> None:
        whole = load_file(trained(form, data, tmp_path / "whole", 2))
        trained(form, data, tmp_path / "parts", 2, minutes=1e-9)
        parts = load_file(trained(form, data, tmp_path / "parts", 2))
        assert all(torch.equal(whole[name], parts[name]) for name in whole)

    def test_sides_that_can_t_be_halved(self, data: Path, tmp_path: Path) -> None:
        trainer = find("face-sketch")
        settings = trainer.validate({"form": "published", "side": "192"})
        with pytest.raises(ScumbleError, match="192 pixels"):
            trainer.train(Run(data, tmp_path), settings)


def test_the_trainer_sees_that_a_feature_network_is_unknown() -> None:
    with pytest.raises(ScumbleError):
        find("face-sketch").validate({"vgg": "nope"})


def test_a_batch_has_parts() -> None:
    assert set(SketchBatch.__dataclass_fields__) == {"truth", "hole", "lines", "colours", "given", "noise"}
