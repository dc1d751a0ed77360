"""Colour: what the stored numbers of a layer mean, the sRGB curve between encoded and linear, ICC profiles."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ColourKind = Literal["srgb", "linear", "icc"]

_LINEAR_SLOPE = 12.92
_KNEE_ENCODED = 0.04045
_KNEE_LINEAR = 0.0031308
_OFFSET = 0.055
_EXPONENT = 2.4


@dataclass(frozen=True)
class Colour:
    """How a layer's values are encoded.

    `srgb`: sRGB primaries with the sRGB curve. `linear`: sRGB primaries, proportional to light. `icc`: whatever the
    profile says; such values are worked on as sRGB's (`profiles`), and results are the profile's again.
    """

    kind: ColourKind = "srgb"
    icc: bytes | None = None
    """The profile; given exactly when `kind` is "icc"."""

    def __post_init__(self) -> None:
        if self.kind not in ("srgb", "linear", "icc"):
            raise ValueError(f"a colour is srgb, linear or icc, not {self.kind!r}")
        if (self.kind == "icc") != bool(self.icc):
            raise ValueError("an ICC profile belongs to the colour kind icc, and only to that")


SRGB = Colour("srgb")
LINEAR = Colour("linear")


def encode_srgb(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light to sRGB-encoded values, any shape.

    The curve (IEC 61966-2-1) is carried on above 1 and mirrored below 0, so that high dynamic range survives.
    """
    size = np.abs(linear)
    curved = np.maximum(size, _KNEE_LINEAR, dtype=np.float32)
    _raise(curved, 1 / _EXPONENT)
    curved += (curved - 1) * np.float32(_OFFSET)  # so that 1 stays 1
    np.multiply(size, _LINEAR_SLOPE, out=curved, where=size <= _KNEE_LINEAR, casting="same_kind")
    return np.copysign(curved, linear, out=curved)


def decode_srgb(encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    """sRGB-encoded values to linear light: the inverse of `encode_srgb`; what overflows becomes the largest float."""
    size = np.abs(encoded)
    linear = np.maximum(size, _KNEE_ENCODED, dtype=np.float32)
    linear += np.float32(_OFFSET)
    linear /= np.float32(1) + np.float32(_OFFSET)
    with np.errstate(over="ignore"):
        _raise(linear, _EXPONENT)
    np.multiply(size, 1 / _LINEAR_SLOPE, out=linear, where=size <= _KNEE_ENCODED, casting="same_kind")
    np.minimum(linear, np.finfo(np.float32).max, out=linear)
    return np.copysign(linear, encoded, out=linear)


def _raise(values: NDArray[np.float32], exponent: float) -> None:
    """Positive values to a power, in place; by logarithms, which numpy has for many floats at once."""
    np.log(values, out=values)
    values *= np.float32(exponent)
    np.exp(values, out=values)


def luma(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rec. 709 luma of the values as they are: (..., 3) to (...). Equal channels give exactly that value."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    with np.errstate(over="ignore", invalid="ignore"):  # float layers may hold infinities and any kind of NaN
        mixed = np.float32(0.2126) * red + np.float32(0.7152) * green + np.float32(0.0722) * blue
    gray: NDArray[np.float32] = np.where((red == green) & (green == blue), green, mixed)
    return gray


def profile_space(icc: bytes) -> str:
    """The colour space that an ICC profile describes, e.g. "RGB", "GRAY", "CMYK"; "" where it is no profile."""
    if len(icc) < 132 or icc[36:40] != b"acsp":
        return ""
    return icc[16:20].decode("latin-1").strip()


def linear_profile(gray: bool) -> bytes:
    """An ICC profile (version 2.1) for linear values with sRGB primaries, or for linear gray.

    Picture files can say only in this way that their values are linear.
    """
    curve = b"curv" + bytes(8)  # no entries: the identity
    tags = {
        b"desc": _icc_description("Linear gray" if gray else "Linear sRGB"),
        b"cprt": b"text" + bytes(4) + b"No copyright, use freely\0",
        b"wtpt": _icc_xyz(0.9642, 1.0, 0.8249),
    }
    if gray:
        tags[b"kTRC"] = curve
    else:
        # sRGB's primaries, adapted to D50 (Bradford), as in the sRGB profile of the ICC.
        tags[b"rXYZ"] = _icc_xyz(0.43607, 0.22249, 0.01392)
        tags[b"gXYZ"] = _icc_xyz(0.38515, 0.71687, 0.09708)
        tags[b"bXYZ"] = _icc_xyz(0.14307, 0.06061, 0.71410)
        tags.update({b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = start + len(body)
    header = struct.pack(">I4xI4s4s4s", size, 0x02100000, b"mntr", b"GRAY" if gray else b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s28x", 2000, 1, 1, 0, 0, 0, b"acsp") + _icc_xyz(0.9642, 1.0, 0.8249)[8:]
    return header + bytes(128 - len(header)) + table + body


def _icc_xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in (x, y, z)))


def _icc_description(text: str) -> bytes:
    ascii_text = text.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(ascii_text)) + ascii_text + bytes(8 + 3 + 67)
