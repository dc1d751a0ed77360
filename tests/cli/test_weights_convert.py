"""`scumble weights convert`, and weights that have to be fetched by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scumble.faces.sketch import sc_fegan_weights
from scumble.inpainting.networks.deepcreampy import DeepCreamPyNet
from scumble.inpainting.weights import loading
from tests.faces.sketch.test_sc_fegan_weights import made, published
from tests.inpainting.weights.test_loading import Lama, deepcreampy_file, script
from tests.support.checkpoints import write_bundle
from tests.support.commands import Call


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return deepcreampy_file(tmp_path, DeepCreamPyNet(2).eval())


def test_a_checkpoint_becomes_safetensors(calling: Call, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "x.safetensors"
    said = calling("weights", "convert", checkpoint, "--out", out).done().out
    assert "deepcreampy" in said
    assert loading.load(out).name == "deepcreampy"
    calling("weights", "convert", checkpoint, "--half").done()
    beside = checkpoint.with_name("Train_775000.safetensors")
    assert loading.load(beside).network.output.weight.dtype == torch.float32  # type: ignore[union-attr]
    assert beside.stat().st_size < out.stat().st_size


def test_sc_fegan(calling: Call, tmp_path: Path) -> None:
    network = made()
    write_bundle(tmp_path / "SC-FEGAN.ckpt", published(network))
    out = tmp_path / "sc-fegan.safetensors"
    said = calling("weights", "convert", tmp_path / "SC-FEGAN.ckpt.index", "--out", out, "--half").done().out
    assert "sc_fegan" in said
    assert sc_fegan_weights.load(out).width == network.width


def test_what_can_t_be(calling: Call, checkpoint: Path, tmp_path: Path) -> None:
    lama = script(Lama(), tmp_path / "big-lama.pt")
    assert "TorchScript" in calling("weights", "convert", lama).refused()
    assert "no name for safetensors" in calling("weights", "convert", checkpoint, "--out", tmp_path / "x.pth").refused()
    (tmp_path / "bad.pth").write_bytes(b"no")
    assert "can't be read" in calling("weights", "convert", tmp_path / "bad.pth").refused(3)
    assert "missing" in calling("weights", "convert", tmp_path / "nowhere.pth").refused(3)
    own = tmp_path / "own.safetensors"
    loading.convert(checkpoint).save(own)
    assert "replace itself" in calling("weights", "convert", own, "--out", own).refused()


def test_by_hand_is_said_with_the_way(calling: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path / "store"))
    for arguments in (("pull", "deepfill-places2"), ("pull", "deepfill-places2", "--accept-non-commercial")):
        ran = calling("weights", *arguments)
        assert ran.code == 3
        assert "by hand" in ran.err
        assert "drive.google.com" in ran.err
        assert "weights convert FILE --out" in ran.err.replace("\n", " ")
        assert "non-commercial" in ran.err
    ran = calling("weights", "verify", "--repair", "deepfill-places2")
    assert ran.code == 3
    assert "convert" in ran.err + ran.out
    listed = {entry["name"]: entry for entry in calling("weights", "list", "--json").done().json}
    assert listed["deepcreampy-mosaic"]["operations"] == ["restore-mosaic"]
    assert listed["scumble-mosaic"]["state"] == "embedded"
