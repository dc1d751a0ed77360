"""Colour spaces that files name without a profile: cICP and nclx, PNG's sRGB, gAMA and cHRM, Exif's Adobe RGB, TIFF's chromaticities."""

from __future__ import annotations

from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.profiles import gray_profile_of, profile_of
from scumble_client.errors import ScumbleError

D65 = (0.3127, 0.3290)
BT709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
ADOBE = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
BT2020 = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046)

_CICP_PRIMARIES: dict[int, tuple[tuple[float, ...], tuple[float, float]]] = {
    1: (BT709, D65),
    5: ((0.64, 0.33, 0.29, 0.60, 0.15, 0.06), D65),
    6: ((0.63, 0.34, 0.31, 0.595, 0.155, 0.07), D65),
    9: (BT2020, D65),
    11: (P3, (0.314, 0.351)),
    12: (P3, D65),
}
_CICP_GAMMAS = {1: 1 / 0.45, 4: 2.2, 5: 2.8, 6: 1 / 0.45, 8: 1.0, 14: 1 / 0.45, 15: 1 / 0.45, 17: 2.6}
"""BT.709's curve is that of cameras; screens show such values with about these exponents."""

_SRGB_CURVE, _OPEN = 13, 2
HDR_CURVES = {16: "PQ", 18: "HLG"}
_NEAR = 2e-3


def adobe_rgb(gray: bool) -> Colour:
    return gray_colour(2.19921875) if gray else Colour("icc", profile_of(ADOBE, D65, 2.19921875))


def gray_colour(gamma: float) -> Colour:
    """Gray values with a power curve; sRGB's own curve is near enough to 1 / 0.45455 to be meant by it."""
    if abs(gamma - 2.2) < 0.02:
        return SRGB
    return LINEAR if abs(gamma - 1) < 1e-3 else Colour("icc", gray_profile_of(gamma))


def of_chromaticities(
    primaries: tuple[float, ...], white: tuple[float, float], gamma: float, gray: bool
) -> Colour | None:
    """What gAMA and cHRM say together; None where they can't be meant."""
    if not 0.1 <= gamma <= 10 or not all(0 <= p <= 1 for p in (*primaries, *white)) or white[1] <= 0:
        return None
    if gray:
        return gray_colour(gamma)
    same = all(abs(a - b) < _NEAR for a, b in zip((*primaries, *white), (*BT709, *D65), strict=True))
    if same and (abs(gamma - 2.2) < 0.02 or abs(gamma - 1) < 1e-3):
        return SRGB if gamma > 1.5 else LINEAR
    try:
        return Colour("icc", profile_of(primaries, white, gamma))
    except (RuntimeError, ValueError, TypeError):  # primaries that span nothing
        return None


def of_cicp(primaries: int, transfer: int, gray: bool) -> Colour | None:
    """What cICP or nclx say (ITU-T H.273); None for what is unknown, and for the curves of HDR."""
    known = _CICP_PRIMARIES.get(primaries)
    return None if known is None else of_curve(*known, transfer, gray)


def of_curve(primaries: tuple[float, ...], white: tuple[float, float], transfer: int, gray: bool) -> Colour | None:
    """The same with chromaticities as numbers."""
    if transfer == _SRGB_CURVE:
        if gray or all(abs(a - b) < _NEAR for a, b in zip((*primaries, *white), (*BT709, *D65), strict=True)):
            return SRGB
        try:
            return Colour("icc", _with_srgb_curve(primaries, white))
        except (RuntimeError, ValueError, TypeError, ZeroDivisionError):  # primaries that span nothing
            return None
    gamma = _CICP_GAMMAS.get(transfer)
    return None if gamma is None else of_chromaticities(primaries, white, gamma, gray)


def of_nclx(said: tuple[int, int] | None, gray: bool) -> Colour | None:
    """What AVIF and HEIC say; what they leave open is sRGB's. None for what is unknown."""
    if said is None:
        return SRGB
    primaries, transfer = said
    return of_cicp(1 if primaries == _OPEN else primaries, _SRGB_CURVE if transfer == _OPEN else transfer, gray)


def refuse_hdr(transfer: int, name: str) -> None:
    """Raise ScumbleError for the curves of HDR: their white lies far below 1, and a picture of 0 to 1 can't hold what is above it."""
    curve = HDR_CURVES.get(transfer)
    if curve:
        message = f"“{name}” is an HDR picture ({curve}), which Scumble cannot work on."
        hint = "Export it for ordinary screens (SDR), as sRGB or Display P3."
        raise ScumbleError("bad_request", message, hint)


def _with_srgb_curve(primaries: tuple[float, ...], white: tuple[float, float]) -> bytes:
    import imagecodecs
    import numpy as np

    from scumble.imaging.colour import decode_srgb

    places = [number for x, y in zip(primaries[::2], primaries[1::2], strict=True) for number in (x, y, 1.0)]
    curve = np.rint(decode_srgb(np.linspace(0, 1, 1024, dtype=np.float32)) * 65535).astype(np.uint16)
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[*white, 1.0], primaries=places, transferfunction=curve))
