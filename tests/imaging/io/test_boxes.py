"""What AVIF and JPEG XL say of their colours and depth: it is honoured, or refused in a sentence."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, features

from scumble.imaging.colour import LINEAR, SRGB
from scumble.imaging.io.boxes import boxes, primary_properties
from scumble.imaging.io.colour_tags import D65, P3
from scumble.imaging.io.files import Picture, decode_picture, read_picture
from scumble.imaging.io.jxl_header import read_header
from scumble.imaging.io.metadata import MAX_BYTES, exif_of
from scumble.imaging.profiles import profile_of
from tests.support.pictures import put, refusal, smooth

needs_avif = pytest.mark.skipif(
    not features.check("avif") or not imagecodecs.AVIF.available, reason="there is no AVIF here"
)
needs_jxl = pytest.mark.skipif(not imagecodecs.JPEGXL.available, reason="imagecodecs has no JPEG XL here")


def deep_avif(channels: int = 3, bits: int = 10, colours: tuple[int, int] = (2, 2)) -> bytes:
    pixels = np.rint(smooth(channels) / 255 * (2**bits - 1)).astype(np.uint16)
    data = bytes(imagecodecs.avif_encode(pixels, bitspersample=bits, level=100))
    said = b"nclx" + struct.pack(">HH", 2, 2)
    assert data.count(said) == 1
    return data.replace(said, b"nclx" + struct.pack(">HH", *colours))


@needs_avif
class TestAvif:
    @pytest.mark.parametrize("bits", [10, 12])
    @pytest.mark.parametrize("channels", [3, 4])
    def test_the_depth_is_kept(self, tmp_path: Path, bits: int, channels: int) -> None:
        read = read_picture(put(tmp_path, "a.avif", deep_avif(channels, bits)))
        assert read.layer.depth == "uint16"
        assert read.notes == ()
        step = 65535 / (2**bits - 1)
        wanted = np.rint(smooth(channels) / 255 * (2**bits - 1)) * step
        np.testing.assert_array_equal(read.layer.pixels, np.rint(wanted))

    def test_without_a_reader_of_all_bits_it_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imagecodecs.AVIF, "available", False)
        read = read_picture(put(tmp_path, "a.avif", deep_avif()))
        assert read.layer.depth == "uint8"
        assert read.notes == ("The picture has 10 bits; it was read with 8.",)

    def test_turned_upright_with_all_bits(self, tmp_path: Path) -> None:
        """The turn is a property of the picture there, not of Exif."""
        exif = Image.Exif()
        exif[0x0112] = 6
        stream = io.BytesIO()
        Image.fromarray(smooth(3)).save(stream, "AVIF", quality=100, subsampling="4:4:4", exif=exif)
        plain = read_picture(put(tmp_path, "a.avif", stream.getvalue())).layer.pixels
        assert plain.shape == (40, 32, 3)
        assert np.abs(plain.astype(int) - smooth(3)[::-1].swapaxes(0, 1)).max() <= 8

    @pytest.mark.parametrize("said", [(2, 2), (1, 13), (2, 13)])
    def test_srgb(self, tmp_path: Path, said: tuple[int, int]) -> None:
        assert read_picture(put(tmp_path, "a.avif", deep_avif(colours=said))).layer.colour == SRGB

    @pytest.mark.parametrize("said", [(12, 13), (12, 2), (9, 14)])
    def test_wide_primaries(self, tmp_path: Path, said: tuple[int, int]) -> None:
        read = read_picture(put(tmp_path, "a.avif", deep_avif(colours=said)))
        assert read.layer.colour.kind == "icc"
        assert read.notes == ()

    @pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
    def test_hdr_is_refused(self, tmp_path: Path, transfer: int, name: str) -> None:
        error = refusal(put(tmp_path, "a.avif", deep_avif(colours=(9, transfer))))
        assert error.message == f"“a.avif” is an HDR picture ({name}), which Scumble cannot work on."

    def test_unknown_colours_are_said(self, tmp_path: Path) -> None:
        read = read_picture(put(tmp_path, "a.avif", deep_avif(colours=(77, 13))))
        assert read.layer.colour == SRGB
        assert "doesn't know" in read.notes[0]

    def test_a_profile_goes_first(self, tmp_path: Path) -> None:
        icc, stream = profile_of(P3, D65, 2.2), io.BytesIO()
        Image.fromarray(smooth(3)).save(stream, "AVIF", icc_profile=icc)
        read = read_picture(put(tmp_path, "a.avif", stream.getvalue()))
        assert read.layer.colour.icc == icc
        assert primary_properties(stream.getvalue()).icc == icc

    def test_every_cut_is_survived(self) -> None:
        data = deep_avif()
        for length in range(0, 400, 3):
            primary_properties(data[:length])
            list(boxes(data[:length]))


class Bits:
    """Writes what `jxl_header` reads."""

    def __init__(self) -> None:
        self.bits: list[int] = []

    def put(self, *values: tuple[int, int]) -> Bits:
        """Values, and in how many bits."""
        for value, count in values:
            self.bits += [value >> place & 1 for place in range(count)]
        return self

    def stream(self) -> bytes:
        padded = self.bits + [0] * (-len(self.bits) % 8 + 512)
        return b"\xff\x0a" + np.packbits(padded, bitorder="little").tobytes()


def header() -> Bits:
    """16 × 8 pixels, 8 bits, not in XYB; what comes next is the encoding of colours."""
    return Bits().put((1, 1), (0, 5), (7, 3)).put((0, 1), (0, 1), (0, 1), (0, 2), (1, 1), (0, 2), (0, 1))


def name(value: int) -> tuple[tuple[int, int], ...]:
    return ((value, 2),) if value < 2 else ((2, 2), (value - 2, 4)) if value < 18 else ((3, 2), (value - 18, 6))


class TestJxlHeader:
    @pytest.mark.parametrize("transfer", [13, 16, 18, 8, 1])
    def test_named_colours(self, transfer: int) -> None:
        bits = header().put((0, 1), (0, 1), *name(0), *name(1), *name(11), (0, 1), *name(transfer))
        found = read_header(bits.stream())
        assert (found.width, found.height) == (16, 8)
        assert found.colours is not None
        assert (found.colours.primaries, found.colours.white, found.colours.transfer) == (P3, D65, transfer)

    def test_numbers(self) -> None:
        def place(value: float) -> tuple[tuple[int, int], ...]:
            packed = round(value * 1e6) << 1
            choice = min(packed >> 19, 2)
            return ((choice, 2), (packed - (choice << 19), 19 if choice < 2 else 20))

        spots = [number for value in P3 for number in place(value)]
        white = [number for value in D65 for number in place(value)]
        bits = header().put((0, 1), (0, 1), *name(0), *name(2), *white, *name(2), *spots, (1, 1), (4_545_455, 24))
        colours = read_header(bits.stream()).colours
        assert colours is not None
        assert colours.primaries == pytest.approx(P3)
        assert colours.white == pytest.approx(D65)
        assert colours.gamma == pytest.approx(2.2, abs=1e-4)

    def test_a_profile(self) -> None:
        assert read_header(header().put((0, 1), (1, 1)).stream()).colours is None

    def test_hdr_is_refused(self, tmp_path: Path) -> None:
        bits = header().put((0, 1), (0, 1), *name(0), *name(1), *name(9), (0, 1), *name(16))
        assert "HDR picture (PQ)" in refusal(put(tmp_path, "a.jxl", bits.stream())).message


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def in_boxes(content: bytes) -> bytes:
    return box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ") + content


@needs_jxl
class TestJxl:
    def test_light(self) -> None:
        """What this encoder is given in 16 bits, it calls light."""
        pixels = smooth(3).astype(np.uint16) * 257
        read = decode_picture(bytes(imagecodecs.jpegxl_encode(pixels, lossless=True)), "a")
        assert read.layer.colour == LINEAR
        assert read.notes == ()

    def packed_jpeg(self, icc: bytes) -> Picture:
        exif = Image.Exif()
        exif[0x8298], exif[0x0112] = "(c) Me", 6
        stream = io.BytesIO()
        Image.fromarray(smooth(3)).save(stream, "JPEG", quality=95, icc_profile=icc, exif=exif)
        return decode_picture(bytes(imagecodecs.jpegxl_encode_jpeg(stream.getvalue())), "a")

    def test_a_jpeg_in_it_keeps_profile_and_exif(self) -> None:
        icc = profile_of(P3, D65, 2.2)
        read = self.packed_jpeg(icc)
        assert read.layer.colour.icc == icc
        assert read.layer.pixels.shape == (40, 32, 3)
        assert exif_of(read.metadata.exif)[0x8298] == "(c) Me"

    def test_exif_in_a_box(self) -> None:
        exif = Image.Exif()
        exif[0x8298], exif[0x0112] = "(c) Me", 6
        stream = bytes(imagecodecs.jpegxl_encode(smooth(3), lossless=True))
        assert stream.startswith(b"\xff\x0a"), "it has no boxes yet"

        inner = bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0")
        packed = box(b"brob", b"xml " + bytes(imagecodecs.brotli_encode(b"<x/>")))
        read = decode_picture(in_boxes(box(b"Exif", inner) + packed + box(b"jxlc", stream)), "a")
        assert exif_of(read.metadata.exif)[0x8298] == "(c) Me"
        assert read.metadata.xmp == b"<x/>"
        assert read.layer.pixels.shape == smooth(3).shape, "the turn that counts is the codestream's"

    def test_what_unpacks_to_too_much_is_left_out(self) -> None:
        stream = bytes(imagecodecs.jpegxl_encode(smooth(3), lossless=True))
        bomb = bytes(imagecodecs.brotli_encode(bytes(2 * MAX_BYTES)))
        data = in_boxes(box(b"brob", b"xml " + bomb) + box(b"jxlc", stream))
        assert decode_picture(data, "a").metadata.xmp is None
