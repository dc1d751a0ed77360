"""Formats as they come: interlaced, animated, layered, of many pages and odd depths; and nothing but Scumble's own words."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, features

from scumble.imaging.io.files import Picture, decode_picture, is_picture, read_picture
from scumble.imaging.io.png import PNG_SIGNATURE, png_chunks
from tests.support.pictures import chunk, noise, put, refusal, smooth

PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def interlaced(pixels: Any, colours: int, *extra: bytes) -> bytes:
    """An Adam7 PNG of 8 or 16 bits, each row unfiltered."""
    height, width = pixels.shape[:2]
    rows = b""
    for x, y, across, down in PASSES:
        part = pixels[y::down, x::across]
        if part.size:
            rows += b"".join(b"\0" + row.astype(part.dtype.newbyteorder(">")).tobytes() for row in part)
    header = struct.pack(">IIBBBBB", width, height, pixels.dtype.itemsize * 8, colours, 0, 0, 1)
    body = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(body)


class TestPng:
    @pytest.mark.parametrize("depth", ["uint8", "uint16"])
    @pytest.mark.parametrize(("channels", "colours"), [(1, 0), (2, 4), (3, 2), (4, 6)])
    @pytest.mark.parametrize("size", [(1, 1), (3, 2), (11, 7), (16, 9)])
    def test_interlaced(
        self,
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
        depth: str,
        channels: int,
        colours: int,
        size: tuple[int, int],
    ) -> None:
        pixels = noise(channels, depth, *size)
        read = read_picture(put(tmp_path, "a.png", interlaced(pixels, colours)))
        np.testing.assert_array_equal(read.layer.pixels, pixels)
        assert read.notes == ()
        assert capfd.readouterr() == ("", "")

    def test_interlaced_palette(self, tmp_path: Path) -> None:
        indices = np.random.default_rng(0).integers(0, 3, (9, 13, 1), np.uint8)
        palette = bytes([10, 20, 30, 40, 50, 60, 70, 80, 90])
        data = interlaced(indices, 3, chunk(b"PLTE", palette), chunk(b"tRNS", bytes([0, 255, 128])))
        read = read_picture(put(tmp_path, "a.png", data))
        wanted = np.frombuffer(palette, np.uint8).reshape(3, 3)[indices[..., 0]]
        np.testing.assert_array_equal(read.layer.pixels[..., :3], wanted)
        np.testing.assert_array_equal(read.layer.pixels[..., 3], np.array([0, 255, 128])[indices[..., 0]])

    def test_interlaced_and_cut(self, tmp_path: Path) -> None:
        data = interlaced(noise(3), 2)
        short = data.replace(data[-16 - 12 : -12], b"")
        assert "damaged PNG" in refusal(put(tmp_path, "a.png", short)).message

    def test_an_animation_is_said(self, tmp_path: Path) -> None:
        frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
        frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
        read = read_picture(tmp_path / "a.png")
        assert read.layer.pixels[0, 0].tolist() == [255, 0, 0]
        assert read.notes == ("The picture has 3 frames; the first was taken.",)


class TestJpeg:
    def without_adobe_s_marker(self, image: Image.Image) -> bytes:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=100)
        data = stream.getvalue()
        start = data.index(b"\xff\xee")
        (length,) = struct.unpack_from(">H", data, start + 2)
        return data[:start] + data[start + 2 + length :]

    @pytest.mark.parametrize("ink", [(0, 0, 0, 0), (255, 0, 0, 0), (0, 0, 0, 255), (0, 255, 255, 0)])
    def test_cmyk_with_and_without_adobe_s_marker(self, tmp_path: Path, ink: tuple[int, ...]) -> None:
        with_marker = Image.new("CMYK", (16, 16), ink)
        stream = io.BytesIO()
        with_marker.save(stream, "JPEG", quality=100)
        first = read_picture(put(tmp_path, "a.jpg", stream.getvalue())).layer.pixels
        # without the marker 0 is no ink: what Pillow writes the other way round has to be turned first
        turned = Image.merge("CMYK", [band.point(lambda v: 255 - v) for band in with_marker.split()])
        second = read_picture(put(tmp_path, "b.jpg", self.without_adobe_s_marker(turned))).layer.pixels
        assert np.abs(first.astype(int) - second).max() <= 3
        wanted = np.asarray(with_marker.convert("RGB"))
        assert np.abs(first.astype(int) - wanted).max() <= 3

    @pytest.mark.parametrize(
        ("marker", "bits", "words"), [(0xC1, 12, "12 bits"), (0xC3, 8, "lossless"), (0xC3, 16, "16 bits")]
    )
    def test_other_kinds_are_said_as_what_they_are(self, tmp_path: Path, marker: int, bits: int, words: str) -> None:
        Image.fromarray(smooth(3)).save(tmp_path / "a.jpg")
        data = bytearray((tmp_path / "a.jpg").read_bytes())
        frame = data.index(b"\xff\xc0")
        data[frame + 1], data[frame + 4] = marker, bits
        assert words in refusal(put(tmp_path, "a.jpg", bytes(data))).message


class TestTiff:
    def pages(self, path: Path, *pages: tuple[int, int, int]) -> Picture:
        """Height, width and subfile type of each."""
        with tifffile.TiffWriter(path) as writer:
            for number, (height, width, kind) in enumerate(pages):
                writer.write(np.full((height, width, 3), 10 + number, np.uint8), photometric="rgb", subfiletype=kind)
        return read_picture(path)

    def test_a_thumbnail_before_the_picture(self, tmp_path: Path) -> None:
        read = self.pages(tmp_path / "a.tif", (4, 6, 1), (16, 24, 0))
        assert read.layer.pixels[0, 0, 0] == 11
        assert read.notes == ("The file holds 2 pages; the largest, number 2, was taken.",)

    def test_larger_previews(self, tmp_path: Path) -> None:
        assert self.pages(tmp_path / "a.tif", (32, 32, 1), (16, 24, 0), (40, 40, 1)).layer.pixels[0, 0, 0] == 11

    def test_of_pages_of_one_size_the_first(self, tmp_path: Path) -> None:
        read = self.pages(tmp_path / "a.tif", (16, 24, 2), (16, 24, 2))
        assert read.layer.pixels[0, 0, 0] == 10
        assert read.notes == ("The file holds 2 pages; the first was taken.",)


class TestLayered:
    def archive(self, path: Path, kind: str, **files: bytes) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("mimetype", kind, zipfile.ZIP_STORED)
            for name, data in files.items():
                archive.writestr(name.replace("_", "."), data, zipfile.ZIP_DEFLATED)
        return path

    def merged(self) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(smooth(4)).save(stream, "PNG", dpi=(300, 300))
        return stream.getvalue()

    @pytest.mark.parametrize(("suffix", "kind"), [(".ora", "image/openraster"), (".kra", "application/x-krita")])
    def test_what_is_seen_is_taken(self, tmp_path: Path, suffix: str, kind: str) -> None:
        path = self.archive(tmp_path / f"a{suffix}", kind, mergedimage_png=self.merged(), maindoc_xml=b"<DOC/>")
        read = read_picture(path)
        np.testing.assert_array_equal(read.layer.pixels, smooth(4))
        assert read.metadata.resolution == pytest.approx((300, 300), abs=0.02)
        assert read.notes == ("The file has layers; what is seen of them together was taken.",)
        assert is_picture(path)

    def test_without_a_merged_picture(self, tmp_path: Path) -> None:
        error = refusal(self.archive(tmp_path / "a.kra", "application/x-krita", maindoc_xml=b"<DOC/>"))
        assert error.message == "“a.kra” holds no picture of its layers together."

    def test_a_merged_picture_that_is_none(self, tmp_path: Path) -> None:
        error = refusal(self.archive(tmp_path / "a.ora", "image/openraster", mergedimage_png=b"hello"))
        assert "damaged" in error.message

    def test_another_archive_is_no_picture(self, tmp_path: Path) -> None:
        error = refusal(self.archive(tmp_path / "a.zip", "application/epub+zip"))
        assert "not a picture" in error.message


class TestNewFormats:
    @pytest.mark.skipif(not features.check("avif"), reason="Pillow has no AVIF here")
    @pytest.mark.parametrize("channels", [3, 4])
    def test_avif(self, tmp_path: Path, channels: int) -> None:
        exif = Image.Exif()
        exif[0x8298] = "(c) Me"
        Image.fromarray(smooth(channels)).save(tmp_path / "a.avif", quality=100, subsampling="4:4:4", exif=exif)
        read = read_picture(tmp_path / "a.avif")
        assert np.abs(read.layer.pixels.astype(int) - smooth(channels)).max() <= 8
        assert read.metadata.exif is not None

    @pytest.mark.skipif(not imagecodecs.JPEGXL.available, reason="imagecodecs has no JPEG XL here")
    @pytest.mark.parametrize(("depth", "channels"), [("uint8", 3), ("uint8", 1), ("uint16", 3), ("uint8", 4)])
    @pytest.mark.parametrize("size", [(11, 7), (64, 96), (300, 200)])
    def test_jpeg_xl(self, tmp_path: Path, depth: str, channels: int, size: tuple[int, int]) -> None:
        pixels = noise(channels, depth, *size)
        data = imagecodecs.jpegxl_encode(pixels[..., 0] if channels == 1 else pixels, lossless=True)
        np.testing.assert_array_equal(read_picture(put(tmp_path, "a.jxl", bytes(data))).layer.pixels, pixels)

    def test_what_has_no_reader_is_said_as_what_it_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imagecodecs.HEIF, "available", False, raising=False)
        error = refusal(put(tmp_path, "a.heic", b"\0\0\0\x18ftypheic" + bytes(40)))
        assert error.message == "“a.heic” is a picture in HEIC, which Scumble cannot read here."


def test_libraries_words_never_reach_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Damaged files of all formats, which libpng, libtiff, tifffile and Pillow like to talk about."""
    rng = np.random.default_rng(0)
    originals = []
    for name in ("a.png", "a.jpg", "a.webp", "a.tif"):
        Image.fromarray(smooth(3)).save(tmp_path / name)
        originals.append((tmp_path / name).read_bytes())
    originals.append(interlaced(noise(3), 2))
    for data in originals:
        for _ in range(25):
            broken = bytearray(data)
            for place in rng.integers(8, len(broken), 3):
                broken[place] = rng.integers(256)
            try:
                decode_picture(bytes(broken), "a")
            except Exception:
                continue
    assert capfd.readouterr() == ("", "")


def test_chunks_are_counted() -> None:
    assert [kind for kind, _, _ in png_chunks(interlaced(noise(3), 2))] == [b"IHDR", b"IDAT", b"IEND"]
