"""One working space: whatever a file's colours are in, they are worked on as sRGB's, and come back."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from scumble.imaging.colour import LINEAR, SRGB, Colour, decode_srgb, encode_srgb
from scumble.imaging.geometry import Bounds
from scumble.imaging.io.colour_tags import ADOBE, BT709, BT2020, D65, P3
from scumble.imaging.layer import Layer, from_working
from scumble.imaging.profiles import from_srgb, gray_profile_of, profile_of, to_srgb, use_of
from tests.support.pictures import SRGB_PROFILE

PROPHOTO = profile_of((0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), (0.3457, 0.3585), 1.8)
WIDE = {
    "p3": profile_of(P3, D65, 2.2),
    "adobe": profile_of(ADOBE, D65, 2.19921875),
    "bt2020": profile_of(BT2020, D65, 2.4),
    "prophoto": PROPHOTO,
}
PROFILES = pytest.mark.parametrize("name", WIDE)


def patches() -> np.ndarray:
    return np.random.default_rng(0).random((16, 16, 3), np.float32)


def stored(rgb: np.ndarray, icc: bytes, depth: str = "uint8") -> Layer:
    """sRGB colours as a file in that space has them."""
    full = np.iinfo(depth).max
    return Layer(np.rint(from_srgb(rgb, icc).clip(0, 1) * full).astype(depth), colour=Colour("icc", icc))


@PROFILES
@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_one_picture_in_any_space_is_one_picture(name: str, depth: str) -> None:
    seen = stored(patches(), WIDE[name], depth).to_working().rgb
    assert np.abs(seen - patches()).max() <= (0.08 if depth == "uint8" else 3e-4)
    assert np.abs(seen - patches()).mean() <= (5e-3 if depth == "uint8" else 3e-5)


@PROFILES
def test_it_agrees_with_littlecms_in_8_bits(name: str) -> None:
    layer = stored(patches(), WIDE[name])
    import io

    source, target = ImageCms.ImageCmsProfile(io.BytesIO(WIDE[name])), ImageCms.createProfile("sRGB")
    wanted = ImageCms.profileToProfile(
        Image.fromarray(layer.pixels), source, target, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    assert np.abs(layer.to_working().rgb * 255 - np.asarray(wanted)).max() <= 3.5


@PROFILES
def test_colours_that_srgb_can_t_show_come_back(name: str) -> None:
    corners = np.array(
        [[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255], [255, 255, 255]]], np.uint8
    )
    layer = Layer(corners, colour=Colour("icc", WIDE[name]))
    working = layer.to_working()
    assert working.rgb.min() < -0.1, "they lie beyond"
    back = from_working(working.rgb, working.alpha, working.bounds, layer)
    assert np.array_equal(back.pixels[..., :3], corners)


def test_srgb_s_own_profile_changes_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    plain, with_profile = Layer(pixels), Layer(pixels, colour=Colour("icc", SRGB_PROFILE))
    assert use_of(SRGB_PROFILE, gray=False) == "srgb"
    assert np.array_equal(plain.to_working().rgb, with_profile.to_working().rgb)


def test_gray_profiles() -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None, :, None]
    icc = gray_profile_of(1.8)
    assert np.abs(decode_srgb(to_srgb(ramp, icc)) - ramp**1.8).max() < 1e-3
    layer = Layer(np.rint(ramp * 255).astype(np.uint8), colour=Colour("icc", icc))
    assert np.ptp(layer.to_working().rgb, axis=2).max() == 0


@pytest.mark.parametrize("icc", [b"", b"no profile", SRGB_PROFILE[:200]])
def test_a_profile_that_is_no_use_changes_nothing(icc: bytes) -> None:
    assert use_of(icc, gray=False) == "none"
    assert np.array_equal(to_srgb(patches(), icc), patches())
    assert np.array_equal(from_srgb(patches(), icc), patches())


def test_a_profile_of_other_channels_is_no_use() -> None:
    assert use_of(SRGB_PROFILE, gray=True) == "none"
    assert use_of(gray_profile_of(2.2), gray=False) == "none"


@pytest.mark.parametrize("seed", range(40))
def test_damaged_profiles_never_crash(seed: int) -> None:
    rng = np.random.default_rng(seed)
    broken = bytearray(WIDE["p3"] if seed % 2 else SRGB_PROFILE)
    for place in rng.integers(40, len(broken), 1 + seed % 7):
        broken[place] = rng.integers(256)
    working = Layer(np.full((2, 2, 3), 99, np.uint8), colour=Colour("icc", bytes(broken))).to_working()
    assert np.isfinite(working.rgb).all()


def test_light_is_encoded() -> None:
    light = Layer(patches(), colour=LINEAR)
    assert np.abs(light.to_working().rgb - encode_srgb(patches())).max() < 1e-6
    back = from_working(
        light.to_working().rgb, np.ones((16, 16), np.float32), Bounds(0, 0, 16, 16), Layer(patches(), colour=SRGB)
    )
    assert np.abs(back.pixels[..., :3] - encode_srgb(patches())).max() < 1e-6


def test_bt709_primaries_are_srgb_s() -> None:
    seen = to_srgb(patches(), profile_of(BT709, D65, 1.0))
    assert np.abs(decode_srgb(seen) - patches()).max() < 2e-3
