"""PNG: bytes to arrays and back, in full depth, by imagecodecs: Pillow would quietly cut 16-bit colour down to 8."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from scumble.imaging.colour import SRGB, Colour

from .codecs import Decoded, check_extent, squeezed, with_channels
from .colour_tags import BT709, D65, of_chromaticities, of_cicp, refuse_hdr
from .metadata import MAX_BYTES, Metadata, checked_resolution, decoded_text, orientation_of, plain_exif, resolution_of

Pixels = NDArray[Any]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
INCH = 0.0254
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_XMP = "XML:com.adobe.xmp"
_RAW = "Raw profile type "
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Adam7: the first column and row of each pass, and its steps."""

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of each whole chunk, its frame included."""
    start = len(PNG_SIGNATURE)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        end = start + 12 + length
        if end > len(data):
            return
        yield data[start + 4 : start + 8], start, end
        start = end


@dataclass
class _Said:
    """What the chunks beside the pixels say."""

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    resolution: tuple[float, float] | None = None
    texts: list[tuple[str, str]] = field(default_factory=list)
    cicp: tuple[int, int, int, int] | None = None
    srgb: bool = False
    gamma: float | None = None
    chromaticities: tuple[float, ...] | None = None
    frames: int = 1


def decode_png(data: bytes, name: str) -> Decoded:
    notes: list[str] = []
    said = _Said()
    # The decoder sees only what makes up the pixels: it reports harmless faults elsewhere on stderr.
    kept = dict.fromkeys(_PIXELS, b"")
    body = b""
    order = [PNG_SIGNATURE]
    header: tuple[int, ...] = ()
    position = len(PNG_SIGNATURE)
    for kind, start, end in png_chunks(data):
        position = end
        body = data[start + 8 : end - 4]
        if kind in _PIXELS:
            order.append(data[start:end])
            kept[kind] += body
        if kind == b"IHDR" and not header:
            header = struct.unpack(">IIBBBBB", body[:13])
            check_extent(header[0], header[1], name)
        else:
            try:
                _hear(said, kind, body)
            except (struct.error, ValueError, IndexError, zlib.error):
                continue  # a damaged remark about the picture is no reason to refuse it
        if kind == b"IEND":
            break
    if not header:
        raise ValueError("it ends before the first block")
    _, _, bits, colours, _, _, interlaced = header
    if colours == 3:
        notes.append("The picture has a palette; it was converted to RGB.")
    elif bits == 1:
        notes.append("The picture is in black and white only; it was converted to 8-bit gray.")
    if said.frames > 1:
        notes.append(f"The picture has {said.frames} frames; the first was taken.")
    if said.cicp is not None and said.icc is None:
        refuse_hdr(said.cicp[1], name)
    if interlaced == 1:
        pixels = _of_passes(header, kept)
    else:
        pixels = with_channels(imagecodecs.png_decode(b"".join([*order, data[position:]])))
    gray = pixels.shape[2] <= 2
    colour = None if said.icc and said.cicp is None else _colour(said, gray, notes)
    resolution = said.resolution or resolution_of(said.exif)
    metadata = Metadata(resolution, said.exif, said.xmp, said.iptc, tuple(said.texts))
    icc = said.icc if colour is None else None
    return Decoded(pixels, icc, orientation_of(said.exif), notes, colour, metadata)


def _hear(said: _Said, kind: bytes, body: bytes) -> None:
    if kind == b"iCCP":
        said.icc = _inflated(body[body.index(b"\0") + 2 :])
    elif kind == b"eXIf":
        said.exif = plain_exif(body)
    elif kind == b"pHYs":
        across, down, unit = struct.unpack(">IIB", body)
        said.resolution = checked_resolution(across, down, INCH) if unit == 1 else None
    elif kind == b"cICP":
        primaries, transfer, matrix, whole = body[:4]
        said.cicp = (primaries, transfer, matrix, whole)
    elif kind == b"sRGB":
        said.srgb = True
    elif kind == b"gAMA":
        (stored,) = struct.unpack(">I", body)
        said.gamma = 100_000 / stored if stored else None
    elif kind == b"cHRM":
        said.chromaticities = tuple(value / 100_000 for value in struct.unpack(">8I", body))
    elif kind == b"acTL":
        (said.frames,) = struct.unpack(">I", body[:4])
    elif kind in (b"tEXt", b"zTXt", b"iTXt"):
        _hear_text(said, kind, body)


def _hear_text(said: _Said, kind: bytes, body: bytes) -> None:
    keyword, _, rest = body.partition(b"\0")
    name = keyword.decode("latin-1")
    if kind == b"tEXt":
        data, encoding = rest, "latin-1"
    elif kind == b"zTXt":
        data, encoding = _inflated(rest[1:]) or b"", "latin-1"
    else:
        compressed = rest[0]
        _language, _, rest = rest[2:].partition(b"\0")
        _translated, _, rest = rest.partition(b"\0")
        data, encoding = (_inflated(rest) or b"") if compressed else rest, "utf-8"
    if len(data) > MAX_BYTES:
        return
    if name == _XMP:
        said.xmp = data
    elif name.startswith(_RAW):
        raw = _raw_profile(data)
        what = name.removeprefix(_RAW)
        if what in ("exif", "APP1") and raw.startswith(b"Exif"):
            said.exif = said.exif or plain_exif(raw)
        elif what in ("xmp", "APP1"):
            said.xmp = said.xmp or raw.removeprefix(b"http://ns.adobe.com/xap/1.0/\0")
        elif what == "iptc":
            said.iptc = raw
    else:
        said.texts.append((name, decoded_text(data, encoding)))


def _raw_profile(data: bytes) -> bytes:
    """ImageMagick's way: the kind, the length, and then the bytes in hexadecimal."""
    words = data.split(None, 2)
    return bytes.fromhex(re.sub(rb"\s+", b"", words[2]).decode("ascii")) if len(words) == 3 else b""


