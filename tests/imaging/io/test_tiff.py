"""TIFF: byte orders, planes, compressions, alpha and colours of every kind."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from scumble.imaging.io.files import read_picture
from scumble.imaging.layer import Layer
from scumble.imaging.mask_reading import understood
from tests.support.pictures import noise, put, refusal, smooth

Pixels = NDArray[Any]


class TestTiff:
    def read(self, folder: Path, pixels: Pixels, **options: Any) -> tuple[Layer, tuple[str, ...]]:
        tifffile.imwrite(folder / "a.tif", pixels, metadata=None, **options)
        picture = read_picture(folder / "a.tif")
        return picture.layer, picture.notes

    def test_planes_one_after_the_other(self, tmp_path: Path) -> None:
        pixels = noise(3, "uint16")
        planes = np.moveaxis(pixels, -1, 0)
        layer, _ = self.read(tmp_path, planes, photometric="rgb", planarconfig="separate")
        np.testing.assert_array_equal(layer.pixels, pixels)

    def test_big_endian(self, tmp_path: Path) -> None:
        pixels = noise(3, "uint16")
        layer, _ = self.read(tmp_path, pixels, photometric="rgb", byteorder=">")
        np.testing.assert_array_equal(layer.pixels, pixels)

    @pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "zstd"])
    def test_compressions(self, tmp_path: Path, compression: str) -> None:
        pixels = noise(4)
        layer, _ = self.read(tmp_path, pixels, photometric="rgb", extrasamples=["unassalpha"], compression=compression)
        np.testing.assert_array_equal(layer.pixels, pixels)

    @pytest.mark.parametrize("photometric", ["ycbcr", "rgb"])
    def test_jpeg_inside_is_read_as_others_read_it(self, tmp_path: Path, photometric: str) -> None:
        layer, _ = self.read(tmp_path, smooth(3), photometric=photometric, compression="jpeg")
        with Image.open(tmp_path / "a.tif") as image:
            assert np.abs(layer.pixels - np.asarray(image.convert("RGB")).astype(int)).max() <= 2

    def test_white_is_zero(self, tmp_path: Path) -> None:
        layer, _ = self.read(tmp_path, noise(1)[..., 0], photometric="miniswhite")
        np.testing.assert_array_equal(layer.pixels, 255 - noise(1))

    def test_premultiplied_alpha_is_divided_out_and_said(self, tmp_path: Path) -> None:
        pixels = np.array([[[50, 100, 0, 128], [9, 9, 9, 0], [1, 2, 3, 255]]], np.uint8)
        layer, notes = self.read(tmp_path, pixels, photometric="rgb", extrasamples=["assocalpha"])
        assert layer.pixels.tolist() == [[[100, 199, 0, 128], [9, 9, 9, 0], [1, 2, 3, 255]]]
        assert len(notes) == 1

    def test_further_channels_are_left_out_and_said(self, tmp_path: Path) -> None:
        layer, notes = self.read(tmp_path, noise(4), photometric="rgb", extrasamples=["unspecified"])
        np.testing.assert_array_equal(layer.pixels, noise(4)[..., :3])
        assert notes == ("The picture has channels beyond colour and transparency; they were left out.",)

    def test_palette(self, tmp_path: Path) -> None:
        palette = np.arange(768, dtype=np.uint16).reshape(3, 256) * 85
        indices = np.array([[0, 255, 7]], np.uint8)
        layer, notes = self.read(tmp_path, indices, photometric="palette", colormap=palette)
        np.testing.assert_array_equal(layer.pixels[0], (palette.T[indices[0]] >> 8))
        assert notes == ("The picture has a palette; it was converted to RGB.",)

    @pytest.mark.parametrize("depth", ["uint8", "uint16"])
    def test_cmyk(self, tmp_path: Path, depth: str) -> None:
        pixels = np.zeros((4, 4, 4), depth)
        pixels[..., 1:3] = np.iinfo(depth).max
        layer, notes = self.read(tmp_path, pixels, photometric="separated")
        assert layer.pixels[0, 0].tolist() == [255, 0, 0]
        assert any("CMYK" in note for note in notes)

    def test_one_bit(self, tmp_path: Path) -> None:
        Image.fromarray(np.eye(16, dtype=np.uint8) * 255).convert("1", dither=Image.Dither.NONE).save(
            tmp_path / "a.tif"
        )
        picture = read_picture(tmp_path / "a.tif")
        np.testing.assert_array_equal(picture.layer.pixels[..., 0], np.eye(16) * 255)
        assert len(picture.notes) == 1

    def test_12_bits_span_the_whole_range(self, tmp_path: Path) -> None:
        values = [0, 2048, 4095, 1]
        packed = int("".join(f"{value:012b}" for value in values), 2).to_bytes(6, "big")
        # Width, height, bits, no compression, black is zero, where the strip lies, channels, rows and bytes in it.
        entries = {256: 4, 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 6}
        table = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in entries.items())
        data = b"MM\0*" + struct.pack(">I", 14) + packed + struct.pack(">H", len(entries)) + table + bytes(4)
        layer = read_picture(put(tmp_path, "a.tif", data)).layer
        assert layer.pixels.ravel().tolist() == [0, 32776, 65535, 16]

    def test_wide_values_are_narrowed_and_said(self, tmp_path: Path) -> None:
        layer, notes = self.read(tmp_path, np.array([[0.25, -1]]), photometric="minisblack")
        assert (layer.depth, layer.pixels.ravel().tolist(), len(notes)) == ("float32", [0.25, -1], 1)
        layer, notes = self.read(tmp_path, np.array([[2**31]], np.uint32), photometric="minisblack")
        assert (layer.depth, layer.pixels.ravel().tolist(), len(notes)) == ("uint16", [2**15], 1)

    def test_of_several_pages_the_first_is_taken_and_said(self, tmp_path: Path) -> None:
        with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
            tiff.write(noise(1)[..., 0])
            tiff.write(noise(3))
        picture = read_picture(tmp_path / "a.tif")
        np.testing.assert_array_equal(picture.layer.pixels, noise(1))
        assert picture.notes == ("The file holds 2 pages; the first was taken.",)

    def test_other_colour_spaces_are_refused(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", noise(3), photometric="cielab", metadata=None)
        error = refusal(tmp_path / "a.tif")
        assert error.code == "bad_request"
        assert "CIELAB" in error.message


def test_lists_in_place_of_the_size_are_damage(tmp_path: Path) -> None:
    """A list of widths times a height of billions would fill the memory."""
    tifffile.imwrite(tmp_path / "a.tif", noise(3), photometric="rgb", metadata=None)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    (start,) = struct.unpack_from("<I", data, 4)
    for number in range(struct.unpack_from("<H", data, start)[0]):
        place = start + 2 + 12 * number
        (tag,) = struct.unpack_from("<H", data, place)
        if tag == 256:
            struct.pack_into("<HII", data, place + 2, 3, 40, 8)
        elif tag == 257:
            struct.pack_into("<HII", data, place + 2, 4, 1, 3_556_769_804)
    assert "damaged TIFF" in refusal(put(tmp_path, "b.tif", bytes(data))).message


@pytest.mark.parametrize("depth", ["int16", "int32", "uint32", "int64", "uint64", "int8"])
@pytest.mark.parametrize("most", [1, 100])
def test_small_whole_numbers_of_any_kind(tmp_path: Path, depth: str, most: int) -> None:
    """Labels, as programs that count write them: as a mask they are understood."""
    drawn = (np.random.default_rng(0).integers(0, 2, (9, 13)) * most).astype(depth)
    tifffile.imwrite(tmp_path / "a.tif", drawn, metadata=None, photometric="minisblack")
    read = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.layer.pixels[..., 0], drawn)
    assert f"values of up to {most}" in read.notes[0]
    selected = understood(read.layer).layer.coverage()
    assert np.array_equal(selected > 0, drawn > 0)


def test_values_below_zero_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4), -1, np.int16), metadata=None, photometric="minisblack")
    assert "int16" in refusal(tmp_path / "a.tif").message
