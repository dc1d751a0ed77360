"""A layer in a script's hands: saved in every format, laid over its picture, as array and as Pillow picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scumble.imaging import layer as imaging
from scumble.imaging.colour import LINEAR
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.io.files import WRITABLE
from scumble.scripting import Layer, ScumbleError
from tests.support.commands import textured


@pytest.fixture
def layer() -> Layer:
    """4 × 3 opaque red pixels at 5, 6 of a canvas of 20 × 16."""
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[..., 0] = pixels[..., 3] = 255
    return Layer(imaging.Layer(pixels, Point(5, 6)), Bounds(0, 0, 20, 16), "Red", 7, ("A note.",), placed=True)


def test_what_it_says(layer: Layer) -> None:
    assert (layer.bounds.x, layer.bounds.y, layer.bounds.width, layer.bounds.height) == (5, 6, 4, 3)
    assert (layer.name, layer.seed, layer.notes, layer.depth, layer.colour) == ("Red", 7, ("A note.",), "uint8", "srgb")
    assert repr(layer) == "<Layer 'Red' 4 × 3 at 5, 6, rgba uint8, seed 7>"


def test_arrays_are_of_the_picture_s_size_and_its_owner_s(layer: Layer) -> None:
    whole = layer.numpy()
    assert whole.shape == (16, 20, 4)
    assert whole[6:9, 5:9, 3].min() == 255
    assert whole[..., 3].sum() == 12 * 255
    whole[:] = 0
    assert layer.numpy(crop=True).shape == (3, 4, 4)
    assert layer.numpy().any()
    assert np.asarray(layer, np.float32).dtype == np.float32


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float16", "float32"])
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_as_a_pillow_picture(depth: str, channels: int, mode: str) -> None:
    image = Layer.open(textured(channels, depth)).pillow()
    assert image.mode == mode
    assert np.abs(np.asarray(image).astype(int).reshape(40, 48, -1) - textured(channels)).max() <= 1


def test_linear_light_is_encoded_for_pillow() -> None:
    half = imaging.Layer(np.full((2, 2, 3), 0.5, np.float32), colour=LINEAR)
    assert np.asarray(Layer.open(half).pillow())[0, 0, 0] == 188


@pytest.mark.parametrize("suffix", WRITABLE)
def test_every_format(layer: Layer, tmp_path: Path, suffix: str) -> None:
    for crop, size in ((False, (20, 16)), (True, (4, 3))):
        path = tmp_path / f"a{suffix}"
        notes = layer.save(path, crop=crop)
        with Image.open(path) as image:
            assert image.size == size
        assert bool(notes) == (suffix in (".jpg", ".jpeg") and not crop)


def test_what_can_t_be_saved(layer: Layer, tmp_path: Path) -> None:
    for path, quality, code in (
        ("a.xyz", 95, "bad_request"),
        ("nowhere/a.png", 95, "bad_request"),
        ("a.jpg", 0, "invalid_parameter"),
        ("a.jpg", 101, "invalid_parameter"),
    ):
        with pytest.raises(ScumbleError) as raised:
            layer.save(tmp_path / path, quality=quality)
        assert raised.value.code == code
    assert list(tmp_path.iterdir()) == []


class TestOver:
    @pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
    def test_the_rest_of_the_picture_stays_bit_for_bit(self, layer: Layer, depth: str) -> None:
        picture = textured(3, depth, 16, 20)
        filled = layer.over(picture)
        assert filled.depth == depth
        changed = filled.numpy() != picture
        assert changed[6:9, 5:9].any()
        changed[6:9, 5:9] = False
        assert not changed.any()

    def test_it_has_what_the_picture_s_file_says(self, layer: Layer, tmp_path: Path) -> None:
        Image.fromarray(textured(3, height=16, width=20)).save(tmp_path / "a.jpg", comment=b"By me", dpi=(240, 240))
        filled = layer.over(tmp_path / "a.jpg")
        filled.save(tmp_path / "b.jpg")
        filled.save(tmp_path / "c.jpg", metadata=False)
        with Image.open(tmp_path / "b.jpg") as kept, Image.open(tmp_path / "c.jpg") as bare:
            assert kept.info.get("comment") == b"By me"
            assert "comment" not in bare.info

    def test_layers_over_layers(self, layer: Layer) -> None:
        blue = replace(layer, source=imaging.Layer(layer.source.pixels[..., [1, 2, 0, 3]], Point(0, 0)))
        both = layer.over(blue.over(textured(3, height=16, width=20)))
        assert both.numpy()[0, 0].tolist() == [0, 0, 255]
        assert both.numpy()[6, 5].tolist() == [255, 0, 0]

    def test_another_size(self, layer: Layer) -> None:
        with pytest.raises(ScumbleError, match="20 × 16 pixels, this one has 48 × 40"):
            layer.over(textured())
