"""The sRGB curve and ICC profiles."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from scumble.imaging.colour import Colour, decode_srgb, encode_srgb, linear_profile, luma, profile_space


def test_curve_has_the_values_of_the_standard() -> None:
    linear = np.array([0, 0.0031308, 0.18, 0.5, 1], np.float32)
    np.testing.assert_allclose(encode_srgb(linear), [0, 0.04045, 0.46135, 0.73536, 1], atol=2e-5)


def test_curve_goes_there_and_back_beyond_both_ends() -> None:
    encoded = np.linspace(-4, 12, 4001, dtype=np.float32)
    np.testing.assert_allclose(encode_srgb(decode_srgb(encoded)), encoded, rtol=3e-6, atol=1e-7)
    assert (np.diff(decode_srgb(encoded)) > 0).all()
    np.testing.assert_array_equal(encode_srgb(-encoded), -encode_srgb(encoded))


def test_decoding_stays_finite() -> None:
    largest = np.array([np.finfo(np.float32).max], np.float32)
    assert np.isfinite(decode_srgb(largest)).all()


def test_luma_of_gray_is_that_gray_to_the_bit() -> None:
    gray = np.random.default_rng(0).normal(0, 3, 1000).astype(np.float32)
    np.testing.assert_array_equal(luma(np.stack([gray, gray, gray], axis=-1)), gray)
    assert luma(np.array([0, 1, 0], np.float32)) == pytest.approx(0.7152)


@pytest.mark.parametrize(("kind", "icc"), [("icc", None), ("srgb", b"x"), ("linear", b"x"), ("cmyk", None)])
def test_colour_refuses_what_makes_no_sense(kind: str, icc: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"a colour is|belongs to"):
        Colour(kind, icc)  # type: ignore[arg-type]


def test_profile_space() -> None:
    assert profile_space(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) == "RGB"
    assert profile_space(linear_profile(gray=True)) == "GRAY"
    assert profile_space(b"nothing of the sort" * 20) == ""
    assert profile_space(b"") == ""


def test_linear_profile_is_read_as_linear_by_littlecms() -> None:
    steps = np.arange(256, dtype=np.uint8)
    picture = Image.fromarray(np.stack([steps, steps[::-1], np.roll(steps, 99)], axis=-1)[None])
    profile = ImageCms.ImageCmsProfile(io.BytesIO(linear_profile(gray=False)))
    converted = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None
    expected = encode_srgb(np.asarray(picture, np.float32) / np.float32(255)) * 255
    assert np.abs(np.asarray(converted) - expected).max() < 1.5


def test_linear_gray_profile_is_accepted_by_littlecms() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(linear_profile(gray=True)))
    assert ImageCms.getProfileDescription(profile).strip() == "Linear gray"
    middle = Image.new("L", (1, 1), 55)  # linear 0.216 is the middle of the encoded range
    converted = ImageCms.profileToProfile(middle, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None
    assert np.abs(np.asarray(converted).astype(int) - 128).max() <= 3
