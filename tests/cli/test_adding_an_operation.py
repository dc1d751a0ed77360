"""docs/adding-an-operation.md, followed to the letter: its operation runs, its trainer trains, its entry of the manifest loads."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from scumble.operations.registry import forget
from scumble.weights import WeightStore
from scumble.weights.manifest import parse_manifest
from scumble_training.common.trainer import Run
from tests.support.commands import Call, load
from tests.support.mosaics import drawing
from tests.support.pictures import put
from tests.support.small_collections import collection

PAGE = Path(__file__).parents[2] / "docs" / "adding-an-operation.md"


def example(kind: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return found[number]


@pytest.fixture
def trainer(tmp_path: Path) -> ModuleType:
    path = tmp_path / "mean_colour.py"
    path.write_text(example("python", 1))
    spec = importlib.util.spec_from_file_location("mean_colour", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    collection(tmp_path, "photos", [drawing()])
    return tmp_path


def test_the_operation_runs_from_the_command_line(
    scumble: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "desaturate.py").write_text(example("python"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SCUMBLE_OPERATIONS", "desaturate")
    forget()
    try:
        picture = drawing(30, 40)
        selected = np.zeros((30, 40), np.uint8)
        selected[5:20, 8:30] = 255
        for name, pixels in (("photo", picture), ("selection", selected)):
            Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        [line] = re.findall(r"^SCUMBLE_OPERATIONS=desaturate scumble (.*)$", PAGE.read_text(), re.MULTILINE)
        words = [tmp_path / word if word.endswith(".png") else word for word in line.split()]
        scumble(*words, "--composite", tmp_path / "after.png").done()
    finally:
        forget()
    after, layer = load(tmp_path / "after.png"), load(tmp_path / "layer.png")
    np.testing.assert_array_equal(layer[..., 3] > 0, selected > 0)
    np.testing.assert_array_equal(after[selected == 0], picture[selected == 0])
    assert np.ptp(after[selected > 0].astype(int), axis=1).max() <= 1


def test_the_trainer_trains_stops_and_goes_on(trainer: ModuleType, photos: Path) -> None:
    settings = trainer.TRAINER.validate({"steps": "80"})
    whole = trainer.TRAINER.train(Run(photos, photos / "whole", say=lambda text: None), settings)
    for _ in range(3):
        run = Run(photos, photos / "parts", minutes=0 if _ < 2 else None, say=lambda text: None)
        parts = trainer.TRAINER.train(run, settings)
    one, two = load_file(whole), load_file(parts)
    assert all((one[name] == two[name]).all() for name in one)
    learned = (one["weight"][:, 0] + one["bias"]).float().numpy()
    assert np.abs(learned - drawing().reshape(-1, 3).mean(0) / 255).max() < 0.05


def test_the_entry_of_the_manifest_loads(tmp_path: Path) -> None:
    content = b"what a trainer left"
    put(tmp_path, "mean-colour.safetensors", content)
    text = example("toml").replace("size = 128", f"size = {len(content)}")
    text = text.replace("0" * 64, hashlib.sha256(content).hexdigest())
    store = WeightStore(tmp_path / "store", manifest=parse_manifest(text, tmp_path))
    assert store.path("mean-colour").read_bytes() == content
