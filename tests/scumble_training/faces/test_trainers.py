"""The trainers of the face networks: a few steps on a few pictures, stopped and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from scumble.faces.detection import weights as landmark_weights
from scumble.faces.detection.alignment import mirrored_points
from scumble.faces.latent import ian_weights
from scumble.faces.latent import weights as latent_weights
from scumble_client.errors import ScumbleError
from scumble_training.common.trainer import Run
from scumble_training.faces import crops as face_crops
from scumble_training.faces import scenes as face_scenes
from scumble_training.faces.latent_ian import IanRecipe, IanWeights, orthogonality
from scumble_training.faces.latent_linear import principal_components
from scumble_training.faces.pictures import load_faces
from scumble_training.registry import find
from tests.support import needs
from tests.support.faces import collections


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collections(tmp_path_factory.mktemp("data"))


def train(model: str, data: Path, folder: Path, said: list[str] | None = None, **settings: object) -> Path:
    trainer = find(model)
    say = (lambda text: None) if said is None else said.append
    raw = {name: str(value) for name, value in settings.items()}
    return trainer.train(Run(data, folder, say=say), trainer.validate(raw))


class TestLandmarks:
    def test_leaves_a_file_that_finds_faces_can_read_and_goes_on(self, data: Path, tmp_path: Path) -> None:
        said: list[str] = []
        path = train("face-landmarks", data, tmp_path, said, steps=2, scenes=2, crops=6, mining=100)
        networks = landmark_weights.load(path)
        assert networks.shape.min() > 0
        assert any("eye_error" in line for line in said)
        train("face-landmarks", data, tmp_path, said, steps=3, scenes=2, crops=6, mining=100)
        assert any("going on from step 2" in line for line in said)

    @needs.links
    def test_points_that_are_missing(self, data: Path, tmp_path: Path) -> None:
        for path in data.iterdir():
            if "landmarks49" not in path.name:
                (tmp_path / path.name).symlink_to(path)
        with pytest.raises(ScumbleError) as raised:
            train("face-landmarks", tmp_path, tmp_path / "out", steps=1)
        assert "faces_landmarks49.npz" in raised.value.message


class TestLatent:
    def test_the_linear_recipe_begins_as_principal_components_and_goes_on(self, data: Path, tmp_path: Path) -> None:
        path = train("face-latent", data, tmp_path, steps=2, batch=3, every=2, feature_loss=False)
        model = latent_weights.load(path)
        assert model.decode(torch.zeros(1, 100)).shape == (1, 3, 64, 64)
        figures = [json.loads(line) for line in (tmp_path / "face-latent.jsonl").read_text().splitlines()]
        assert figures[0]["step"] == 0
        assert figures[-1]["squared"] == pytest.approx(figures[0]["squared"], rel=0.05)
        for name in ("reconstructions", "samples", "interpolations"):
            assert (tmp_path / f"{name}-000002.png").is_file()
        said: list[str] = []
        train("face-latent", data, tmp_path, said, steps=3, batch=3, feature_loss=False)
        assert "going on from step 2" in said

    @pytest.mark.parametrize("architecture", ["ian_simple", "ian"])
    def test_the_published_recipes(self, data: Path, tmp_path: Path, architecture: str) -> None:
        path = train("face-latent", data, tmp_path, architecture=architecture, width=4, steps=2, batch=3)
        assert ian_weights.load(path).width == 4
        with pytest.raises(ScumbleError, match="another architecture"):
            train("face-latent", data, tmp_path, steps=3)


def test_turns_move_what_they_should() -> None:
    torch.manual_seed(0)
    recipe = IanRecipe("ian", 4, IanWeights(), None)
    pictures = torch.rand(3, 3, 64, 64) * 2 - 1

    def moved() -> set[str]:
        before = {n: p.detach().clone() for n, p in recipe.network.named_parameters()}
        recipe.step(pictures, 1e-3)
        return {n.split(".")[0] for n, p in recipe.network.named_parameters() if not torch.equal(p, before[n])}

    middle = {"hidden", "mean", "log_sigma"}
    decoder, critic = moved(), moved()
    assert {"decoder", "project", "out"} <= decoder
    assert not {"encoder", "judge", "minibatch"} & decoder
    assert {"encoder", "judge"} <= critic
    assert not {"decoder", "project", "out"} & critic
    assert middle <= decoder & critic


def test_published_schedule() -> None:
    recipe = IanRecipe("ian", 4, IanWeights(), None)
    assert [recipe.rate(epoch, 0) for epoch in (0, 24.9, 25, 60, 79)] == [2e-4, 2e-4, 1e-4, 5e-5, 1e-5]


def test_orthogonality_is_zero_for_orthogonal_kernels() -> None:
    layer = torch.nn.Conv2d(3, 5, 3)
    torch.nn.init.orthogonal_(layer.weight)
    network = torch.nn.Sequential(layer)
    assert orthogonality(network).item() < 1e-4
    with torch.no_grad():
        layer.weight.mul_(2)
    assert orthogonality(network).item() == pytest.approx(15, rel=1e-3)


def test_principal_components_are_those_of_the_textbook() -> None:
    rng = np.random.default_rng(0)
    plain = torch.from_numpy(rng.normal(size=(40, 3, 4, 4)) * np.linspace(2, 0.1, 48).reshape(3, 4, 4)).float()
    mean, basis, inverse = principal_components(plain, 5)
    both = torch.cat([plain, plain.flip(3)]).flatten(1)
    _, values, directions = torch.linalg.svd(both - both.mean(0), full_matrices=False)
    z = (both - mean) @ inverse.T
    best = (both - both.mean(0)) @ directions[:5].T @ directions[:5]
    assert torch.allclose(z @ basis, best, atol=0.02)
    assert torch.allclose(torch.cov(z.T), torch.eye(5) * 80 / 79, atol=0.02)
    assert torch.allclose(basis.norm(dim=1), values[:5] / 80**0.5, rtol=0.01)


class TestScenes:
    def test_mirrored_points_are_points_of_the_mirrored_face(self, data: Path) -> None:
        points = load_faces(data, "train", 64).points[0]
        mirrored = mirrored_points(points)
        assert np.allclose(mirrored_points(mirrored), points)
        assert np.abs(mirrored - points).max() < 0.15  # the portrait looks at us

    def test_warped_cuts_out(self) -> None:
        picture = torch.arange(16.0).view(1, 1, 4, 4)
        found = face_scenes.warped(picture, np.array([[[0.5, 0, 0.5], [0, 0.5, 0]]]), 2)
        assert torch.allclose(found[0, 0], picture[0, 0, :2, 2:], atol=1e-5)

    def test_marks_lie_between_the_eyes(self, data: Path) -> None:
        faces = load_faces(data, "train", 128)
        level = face_scenes.planes(faces.pictures)
        levels = {128: level, 64: level[:, :, ::2, ::2], 32: level[:, :, ::4, ::4]}
        background = face_scenes.planes(face_scenes.load_backgrounds(data, "train"))
        made = face_scenes.scenes(faces, levels, background, 12, np.random.default_rng(0))
        assert made.pictures.shape == (12, 3, 128, 128)
        where = made.face > 0
        assert where.any()
        between = made.eyes[:, 0::2].mean(1), made.eyes[:, 1::2].mean(1)
        assert torch.stack([b[where].abs().max() for b in between]).max() < 0.5  # of 16 pixels

    def test_faces_of_the_heldout_split_are_not_learned_from(self, data: Path) -> None:
        train_set, heldout = face_crops.load_aligned(data, 64)
        assert (len(train_set.pictures), len(heldout.pictures)) == (8, 4)
