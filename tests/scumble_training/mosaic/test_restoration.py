"""The trainer of the network for mosaics: what it leaves, and that it can learn with LPIPS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from scumble.mosaic.weights import load
from scumble_training.common.trainer import Run
from scumble_training.mosaic import restoration
from scumble_training.registry import find
from tests.scumble_training.common.test_lpips import published
from tests.support.small_collections import collection
from tests.support.style import photograph, stored


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two small collections, three pictures each, one of them held out."""
    for kind in ("photos", "art"):
        collection(tmp_path, kind, [stored(photograph(number, 150, 160)) for number in range(3)], heldout=[2])
    return Run(tmp_path, tmp_path / "out", say=lambda line: None)


def settings(**changes: str) -> restoration.MosaicSettings:
    given = {"steps": "2", "batch": "1", "width": "8", "blocks": "1", "measure_every": "1"} | changes
    found: restoration.MosaicSettings = find("inpaint-mosaic").validate(given)
    return found


def test_leaves_weights_figures_and_a_sheet(run: Run) -> None:
    finished = restoration.train(run, settings())
    assert load(finished).head.out_channels == 8
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert {"loss_pixel", "gain_art", "gain_photos"} <= lines[0].keys()
    with Image.open(run.folder / "heldout.png") as sheet:
        assert sheet.size == (4 * restoration.SIDE, 2 * restoration.SIDE)


def test_lpips_is_learned_from_and_measured(run: Run, tmp_path: Path) -> None:
    network, heads, _ = published(tmp_path)
    asked = {"lpips": "1", "weave": "1", "lpips_network": str(network), "lpips_heads": str(heads)}
    with_it = load_file(restoration.train(run, settings(**asked)))
    last = json.loads((run.folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"loss_lpips", "loss_weave", "lpips_art", "of_bicubic_photos", "of_mosaic_photos"} <= last.keys()
    plain = load_file(restoration.train(Run(run.data, tmp_path / "plain", say=run.say), settings()))
    assert any(not torch.equal(with_it[name], tensor) for name, tensor in plain.items())


def test_goes_on_with_the_same_bits(run: Run, tmp_path: Path) -> None:
    whole = load_file(restoration.train(run, settings()))
    other = Run(run.data, tmp_path / "other", minutes=0.0, say=run.say)
    restoration.train(other, settings())  # one step, as the time is up
    again = load_file(restoration.train(Run(run.data, other.folder, say=run.say), settings()))
    assert all(torch.equal(again[name], tensor) for name, tensor in whole.items())
