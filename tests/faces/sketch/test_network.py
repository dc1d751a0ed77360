"""The embedded face completion network: where it begins, what it leaves alone, and that its file says how large it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from scumble.faces.sketch import weights as sketch_weights
from scumble.faces.sketch.network import FaceSketchNetwork, FaceSketchSize
from scumble_client.errors import ScumbleError

SMALL = FaceSketchSize((8, 8, 8, 12), (1, 1, 2, 1))


@pytest.fixture(params=[0, 4], ids=["shuffled", "polished"])
def network(request: pytest.FixtureRequest) -> FaceSketchNetwork:
    torch.manual_seed(0)
    return FaceSketchNetwork(replace(SMALL, polish=request.param)).eval()


def inputs(side: int = 64) -> list[torch.Tensor]:
    torch.manual_seed(1)
    hole = torch.zeros(1, 1, side, side)
    hole[..., 10:40, 12:44] = 1
    maps = [(torch.rand(1, 1, side, side) > 0.8).float() for _ in range(2)]
    return [torch.rand(1, 3, side, side), hole, *maps, torch.rand(1, 1, side, side)]


def moved(network: FaceSketchNetwork) -> FaceSketchNetwork:
    torch.nn.init.normal_(network.leave.weight, std=0.1)
    if network.polish is not None:
        torch.nn.init.normal_(network.polish[-1].weight, std=0.1)  # type: ignore[arg-type]
    return network


def test_an_untrained_one_gives_the_guess(network: FaceSketchNetwork) -> None:
    given = inputs()
    with torch.no_grad():
        assert torch.equal(network(*given), given[0])


def test_outside_the_hole_the_guess_stays_bit_for_bit(network: FaceSketchNetwork) -> None:
    given = inputs()
    with torch.no_grad():
        found = moved(network)(*given)
    outside = (given[1] == 0).expand_as(found)
    assert torch.equal(found[outside], given[0][outside])
    assert not torch.equal(found, given[0])


@pytest.mark.parametrize("number", [2, 3, 4])
def test_conditions_count_in_the_hole_only(number: int, network: FaceSketchNetwork) -> None:
    network, given = moved(network), inputs()
    with torch.no_grad():
        before = network(*given)
        given[number] = given[number] * given[1]
        assert torch.equal(network(*given), before)
        given[number] = 1 - given[number]
        assert not torch.equal(network(*given), before)


def test_the_file_says_how_large_it_is(tmp_path: Path, network: FaceSketchNetwork) -> None:
    network, given = moved(network), inputs(96)
    path = tmp_path / "x.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    found = sketch_weights.load(path)
    assert found.size.widths == SMALL.widths
    assert found.size.depths == SMALL.depths
    assert found.size.polish == network.size.polish
    with torch.no_grad():
        assert torch.equal(found(*given), network(*given))


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    for bad in (path, tmp_path / "nowhere.safetensors"):
        with pytest.raises(ScumbleError) as raised:
            sketch_weights.load(bad)
        assert raised.value.code == "weights_missing"
