"""`paint-style` with `method=network`, and strokes that the network leads; with an untrained network in its place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.style.paint import smooth
from scumble.style.paint.style_network import StyleNetwork
from scumble_client.errors import ScumbleError
from tests.support.inpainting import selection
from tests.support.style import CONTENT, STYLE, photograph, run, stored, working

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> StyleNetwork:
    torch.manual_seed(1)
    made = StyleNetwork().eval()
    torch.nn.init.normal_(made.last.weight, std=0.02)

    def given(context: Context) -> StyleNetwork:
        context.weights[smooth.WEIGHTS] = "0" * 64
        return made

    monkeypatch.setattr(smooth, "style_network", given)
    return made


def test_without_the_network_the_artist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smooth, "WEIGHTS", "vgg19-torchvision")  # an entry whose file is not here
    with pytest.raises(ScumbleError) as raised:
        run("paint-style", image=CONTENT, style=STYLE, method="network")
    assert raised.value.code == "weights_missing"


@pytest.mark.usefixtures("network")
class TestSmooth:
    def test_the_style_s_colours_appear(self) -> None:
        found = working(run("paint-style", image=CONTENT, style=STYLE, method="network"))
        wanted, before = working(STYLE).mean((0, 1)), working(CONTENT).mean((0, 1))
        assert np.abs(found.mean((0, 1)) - wanted).max() < 0.4 * np.abs(before - wanted).max()

    def test_strength_nothing_changes_nothing(self) -> None:
        layer = run("paint-style", image=CONTENT, style=STYLE, method="network", strength=0.0)
        assert np.abs(working(layer) - working(CONTENT)).max() < 0.01

    @pytest.mark.parametrize("extent", [(1, 1), (1, 40), (40, 1), (3, 3)])
    def test_tiny_layers(self, extent: tuple[int, int]) -> None:
        image = Layer(CONTENT.pixels[: extent[1], : extent[0]])
        assert run("paint-style", image=image, style=STYLE, method="network").extent == extent

    def test_original_colours_stay(self) -> None:
        found = working(run("paint-style", image=CONTENT, style=STYLE, method="network", original_colors=True))
        chroma = [rgb - (rgb @ LUMA)[..., None] for rgb in (found, working(CONTENT))]
        inside = (found > 0.02).all(2) & (found < 0.98).all(2)
        assert np.abs(chroma[0] - chroma[1])[inside].max() < 0.02

    def test_only_what_is_selected(self) -> None:
        hole = Bounds(10, 8, 20, 16)
        layer = run("paint-style", image=CONTENT, style=STYLE, method="network", mask=selection(CONTENT.bounds, hole))
        assert layer.bounds == hole

    def test_a_large_document_keeps_its_edges(self) -> None:
        edge = np.full((120, 240, 3), 0.25, np.float32)
        edge[:, 121:] = 0.75  # in the middle of a square that the small picture averages
        layer = run("paint-style", image=Layer(stored(edge)), style=STYLE, method="network", size=64)
        found = (working(layer) @ LUMA)[40:80].mean(0)
        whole = found[140:220].mean() - found[20:100].mean()
        assert abs(found[122] - found[119]) > 0.5 * abs(whole)

    def test_a_large_document_looks_like_the_small_one(self) -> None:
        small = Layer(stored(photograph(1, 90, 120)))
        large = Layer(np.repeat(np.repeat(small.pixels, 3, axis=0), 3, axis=1))
        seen = [
            working(run("paint-style", image=image, style=STYLE, method="network", size=120))
            for image in (small, large)
        ]
        means = seen[1].reshape(90, 3, 120, 3, 3).mean(axis=(1, 3))
        assert np.abs(means - seen[0]).mean() < 0.03


def test_strokes_are_led_by_the_network(network: StyleNetwork) -> None:
    image = Layer(stored(photograph(3, 96, 128)))
    led = run("paint-style", image=image, style=STYLE, follow_forms=True)
    torch.nn.init.constant_(network.last.bias, -0.4)  # type: ignore[arg-type]
    darker = run("paint-style", image=image, style=STYLE, follow_forms=True)
    assert working(darker).mean() < working(led).mean() - 0.05
