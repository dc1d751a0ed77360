"""`scumble train`: what it leaves, and what it says where it can't."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file

from scumble_training.style import features
from tests.support.commands import Call
from tests.support.small_collections import collection
from tests.support.style import photograph, stored


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small collections; and a network of one layer to learn."""
    monkeypatch.setattr(features, "WIDTHS", ((9,),))
    for kind in ("photos", "art"):
        collection(tmp_path, kind, [stored(photograph(1, 260, 270))])
    return tmp_path


def test_leaves_the_finished_file(data: Path, calling: Call) -> None:
    said = calling("train", "features", "--data", data, "--out", data / "out", "--set", "pictures=4").done().out
    finished = data / "out" / "scumble-features.safetensors"
    assert "conv1_1" in said
    assert load_file(finished)["conv1_1.weight"].shape == (9, 3, 3, 3)


def test_an_unknown_model(data: Path, calling: Call) -> None:
    assert "no model “nope”" in calling("train", "nope", "--data", data, "--out", data).refused()


def test_the_list_names_settings(calling: Call) -> None:
    said = calling("train", "list").done().out
    assert "features" in said
    assert "pictures = 60" in said


def test_an_unknown_setting(data: Path, calling: Call) -> None:
    refused = calling("train", "features", "--data", data, "--out", data, "--set", "depth=3").refused()
    assert "no setting “depth”" in refused


def test_a_setting_out_of_bounds(data: Path, calling: Call) -> None:
    refused = calling("train", "features", "--data", data, "--out", data, "--set", "pictures=0").refused()
    assert "“pictures” can't be '0'" in refused


def test_needs_folders(calling: Call) -> None:
    assert "--data" in calling("train", "features").refused()


def test_a_folder_without_pictures(data: Path, calling: Call) -> None:
    (data / "art.tar").unlink()
    assert "no art.tar" in calling("train", "features", "--data", data, "--out", data).refused()


def test_a_damaged_archive(data: Path, calling: Call) -> None:
    (data / "photos.tar").write_bytes(b"no archive")
    assert "can't be read" in calling("train", "features", "--data", data, "--out", data).refused()
