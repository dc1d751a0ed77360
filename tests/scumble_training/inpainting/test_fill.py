"""The trainers of the embedded inpainting networks: examples are made once, training resumes, what is left is usable."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from scumble.inpainting.networks import fill
from scumble.inpainting.networks.fill import FillNetwork, FillSize
from scumble_client.errors import ScumbleError
from scumble_training.common.trainer import Run
from scumble_training.inpainting import fill as inpaint_fill
from scumble_training.inpainting import fill_examples
from scumble_training.registry import find
from tests.scumble_training.common.test_lpips import published
from tests.support.small_collections import collection
from tests.support.style import photograph, stored


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Two small collections, three pictures each, one of them held out; and a small network."""
    monkeypatch.setattr(fill_examples, "SHORT_SIDES", (66, 78))
    monkeypatch.setattr(fill, "FillSize", lambda: FillSize((8, 8, 8), (1, 1, 2), 2))
    for kind in ("photos", "art"):
        collection(tmp_path, kind, [stored(photograph(number, 80, 90)) for number in range(3)], heldout=[2])
    return Run(tmp_path, tmp_path / "out", say=lambda line: None)


def settings(**changes: str) -> inpaint_fill.FillSettings:
    given = {"steps": "4", "batch": "2", "side": "64", "every": "2"} | changes
    found: inpaint_fill.FillSettings = find("inpaint-photo").validate(given)
    return found


def test_leaves_weights_figures_and_a_sheet(run: Run) -> None:
    finished = inpaint_fill.train(run, settings(), "photos")
    FillNetwork().load_state_dict({name: t.float() for name, t in load_file(finished).items()})
    lines = (run.folder / "photos-metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4]
    told = {"step", "loss_pixel", "psnr", "psnr_smooth", "psnr_patches", "sharpness", "weave"}
    assert set(json.loads(lines[0])) == told
    with Image.open(run.folder / "photos-sheet.jpg") as sheet:
        assert sheet.size == (1330, 200)
    assert len(list((run.folder / "examples").glob("photos-train-*.npz"))) == 2


def test_goes_on_with_the_same_bits(run: Run) -> None:
    whole = load_file(inpaint_fill.train(run, settings(), "photos"))
    again = Run(run.data, run.folder.with_name("again"), say=run.say)
    asked = settings()
    real = inpaint_fill.filled_by
    left = [4]  # the third asks for held-out figures

    def stopping(network: FillNetwork, batch: inpaint_fill.FillBatch) -> torch.Tensor:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(network, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inpaint_fill, "filled_by", stopping)
        with pytest.raises(KeyboardInterrupt):
            inpaint_fill.train(again, asked, "photos")
    resumed = load_file(inpaint_fill.train(again, asked, "photos"))
    assert all(torch.equal(resumed[name], tensor) for name, tensor in whole.items())


def test_lpips_and_a_judge_are_learned_from_and_measured(run: Run, tmp_path: Path) -> None:
    """With examples that lie elsewhere; stopped after the judge has begun, it goes on with the same bits."""
    network, heads, _ = published(tmp_path)
    list(fill_examples.prepare(run, "photos", 1))
    list(fill_examples.prepare(run, "photos", 1, "heldout"))
    files = {"lpips_network": str(network), "lpips_heads": str(heads), "examples": str(run.folder), "rounds": "0"}
    asked = settings(lpips="1", weave="1", judge="0.1", judge_from="2", **files)
    one, other = (Run(run.data, tmp_path / name, say=run.say) for name in ("one", "other"))
    for each in (one, other):
        each.folder.mkdir()
    whole = load_file(inpaint_fill.train(one, asked, "photos"))
    last = json.loads((one.folder / "photos-metrics.jsonl").read_text().splitlines()[-1])
    assert {"loss_lpips", "loss_weave", "loss_judge", "loss_doubt", "lpips", "lpips_patches"} <= last.keys()
    assert not (one.folder / "examples").exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inpaint_fill, "append_metrics", lambda *_, step, **__: 1 / (4 - step))
        with pytest.raises(ZeroDivisionError):
            inpaint_fill.train(other, asked, "photos")
    again = load_file(inpaint_fill.train(other, asked, "photos"))
    assert all(torch.equal(again[name], tensor) for name, tensor in whole.items())


def test_without_examples_it_says_so(run: Run) -> None:
    with pytest.raises(ScumbleError, match="no examples"):
        inpaint_fill.train(run, settings(rounds="0"), "photos")


def test_examples_are_made_once(run: Run) -> None:
    made = list(fill_examples.prepare(run, "photos", 2))
    assert len(made) == 4
    assert list(fill_examples.prepare(run, "photos", 2)) == []
    example = fill_examples.load(made[0])
    assert example.truth.shape == (*example.hole.shape, 3) == example.patches.shape == example.smooth.shape
    outside = ~example.hole
    assert np.array_equal(example.patches[outside], example.truth[outside])
    assert np.array_equal(example.smooth[outside], example.truth[outside])
    assert 0.02 <= example.hole.mean() <= 0.4


def test_both_kinds_are_mixed_and_a_start_is_taken(run: Run) -> None:
    first = inpaint_fill.train(run, settings(other="0.5"), "photos")
    second = inpaint_fill.train(run, settings(start=str(first), steps="1"), "art")
    assert second.name == "scumble-inpaint-art.safetensors"
    before, after = load_file(first), load_file(second)
    assert all(torch.allclose(after[name].float(), before[name].float(), atol=0.02) for name in before)


def test_the_loss_counts_what_is_known_more(run: Run) -> None:
    """The same error costs more at the rim of a hole than in its middle."""
    truth = torch.full((1, 3, 64, 64), 0.5)
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 8:56, 8:56] = 1
    costs = []
    for rows in (slice(8, 12), slice(30, 34)):
        smooth = truth.clone()
        smooth[:, :, rows, 30:34] = 0.9
        batch = inpaint_fill.FillBatch(truth, smooth, smooth, torch.zeros_like(hole), hole)
        costs.append(float(inpaint_fill.pixel_error(smooth, batch)))
    assert costs[0] > 3 * costs[1]


def test_the_time_that_is_given_ends_it(run: Run) -> None:
    short = Run(run.data, run.folder, minutes=0.0, say=run.say)
    assert inpaint_fill.train(short, settings(), "photos").is_file()
