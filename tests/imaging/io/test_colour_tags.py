"""Colour spaces that files name without a profile."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from scumble.imaging.colour import LINEAR, SRGB, encode_srgb
from scumble.imaging.io.files import Picture, read_picture, write_picture
from scumble.imaging.io.metadata import COLOUR_SPACE, EXIF_IFD, INTEROP_IFD
from tests.support.pictures import chunk, png, put, refusal, smooth

GRAY_RAMP = b"\0" + bytes(range(0, 252, 63))
RGB_ROW = b"\0" + bytes([0, 255, 0, 128, 128, 128])

SRGB_CHRM = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CHRM = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def gama(gamma: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(100_000 / gamma)))


def chrm(values: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


def cicp(primaries: int, transfer: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, 1]))


def read(folder: Path, *extra: bytes, gray: bool = False) -> Picture:
    data = png(5, 1, 8, 0, GRAY_RAMP + b"\0", *extra) if gray else png(2, 1, 8, 2, RGB_ROW, *extra)
    return read_picture(put(folder, "a.png", data))


@pytest.mark.parametrize(
    "said", [(), (gama(2.2),), (gama(2.2), chrm(SRGB_CHRM)), (chunk(b"sRGB", b"\0"), gama(1.0)), (cicp(1, 13),)]
)
def test_srgb(tmp_path: Path, said: tuple[bytes, ...]) -> None:
    found = read(tmp_path, *said)
    assert found.layer.colour == SRGB
    assert found.notes == ()


@pytest.mark.parametrize("said", [(gama(1.0),), (gama(1.0), chrm(SRGB_CHRM)), (cicp(1, 8),)])
@pytest.mark.parametrize("gray", [False, True])
def test_light(tmp_path: Path, said: tuple[bytes, ...], gray: bool) -> None:
    layer = read(tmp_path, *said, gray=gray).layer
    assert layer.colour == LINEAR
    level = layer.pixels[0, -1, 0] / np.float32(255)
    assert layer.to_working().rgb[0, -1, 0] == pytest.approx(encode_srgb(np.array([level], np.float32))[0], abs=1e-4)


@pytest.mark.parametrize("said", [(gama(2.2), chrm(P3_CHRM)), (cicp(12, 13),), (cicp(12, 4),)])
def test_wide_primaries(tmp_path: Path, said: tuple[bytes, ...]) -> None:
    layer = read(tmp_path, *said).layer
    working = layer.to_working().rgb
    assert working[0, 0, 0] < -0.3, "P3's green lies beyond sRGB's"
    assert working[0, 1] == pytest.approx([128 / 255] * 3, abs=0.012)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused(tmp_path: Path, transfer: int, name: str) -> None:
    error = refusal(put(tmp_path, "a.png", png(2, 1, 8, 2, RGB_ROW, cicp(9, transfer))))
    assert error.message == f"“a.png” is an HDR picture ({name}), which Scumble cannot work on."


def test_hdr_with_a_profile_for_others_is_read_by_that(tmp_path: Path) -> None:
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(_profile()))
    found = read(tmp_path, cicp(9, 16), profile)
    assert found.layer.colour.icc == _profile()
    assert found.notes == ()


def test_an_unknown_space_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, cicp(9, 99))
    assert found.layer.colour == SRGB
    assert "doesn't know" in found.notes[0]


@pytest.mark.parametrize("said", [chrm((0,) * 8), chrm((31270, 0, 1, 1, 1, 1, 1, 1)), chrm((10**6,) * 8)])
def test_nonsense_is_said(tmp_path: Path, said: bytes) -> None:
    found = read(tmp_path, gama(2.2), said)
    assert found.layer.colour == SRGB
    assert "can't be meant" in found.notes[0]


def test_gray_with_a_power(tmp_path: Path) -> None:
    layer = read(tmp_path, gama(1.4), gray=True).layer
    light = (layer.pixels[0, :, 0] / np.float32(255)) ** 1.4
    assert layer.to_working().rgb[0, :, 0] == pytest.approx(encode_srgb(light.astype(np.float32)), abs=2e-3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_what_is_honoured_is_passed_on(tmp_path: Path, suffix: str) -> None:
    before = read(tmp_path, gama(2.2), chrm(P3_CHRM)).layer
    write_picture(tmp_path / f"b{suffix}", before)
    after = read_picture(tmp_path / f"b{suffix}").layer
    assert after.colour == before.colour


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif", ".png"])
@pytest.mark.parametrize("mark", [(2, None), (0xFFFF, "R03")])
def test_adobe_rgb_of_cameras(tmp_path: Path, suffix: str, mark: tuple[int, str | None]) -> None:
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[COLOUR_SPACE] = mark[0]
    if mark[1]:
        exif.get_ifd(EXIF_IFD)[INTEROP_IFD] = {1: mark[1]}
    if suffix == ".tif" and mark[1]:
        pytest.skip("cameras write no such TIFF")
    Image.new("RGB", (8, 8), (0, 255, 0)).save(tmp_path / f"a{suffix}", exif=exif.tobytes())
    found = read_picture(tmp_path / f"a{suffix}").layer
    assert found.colour.kind == ("icc" if suffix != ".png" else "srgb"), "PNG says its colours by itself"


def test_tiff_s_chromaticities(tmp_path: Path) -> None:
    primaries = [n for value in P3_CHRM[2:] for n in (value, 100_000)]
    white = [n for value in P3_CHRM[:2] for n in (value, 100_000)]
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.array([[[0, 255, 0], [128, 128, 128]]], np.uint8),
        photometric="rgb",
        extratags=[(318, "2I", 2, white, True), (319, "2I", 6, primaries, True)],
    )
    working = read_picture(tmp_path / "a.tif").layer.to_working().rgb
    assert working[0, 0, 0] < -0.3


def test_an_icc_profile_goes_before_gamma(tmp_path: Path) -> None:
    Image.fromarray(smooth(3)).save(tmp_path / "a.png", icc_profile=_profile())
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(data[:33] + gama(1.0) + data[33:])
    assert read_picture(tmp_path / "b.png").layer.colour.icc == _profile()


def _profile() -> bytes:
    from scumble.imaging.io.colour_tags import ADOBE, D65
    from scumble.imaging.profiles import profile_of

    return profile_of(ADOBE, D65, 2.2)
