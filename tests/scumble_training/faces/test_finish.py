"""The trainer of the finishing network: what it leaves, that it goes on bit for bit, and what it is shown."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from scumble.faces.exemplars.collection import Writer
from scumble.faces.exemplars.library import open_libraries, own_directory
from scumble.faces.finishing import weights
from scumble.faces.finishing.network import FaceFinishNetwork
from scumble.faces.latent.network import LinearFaceModel
from scumble.faces.sketch.network import FaceSketchNetwork, FaceSketchSize
from scumble_client.errors import ScumbleError
from scumble_training.common.trainer import Run
from scumble_training.faces.copies import CopySearch
from scumble_training.faces.finish import LEAST_HOLE, Finishing, finishing_of, finishing_of_latents, halved
from scumble_training.faces.sketch_draws import SketchBatch
from scumble_training.registry import find
from tests.scumble_training.common.test_lpips import published
from tests.support.exemplars import random_face
from tests.support.faces import collections


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collections(tmp_path_factory.mktemp("data"))


def trained(data: Path, folder: Path, steps: int, minutes: float | None = None, **more: object) -> Path:
    torch.manual_seed(99)  # whatever happened before must not matter
    folder.mkdir(exist_ok=True)
    network, heads, _ = published(folder)
    raw = {
        "side": 128, "cut": 64, "batch": 2, "faces": 3, "heldout": 2, "measure_every": 4, "judge_from": 2,
        "lpips_network": network, "lpips_heads": heads, "steps": steps, **more,
    }  # fmt: skip
    trainer = find("face-finish")
    run = Run(data, folder, seed=5, minutes=minutes, say=lambda text: None)
    return trainer.train(run, trainer.validate({name: str(value) for name, value in raw.items()}))


def test_it_leaves_a_file_a_grid_and_figures(data: Path, tmp_path: Path) -> None:
    path = trained(data, tmp_path, 4)
    assert path.name == "scumble-face-finish.safetensors"
    assert isinstance(weights.load(path), FaceFinishNetwork)
    assert (tmp_path / "heldout-000004.jpg").is_file()
    figures = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"pixel", "gradient", "lpips", "doubt", "lpips_both", "sharpness_neither", "obeys_sketch"} <= figures.keys()
    assert all(math.isfinite(value) for value in figures.values())


def test_stopped_and_gone_on_with_it_ends_with_the_same_bits(data: Path, tmp_path: Path) -> None:
    whole = load_file(trained(data, tmp_path / "whole", 4))
    trained(data, tmp_path / "parts", 4, minutes=0)
    again = load_file(trained(data, tmp_path / "parts", 4))
    assert whole.keys() == again.keys()
    assert all(torch.equal(tensor, again[name]) for name, tensor in whole.items())


def test_a_completion_network_that_is_none_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ScumbleError) as raised:
        trained(data, tmp_path, 1, completion=tmp_path / "nothing.safetensors")
    assert raised.value.code == "weights_missing"


def batch(side: int = 128) -> SketchBatch:
    torch.manual_seed(0)
    hole = torch.zeros(2, 1, side, side)
    hole[0, :, 10:51, 20:70] = 1
    hole[1, :, 90:, 90:] = 1
    lines, given = ((torch.rand(2, 1, side, side) > 0.7).float() * hole for _ in range(2))
    return SketchBatch(torch.rand(2, 3, side, side), hole, lines, torch.rand(2, 3, side, side), given, hole)


def test_half_the_size_is_what_the_operation_makes_of_it() -> None:
    from scumble.faces.sketch.inputs import Conditions

    whole = batch()
    small = halved(whole)

    def plane(tensor: torch.Tensor) -> np.ndarray:
        array = tensor[0].permute(1, 2, 0).numpy()
        return array if array.shape[2] == 3 else array[..., 0] > 0

    given = Conditions(
        *(plane(one) for one in (whole.truth, whole.hole, whole.hole * 0, whole.lines, whole.colours, whole.given))
    ).halved(thin=False)
    assert np.array_equal(plane(small.hole), given.hole)
    assert np.array_equal(plane(small.lines), given.lines)
    assert np.array_equal(plane(small.given), given.given)
    assert plane(small.truth) == pytest.approx(given.picture, abs=1e-6)
    assert plane(small.colours)[given.given] == pytest.approx(given.colours[given.given], abs=1e-5)


def test_what_it_is_shown_is_the_truth_outside_the_hole() -> None:
    whole = batch()
    given = finishing_of(whole, FaceSketchNetwork(FaceSketchSize((8, 8, 8, 12), (1, 1, 1, 1))).eval())
    outside = (whole.hole == 0).expand_as(whole.truth)
    assert torch.equal(given.completed[outside], whole.truth[outside])
    assert torch.equal(given.guess[outside], whole.truth[outside])
    assert not torch.equal(given.completed, whole.truth)


def test_squares_lie_on_holes_and_belong_together() -> None:
    whole = batch()
    index = torch.arange(2 * 128 * 128, dtype=torch.float32).reshape(2, 1, 128, 128)
    given = Finishing(index.expand(2, 3, 128, 128), index, index, whole.hole, index, index, index, index, index)
    found = given.cut(4, 64, np.random.default_rng(0))
    assert found.hole.shape == (8, 1, 64, 64)
    assert float(found.hole.mean((1, 2, 3)).min()) >= LEAST_HOLE
    assert torch.equal(found.truth[:, :1], found.lines)
    assert [int(n) // 128**2 for n in found.lines[:, 0, 0, 0]] == [0, 0, 0, 0, 1, 1, 1, 1]


def test_latent_pictures_are_the_truth_outside_the_hole_and_soft_in_it() -> None:
    whole = batch()
    model = LinearFaceModel()
    given = finishing_of_latents(whole, model.eval(), np.random.default_rng(0))
    outside = (whole.hole == 0).expand_as(whole.truth)
    assert torch.equal(given.completed[outside], whole.truth[outside])
    assert given.completed[~outside].std() < whole.truth[~outside].std()
    assert not given.lines.any()
    assert not given.given.any()
    assert not given.trust.any()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_FACES", str(tmp_path / "own"))
    Writer(own_directory()).add([random_face(n) for n in range(5)])


@pytest.mark.usefixtures("library")
def test_with_a_library_it_learns_of_copies(data: Path, tmp_path: Path) -> None:
    trained(data, tmp_path, 4, copied=1.0, looked_through=3)
    figures = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"lpips_both_copied", "lpips_latents_copied"} <= figures.keys()
    assert all(math.isfinite(value) for value in figures.values())


@pytest.mark.usefixtures("library")
def test_the_face_itself_is_no_exemplar() -> None:
    search = CopySearch.on_this_machine(3, "cpu")
    assert search is not None
    own = np.asarray(Image.fromarray(open_libraries().picture(0)).resize((128, 128)))
    truth = torch.from_numpy(own.transpose(2, 0, 1).copy()).float() / 255
    hole = torch.zeros(1, 128, 128)
    hole[:, 40:80, 40:80] = 1
    made, trust = search.find(truth, hole, torch.zeros_like(hole), truth)
    assert torch.equal(made[:, hole[0] == 0], truth[:, hole[0] == 0])
    assert trust[:, hole[0] > 0].mean() < 0.5  # copied from itself all of it would be trusted


def test_without_a_library_there_is_no_search() -> None:
    assert CopySearch.on_this_machine(3, "cpu") is None


def test_it_may_begin_with_weights_that_saw_no_copies(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    older = FaceFinishNetwork()
    torch.nn.init.normal_(older.leave.weight, std=0.01)
    state = {name: tensor.clone() for name, tensor in older.state_dict().items()}
    state["enter.weight"] = state["enter.weight"][:, :40].contiguous()
    state["mix.weight"] = state["mix.weight"][:, :26].contiguous()
    save_file(state, tmp_path / "older.safetensors")
    begun = weights.load(tmp_path / "older.safetensors")
    assert torch.equal(begun.enter.weight[:, :40], state["enter.weight"])
    assert not begun.enter.weight[:, 40:].any()
    found = weights.load(trained(data, tmp_path / "more", 1, start=tmp_path / "older.safetensors"))
    assert (found.leave.weight - older.leave.weight).abs().max() < 0.01
