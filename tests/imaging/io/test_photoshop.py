"""Photoshop's files: depth, transparency, colour modes, and what of them is refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from scumble.imaging.colour import LINEAR, SRGB
from scumble.imaging.io.colour_tags import D65, P3
from scumble.imaging.io.files import Picture, read_picture
from scumble.imaging.profiles import profile_of
from tests.support.pictures import put, refusal, smooth

Pixels = NDArray[Any]
RAW, PACKBITS, ZIP = 0, 1, 2


def resource(number: int, body: bytes, name: bytes = b"") -> bytes:
    named = bytes([len(name)]) + name
    named += bytes(len(named) % 2)
    return b"8BIM" + struct.pack(">H", number) + named + struct.pack(">I", len(body)) + body + bytes(len(body) % 2)


def psd(
    pixels: Pixels,
    mode: int = 3,
    *,
    large: bool = False,
    compression: int = RAW,
    transparent: bool | None = None,
    resources: bytes = b"",
    palette: bytes = b"",
    bits: int | None = None,
    width: int | None = None,
) -> bytes:
    """(height, width, channels) as they are stored; `transparent` says whether there are layers, and what the channel beyond means."""
    import zlib

    height, across, channels = pixels.shape
    bits = bits or pixels.dtype.itemsize * 8
    planes = pixels.transpose(2, 0, 1).astype(pixels.dtype.newbyteorder(">"))
    rows = [row.tobytes() for plane in planes for row in plane]
    if compression == PACKBITS:
        packed = [bytes(imagecodecs.packbits_encode(row)) for row in rows]
        body = b"".join(struct.pack(">I" if large else ">H", len(row)) for row in packed) + b"".join(packed)
    else:
        body = zlib.compress(b"".join(rows)) if compression == ZIP else b"".join(rows)
    wide = ">Q" if large else ">I"
    layers = b""
    if transparent is not None:
        info = struct.pack(">h", -1 if transparent else 1) + bytes(6)
        layers = struct.pack(wide, len(info)) + info
    header = b"8BPS" + struct.pack(">H6xHIIHH", 2 if large else 1, channels, height, width or across, bits, mode)
    parts = [header, struct.pack(">I", len(palette)) + palette, struct.pack(">I", len(resources)) + resources]
    return b"".join([*parts, struct.pack(wide, len(layers)) + layers, struct.pack(">H", compression) + body])


def read(folder: Path, data: bytes, name: str = "a.psd") -> Picture:
    return read_picture(put(folder, name, data))


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("compression", [RAW, PACKBITS, ZIP])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("channels", "mode"), [(3, 3), (1, 1), (1, 8)])
def test_all_depths(tmp_path: Path, depth: str, compression: int, large: bool, channels: int, mode: int) -> None:
    pixels = (smooth(channels) / 255 * (np.iinfo(depth).max if depth.startswith("u") else 1)).astype(depth)
    found = read(tmp_path, psd(pixels, mode, large=large, compression=compression))
    np.testing.assert_array_equal(found.layer.pixels, pixels)
    assert found.notes == ()
    assert found.layer.colour == (LINEAR if depth == "float32" else SRGB), "floats are light there"


@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_transparency_is_taken_out_of_the_white(tmp_path: Path, depth: str) -> None:
    full = np.iinfo(depth).max
    pixels = (smooth(4) / 255 * full).astype(depth)
    share = pixels[..., 3:] / full
    laid = np.rint(pixels[..., :3] * share + full * (1 - share)).astype(depth)
    found = read(tmp_path, psd(np.concatenate([laid, pixels[..., 3:]], axis=2), transparent=True)).layer.pixels
    np.testing.assert_array_equal(found[..., 3], pixels[..., 3])
    apart = np.abs(found[..., :3].astype(float) - pixels[..., :3]) * share
    assert apart.max() <= 1, "to rounding of what was stored"


def test_what_was_not_laid_on_white_stays(tmp_path: Path) -> None:
    pixels = smooth(4)
    pixels[:8, :, 3], pixels[:8, :, :3] = 0, 0
    found = read(tmp_path, psd(pixels, transparent=True)).layer.pixels
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("transparent", [False, None])
def test_a_selection_that_was_saved_is_no_transparency(tmp_path: Path, transparent: bool | None) -> None:
    found = read(tmp_path, psd(smooth(4), transparent=transparent))
    np.testing.assert_array_equal(found.layer.pixels, smooth(3))
    assert "channels beyond colour" in found.notes[-1]


def test_a_flat_file_has_no_layers_to_speak_of(tmp_path: Path) -> None:
    assert read(tmp_path, psd(smooth(3))).notes == ()
    layered = read(tmp_path, psd(smooth(3), transparent=False))
    assert layered.notes == ("The file has layers; what is seen of them together was taken.",)


def test_palette(tmp_path: Path) -> None:
    table = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    found = read(tmp_path, psd(smooth(1), 2, palette=table.T.tobytes()))
    np.testing.assert_array_equal(found.layer.pixels, table[smooth(1)[..., 0]])


def test_black_and_white(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).integers(0, 2, (9, 13), np.uint8)
    packed = np.packbits(drawn, axis=1)[..., None]
    found = read(tmp_path, psd(packed, 0, bits=1, width=13))
    np.testing.assert_array_equal(found.layer.pixels[..., 0], (1 - drawn) * 255)


@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_cmyk(tmp_path: Path, depth: str) -> None:
    full = np.iinfo(depth).max
    pixels = np.full((4, 4, 4), full, depth)  # no ink
    pixels[1, :, 3] = 0  # all of the black
    pixels[2, :, 1:3] = 0  # magenta and yellow
    found = read(tmp_path, psd(pixels, 4)).layer.pixels
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[1, 0].max() <= 10
    assert found[2, 0, 0] >= 200
    assert found[2, 0, 1:].max() <= 60


def test_what_is_said_besides(tmp_path: Path) -> None:
    icc = profile_of(P3, D65, 2.2)
    place = struct.pack(">IHHIHH", 300 << 16, 1, 1, 300 << 16, 1, 1)
    said = resource(0x03ED, place, b"odd") + resource(0x040F, icc, b"even") + resource(0x0424, b"<x/>")
    found = read(tmp_path, psd(smooth(3), resources=said))
    assert found.layer.colour.icc == icc
    assert found.metadata.resolution == (300, 300)
    assert found.metadata.xmp == b"<x/>"


def test_without_a_composite(tmp_path: Path) -> None:
    said = resource(0x0421, struct.pack(">IB", 1, 0) + bytes(8))
    error = refusal(put(tmp_path, "a.psd", psd(smooth(3), transparent=False, resources=said)))
    assert error.message == "“a.psd” holds no picture of its layers together."
    assert "Maximize compatibility" in error.hint


@pytest.mark.parametrize("odd", [psd(smooth(3), 9), psd(smooth(3), bits=4)], ids=["mode", "depth"])
def test_other_kinds_are_said(tmp_path: Path, odd: bytes) -> None:
    error = refusal(put(tmp_path, "a.psd", odd))
    assert "colour mode or depth" in error.message


@pytest.mark.parametrize("compression", [RAW, PACKBITS, ZIP])
def test_cut_files_are_damaged(tmp_path: Path, compression: int) -> None:
    data = psd(smooth(3), compression=compression)
    for length in (20, 30, 40, len(data) // 2):
        assert "damaged Photoshop file" in refusal(put(tmp_path, "a.psd", data[:length])).message
