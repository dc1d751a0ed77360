"""Picture files: full depth, profiles, conversions that are said, and errors in one sentence."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.geometry import Point
from scumble.imaging.io.files import WRITABLE, decode_picture, is_picture, read_picture, write_picture
from scumble.imaging.layer import DEPTHS, Layer
from scumble_client.errors import ScumbleError
from tests.support.pictures import SRGB_PROFILE, noise, png, put, refusal, smooth

CHANNELS = [1, 2, 3, 4]


class TestRoundTrip:
    @pytest.mark.parametrize("colour", [SRGB, LINEAR])
    @pytest.mark.parametrize("channels", CHANNELS)
    @pytest.mark.parametrize(
        ("name", "depth"), [("a.png", "uint8"), ("a.png", "uint16"), *[("a.tif", depth) for depth in DEPTHS]]
    )
    def test_png_and_tiff_keep_everything(
        self, tmp_path: Path, name: str, depth: str, channels: int, colour: Colour
    ) -> None:
        layer = Layer(noise(channels, depth), Point(-4, 9), colour)
        assert write_picture(tmp_path / name, layer) == ()
        picture = read_picture(tmp_path / name)
        assert picture.notes == ()
        assert picture.layer.depth == depth
        assert picture.layer.colour == colour
        assert picture.layer.offset == (0, 0)
        np.testing.assert_array_equal(picture.layer.pixels, layer.pixels)

    @pytest.mark.parametrize("channels", [3, 4])
    @pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.webp", "A.WEBP"])
    def test_profiles_are_carried_and_values_left_alone(self, tmp_path: Path, name: str, channels: int) -> None:
        layer = Layer(noise(channels), colour=Colour("icc", SRGB_PROFILE))
        assert write_picture(tmp_path / name, layer) == ()
        back = read_picture(tmp_path / name).layer
        assert back.colour == layer.colour
        np.testing.assert_array_equal(back.pixels, layer.pixels)

    def test_16_bit_png_carries_its_profile_where_others_find_it(self, tmp_path: Path) -> None:
        layer = Layer(noise(3, "uint16"), colour=Colour("icc", SRGB_PROFILE))
        write_picture(tmp_path / "a.png", layer)
        with Image.open(tmp_path / "a.png") as image:
            assert image.info["icc_profile"] == SRGB_PROFILE
            image.load()
        assert read_picture(tmp_path / "a.png").layer.colour == layer.colour

    @pytest.mark.parametrize("channels", [1, 3])
    def test_jpeg_is_close_and_carries_its_profile(self, tmp_path: Path, channels: int) -> None:
        colour = Colour("icc", SRGB_PROFILE) if channels == 3 else SRGB
        layer = Layer(smooth(channels), colour=colour)
        assert write_picture(tmp_path / "a.jpg", layer) == ()
        back = read_picture(tmp_path / "a.jpg").layer
        assert back.colour == colour
        assert np.abs(back.pixels.astype(int) - layer.pixels).max() <= 6

    def test_other_programs_read_what_is_written(self, tmp_path: Path) -> None:
        pixels = smooth(4)
        for name in ("a.png", "a.webp", "a.tif"):
            write_picture(tmp_path / name, Layer(pixels))
            with Image.open(tmp_path / name) as image:
                assert image.mode == "RGBA"
                np.testing.assert_array_equal(np.asarray(image), pixels)


class TestWhatAFormatCannotHold:
    @pytest.mark.parametrize("depth", ["float16", "float32"])
    def test_floats_become_16_bit_png(self, tmp_path: Path, depth: str) -> None:
        pixels = np.array([[[-1, 0.5, 7]]], depth)
        notes = write_picture(tmp_path / "a.png", Layer(pixels))
        assert notes == ("PNG holds no floating-point values; the picture was written with 16 bits.",)
        np.testing.assert_array_equal(read_picture(tmp_path / "a.png").layer.pixels, [[[0, 32768, 65535]]])

    def test_jpeg_lays_transparency_on_white(self, tmp_path: Path) -> None:
        pixels = np.zeros((16, 16, 4), np.uint8)
        notes = write_picture(tmp_path / "a.jpg", Layer(pixels))
        assert notes == ("JPEG holds no transparency; the picture was laid on white.",)
        assert read_picture(tmp_path / "a.jpg").layer.pixels.min() >= 254

    def test_jpeg_says_nothing_of_an_alpha_that_is_opaque(self, tmp_path: Path) -> None:
        pixels = np.full((16, 16, 2), 255, np.uint8)
        assert write_picture(tmp_path / "a.jpg", Layer(pixels)) == ()

    @pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
    def test_16_bits_are_rounded_to_8(self, tmp_path: Path, name: str) -> None:
        notes = write_picture(tmp_path / name, Layer(np.full((16, 16, 3), 32896, np.uint16)))
        assert len(notes) == 1
        assert "8 bits" in notes[0]
        assert np.abs(read_picture(tmp_path / name).layer.pixels.astype(int) - 128).max() <= 1

    def test_linear_values_are_encoded_for_8_bit_formats(self, tmp_path: Path) -> None:
        write_picture(tmp_path / "a.webp", Layer(np.full((4, 4, 3), 0.21404114, np.float32), colour=LINEAR))
        back = read_picture(tmp_path / "a.webp").layer
        assert back.colour == SRGB
        assert (back.pixels == 128).all()

    def test_gray_becomes_rgb_in_webp(self, tmp_path: Path) -> None:
        pixels = noise(2)
        write_picture(tmp_path / "a.webp", Layer(pixels))
        back = read_picture(tmp_path / "a.webp").layer.pixels
        np.testing.assert_array_equal(back[..., [0, 3]], pixels)

    def test_a_profile_of_other_channels_is_left_out_and_said(self, tmp_path: Path) -> None:
        notes = write_picture(tmp_path / "a.png", Layer(noise(1), colour=Colour("icc", SRGB_PROFILE)))
        assert notes == ("The picture's colour profile does not fit its channels; it was left out.",)
        assert read_picture(tmp_path / "a.png").layer.colour == SRGB


class TestRefusals:
    def test_missing_file(self, tmp_path: Path) -> None:
        error = refusal(tmp_path / "nowhere.png")
        assert error.code == "missing_input"
        assert error.message == "There is no file “nowhere.png”."

    def test_folder(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").mkdir()
        error = refusal(tmp_path / "a.png")
        assert error.code == "bad_request"
        assert "folder" in error.message

    def test_no_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = put(tmp_path, "a.png", png(1, 1, 8, 0, b"\0\0"))

        def read_bytes(_: Path) -> bytes:  # chmod would not keep root out
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "read_bytes", read_bytes)
        assert refusal(path).message == "“a.png” may not be read."

    def test_empty_file(self, tmp_path: Path) -> None:
        assert refusal(put(tmp_path, "a.png", b"")).message == "“a.png” is empty."

    @pytest.mark.parametrize("data", [b"hello", b"\x89PN", b"<svg></svg>", b"8BP", bytes(1000), b"PK\3\4" + bytes(200)])
    def test_no_image(self, tmp_path: Path, data: bytes) -> None:
        error = refusal(put(tmp_path, "a.png", data))
        assert error.code == "bad_request"
        assert error.message == "“a.png” is not a picture that Scumble can read."
        assert error.hint.startswith("Scumble reads PNG, JPEG, WebP, TIFF, ")

    @pytest.mark.parametrize("suffix", WRITABLE)
    def test_cut_off_anywhere(self, tmp_path: Path, suffix: str) -> None:
        write_picture(tmp_path / f"whole{suffix}", Layer(noise(3, height=60, width=50)))
        data = (tmp_path / f"whole{suffix}").read_bytes()
        for length in [12, 20, 40, *np.linspace(60, len(data) - 40, 12).astype(int).tolist()]:
            error = refusal(put(tmp_path, "cut", data[:length]))
            assert error.code == "bad_request", length
            assert "damaged" in error.message, length

    @pytest.mark.parametrize("depth", ["uint8", "uint16"])
    def test_flipped_bits_in_png(self, tmp_path: Path, depth: str) -> None:
        write_picture(tmp_path / "a.png", Layer(noise(3, depth, 60, 50)))
        data = bytearray((tmp_path / "a.png").read_bytes())
        data[len(data) // 2] ^= 0x55
        assert "damaged PNG" in refusal(put(tmp_path, "a.png", bytes(data))).message

    def test_random_bytes_after_a_signature_never_crash(self, tmp_path: Path) -> None:
        random = np.random.default_rng(0)
        for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"II*\0", b"MM\0*", b"II+\0"):
            for _ in range(30):
                data = start + random.integers(0, 256, 300, dtype=np.uint8).tobytes()
                assert refusal(put(tmp_path, "a", data)).code in ("bad_request", "too_large")

    def test_no_pixels(self, tmp_path: Path) -> None:
        error = refusal(put(tmp_path, "a.png", png(0, 0, 8, 2, b"")))
        assert error.message == "“a.png” is empty: it is 0 × 0 pixels."

    def test_one_pixel_is_a_picture(self, tmp_path: Path) -> None:
        for suffix in WRITABLE:
            write_picture(tmp_path / f"a{suffix}", Layer(np.full((1, 1, 3), 99, np.uint8)))
            assert np.abs(read_picture(tmp_path / f"a{suffix}").layer.pixels.astype(int) - 99).max() <= 2

    def test_absurd_size_is_refused_by_the_header(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def decode(_: object) -> None:
            raise AssertionError("decoded")

        monkeypatch.setattr(imagecodecs, "png_decode", decode)
        error = refusal(put(tmp_path, "a.png", png(2**31 - 1, 2**31 - 1, 8, 2, b"")))
        assert error.code == "too_large"
        assert "2147483647 × 2147483647" in error.message

    def test_absurd_size_in_tiff_and_jpeg(self, tmp_path: Path) -> None:
        Image.new("L", (8, 8)).save(tmp_path / "a.tif")
        data = bytearray((tmp_path / "a.tif").read_bytes())
        for tag in (256, 257):  # width and height, as numbers of 32 bits
            place = data.index(struct.pack("<HHI", tag, 4, 1)) if struct.pack("<HHI", tag, 4, 1) in data else -1
            short = place if place >= 0 else data.index(struct.pack("<HHI", tag, 3, 1))
            data[short : short + 12] = struct.pack("<HHII", tag, 4, 1, 2**30)
        assert refusal(put(tmp_path, "a.tif", bytes(data))).code == "too_large"

        Image.new("L", (8, 8)).save(tmp_path / "a.jpg")
        data = bytearray((tmp_path / "a.jpg").read_bytes())
        frame = data.index(b"\xff\xc0")
        data[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
        assert refusal(put(tmp_path, "a.jpg", bytes(data))).code == "too_large"


class TestWriting:
    layer = Layer(np.zeros((2, 2, 3), np.uint8))

    def refusal(self, path: Path, layer: Layer | None = None) -> ScumbleError:
        with pytest.raises(ScumbleError) as caught:
            write_picture(path, layer or self.layer)
        assert caught.value.message.endswith(".")
        assert caught.value.hint.endswith(".")
        return caught.value

    def test_unknown_suffix(self, tmp_path: Path) -> None:
        assert ".png" in self.refusal(tmp_path / "a.xcf").hint
        assert not list(tmp_path.iterdir())

    def test_missing_folder(self, tmp_path: Path) -> None:
        assert "no folder" in self.refusal(tmp_path / "sub" / "a.png").message

    def test_a_folder_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").mkdir()
        assert "is a folder" in self.refusal(tmp_path / "a.png").message

    def test_nothing_to_write(self, tmp_path: Path) -> None:
        assert "0 × 0" in self.refusal(tmp_path / "a.png", Layer(np.zeros((0, 0, 3), np.uint8))).message

    def test_too_wide_for_the_format(self, tmp_path: Path) -> None:
        wide = Layer(np.zeros((1, 20_000, 3), np.uint8))
        assert "16383" in self.refusal(tmp_path / "a.webp", wide).message
        write_picture(tmp_path / "a.png", wide)

    @pytest.mark.parametrize(
        ("number", "code", "words"),
        [(errno.ENOSPC, "internal", "disk is full"), (errno.EIO, "internal", "could not be written")],
    )
    def test_a_disk_that_fails_leaves_the_old_file_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, words: str
    ) -> None:
        path = put(tmp_path, "a.png", b"the old one")

        def fsync(_: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)
        error = self.refusal(path)
        assert error.code == code
        assert words in error.message
        assert path.read_bytes() == b"the old one"
        assert list(tmp_path.iterdir()) == [path]

    def test_no_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def opened(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "open", opened)
        assert "may not be written" in self.refusal(tmp_path / "a.png").message

    def test_the_old_file_is_replaced_at_once(self, tmp_path: Path) -> None:
        path = put(tmp_path, "a.png", b"the old one")
        write_picture(path, self.layer)
        assert read_picture(path).layer.extent == (2, 2)
        assert list(tmp_path.iterdir()) == [path]


class TestLookingWhetherItIsAPicture:
    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
    def test_it_is(self, tmp_path: Path, name: str) -> None:
        write_picture(tmp_path / name, Layer(noise(3)))
        (tmp_path / name).rename(tmp_path / "without suffix")
        assert is_picture(tmp_path / "without suffix")

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x89PN", b"\0\0\0\x18ftypisom", b"%PDF-1.4"])
    def test_it_is_not(self, tmp_path: Path, content: bytes) -> None:
        assert not is_picture(put(tmp_path, "a.png", content))

    def test_what_can_t_be_opened(self, tmp_path: Path) -> None:
        assert not is_picture(tmp_path / "none.png")
        assert not is_picture(tmp_path)


def test_bytes_are_read_as_a_file_is(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Layer(noise(3)))
    picture = decode_picture((tmp_path / "a.png").read_bytes(), "inside an archive")
    np.testing.assert_array_equal(picture.layer.pixels, noise(3))
    with pytest.raises(ScumbleError, match="“inside an archive” is not a picture"):
        decode_picture(b"hello", "inside an archive")
