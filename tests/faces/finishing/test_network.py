"""The finishing network: where it begins, what it leaves alone, and that its file says how large it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from scumble.faces.finishing import weights
from scumble.faces.finishing.network import FaceFinishNetwork, FaceFinishSize
from scumble_client.errors import ScumbleError

SMALL = FaceFinishSize((8, 8, 12, 16), (1, 1, 1, 2), 4)


@pytest.fixture
def network() -> FaceFinishNetwork:
    torch.manual_seed(0)
    return FaceFinishNetwork(SMALL).eval()


def inputs(height: int = 64, width: int = 64) -> list[torch.Tensor]:
    torch.manual_seed(1)
    hole = torch.zeros(1, 1, height, width)
    hole[..., 10:40, 12:44] = 1
    maps = [(torch.rand(1, 1, height, width) > 0.8).float() for _ in range(2)]
    pictures = [torch.rand(1, 3, height, width) for _ in range(2)]
    return [*pictures, hole, *maps, torch.rand(1, 1, height, width)]


def moved(network: FaceFinishNetwork) -> FaceFinishNetwork:
    torch.nn.init.normal_(network.leave.weight, std=0.1)
    return network


def test_an_untrained_one_changes_nothing(network: FaceFinishNetwork) -> None:
    given = inputs()
    with torch.no_grad():
        assert torch.equal(network(*given), given[0])


@pytest.mark.parametrize(("height", "width"), [(64, 64), (80, 48)])
def test_outside_the_hole_everything_stays_bit_for_bit(network: FaceFinishNetwork, height: int, width: int) -> None:
    given = inputs(height, width)
    with torch.no_grad():
        found = moved(network)(*given)
    outside = (given[2] == 0).expand_as(found)
    assert torch.equal(found[outside], given[0][outside])
    assert not torch.equal(found, given[0])


@pytest.mark.parametrize("number", [3, 4, 5])
def test_conditions_count_in_the_hole_only(number: int, network: FaceFinishNetwork) -> None:
    network, given = moved(network), inputs()
    with torch.no_grad():
        before = network(*given)
        given[number] = given[number] * given[2]
        assert torch.equal(network(*given), before)
        given[number] = 1 - given[number]
        assert not torch.equal(network(*given), before)


def test_the_file_says_how_large_it_is(tmp_path: Path, network: FaceFinishNetwork) -> None:
    network, given = moved(network), inputs()
    path = tmp_path / "x.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    found = weights.load(path)
    assert found.size == SMALL
    with torch.no_grad():
        assert torch.equal(found(*given), network(*given))


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    for bad in (path, tmp_path / "nowhere.safetensors"):
        with pytest.raises(ScumbleError) as raised:
            weights.load(bad)
        assert raised.value.code == "weights_missing"
