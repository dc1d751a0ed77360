"""What files say besides the pixels goes on with a result, upright, and what a format can't hold is said."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from scumble.imaging.io.files import Metadata, read_picture, write_picture
from scumble.imaging.io.metadata import EXIF_IFD, GPS_IFD, ORIENTATION, exif_of, photoshop_segment
from scumble.imaging.layer import Layer
from tests.support.pictures import smooth

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" dc:rights="mine"/></x:xmpmeta>'
IPTC = b"\x1c\x02\x74\x00\x06(c) Me\x1c\x02\x50\x00\x04Name"
DATE, LENS, AREA, NORTH = 0x9003, 0xA434, 0xA432, 1
RESOLUTION = (240.0, 300.0)
FORMATS = pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])


def exif(thumbnail: bool = True, orientation: int = 6) -> Image.Exif:
    said = Image.Exif()
    said[ORIENTATION], said[0x010F], said[0x8298] = orientation, "Maker", "(c) Me"
    said.get_ifd(EXIF_IFD).update({DATE: "2020:01:02 03:04:05", LENS: "50mm"})
    said.get_ifd(GPS_IFD).update({NORTH: "N", 2: (52.0, 31.0, 12.0)})
    if thumbnail:
        said.get_ifd(1).update({0x0103: 6})
    return said


def a_jpeg(path: Path) -> Path:
    image = Image.fromarray(smooth(3))
    image.save(
        path, exif=exif().tobytes(), xmp=XMP, dpi=RESOLUTION, comment=b"Look", extra=photoshop_segment(IPTC), quality=95
    )
    return path


@FORMATS
def test_a_photograph_s_go_on(tmp_path: Path, suffix: str) -> None:
    read = read_picture(a_jpeg(tmp_path / "photo.jpg"))
    notes = write_picture(tmp_path / f"result{suffix}", read.layer, metadata=read.metadata)
    back = read_picture(tmp_path / f"result{suffix}")
    assert back.layer.extent == read.layer.extent, "turned once, and not again"
    assert np.abs(back.layer.pixels.astype(int) - read.layer.pixels).max() <= 8
    said = exif_of(back.metadata.exif)
    assert said.get(ORIENTATION, 1) == 1
    assert said[0x8298] == "(c) Me"
    assert said.get_ifd(EXIF_IFD)[DATE] == "2020:01:02 03:04:05"
    assert said.get_ifd(EXIF_IFD)[LENS] == "50mm"
    assert said.get_ifd(GPS_IFD)[NORTH] == "N"
    assert back.metadata.xmp is not None
    assert b'dc:rights="mine"' in back.metadata.xmp
    assert b'tiff:Orientation="1"' in back.metadata.xmp
    if suffix == ".webp":
        assert sorted(notes) == [
            "WebP holds no IPTC; it was left out.",
            "WebP holds no remarks such as “Comment”; they were left out.",
            "WebP holds no resolution; it was left out.",
        ]
        return
    assert notes == (("TIFF holds no remarks such as “Comment”; they were left out.",) if suffix == ".tif" else ())
    assert back.metadata.resolution == pytest.approx(RESOLUTION, abs=0.02)
    assert back.metadata.iptc is not None
    assert back.metadata.iptc.rstrip(b"\0") == IPTC
    if suffix != ".tif":
        assert back.metadata.texts == (("Comment", "Look"),)


@FORMATS
def test_other_programs_find_them(tmp_path: Path, suffix: str) -> None:
    read = read_picture(a_jpeg(tmp_path / "photo.jpg"))
    write_picture(tmp_path / f"result{suffix}", read.layer, metadata=read.metadata)
    with Image.open(tmp_path / f"result{suffix}") as image:
        found = image.getexif()
        assert found[0x8298] == "(c) Me"
        assert found.get_ifd(EXIF_IFD)[LENS] == "50mm"
        assert found.get(ORIENTATION, 1) == 1
        assert not found.get_ifd(1), "the thumbnail showed the picture as it was"
        if suffix != ".webp":
            assert image.info["dpi"] == pytest.approx(RESOLUTION, abs=0.02)
        image.load()


@FORMATS
def test_nothing_is_made_up(tmp_path: Path, suffix: str) -> None:
    write_picture(tmp_path / f"a{suffix}", Layer(smooth(3)))
    found = read_picture(tmp_path / f"a{suffix}").metadata
    assert found == Metadata()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_tiff_has_them_whatever_its_pixels_are(tmp_path: Path, channels: int, depth: str) -> None:
    said = Metadata(RESOLUTION, exif(False).tobytes().removeprefix(b"Exif\0\0"), XMP, IPTC).upright()
    pixels = (smooth(channels) / 255).astype(depth) if depth == "float32" else smooth(channels).astype(depth)
    assert write_picture(tmp_path / "a.tif", Layer(pixels), metadata=said) == ()
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        np.testing.assert_array_equal(tiff.asarray().reshape(pixels.shape), pixels)
    back = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(back.layer.pixels, pixels)
    assert exif_of(back.metadata.exif).get_ifd(EXIF_IFD)[LENS] == "50mm"


def test_a_png_s_texts_and_density_go_on(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Me")
    info.add_itxt("Description", "Ünïcode", zip=True)
    Image.fromarray(smooth(3)).save(tmp_path / "a.png", pnginfo=info, dpi=(144, 144))
    read = read_picture(tmp_path / "a.png")
    assert set(read.metadata.texts) == {("Author", "Me"), ("Description", "Ünïcode")}
    assert read.metadata.resolution == pytest.approx((144, 144), abs=0.02)
    write_picture(tmp_path / "b.png", read.layer, metadata=read.metadata)
    assert read_picture(tmp_path / "b.png").metadata == read.metadata
    notes = write_picture(tmp_path / "b.jpg", read.layer, metadata=read.metadata)
    assert notes == ("JPEG holds no remarks such as “Author”; they were left out.",)


def test_what_is_too_long_for_a_jpeg_is_said(tmp_path: Path) -> None:
    said = Metadata(xmp=b"<x/>" + b" " * 70_000)
    notes = write_picture(tmp_path / "a.jpg", Layer(smooth(3)), metadata=said)
    assert notes == ("The picture's XMP is too long for JPEG; it was left out.",)


def test_raw_exif_of_imagemagick_s_png_turns_the_picture(tmp_path: Path) -> None:
    body = exif(False).tobytes()
    raw = f"\nexif\n{len(body):8}\n{body.hex()}\n"
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", raw, zip=True)
    Image.fromarray(smooth(3)).save(tmp_path / "a.png", pnginfo=info)
    assert read_picture(tmp_path / "a.png").layer.extent == (32, 40)


def test_damaged_remarks_cost_only_themselves(tmp_path: Path) -> None:
    stream = io.BytesIO()
    good = exif().tobytes()
    Image.fromarray(smooth(3)).save(stream, "JPEG", exif=good)
    data = stream.getvalue()
    start = data.index(b"Exif\0\0")
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data)
        for place in rng.integers(start + 6, start + len(good), 8):
            broken[place] = rng.integers(256)
        (tmp_path / "a.jpg").write_bytes(broken)
        read = read_picture(tmp_path / "a.jpg")
        assert sorted(read.layer.extent) == [32, 40]
        for suffix in (".jpg", ".png", ".tif", ".webp"):
            write_picture(tmp_path / f"b{suffix}", read.layer, metadata=read.metadata)
            read_picture(tmp_path / f"b{suffix}")
