"""The face parser's network: shapes, what it does not look at, and that its file says how large it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from scumble.faces.parsing import weights
from scumble.faces.parsing.network import CLASSES, FaceParser, FaceParserSize
from scumble.weights import WeightStore
from scumble_client.errors import ScumbleError

SMALL = FaceParserSize((4, 8, 8, 12), (1, 1, 2, 1), 4)


@pytest.fixture
def network() -> FaceParser:
    torch.manual_seed(0)
    return FaceParser(SMALL).eval()


def inputs(height: int = 64, width: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    seen = torch.ones(2, 1, height, width)
    seen[1, :, :, :9] = 0
    return torch.rand(2, 3, height, width), seen


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(64, 64), (80, 48), (128, 128)])
def test_each_pixel_has_a_logit_for_each_part(network: FaceParser, height: int, width: int) -> None:
    found = network(*inputs(height, width))
    assert found.shape == (2, len(CLASSES), height, width)
    assert found.dtype == torch.float32
    assert found.isfinite().all()


@torch.no_grad()
def test_colours_outside_the_picture_do_not_matter(network: FaceParser) -> None:
    picture, seen = inputs()
    before = network(picture, seen)
    assert torch.allclose(network(torch.where(seen > 0, picture, 0.9), seen), before, atol=1e-5)
    assert not torch.allclose(network(torch.where(seen > 0, 0.9, picture), seen), before, atol=1e-2)


@torch.no_grad()
def test_nothing_at_all_and_one_colour_are_numbers_too(network: FaceParser) -> None:
    picture, seen = inputs()
    for given in ((picture, seen * 0), (torch.zeros_like(picture), seen), (torch.full_like(picture, 0.4), seen)):
        assert network(*given).isfinite().all()


def written(tensors: dict[str, torch.Tensor], path: Path) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


@torch.no_grad()
def test_the_file_says_how_large_it_is(tmp_path: Path, network: FaceParser) -> None:
    found = weights.load(written(dict(network.state_dict()), tmp_path / "x.safetensors"))
    assert found.size == SMALL
    assert torch.equal(found(*inputs()), network(*inputs()))
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())


def test_damaged_files_are_said_and_never_half_read(tmp_path: Path, network: FaceParser) -> None:
    state = dict(network.state_dict())
    whole = written(state, tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.safetensors").write_bytes(b"")
    bad = [
        tmp_path / "nowhere.safetensors",
        tmp_path / "cut.safetensors",
        tmp_path / "empty.safetensors",
        written({"a": torch.zeros(1)}, tmp_path / "other.safetensors"),
        written({n: t for n, t in state.items() if n != "leave.bias"}, tmp_path / "lacks.safetensors"),
        written({**state, "leave.weight": torch.zeros(5, 4, 3, 3)}, tmp_path / "shape.safetensors"),
        written({**state, "more": torch.zeros(1)}, tmp_path / "more.safetensors"),
    ]
    for path in bad:
        with pytest.raises(ScumbleError) as raised:
            weights.load(path)
        assert raised.value.code == "weights_missing"
        assert path.name in str(raised.value)


def test_the_embedded_one_is_small() -> None:
    path = WeightStore().path("scumble-face-parsing")
    assert path.stat().st_size <= 1_000_000
    assert weights.load(path).size == FaceParserSize()
