"""Learning the feature network's filters: what is learned, that it goes on where it was, and what it never reads."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from scumble.networks.vgg import Vgg, Weights
from scumble.training import features
from scumble.weights import WeightStore, vgg
from tests.support.style import photograph, stored


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small collections in the form of the project's; and a network of two blocks."""
    monkeypatch.setattr(features, "BLOCKS", (2, 1))
    monkeypatch.setattr(features, "WIDTHS", (12, 16))
    monkeypatch.setattr(features, "PATCHES", 1500)
    for kind in ("photos", "art"):
        with (
            tarfile.open(tmp_path / f"{kind}.tar", "w") as tar,
            (tmp_path / f"{kind}.csv").open("w", newline="") as file,
        ):
            table = csv.writer(file)
            table.writerow(["file", "source_repo", "split"])
            for number in range(6):
                source = "luanfujun/deep-photo-styletransfer" if number == 4 else "free/pictures"
                table.writerow([f"{number}.png", source, "heldout" if number == 5 else "train"])
                content = io.BytesIO()
                Image.fromarray(stored(photograph(number, 70, 80))).save(content, "png")
                member = tarfile.TarInfo(f"{number}.png")
                member.size = content.tell()
                content.seek(0)
                tar.addfile(member, content)
    return tmp_path


def trained(data: Path, folder: str = "run", said: list[str] | None = None) -> Path:
    features.train(data, data / folder, pictures=8, side=64, say=(said if said is not None else []).append)
    return data / folder / "features.safetensors"


def test_activations_have_a_mean_of_one_and_half_of_them_are_on(data: Path) -> None:
    network = Vgg(Weights(load_file(trained(data)), "reflect"))
    picture = torch.from_numpy(photograph(1, 70, 80)).permute(2, 0, 1)[None]
    for name, answers in network(picture, ["relu1_1", "relu1_2", "relu2_1"]).items():
        assert float(answers.mean()) == pytest.approx(1, abs=0.5), name
        assert 0.3 < float((answers > 0).float().mean()) < 0.7, name


def test_filters_differ_from_each_other(data: Path) -> None:
    filters = load_file(trained(data))["conv1_2.weight"].flatten(1)
    likeness = torch.corrcoef(filters) - torch.eye(len(filters))
    assert float(likeness.max()) < 0.95


def test_plain_colours_are_seen(data: Path) -> None:
    network = Vgg(Weights(load_file(trained(data)), "reflect"))
    red, blue = (torch.tensor(c).view(1, 3, 1, 1).expand(1, 3, 8, 8) for c in ([0.8, 0.2, 0.2], [0.2, 0.2, 0.8]))
    assert float((network(red, ["relu1_1"])["relu1_1"] - network(blue, ["relu1_1"])["relu1_1"]).abs().max()) > 0.5


def test_goes_on_with_the_first_layer_that_is_missing(data: Path) -> None:
    whole = load_file(trained(data))
    stopped = data / "stopped"
    stopped.mkdir()
    kept = {name: tensor for name, tensor in whole.items() if not name.startswith("conv2")}
    save_file(kept, stopped / "features.safetensors")
    said: list[str] = []
    again = load_file(trained(data, "stopped", said))
    assert [line.split(":")[0] for line in said[:-1]] == ["conv2_1"]
    assert all(torch.equal(again[name], whole[name]) for name in whole)


def test_reads_neither_held_out_nor_academic_pictures(data: Path) -> None:
    squares = list(features._squares(data, 100, 64, np.random.default_rng(0)))
    assert len(squares) == 8  # four of each collection


def test_what_is_saved_is_read_again(data: Path) -> None:
    weights = Weights(load_file(trained(data)), "reflect")
    features.save(weights, data / "half.safetensors")
    found = vgg.load(data / "half.safetensors")
    assert found.padding == "reflect"
    assert all(torch.allclose(found.tensors[n], t, rtol=2e-3, atol=1e-4) for n, t in weights.tensors.items())


def test_the_embedded_network_is_what_the_code_describes() -> None:
    path = WeightStore().path("scumble-features")
    assert path.stat().st_size <= 8_000_000
    network = Vgg(vgg.load(path))
    found = network(torch.rand(1, 3, 64, 64), ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1"])
    assert [x.shape[1] for x in found.values()] == [48, 96, 160, 256, 256, 256]
