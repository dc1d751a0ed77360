"""MI-GAN's ONNX form: what the graph is given, what comes back, what is refused, and a sentence where onnxruntime is missing."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import torch

from scumble.inpainting.weights import onnx_migan
from scumble.inpainting.weights.loading import convert, load
from scumble.weights import parts
from scumble_client.errors import ScumbleError
from tests.support.onnx_graph import graph

runtime = pytest.mark.skipif(not parts.is_here("onnxruntime"), reason="onnxruntime is not installed")


def written(folder: Path, content: bytes) -> Path:
    path = folder / "migan.onnx"
    path.write_bytes(content)
    return path


def test_only_a_known_file_is_run(tmp_path: Path) -> None:
    asked: list[str] = []
    path = written(tmp_path, graph())

    def refuse(sha256: str) -> bool:
        asked.append(sha256)
        return False

    with pytest.raises(ScumbleError) as caught:
        load(path, may_run=refuse)
    assert caught.value.code == "unauthorized"
    assert asked == [hashlib.sha256(path.read_bytes()).hexdigest()]


def test_it_has_no_other_form(tmp_path: Path) -> None:
    with pytest.raises(ScumbleError, match="no other form"):
        convert(written(tmp_path, graph()))


def test_where_onnxruntime_is_missing_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "is_here", lambda module: False)
    with pytest.raises(ScumbleError) as caught:
        load(written(tmp_path, graph()), may_run=lambda sha256: True)
    assert caught.value.code == "weights_missing"
    assert "needs onnxruntime" in caught.value.message
    assert f"{sys.executable} -m pip install onnxruntime" in caught.value.hint


class _Known(torch.nn.Module):
    """Stands in for the graph: it notes what it is given, and fills with the mask."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(self, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        self.given.append((picture, mask))
        return torch.minimum(picture, mask.expand_as(picture))


@pytest.mark.parametrize("size", [(512, 512), (300, 200), (900, 700)])
def test_the_graph_is_given_bytes_and_what_is_known(size: tuple[int, int]) -> None:
    network = _Known()
    inpainter = onnx_migan.OnnxMiganInpainter(network)  # type: ignore[arg-type]
    rgb = torch.rand(*size, 3, generator=torch.Generator().manual_seed(1))
    hole = torch.zeros(size, dtype=torch.bool)
    hole[50:90, 60:120] = True
    filled = inpainter.fill(rgb, hole)
    ((picture, mask),) = network.given
    assert (picture.dtype, picture.shape) == (torch.uint8, (1, 3, 512, 512))
    assert (mask.dtype, mask.shape) == (torch.uint8, (1, 1, 512, 512))
    assert set(mask.flatten().tolist()) == {0, 255}
    assert torch.equal(filled[~hole], rgb[~hole]), "what is known stays, bit for bit"
    assert filled[60:80, 80:100].max() < 0.02, "its mask is 0 in the hole"


@runtime
def test_a_graph_is_run(tmp_path: Path) -> None:
    inpainter = load(written(tmp_path, graph()), may_run=lambda sha256: True)
    assert (inpainter.name, inpainter.requirements.size) == ("migan", 512)
    rgb, hole = torch.full((64, 64, 3), 0.5), torch.zeros(64, 64, dtype=torch.bool)
    hole[20:40, 20:40] = True
    filled = inpainter.fill(rgb, hole)
    assert filled[hole].max() == 0
    assert torch.equal(filled[~hole], rgb[~hole])


@runtime
@pytest.mark.parametrize(
    "content",
    [graph(picture="input"), graph(kind=1), b"nonsense", graph()[:60], graph(op="NoSuchOp")],
    ids=["other names", "other types", "no graph", "cut off", "unknown step"],
)
def test_another_graph_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ScumbleError) as caught:
        load(written(tmp_path, content), may_run=lambda sha256: True)
    assert caught.value.code == "weights_missing"
    assert "“migan.onnx” can't be read" in caught.value.message
