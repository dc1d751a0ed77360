"""Colours of a profile as sRGB, for what has to be compared or stored beside other pictures."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from scumble.imaging.colour import profile_space


def to_srgb(rgb: NDArray[np.uint8], icc: bytes) -> NDArray[np.uint8]:
    """(H, W, 3), values of the profile `icc` (RGB, or gray thrice), as sRGB; as they are where the profile is no use."""
    space = profile_space(icc)
    if space not in ("RGB", "GRAY"):
        return rgb
    image = Image.fromarray(np.ascontiguousarray(rgb if space == "RGB" else rgb[..., 0]))
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return rgb
    return rgb if converted is None else np.array(converted, np.uint8)
