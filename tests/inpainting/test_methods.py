"""`inpaint` by its other methods: with a network, with both, smoothly, with published weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer, composite
from scumble.inpainting import fill_networks, methods
from scumble.operations import find
from scumble.operations.context import Context
from scumble.weights import WeightStore
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError
from tests.support.commands import textured
from tests.support.inpainting import context, fill, inpaint, near, selection
from tests.support.style import photograph, stored

FRAME = Bounds(0, 0, 48, 40)
MIDDLE = Bounds(18, 14, 14, 10)
METHODS = ("auto", "network", "smooth")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("depth", "channels", "colour"),
    [("uint8", 3, SRGB), ("uint16", 4, SRGB), ("float16", 1, LINEAR), ("float32", 2, LINEAR)],
)
def test_outside_mask_and_feather_nothing_changes(method: str, depth: str, channels: int, colour: Colour) -> None:
    image = Layer(textured(channels, depth), colour=colour)
    mask = selection(FRAME, MIDDLE)
    layer = fill(image, mask, method=method, feather=2)
    assert (layer.depth, layer.colour) == (image.depth, image.colour)
    untouched = ~near(image, mask, 2)
    assert composite(image, layer).pixels[untouched].tobytes() == image.pixels[untouched].tobytes()
    assert np.isfinite(layer.pixels).all()


@pytest.mark.parametrize("method", METHODS)
def test_what_the_hole_held_is_of_no_meaning(method: str) -> None:
    fills = []
    for value in (0, 255):
        pixels = textured()
        pixels[MIDDLE.slices] = value
        fills.append(fill(Layer(pixels), selection(FRAME, MIDDLE), method=method).pixels)
    assert fills[0].tobytes() == fills[1].tobytes()


def test_a_crop_larger_than_the_network_s_size_is_seen_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "WORKING", 32)
    image, mask = Layer(stored(photograph(2, 90, 120))), selection(Bounds(0, 0, 120, 90), Bounds(40, 30, 30, 24))
    seen: list[torch.Size] = []
    real = fill_networks.embedded_network

    def spied(domain: Any, asked: Context) -> Any:
        network = real(domain, asked)

        def call(*tensors: torch.Tensor) -> torch.Tensor:
            seen.append(tensors[0].shape)
            found: torch.Tensor = network(*tensors)
            return found

        return call

    monkeypatch.setattr(methods, "embedded_network", spied)
    for method in ("network", "auto"):
        layer = fill(image, mask, method=method)
        assert layer.bounds == Bounds(40, 30, 30, 24)
        assert (layer.pixels[..., 3] == 255).all()
    assert {tuple(shape) for shape in seen} == {(1, 3, 24, 32)}


def test_detail_comes_from_the_picture() -> None:
    """In a texture, auto is livelier than the network alone, and the more so the more detail is given back."""
    image = Layer(textured(height=96, width=96))
    mask = selection(image.bounds, Bounds(30, 30, 36, 36))

    def liveliness(**parameters: Any) -> float:
        filled = fill(image, mask, **parameters).pixels[..., :3].astype(float)
        return float(np.abs(np.diff(filled, axis=1)).mean())

    alone, *led = (liveliness(method="network"), *(liveliness(method="auto", detail=d) for d in (0.0, 1.0, 2.0)))
    assert alone < led[0] < led[1] < led[2]


def test_smooth_is_between_its_surroundings() -> None:
    image = Layer(textured())
    around = image.pixels[MIDDLE.padded(1).slices]
    filled = fill(image, selection(FRAME, MIDDLE), method="smooth").pixels[..., :3]
    assert filled.min() >= around.min()
    assert filled.max() <= around.max()


@pytest.mark.parametrize("domain", ["photo", "art"])
def test_the_weights_are_stored_with_the_layer(domain: str) -> None:
    operation, asked = find("inpaint"), context()
    layers = {"image": Layer(textured()), "mask": selection(FRAME, MIDDLE)}
    operation.run(layers, operation.validate({"domain": domain}), asked)
    assert list(asked.weights) == [f"scumble-inpaint-{domain}"]


def test_the_network_is_kept_warm() -> None:
    operation, models = find("inpaint"), ModelCache()
    layers = {"image": Layer(textured()), "mask": selection(FRAME, MIDDLE)}
    for _ in range(2):
        operation.run(layers, operation.validate({}), Context(0, "cpu", models, lambda fraction, message: None))
    assert len(models.names) == 1


def test_four_variations_are_four_fills() -> None:
    image, mask = Layer(textured(height=80, width=80)), selection(Bounds(0, 0, 80, 80), Bounds(24, 24, 30, 30))
    made = [output.layer.pixels for output in inpaint(image, mask, method="auto", variations=4)]
    assert len({pixels.tobytes() for pixels in made}) == 4
    again = fill(image, mask, method="auto", seed=2)
    np.testing.assert_array_equal(again.pixels, made[2])


def test_with_a_source_mask_auto_copies() -> None:
    image, mask, source = Layer(textured()), selection(FRAME, MIDDLE), selection(FRAME, Bounds(0, 0, 16, 40))
    copied = fill(image, mask, source, method="patchmatch").pixels
    np.testing.assert_array_equal(fill(image, mask, source, method="auto").pixels, copied)


class _Painter(torch.nn.Module):
    """A published network that paints the hole red."""

    def forward(self, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        red = torch.zeros_like(picture)
        red[:, 0] = 1.0
        return picture * (1 - mask) + red * mask


class TestPublishedWeights:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
        return tmp_path

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_they_take_the_embedded_network_s_place(self, folder: Path) -> None:
        torch.jit.save(torch.jit.script(_Painter()), folder / "big-lama.pt")
        with pytest.raises(ScumbleError, match="program"):
            fill(Layer(textured()), selection(FRAME, MIDDLE), method="network", weights="big-lama")
        WeightStore(folder).trust("big-lama")
        image, mask = Layer(textured()), selection(FRAME, MIDDLE)

        def colour(**parameters: Any) -> Any:
            return fill(image, mask, **parameters).pixels[2:-2, 2:-2, :3].reshape(-1, 3).mean(0)

        guess = colour(method="network", weights="big-lama")
        assert guess[0] > 200
        assert guess[1:].max() < 60
        # led by a red guess, what is copied is redder than what is copied otherwise
        assert colour(method="auto", weights="big-lama")[0] > colour(method="auto")[0] + 5

    def test_those_that_are_not_here_are_named(self, folder: Path) -> None:
        with pytest.raises(ScumbleError, match="LaMa") as raised:
            fill(Layer(textured()), selection(FRAME, MIDDLE), method="auto", weights="big-lama")
        assert raised.value.code == "weights_missing"
        assert "scumble weights pull" in raised.value.hint