def _inflated(compressed: bytes) -> bytes | None:
    return zlib.decompressobj().decompress(compressed, MAX_BYTES) or None


def _colour(said: _Said, gray: bool, notes: list[str]) -> Colour | None:
    """By precedence as in the PNG specification (third edition): cICP, then iCCP, sRGB, gAMA with cHRM."""
    if said.cicp is not None:
        colour = of_cicp(said.cicp[0], said.cicp[1], gray)
        if colour is not None:
            return colour
        if said.icc is not None:  # what is meant for those who don't know the other
            return None
        notes.append("The picture's colours are in a space that Scumble doesn't know; they were taken as sRGB.")
    if said.srgb or (said.gamma is None and said.chromaticities is None):
        return SRGB if said.icc is None else None
    stated = said.chromaticities or (*D65, *BT709)
    place, primaries = (stated[0], stated[1]), stated[2:]
    colour = of_chromaticities(primaries, place, said.gamma or 2.2, gray)
    if colour is None:
        notes.append("What the file says of its colours can't be meant; they were taken as sRGB.")
    return colour or SRGB


def _of_passes(header: tuple[int, ...], kept: dict[bytes, bytes]) -> Pixels:
    """An interlaced picture: each of its seven passes is a picture of its own. (libpng could do it, with a remark on stderr.)"""
    width, height, bits, colours = header[:4]
    if colours not in _SAMPLES or bits not in (1, 2, 4, 8, 16):
        raise ValueError("its header is no PNG's")
    depth = bits * _SAMPLES[colours]
    sizes = [
        (max(0, math.ceil((width - x) / across)), max(0, math.ceil((height - y) / down)))
        for x, y, across, down in _PASSES
    ]
    lengths = [(1 + math.ceil(w * depth / 8)) * h if w and h else 0 for w, h in sizes]
    stream = zlib.decompressobj().decompress(kept[b"IDAT"], sum(lengths) + 1)
    if len(stream) < sum(lengths):
        raise ValueError("it ends too early")
    out: Pixels | None = None
    start = 0
    for (x, y, across, down), (w, h), length in zip(_PASSES, sizes, lengths, strict=True):
        if not length:
            continue
        parts = [PNG_SIGNATURE, png_chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colours, 0, 0, 0))]
        parts += [png_chunk(kind, kept[kind]) for kind in (b"PLTE", b"tRNS") if kept[kind]]
        parts += [png_chunk(b"IDAT", zlib.compress(stream[start : start + length], 1)), png_chunk(b"IEND", b"")]
        found = with_channels(imagecodecs.png_decode(b"".join(parts)))
        if out is None:
            out = np.zeros((height, width, found.shape[2]), found.dtype)
        out[y::down, x::across] = found
        start += length
    assert out is not None
    return out


def encode_png(pixels: Pixels, icc: bytes | None, metadata: Metadata | None = None) -> bytes:
    """uint8 or uint16, (height, width, 1 to 4)."""
    data = bytes(imagecodecs.png_encode(squeezed(pixels), level=4))
    chunks = []
    if icc:
        chunks.append(png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if metadata:
        chunks += _metadata_chunks(metadata)
    after_header = len(PNG_SIGNATURE) + 25
    return data[:after_header] + b"".join(chunks) + data[after_header:]


def _metadata_chunks(metadata: Metadata) -> Iterator[bytes]:
    if metadata.resolution:
        across, down = (round(value / INCH) for value in metadata.resolution)
        yield png_chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    if metadata.exif:
        yield png_chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        yield png_chunk(b"iTXt", _XMP.encode() + bytes(5) + metadata.xmp)
    if metadata.iptc:
        lines = re.sub(r"(.{72})", r"\1\n", metadata.iptc.hex())
        profile = f"\niptc\n{len(metadata.iptc):8}\n{lines}\n".encode("ascii")
        yield png_chunk(b"zTXt", (_RAW + "iptc").encode() + b"\0\0" + zlib.compress(profile))
    for name, text in metadata.texts:
        keyword = name.encode("latin-1", "replace")[:79].strip() or b"Comment"
        yield png_chunk(b"iTXt", keyword + bytes(5) + text.encode("utf-8", "replace"))


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
