"""PNG, JPEG and WebP: what they may hold, and what is said of it."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageOps

from scumble.imaging.colour import SRGB
from scumble.imaging.io.files import read_picture
from tests.support.pictures import chunk, gray_ink_profile, noise, png, put, smooth


class TestPng:
    @pytest.mark.parametrize(
        ("data", "layout", "values"),
        [
            (png(2, 1, 8, 2, b"\0\1\2\3\4\5\6", chunk(b"tRNS", struct.pack(">3H", 4, 5, 6))), "rgba", [1, 2, 3, 255, 4, 5, 6, 0]),
            (png(2, 1, 8, 0, b"\0\1\2", chunk(b"tRNS", struct.pack(">H", 2))), "graya", [1, 255, 2, 0]),
            (png(2, 1, 16, 0, b"\0\0\1\0\2", chunk(b"tRNS", struct.pack(">H", 2))), "graya", [1, 65535, 2, 0]),
            (png(4, 1, 2, 0, b"\0\x1b"), "gray", [0, 85, 170, 255]),
            (png(4, 1, 2, 0, b"\0\x1b", chunk(b"tRNS", struct.pack(">H", 1))), "graya", [0, 255, 85, 0, 170, 255, 255, 255]),
        ],
    )  # fmt: skip
    def test_transparent_colour_and_few_bits(self, tmp_path: Path, data: bytes, layout: str, values: list[int]) -> None:
        picture = read_picture(put(tmp_path, "a.png", data))
        assert picture.notes == ()
        assert picture.layer.layout == layout
        assert picture.layer.pixels.ravel().tolist() == values

    def test_palette_is_converted_and_said(self, tmp_path: Path) -> None:
        palette = chunk(b"PLTE", bytes(range(12)))
        picture = read_picture(put(tmp_path, "a.png", png(2, 1, 8, 3, b"\0\3\1", palette)))
        assert picture.layer.pixels.ravel().tolist() == [9, 10, 11, 3, 4, 5]
        assert picture.notes == ("The picture has a palette; it was converted to RGB.",)

    def test_palette_with_transparency(self, tmp_path: Path) -> None:
        extra = chunk(b"PLTE", bytes(range(12))), chunk(b"tRNS", b"\xff\x80")
        picture = read_picture(put(tmp_path, "a.png", png(2, 1, 8, 3, b"\0\3\1", *extra)))
        assert picture.layer.pixels.ravel().tolist() == [9, 10, 11, 255, 3, 4, 5, 128]

    def test_one_bit_is_converted_and_said(self, tmp_path: Path) -> None:
        picture = read_picture(put(tmp_path, "a.png", png(8, 1, 1, 0, b"\0\x0f")))
        assert picture.layer.pixels.ravel().tolist() == [0, 0, 0, 0, 255, 255, 255, 255]
        assert picture.notes == ("The picture is in black and white only; it was converted to 8-bit gray.",)

    def test_harmless_faults_are_passed_over_in_silence(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        junk = chunk(b"iCCP", b"name\0\0 not compressed"), chunk(b"eXIf", b"nothing"), chunk(b"gAMA", b"\0")
        picture = read_picture(put(tmp_path, "a.png", png(1, 1, 8, 0, b"\0\7", *junk)))
        assert picture.layer.pixels.tolist() == [[[7]]]
        assert picture.layer.colour == SRGB
        assert capfd.readouterr() == ("", "")

    def test_a_profile_that_unpacks_without_end_is_cut(self, tmp_path: Path) -> None:
        bomb = chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(2**26)))
        picture = read_picture(put(tmp_path, "a.png", png(1, 1, 8, 2, b"\0\7\7\7", bomb)))
        assert picture.layer.colour == SRGB


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
    def test_is_applied(self, tmp_path: Path, form: str, orientation: int) -> None:
        image = Image.fromarray(smooth(3))
        exif = Image.Exif()
        exif[0x0112] = orientation
        stream = io.BytesIO()
        options: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100}}
        image.save(stream, form, exif=exif, **options.get(form, {}))
        image.getexif()[0x0112] = orientation
        expected = np.asarray(ImageOps.exif_transpose(image)).astype(int)
        actual = read_picture(put(tmp_path, f"a.{form}", stream.getvalue())).layer.pixels
        assert actual.shape == expected.shape
        assert np.abs(actual - expected).max() <= (8 if form == "JPEG" else 0)

    def test_is_applied_to_16_bit_png(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        pixels = noise(3, "uint16")
        data = bytes(imagecodecs.png_encode(pixels))
        data = data[:33] + chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + data[33:]
        actual = read_picture(put(tmp_path, "a.png", data)).layer.pixels
        np.testing.assert_array_equal(actual, np.rot90(pixels, -1))


class TestJpegAndWebp:
    def test_cmyk_without_profile_is_converted_and_said(self, tmp_path: Path) -> None:
        cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
        cmyk.save(tmp_path / "a.jpg", quality=100)
        picture = read_picture(tmp_path / "a.jpg")
        assert picture.layer.layout == "rgb"
        red, green, blue = picture.layer.pixels[8, 8].tolist()
        assert red > 240
        assert max(green, blue) < 20
        assert len(picture.notes) == 1
        assert "CMYK" in picture.notes[0]

    def test_cmyk_with_a_profile_goes_by_it(self, tmp_path: Path) -> None:
        Image.new("CMYK", (16, 16), (0, 255, 0, 0)).save(
            tmp_path / "a.jpg", quality=100, icc_profile=gray_ink_profile()
        )
        picture = read_picture(tmp_path / "a.jpg")
        red, green, blue = picture.layer.pixels[8, 8].tolist()
        assert max(abs(red - green), abs(blue - green)) <= 2, "without the profile it would be magenta"
        assert 100 < green < 200
        assert picture.layer.colour == SRGB
        assert picture.notes == ("The picture is in CMYK; it was converted to RGB by its colour profile.",)

    def test_cmyk_with_a_damaged_profile_is_converted_all_the_same(self, tmp_path: Path) -> None:
        profile = gray_ink_profile()[:300]
        Image.new("CMYK", (16, 16), (0, 255, 0, 0)).save(tmp_path / "a.jpg", quality=100, icc_profile=profile)
        picture = read_picture(tmp_path / "a.jpg")
        assert picture.layer.pixels[8, 8, 1] < 20
        assert "without a usable colour profile" in picture.notes[0]

    def test_of_an_animation_the_first_frame_is_taken_and_said(self, tmp_path: Path) -> None:
        frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
        frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
        picture = read_picture(tmp_path / "a.webp")
        assert picture.layer.pixels[0, 0].tolist()[:3] == [255, 0, 0]
        assert picture.notes == ("The picture has 3 frames; the first was taken.",)

    def test_the_suffix_does_not_matter(self, tmp_path: Path) -> None:
        Image.new("RGB", (8, 8), "red").save(tmp_path / "a.webp", lossless=True)
        os.rename(tmp_path / "a.webp", tmp_path / "a.png")
        assert read_picture(tmp_path / "a.png").layer.pixels[0, 0].tolist() == [255, 0, 0]
