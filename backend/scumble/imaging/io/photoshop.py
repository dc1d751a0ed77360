"""Photoshop's files (.psd, and .psb for large ones): the picture of all layers together, in full depth.

The format is Adobe's "Photoshop File Formats Specification". The composite is what Photoshop saves for other programs; one that was saved
without ("maximize compatibility" off) is refused. Its colours are mixed with white where it is transparent, which is taken out again.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scumble.imaging.colour import LINEAR
from scumble_client.errors import ScumbleError

from .codecs import MAX_PIXELS, Decoded, check_extent, cmyk_to_rgb
from .metadata import MAX_BYTES, Metadata, checked_resolution, iptc_of_photoshop, plain_exif, resolution_of

Pixels = NDArray[Any]

_BITMAP, _GRAY, _INDEXED, _RGB, _CMYK, _DUOTONE = 0, 1, 2, 3, 4, 8
_COLOURS = {_BITMAP: 1, _GRAY: 1, _INDEXED: 1, _RGB: 3, _CMYK: 4, _DUOTONE: 1}
_DEPTHS = {1: ">u1", 8: ">u1", 16: ">u2", 32: ">f4"}
_RAW, _PACKBITS, _ZIP = 0, 1, 2
_RESOLUTION, _IPTC, _ICC, _EXIF, _XMP, _VERSION = 0x03ED, 0x0404, 0x040F, 0x0422, 0x0424, 0x0421
_MOST_CHANNELS = 56


@dataclass(frozen=True)
class _Header:
    large: bool
    channels: int
    height: int
    width: int
    bits: int
    mode: int


def decode_psd(data: bytes, name: str) -> Decoded:
    """Raises ScumbleError for kinds that can't be read."""
    if len(data) < 26:
        raise ValueError("it ends too early")
    version, channels, height, width, bits, mode = struct.unpack_from(">H6xHIIHH", data, 4)
    header = _Header(version == 2, channels, height, width, bits, mode)
    check_extent(width, height, name)
    colours = _COLOURS.get(mode)
    if version not in (1, 2) or colours is None or bits not in _DEPTHS or not colours <= channels <= _MOST_CHANNELS:
        message = f"“{name}” is a Photoshop file in a colour mode or depth that Scumble cannot read."
        raise ScumbleError("bad_request", message, "Convert it to RGB there, or save a copy as TIFF or PNG.")
    if width * height * channels * np.dtype(_DEPTHS[bits]).itemsize > MAX_PIXELS * 16:
        raise ScumbleError("too_large", f"“{name}” has too many channels to fit.", "Save a copy as TIFF or PNG.")
    palette, at = _section(data, 26)
    packed, at = _section(data, at)
    layers, at = _section(data, at, wide=header.large)
    resources = _resources(packed)
    if len(resources.get(_VERSION, b"")) >= 5 and not resources[_VERSION][4]:
        raise ScumbleError(
            "bad_request",
            f"“{name}” holds no picture of its layers together.",
            "Save it with “Maximize compatibility”, or save a copy as TIFF or PNG.",
        )
    planes = _planes(data, at, header)
    return _put_together(planes, header, palette, layers, resources, name)


def _section(data: bytes, at: int, wide: bool = False) -> tuple[bytes, int]:
    """What follows a length, and where that ends."""
    (length,) = struct.unpack_from(">Q" if wide else ">I", data, at)
    at += 8 if wide else 4
    if at + length > len(data):
        raise ValueError("it ends too early")
    return data[at : at + length], at + length


def _resources(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, at + 4)
        at += 6 + (data[at + 6] + 2) // 2 * 2  # a name, of even length with its own
        if at + 4 > len(data):
            break
        (length,) = struct.unpack_from(">I", data, at)
        found.setdefault(number, data[at + 4 : at + 4 + length])
        at += 4 + length + length % 2
    return found


