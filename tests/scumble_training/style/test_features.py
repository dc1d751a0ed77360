"""The feature network's filters: what they carry and see, how they are scaled, and what is never read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scumble.vision.vgg import weights as vgg_weights
from scumble.vision.vgg.network import Vgg, VggWeights
from scumble.weights import WeightStore
from scumble_training.style import features
from tests.support.small_collections import collection
from tests.support.style import photograph, stored


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small collections in the form of the project's; and a network of two blocks."""
    monkeypatch.setattr(features, "WIDTHS", ((24, 12), (16,)))
    for kind in ("photos", "art"):
        pictures = [stored(photograph(number, 70, 80)) for number in range(6)]
        collection(tmp_path, kind, pictures, heldout=[5], sources={4: "luanfujun/deep-photo-styletransfer"})
    return tmp_path


def trained(data: Path, folder: str = "run", said: list[str] | None = None) -> Path:
    features.train(data, data / folder, pictures=8, side=64, say=(said if said is not None else []).append)
    return data / folder / "features.safetensors"


def test_activations_have_a_mean_of_one(data: Path) -> None:
    network = Vgg(VggWeights(load_file(trained(data)), "reflect"), "average")
    pictures = torch.stack([torch.from_numpy(photograph(n, 70, 80)).permute(2, 0, 1) for n in range(4)])
    for name, answers in network(pictures, ["relu1_1", "relu1_2", "relu2_1"]).items():
        assert float(answers.mean()) == pytest.approx(1, abs=0.3), name


def test_the_first_channels_carry_the_colours_at_every_scale(data: Path) -> None:
    network = Vgg(VggWeights(load_file(trained(data)), "reflect"), "average")
    picture = torch.from_numpy(photograph(1, 64, 64)).permute(2, 0, 1)[None]
    seen = network(picture, ["relu1_1", "relu2_1"])
    for name, size in (("relu1_1", 1), ("relu2_1", 2)):
        wanted = torch.nn.functional.avg_pool2d(picture, size)
        carried = seen[name][:, :3]
        assert float(torch.corrcoef(torch.stack([carried.flatten(), wanted.flatten()]))[0, 1]) > 0.85, name


def test_colours_beyond_black_and_white_have_filters_of_their_own(data: Path) -> None:
    network = Vgg(VggWeights(load_file(trained(data)), "reflect"), "average")
    guards = slice(features.COLOURS, features.COLOURS + 6)
    inside = network(torch.rand(1, 3, 16, 16), ["relu1_1"])["relu1_1"][:, guards]
    assert float(inside.abs().max()) < 1e-4
    for place, value in ((0, 1.2), (1, -0.2)):
        picture = torch.full((1, 3, 16, 16), 0.5)
        picture[:, 1] = value
        beyond = network(picture, ["relu1_1"])["relu1_1"][0, guards].mean((1, 2))
        assert beyond.nonzero().flatten().tolist() == [2 + place]


def test_same_seed_same_filters() -> None:
    one, two, other = features.drawn(3), features.drawn(3), features.drawn(4)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["conv2_1.weight"], other["conv2_1.weight"])


def test_reads_neither_held_out_nor_academic_pictures(data: Path) -> None:
    squares = list(features._squares(data, 100, 64, np.random.default_rng(0)))
    assert len(squares) == 8  # four of each collection


def test_what_is_saved_is_read_again(data: Path) -> None:
    weights = VggWeights(load_file(trained(data)), "reflect")
    features.save(weights, data / "half.safetensors")
    found = vgg_weights.load(data / "half.safetensors")
    assert found.padding == "reflect"
    assert all(torch.allclose(found.tensors[n], t, rtol=2e-3, atol=1e-4) for n, t in weights.tensors.items())


def test_the_embedded_network_is_what_the_code_describes() -> None:
    path = WeightStore().path("scumble-features")
    assert path.stat().st_size <= 8_000_000
    network = Vgg(vgg_weights.load(path))
    found = network(torch.rand(1, 3, 64, 64), ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1"])
    assert [x.shape[1] for x in found.values()] == [96, 128, 192, 256, 128, 256]
