"""Colours of a profile as sRGB."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.imaging.colour import encode_srgb, linear_profile
from scumble.imaging.io.profiles import to_srgb
from tests.support.pictures import SRGB_PROFILE, noise, smooth


def test_srgb_stays() -> None:
    assert np.abs(to_srgb(noise(3), SRGB_PROFILE).astype(int) - noise(3)).max() <= 1


def test_light_becomes_srgb() -> None:
    light = smooth(3)
    wanted = encode_srgb(np.asarray(light / 255, np.float32)) * 255
    assert np.abs(to_srgb(light, linear_profile(False)) - wanted).max() <= 2


def test_gray() -> None:
    light = np.repeat(smooth(1), 3, axis=2)
    wanted = encode_srgb(np.asarray(light / 255, np.float32)) * 255
    assert np.abs(to_srgb(light, linear_profile(True)) - wanted).max() <= 3


@pytest.mark.parametrize("icc", [b"", b"no profile", SRGB_PROFILE[:200]])
def test_a_profile_that_is_no_use_changes_nothing(icc: bytes) -> None:
    assert np.array_equal(to_srgb(noise(3), icc), noise(3))
