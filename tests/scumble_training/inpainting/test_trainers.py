"""The trainers of inpainting networks at tiny sizes: the loss falls, what is left loads, a stopped training goes on
with the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from scumble.inpainting.weights import loading
from scumble.mosaic import weights as mosaic_weights
from scumble.mosaic.network import MosaicNetwork, restored
from scumble.vision.vgg.network import Vgg, random_weights
from scumble_client.errors import ScumbleError
from scumble_training.common.trainer import Run
from scumble_training.inpainting import partial
from scumble_training.inpainting.losses import PartialLoss
from scumble_training.mosaic import examples as mosaic_examples
from scumble_training.registry import find
from tests.support.mosaics import drawing
from tests.support.small_collections import collection

SETTINGS: dict[str, dict[str, Any]] = {
    "inpaint-partial": {"width": 4, "depth": 3, "batch": 4, "side": 32, "rate": 2e-3, "masks": "object_shape"},
    "inpaint-gated": {"width": 8, "discriminator_width": 4, "batch": 2, "side": 32, "rate": 1e-3, "guided": True},
    "inpaint-mosaic": {"width": 8, "blocks": 1, "batch": 4, "rate": 3e-3},
}
FILES = {
    "inpaint-partial": "scumble-inpaint-partial.safetensors",
    "inpaint-gated": "scumble-inpaint-gated.safetensors",
    "inpaint-mosaic": "scumble-mosaic.safetensors",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collections")
    for kind in ("photos", "art"):
        collection(folder, kind, [drawing(100, 120, seed=number) for number in range(4)], heldout=[3])
    return folder


@pytest.fixture(autouse=True)
def few_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small feature network; the real one takes most of the time."""
    small = PartialLoss(Vgg(random_weights((1, 1, 1), (4, 4, 4))))
    monkeypatch.setattr(partial, "_loss", lambda settings, device: small)


def trained(name: str, data: Path, folder: Path, steps: int, minutes: float | None = None, **more: Any) -> Path:
    trainer = find(name)
    folder.mkdir(exist_ok=True)
    given = {**SETTINGS[name], "steps": steps, "measure_every": steps, **more}
    torch.manual_seed(99)  # whatever happened before must not matter
    run = Run(data, folder, seed=5, minutes=minutes, say=lambda text: None)
    return trainer.train(run, trainer.validate({key: str(value) for key, value in given.items()}))


def metrics(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", SETTINGS)
def test_stopped_and_gone_on_with_gives_the_same_bits(name: str, data: Path, tmp_path: Path) -> None:
    whole = trained(name, data, tmp_path / "whole", 4)
    parts = tmp_path / "parts"
    for _ in range(6):
        finished = trained(name, data, parts, 4, minutes=0)  # each call is stopped after its first step
    assert finished.name == FILES[name]
    one, two = load_file(whole), load_file(finished)
    assert set(one) == set(two)
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert metrics(parts)[-1]["step"] == 4


@pytest.mark.parametrize(
    ("name", "figure", "steps", "share"), [("inpaint-partial", "loss", 40, 0.8), ("inpaint-gated", "l1", 24, 0.97)]
)
def test_it_learns(name: str, figure: str, steps: int, share: float, data: Path, tmp_path: Path) -> None:
    more = {"fine_tune": 0.25} if name == "inpaint-partial" else {}
    trained(name, data, tmp_path, steps, measure_every=steps // 4, **more)
    found = metrics(tmp_path)
    assert found[-1][figure] < share * found[0][figure]
    assert np.isfinite(found[-1]["psnr"])
    with Image.open(tmp_path / "heldout.png") as sheet:
        assert sheet.width >= 3 * 32
    left = tmp_path / FILES[name]
    loaded = loading.load(left)
    hole = torch.zeros(40, 50, dtype=torch.bool)
    hole[10:20, 10:30] = True
    assert torch.isfinite(loaded.fill(torch.rand(40, 50, 3), hole)).all()
    assert loaded.takes_sketch == (name == "inpaint-gated")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("inpaint-partial", {"side": 36}),
        ("inpaint-gated", {"side": 36}),
        ("inpaint-gated", {"width": 6}),
        ("inpaint-partial", {"masks": "nope"}),
        ("inpaint-partial", {"features": "nope"}),
        ("inpaint-mosaic", {"width": 0}),
    ],
)
def test_settings_that_can_t_be_are_refused(name: str, given: dict[str, Any], data: Path, tmp_path: Path) -> None:
    with pytest.raises(ScumbleError) as raised:
        trained(name, data, tmp_path, 1, **given)
    assert raised.value.code == "invalid_parameter"


def test_mosaics_come_out_better_than_the_smooth_start(data: Path, tmp_path: Path) -> None:
    """On other squares of the pictures that were learned from."""
    network = mosaic_weights.load(trained("inpaint-mosaic", data, tmp_path, 120, width=24, blocks=2, rate=1e-3))
    pictures = [drawing(100, 120, seed=n) for n in range(3)]
    samples = [mosaic_examples.sample(pictures, np.random.default_rng([1, n]), 96) for n in range(20)]
    truth, damaged = (
        torch.from_numpy(np.stack(x)).permute(0, 3, 1, 2).float() / 255
        for x in ([s.truth for s in samples], [s.damaged for s in samples])
    )
    mask = torch.from_numpy(np.stack([s.mask for s in samples]))[:, None].float()
    with torch.inference_mode():
        start, made = restored(MosaicNetwork(8, 1), damaged, mask), restored(network, damaged, mask)
    assert (made - truth).square().mean() < 0.99 * (start - truth).square().mean()


def test_mosaics_go_on_from_a_smaller_network(data: Path, tmp_path: Path) -> None:
    small = trained("inpaint-mosaic", data, tmp_path / "small", 2, width=12, blocks=2)
    large = trained("inpaint-mosaic", data, tmp_path / "large", 1, width=16, blocks=3, rate=1e-9, start=str(small))
    before, after = mosaic_weights.load(small), mosaic_weights.load(large)
    assert (after.head.out_channels, len(after.body)) == (16, 3)
    assert torch.allclose(after.last.weight, before.last.weight, atol=1e-5)
    with pytest.raises(ScumbleError) as raised:
        trained("inpaint-mosaic", data, tmp_path / "less", 1, width=8, blocks=2, start=str(small))
    assert raised.value.code == "invalid_parameter"
    with pytest.raises(ScumbleError) as raised:
        trained("inpaint-mosaic", data, tmp_path / "none", 1, start=str(tmp_path / "absent.safetensors"))
    assert raised.value.code == "weights_missing"


def test_frozen_statistics_in_the_last_share(data: Path, tmp_path: Path) -> None:
    kept = {}
    for fine_tune in ("0", "1"):
        trained("inpaint-partial", data, tmp_path / fine_tune, 3, fine_tune=fine_tune)
        state = torch.load(tmp_path / fine_tune / "inpaint-partial.checkpoint", weights_only=True)["network"]
        kept[fine_tune] = state["encoder.1.norm.running_mean"]
    assert (kept["1"] == 0).all()
    assert (kept["0"] != 0).any()
