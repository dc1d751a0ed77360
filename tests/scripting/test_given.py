"""Pictures that a script hands in: every mode of Pillow's, arrays of every depth, and what is no picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from scumble.scripting import Layer, ScumbleError

GRAY = np.arange(0, 240, 5, dtype=np.uint8).reshape(6, 8)
RGB = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], axis=2)


def refused(source: Any) -> ScumbleError:
    with pytest.raises(ScumbleError) as raised:
        Layer.open(source)
    assert raised.value.hint
    return raised.value


class TestArrays:
    @pytest.mark.parametrize(
        ("given", "depth", "white"),
        [
            (np.bool_, "uint8", 255),
            ("uint8", "uint8", 255),
            ("uint16", "uint16", 65535),
            (">u2", "uint16", 65535),
            ("uint32", "uint16", 65535),
            ("uint64", "uint16", 65535),
            ("float16", "float16", 1),
            ("float32", "float32", 1),
            ("float64", "float32", 1),
            (">f8", "float32", 1),
        ],
    )
    def test_depths(self, given: Any, depth: str, white: int) -> None:
        dtype = np.dtype(given)
        largest = np.iinfo(dtype).max if dtype.kind == "u" else 1
        pixels = np.zeros((3, 4), dtype)
        pixels[1] = largest
        layer = Layer.open(pixels)
        assert layer.depth == depth
        assert layer.numpy().shape == (3, 4, 1)
        assert layer.numpy()[1].min() == white
        assert layer.numpy()[[0, 2]].max() == 0

    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_channels_strides_and_copies(self, channels: int) -> None:
        pixels = np.random.default_rng(1).integers(0, 256, (12, 10, channels), np.uint8)
        part = pixels[::-2, 1:9]
        before = part.copy()
        layer = Layer.open(part)
        pixels[:] = 0
        np.testing.assert_array_equal(layer.numpy(), before)
        np.testing.assert_array_equal(np.asarray(layer), before)

    @pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "complex64", "object", "<U3", "datetime64[s]"])
    def test_where_white_is_not_known(self, dtype: str) -> None:
        error = refused(np.zeros((2, 2), dtype))
        assert error.code == "bad_request"
        assert "white" in error.message

    @pytest.mark.parametrize("shape", [(), (4,), (9, 3, 5), (3, 8, 9), (1, 2, 3, 4)])
    def test_shapes_that_are_no_picture(self, shape: tuple[int, ...]) -> None:
        error = refused(np.zeros(shape, np.uint8))
        assert str(shape) in error.message
        assert ("transpose" in error.hint) == (shape == (3, 8, 9))

    def test_nothing_in_it(self) -> None:
        assert refused(np.zeros((0, 4, 3), np.uint8)).code == "missing_input"


class TestPillow:
    @pytest.mark.parametrize(
        ("mode", "channels"),
        [
            ("1", 1),
            ("L", 1),
            ("LA", 2),
            ("La", 2),
            ("P", 3),
            ("PA", 4),
            ("RGB", 3),
            ("RGBA", 4),
            ("RGBa", 4),
            ("RGBX", 3),
            ("CMYK", 3),
            ("YCbCr", 3),
            ("HSV", 3),
        ],
    )
    def test_modes_of_8_bits(self, mode: str, channels: int) -> None:
        through = {"La": "LA", "RGBa": "RGBA", "PA": "P"}.get(mode, "RGB")
        image = Image.fromarray(RGB).convert(through).convert(mode)
        layer = Layer.open(image)
        assert layer.depth == "uint8"
        assert layer.numpy().shape == (6, 8, channels)
        near = np.asarray(image.convert("LA" if mode == "La" else "RGBA" if mode == "RGBa" else mode).convert("RGB"))
        seen = layer.numpy()[..., : 1 if channels <= 2 else 3]
        assert np.abs(seen.astype(int) - near[..., : seen.shape[2]]).max() <= 1

    def test_lab(self) -> None:
        to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        image = ImageCms.applyTransform(Image.fromarray(RGB), to_lab)
        assert image is not None
        layer = Layer.open(image)
        assert np.abs(layer.numpy().astype(int) - RGB).mean() < 6  # out of gamut colours and 8 bits
        assert "Lab" in layer.notes[0]

    @pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
    def test_16_bits(self, mode: str) -> None:
        wide = GRAY.astype(np.uint16) * 257
        image = Image.frombytes("I;16B", (8, 6), wide.astype(">u2").tobytes()) if mode == "I;16B" else None
        image = image or Image.fromarray(wide.astype(np.int32) if mode == "I" else wide)
        assert image.mode == mode
        layer = Layer.open(image)
        assert layer.depth == "uint16"
        np.testing.assert_array_equal(layer.numpy()[..., 0], wide)

    def test_floats(self) -> None:
        values = (GRAY / 255).astype(np.float32)
        layer = Layer.open(Image.fromarray(values))
        assert layer.depth == "float32"
        np.testing.assert_array_equal(layer.numpy()[..., 0], values)

    @pytest.mark.parametrize(
        ("mode", "key", "layout"), [("L", 0, 2), ("RGB", (0, 200, 35), 4), ("P", 0, 4), ("1", 0, 2)]
    )
    def test_what_is_transparent_by_colour(self, mode: str, key: Any, layout: int) -> None:
        image = Image.fromarray(RGB).convert(mode)
        image.info["transparency"] = key
        layer = Layer.open(image)
        assert layer.numpy().shape[2] == layout

    def test_its_profile(self) -> None:
        image = Image.fromarray(RGB)
        image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
        assert "does not fit" in Layer.open(image).notes[0]

    def test_a_file_that_is_cut_off(self, tmp_path: Path) -> None:
        noise = np.random.default_rng(2).integers(0, 256, (60, 60, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "a.png")
        (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:3000])
        with Image.open(tmp_path / "b.png") as image:
            assert refused(image).code == "bad_request"


class TestFilesAndTheRest:
    def test_paths_bytes_and_layers(self, tmp_path: Path) -> None:
        Image.fromarray(RGB).save(tmp_path / "a.png", dpi=(300, 300))
        for source in (tmp_path / "a.png", str(tmp_path / "a.png"), (tmp_path / "a.png").read_bytes()):
            layer = Layer.open(source)
            np.testing.assert_array_equal(layer.numpy(), RGB)
            assert layer.metadata.resolution is not None
        assert Layer.open(layer) is layer

    def test_what_there_is_not(self, tmp_path: Path) -> None:
        assert refused(tmp_path / "nope.png").code == "missing_input"
        assert refused(tmp_path).code == "bad_request"
        assert refused(b"buy milk").code == "bad_request"

    @pytest.mark.parametrize("source", [None, 3, 2.5, object(), ["a.png"], {"image": 1}])
    def test_what_is_no_picture(self, source: Any) -> None:
        error = refused(source)
        assert type(source).__name__ in error.message