def _planes(data: bytes, at: int, header: _Header) -> Pixels:
    """(channels, height, width), as stored."""
    (compression,) = struct.unpack_from(">H", data, at)
    at += 2
    row = -(-header.width // 8) if header.bits == 1 else header.width * header.bits // 8
    size = header.channels * header.height * row
    if compression == _RAW:
        body = data[at : at + size]
    elif compression == _PACKBITS:
        width = 4 if header.large else 2
        count = header.channels * header.height
        lengths = np.frombuffer(data, f">u{width}", count, at)
        at += width * count
        rows = np.zeros((count, row), np.uint8)
        for number, length in enumerate(lengths.tolist()):
            unpacked = imagecodecs.packbits_decode(data[at : at + length])[:row]
            rows[number, : len(unpacked)] = np.frombuffer(unpacked, np.uint8)
            at += length
        body = rows.tobytes()
    elif compression == _ZIP:
        body = zlib.decompressobj().decompress(data[at:], size)
    else:
        raise ValueError(f"its compression is {compression}")
    if len(body) < size:
        raise ValueError("it ends too early")
    shape = (header.channels, header.height, row)
    if header.bits == 1:
        bits = np.unpackbits(np.frombuffer(body, np.uint8, size).reshape(shape), axis=2)[..., : header.width]
        return np.asarray((1 - bits) * 255, np.uint8)  # 1 is black
    planes = np.frombuffer(body, _DEPTHS[header.bits], size * 8 // header.bits)
    return planes.reshape(header.channels, header.height, header.width).astype(planes.dtype.newbyteorder("="))


def _put_together(
    planes: Pixels, header: _Header, palette: bytes, layers: bytes, resources: dict[int, bytes], name: str
) -> Decoded:
    notes = ["The file has layers; what is seen of them together was taken."] if len(layers) > 4 else []
    icc = resources.get(_ICC) or None
    count = _COLOURS[header.mode]
    colours = np.moveaxis(planes[:count], 0, -1)
    alpha = planes[count] if len(planes) > count and _is_transparency(layers, header.large) else None
    if len(planes) > count + (alpha is not None):
        notes.append("The picture has channels beyond colour and transparency; they were left out.")
    if header.mode == _INDEXED:
        if len(palette) < 768:
            raise ValueError("it has no palette")
        table = np.frombuffer(palette, np.uint8, 768).reshape(3, 256).T
        colours = table[colours[..., 0]]
        notes.append("The picture has a palette; it was converted to RGB.")
    if alpha is not None:
        colours = _without_white(colours, alpha)
    if header.mode == _CMYK:
        colours, icc = _from_cmyk(colours, icc, notes), None
    if alpha is not None:
        if colours.dtype != alpha.dtype:
            alpha = _to_bytes(alpha)
        colours = np.concatenate([colours, alpha[..., None]], axis=2)
    colour = LINEAR if header.bits == 32 and not icc and header.mode != _CMYK else None  # so Photoshop keeps floats
    return Decoded(np.ascontiguousarray(colours), icc, 1, notes, colour, _metadata(resources))


def _is_transparency(layers: bytes, large: bool) -> bool:
    """Whether the first channel beyond the colours is the transparency of all layers, rather than a selection that was saved."""
    head = 8 if large else 4
    if len(layers) < head + 2:
        return False
    (length,) = struct.unpack_from(">Q" if large else ">I", layers, 0)
    if length:
        return bool(struct.unpack_from(">h", layers, head)[0] < 0)
    # in 16 and 32 bits the layers lie in a block of their own
    for key in (b"Lr16", b"Lr32", b"Layr"):
        at = layers.find(b"8BIM" + key)
        if at >= 0 and at + 18 <= len(layers):
            start = at + 8 + (8 if large else 4)
            return bool(struct.unpack_from(">h", layers, start)[0] < 0)
    return False


def _without_white(colours: Pixels, alpha: Pixels) -> Pixels:
    """Colours that were laid on white, by themselves again. Programs that lay them on nothing leave values that white rules out."""
    full = np.float32(np.iinfo(colours.dtype).max if colours.dtype.kind == "u" else 1)
    share = (alpha.astype(np.float32) / full)[..., None]
    white = full * (1 - share)
    if (colours < white - np.float32(2 / 255) * full).any():
        return colours
    own = (colours - white) / np.maximum(share, np.float32(1e-6))
    own = np.where(share > 0, own, 0)
    return (
        np.rint(np.clip(own, 0, full)).astype(colours.dtype) if colours.dtype.kind == "u" else own.astype(colours.dtype)
    )


def _to_bytes(values: Pixels) -> Pixels:
    full = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    return np.rint(np.clip(values.astype(np.float32) / full, 0, 1) * 255).astype(np.uint8)


def _from_cmyk(inks: Pixels, icc: bytes | None, notes: list[str]) -> Pixels:
    """Inks are stored the other way round: 0 is all of one."""
    if inks.dtype != np.uint8:
        notes.append("The picture has more than 8 bits in CMYK; it was converted to 8 bits.")
    stored = np.ascontiguousarray(255 - _to_bytes(inks))
    image = Image.frombytes("CMYK", (inks.shape[1], inks.shape[0]), stored.tobytes())
    return np.asarray(cmyk_to_rgb(image, icc, notes))


def _metadata(resources: dict[int, bytes]) -> Metadata:
    exif, xmp = plain_exif(resources.get(_EXIF)), resources.get(_XMP) or None
    place, resolution = resources.get(_RESOLUTION, b""), None
    if len(place) >= 16:
        across, down = struct.unpack_from(">I", place, 0)[0] / 65536, struct.unpack_from(">I", place, 8)[0] / 65536
        resolution = checked_resolution(across, down)
    kept = xmp if xmp and len(xmp) <= MAX_BYTES else None
    return Metadata(resolution or resolution_of(exif), exif, kept, iptc_of_photoshop({_IPTC: resources.get(_IPTC)}))
