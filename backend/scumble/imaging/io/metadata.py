"""What a file says about a picture besides its pixels: resolution, Exif, XMP, IPTC, comments; and how it goes on with a result.

Results are upright and newly made, so the orientation becomes 1 and a thumbnail is left out; all else stays.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

EXIF_HEADER = b"Exif\0\0"
ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x0112, 0x011A, 0x011B, 0x0128
EXIF_IFD, GPS_IFD, INTEROP_IFD, THUMBNAIL_IFD = 0x8769, 0x8825, 0xA005, 1
COLOUR_SPACE, INTEROP_INDEX = 0xA001, 0x0001
TIFF_TEXTS = {
    270: "ImageDescription",
    271: "Make",
    272: "Model",
    305: "Software",
    306: "DateTime",
    315: "Artist",
    33432: "Copyright",
}
"""Tags of a picture's own directory that say what it is, not how it is stored."""

MAX_BYTES = 2**24
"""Of each kind; more is no remark about a picture."""


@dataclass(frozen=True)
class Metadata:
    """Nothing of it is needed to show the picture."""

    resolution: tuple[float, float] | None = None
    """Pixels per inch, across and down."""

    exif: bytes | None = None
    """A TIFF structure, without the header that JPEG puts before it."""

    xmp: bytes | None = None
    iptc: bytes | None = None
    """IIM records, as they are."""

    texts: tuple[tuple[str, str], ...] = ()
    """Names and contents; a JPEG's comment is called Comment."""

    def __bool__(self) -> bool:
        return self != Metadata()

    def only_resolution(self) -> Metadata:
        """For a layer, which is a part of the picture and no picture of its own."""
        return Metadata(self.resolution)

    def upright(self) -> Metadata:
        """The same for a picture that was turned upright: what says otherwise, and the thumbnail, are gone."""
        return replace(self, exif=_upright_exif(self.exif), xmp=_upright_xmp(self.xmp))


def exif_of(data: bytes | None) -> Image.Exif:
    """Exif as Pillow has it; empty where there is none, or it is damaged."""
    exif = Image.Exif()
    if data:
        try:
            exif.load(data)
            exif.get_ifd(EXIF_IFD)
        except Exception:  # a damaged remark about the picture is no reason to refuse it
            return Image.Exif()
    return exif


def plain_exif(data: bytes | None) -> bytes | None:
    """Without JPEG's header; None for what is none, or is too long."""
    if not data or len(data) > MAX_BYTES:
        return None
    data = data.removeprefix(EXIF_HEADER)
    return data if data[:4] in (b"II*\0", b"MM\0*") else None


def orientation_of(data: bytes | None) -> int:
    """1 to 8 as in Exif; 1 where nothing is said."""
    value = exif_of(data).get(ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def is_adobe_rgb(data: bytes | None) -> bool:
    """Whether Exif says so: by the index of interoperability of DCF (“R03”), or by the number that some cameras write."""
    exif = exif_of(data)
    try:
        space = exif.get_ifd(EXIF_IFD).get(COLOUR_SPACE)
        index = exif.get_ifd(INTEROP_IFD).get(INTEROP_INDEX, "")
    except Exception:
        return False
    return space == 2 or (space == 0xFFFF and str(index).startswith("R03"))


def resolution_of(data: bytes | None) -> tuple[float, float] | None:
    """Pixels per inch, where Exif says them."""
    return resolution_from(exif_of(data))


def resolution_from(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    """Pixels per inch out of TIFF's tags."""
    unit = tags.get(RESOLUTION_UNIT, 2)
    try:
        across, down = float(tags[X_RESOLUTION]), float(tags[Y_RESOLUTION])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return checked_resolution(across, down, 2.54 if unit == 3 else 1.0) if unit in (2, 3) else None


def checked_resolution(across: float, down: float, factor: float = 1.0) -> tuple[float, float] | None:
    """Both times a factor, where they can be meant."""
    if not (0 < across * factor < 1e6 and 0 < down * factor < 1e6):
        return None
    return across * factor, down * factor


def exif_from_tiff(data: bytes) -> bytes | None:
    """What a TIFF file's first directory says about the picture, as Exif."""
    found, kept = exif_of(data), Image.Exif()
    for tag in TIFF_TEXTS:
        if tag in found:
            kept[tag] = found[tag]
    for directory in (EXIF_IFD, GPS_IFD):
        try:
            entries = found.get_ifd(directory)
        except Exception:
            continue
        if entries:
            kept.get_ifd(directory).update(entries)
    return _written(kept) if len(kept) or kept.get_ifd(EXIF_IFD) or kept.get_ifd(GPS_IFD) else None


def exif_directory(data: bytes, which: int, start: int) -> bytes:
    """One of Exif's directories as it lies in a little-endian TIFF file from byte `start` on; empty where there is none."""
    try:
        entries = exif_of(data).get_ifd(which)
        if not entries:
            return b""
        directory = ImageFileDirectory_v2(ifh=b"II*\0\0\0\0\0")
        for tag, value in entries.items():
            if tag != INTEROP_IFD and not isinstance(value, dict):
                directory[tag] = value
        return bytes(directory.tobytes(start))
    except Exception:
        return b""


def _upright_exif(data: bytes | None) -> bytes | None:
    if data is None:
        return None
    exif = exif_of(data)
    if not len(exif):
        return None
    if ORIENTATION in exif:
        exif[ORIENTATION] = 1
    return _written(exif)


def _written(exif: Image.Exif) -> bytes | None:
    """Pillow leaves the thumbnail's directory out. None where something in it can't be written."""
    try:
        return bytes(exif.tobytes()).removeprefix(EXIF_HEADER)
    except Exception:
        return None


def _upright_xmp(data: bytes | None) -> bytes | None:
    if data is None:
        return None
    data = re.sub(rb'(tiff:Orientation\s*=\s*["\'])\s*[1-8]', rb"\g<1>1", data)
    data = re.sub(rb"(<tiff:Orientation>)\s*[1-8]", rb"\g<1>1", data)
    return re.sub(rb"<(xmp|xap):Thumbnails>.*?</\1:Thumbnails>", b"", data, flags=re.DOTALL)


def iptc_of_photoshop(resources: object) -> bytes | None:
    """IIM records among Photoshop's resources, as Pillow names them by number."""
    found = resources.get(0x0404) if isinstance(resources, dict) else None
    return bytes(found) if isinstance(found, (bytes, bytearray)) and found else None


def photoshop_segment(iptc: bytes) -> bytes:
    """A JPEG's segment with IIM records."""
    resource = b"8BIM" + struct.pack(">HBxI", 0x0404, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)
    body = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", 2 + len(body)) + body


def decoded_text(data: bytes, encoding: str = "utf-8") -> str:
    return io.TextIOWrapper(io.BytesIO(data), encoding, errors="replace", newline="").read()
