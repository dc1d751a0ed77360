"""PNG, JPEG and WebP: bytes to arrays and back, in full depth, with profile and orientation.

PNG goes by imagecodecs because Pillow would quietly cut 16-bit colour down to 8.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, JpegImagePlugin, WebPImagePlugin

from scumble.imaging.colour import profile_space
from scumble_client.errors import ScumbleError

Pixels = NDArray[Any]

MAX_PIXELS = 2**29
"""More than this many pixels are refused before anything is decoded."""

MAX_PROFILE_BYTES = 2**24
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
ORIENTATION_TAG = 0x0112


@dataclass
class Decoded:
    """Pixels as they lie in a file, and what the file says about them."""

    pixels: Pixels
    """(height, width, 1 to 4 channels), of a depth that a layer can have."""

    icc: bytes | None = None
    orientation: int = 1
    """As in Exif, 1 to 8: how to turn the pixels."""

    notes: list[str] = field(default_factory=list)


def check_extent(width: int, height: int, name: str) -> None:
    if width < 1 or height < 1:
        message = f"“{name}” is empty: it is {width} × {height} pixels."
        raise ScumbleError("bad_request", message, "Choose a picture that has at least one pixel.")
    if width * height > MAX_PIXELS:
        message = f"“{name}” is {width} × {height} pixels, more than the {MAX_PIXELS // 10**6} million that fit."
        raise ScumbleError("too_large", message, "Make the picture smaller, or cut out the part that matters.")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of each whole chunk, its frame included."""
    start = len(PNG_SIGNATURE)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        end = start + 12 + length
        if end > len(data):
            return
        yield data[start + 4 : start + 8], start, end
        start = end


def decode_png(data: bytes, name: str) -> Decoded:
    notes: list[str] = []
    icc, orientation = None, 1
    # The decoder sees only what makes up the pixels: it reports harmless faults elsewhere on stderr.
    kept = [data[: len(PNG_SIGNATURE)]]
    position = len(PNG_SIGNATURE)
    for kind, start, end in _png_chunks(data):
        position = end
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(data[start:end])
        body = data[start + 8 : end - 4]
        if kind == b"IHDR":
            width, height, bits, colours = struct.unpack(">IIBB", body[:10])
            check_extent(width, height, name)
            if colours == 3:
                notes.append("The picture has a palette; it was converted to RGB.")
            elif bits == 1:
                notes.append("The picture is in black and white only; it was converted to 8-bit gray.")
        elif kind == b"iCCP":
            icc = _inflated_profile(body)
        elif kind == b"eXIf":
            with contextlib.suppress(Exception):  # a damaged remark about the picture is no reason to refuse it
                exif = Image.Exif()
                exif.load(body)
                orientation = _orientation(exif)
    if len(kept) == 1:
        raise ValueError("it ends before the first block")
    kept.append(data[position:])
    pixels = imagecodecs.png_decode(b"".join(kept))
    return Decoded(with_channels(pixels), icc, orientation, notes)


def _inflated_profile(body: bytes) -> bytes | None:
    compressed = body[body.find(b"\0") + 2 :]
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj().decompress(compressed, MAX_PROFILE_BYTES) or None
    return None


def decode_jpeg(data: bytes, name: str) -> Decoded:
    # The plugin is called directly: Image.open would compare with a limit that is global to the process.
    return _decode_by_pillow(JpegImagePlugin.JpegImageFile(io.BytesIO(data)), name)


def decode_webp(data: bytes, name: str) -> Decoded:
    return _decode_by_pillow(WebPImagePlugin.WebPImageFile(io.BytesIO(data)), name)


def _decode_by_pillow(image: Image.Image, name: str) -> Decoded:
    check_extent(*image.size, name)
    orientation, icc, notes = 1, image.info.get("icc_profile") or None, []
    with contextlib.suppress(Exception):  # as for PNG
        orientation = _orientation(image.getexif())
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"The picture has {getattr(image, 'n_frames', 1)} frames; the first was taken.")
    image.load()
    if image.mode == "CMYK":
        image, icc = cmyk_to_rgb(image, icc, notes), None
    elif image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGB")
    return Decoded(with_channels(np.asarray(image)), icc, orientation, notes)


def cmyk_to_rgb(image: Image.Image, icc: bytes | None, notes: list[str]) -> Image.Image:
    if icc and profile_space(icc) == "CMYK":
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                notes.append("The picture is in CMYK; it was converted to RGB by its colour profile.")
                return converted
    notes.append("The picture is in CMYK without a usable colour profile; it was converted to RGB approximately.")
    return image.convert("RGB")


def _orientation(exif: Image.Exif) -> int:
    value = exif.get(ORIENTATION_TAG, 1)
    return value if isinstance(value, int) else 1


def with_channels(pixels: Pixels) -> Pixels:
    """(height, width) to (height, width, 1); three axes stay."""
    if pixels.ndim not in (2, 3):
        raise ValueError(f"it decodes to {pixels.ndim} dimensions")
    return pixels[..., None] if pixels.ndim == 2 else pixels


def encode_png(pixels: Pixels, icc: bytes | None) -> bytes:
    """uint8 or uint16, (height, width, 1 to 4)."""
    data = bytes(imagecodecs.png_encode(_squeezed(pixels), level=4))
    if not icc:
        return data
    after_header = len(PNG_SIGNATURE) + 25
    profile = _png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
    return data[:after_header] + profile + data[after_header:]


def encode_jpeg(pixels: Pixels, icc: bytes | None, quality: int) -> bytes:
    """uint8, (height, width, 1 or 3); without chroma subsampling."""
    stream = io.BytesIO()
    image = Image.fromarray(_squeezed(pixels))
    image.save(stream, "JPEG", quality=quality, subsampling=0, icc_profile=icc or b"")
    return stream.getvalue()


def encode_webp(pixels: Pixels, icc: bytes | None) -> bytes:
    """uint8, (height, width, 3 or 4); lossless, also where it is transparent."""
    stream = io.BytesIO()
    Image.fromarray(_squeezed(pixels)).save(stream, "WEBP", lossless=True, exact=True, icc_profile=icc or b"")
    return stream.getvalue()


def _squeezed(pixels: Pixels) -> Pixels:
    # A copy has plain strides; a view with sides of 1 may not, and the PNG encoder refuses those.
    return np.array(pixels[..., 0] if pixels.shape[2] == 1 else pixels, order="C")


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
