"""TIFF: bytes to arrays and back, in every depth that a layer can have."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from tifffile import PHOTOMETRIC, PLANARCONFIG, TiffPage

from scumble.imaging.colour import Colour
from scumble_client.errors import ScumbleError

from .codecs import MAX_PIXELS, Decoded, check_extent, cmyk_to_rgb, say_left_out, with_channels
from .colour_tags import adobe_rgb, of_chromaticities
from .metadata import (
    EXIF_IFD,
    GPS_IFD,
    MAX_BYTES,
    ORIENTATION,
    TIFF_TEXTS,
    Metadata,
    exif_directory,
    exif_from_tiff,
    exif_of,
    is_adobe_rgb,
    resolution_from,
)

Pixels = NDArray[Any]

_ICC_TAG, _XMP_TAG, _IPTC_TAG = 34675, 700, 33723
_WHITE_POINT, _PRIMARIES = 318, 319
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_MOST_PAGES = 1000  # are looked through
_JPEG_COMPRESSIONS = (6, 7)  # their decoder turns YCbCr into RGB
_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of extra sample that are alpha: premultiplied, straight
_COLOUR_CHANNELS = {
    PHOTOMETRIC.MINISWHITE: 1,
    PHOTOMETRIC.MINISBLACK: 1,
    PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.PALETTE: 1,
    PHOTOMETRIC.SEPARATED: 4,
}


def decode_tiff(data: bytes, name: str) -> Decoded:
    """The largest page that is neither a thumbnail nor a mask; `name` is the file's, for messages."""
    notes: list[str] = []
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page, number, count = _page(tiff)
        check_extent(page.imagewidth, page.imagelength, name)
        if page.imagedepth != 1:
            raise ScumbleError("bad_request", f"“{name}” is a volume, not a picture.", "Save one slice of it.")
        if page.nbytes > MAX_PIXELS * 16:
            raise ScumbleError("too_large", f"“{name}” has too many channels to fit.", "Save it as RGB.")
        colour_channels = _count_colours(page, name)
        if count > 1:
            which = "first" if number == 0 else f"largest, number {number + 1},"
            notes.append(f"The file holds {count} pages; the {which} was taken.")
        pixels = page.asarray()
        if pixels.ndim == 3 and page.planarconfig == PLANARCONFIG.SEPARATE:
            pixels = np.moveaxis(pixels, 0, -1)
        icc, orientation = page.tags.valueof(_ICC_TAG), page.tags.valueof(ORIENTATION)
        metadata = _metadata(page, data)
    pixels = with_channels(pixels)
    if pixels.shape[:2] != (page.imagelength, page.imagewidth) or pixels.shape[2] < colour_channels:
        raise ValueError(f"its header does not fit its pixels, {pixels.shape}")
    profile = icc if isinstance(icc, bytes) and icc else None
    if page.photometric == PHOTOMETRIC.PALETTE:
        return Decoded(_from_palette(page, pixels, notes), profile, _whole(orientation), notes, None, metadata)
    pixels = _whole_depth(pixels, page.bitspersample, name, notes)
    colours, alpha = pixels[..., :colour_channels], _alpha(page, pixels, colour_channels, notes)
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        colours = (np.iinfo(colours.dtype).max if colours.dtype.kind == "u" else 1) - colours
    elif page.photometric == PHOTOMETRIC.SEPARATED:
        colours, alpha, profile = _from_cmyk(colours, profile, name, notes), None, None
    if alpha is not None:
        colours = np.concatenate([colours, alpha], axis=2)
    colour = None if profile or colour_channels == 4 else _colour(page, metadata, colours.shape[2] <= 2)
    return Decoded(colours, profile, _whole(orientation), notes, colour, metadata)


def _page(tiff: tifffile.TiffFile) -> tuple[TiffPage, int, int]:
    """The page to take, its number from 0, and how many there are."""
    pages: list[TiffPage] = []
    for number, page in enumerate(tiff.pages):
        if number == _MOST_PAGES:
            break
        whole = page.aspage() if hasattr(page, "aspage") else page
        # a damaged directory may have lists where one number belongs: times a height, they would fill the memory
        if all(isinstance(value, int) for value in (whole.imagewidth, whole.imagelength, whole.samplesperpixel)):
            pages.append(whole)
    if not pages:
        raise ValueError("it has no page")

    def rank(number: int) -> tuple[bool, int, int]:
        page = pages[number]
        return not int(page.subfiletype) & (_REDUCED | _MASK), page.imagewidth * page.imagelength, -number

    best = max(range(len(pages)), key=rank)
    return pages[best], best, len(pages)


def _metadata(page: TiffPage, data: bytes) -> Metadata:
    tags = {tag.code: tag.value for tag in page.tags if tag.code in (282, 283, 296)}
    tags = {
        code: value[0] / value[1] if isinstance(value, tuple) and value[1] else value for code, value in tags.items()
    }
    kept = []
    for code in (_XMP_TAG, _IPTC_TAG):
        value = page.tags.valueof(code)
        if isinstance(value, tuple):  # IPTC is often stored as numbers of 32 bits
            value = np.asarray(value, "<u4").tobytes()
        kept.append(bytes(value) if isinstance(value, (bytes, bytearray)) and 0 < len(value) <= MAX_BYTES else None)
    resolution = resolution_from(tags)
    if resolution == (1.0, 1.0):  # what programs write that know none
        resolution = None
    return Metadata(resolution, exif_from_tiff(data), kept[0], kept[1])


def _colour(page: TiffPage, metadata: Metadata, gray: bool) -> Colour | None:
    """What the file says of its colours without a profile."""
    white, primaries = page.tags.valueof(_WHITE_POINT), page.tags.valueof(_PRIMARIES)
    if isinstance(white, tuple) and isinstance(primaries, tuple) and len(white) == 4 and len(primaries) == 12:
        numbers = [
            a / b if b else -1.0 for a, b in zip((*white, *primaries)[::2], (*white, *primaries)[1::2], strict=True)
        ]
        return of_chromaticities(tuple(numbers[2:]), (numbers[0], numbers[1]), 2.2, gray)
    return adobe_rgb(gray) if is_adobe_rgb(metadata.exif) else None


def encode_tiff(
    pixels: Pixels, icc: bytes | None, metadata: Metadata | None = None, notes: list[str] | None = None
) -> bytes:
    """Any depth, (height, width, 1 to 4), losslessly compressed; alpha is written as straight."""
    stream = io.BytesIO()
    channels = pixels.shape[2]
    metadata = metadata or Metadata()
    say_left_out(metadata, "TIFF", notes)
    more: dict[str, Any] = {}
    if metadata.resolution:
        more = {"resolution": metadata.resolution, "resolutionunit": "INCH"}
    tifffile.imwrite(
        stream,
        np.ascontiguousarray(pixels[..., 0] if channels == 1 else pixels),
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig=None if channels == 1 else "contig",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression="zlib",
        predictor=True,
        metadata=None,
        iccprofile=icc,
        software=False,
        byteorder="<",
        extratags=_tags(metadata),
        **more,
    )
    data = stream.getvalue()
    return _with_directories(data, metadata.exif) if metadata.exif and data.startswith(b"II*\0") else data


def _tags(metadata: Metadata) -> list[tuple[int, str, int, Any, bool]]:
    tags: list[tuple[int, str, int, Any, bool]] = []
    exif = exif_of(metadata.exif)
    for tag in TIFF_TEXTS:
        if isinstance(exif.get(tag), str) and exif[tag]:
            tags.append((tag, "s", 0, exif[tag].encode("ascii", "replace").decode(), True))
    if metadata.xmp:
        tags.append((_XMP_TAG, "B", len(metadata.xmp), metadata.xmp, True))
    if metadata.iptc:
        tags.append((_IPTC_TAG, "B", len(metadata.iptc), metadata.iptc, True))
    return tags


def _with_directories(data: bytes, exif: bytes) -> bytes:
    """A little-endian file of one page, whose directory also leads to Exif's; tifffile writes no such tags."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [data[start + 2 + 12 * n : start + 14 + 12 * n] for n in range(count)]
    out = bytearray(data)
    for directory in (EXIF_IFD, GPS_IFD):
        out += bytes(len(out) % 2)
        found = exif_directory(exif, directory, len(out))
        if found:
            entries.append(struct.pack("<HHII", directory, 4, 1, len(out)))
            out += found
    out += bytes(len(out) % 2)
    struct.pack_into("<I", out, 4, len(out))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry)[0])
    return bytes(out + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4))


def _count_colours(page: TiffPage, name: str) -> int:
    """How many of the page's channels are colour."""
    if page.photometric == PHOTOMETRIC.YCBCR and page.compression in _JPEG_COMPRESSIONS:
        return 3
    count = _COLOUR_CHANNELS.get(PHOTOMETRIC(page.photometric))
    if count is None:
        kind = PHOTOMETRIC(page.photometric).name
        message = f"“{name}” stores its colours as {kind}, which Scumble cannot read."
        raise ScumbleError("bad_request", message, "Convert it to RGB in a picture editor.")
    return count


def _whole_depth(pixels: Pixels, bits: int, name: str, notes: list[str]) -> Pixels:
    """In a depth that a layer can have, with odd numbers of bits spread over the whole range."""
    dtype = pixels.dtype
    if dtype.kind == "b":
        notes.append("The picture is in black and white only; it was converted to 8-bit gray.")
        return pixels.astype(np.uint8) * np.uint8(255)
    if dtype == np.float64:
        notes.append("The picture has 64-bit floating-point values; they were converted to 32 bits.")
        return pixels.astype(np.float32)
    if dtype.kind in "iu" and dtype.name not in ("uint8", "uint16") and pixels.size and pixels.min() >= 0:
        most = int(pixels.max())
        if most <= 65535:  # labels, and what was counted: a shift would leave nothing of them
            notes.append(
                f"The picture has {8 * dtype.itemsize}-bit integer values of up to {most}; they were taken as 16 bits."
            )
            return pixels.astype(np.uint16)
    if dtype == np.uint32:
        notes.append("The picture has 32-bit integer values; they were converted to 16 bits.")
        return np.right_shift(pixels, 16).astype(np.uint16)
    if dtype.name not in ("uint8", "uint16", "float16", "float32"):
        message = f"“{name}” stores its values as {dtype.name}, which Scumble cannot read."
        raise ScumbleError("bad_request", message, "Save it with 8 or 16 bits, or with 32-bit floating-point values.")
    if dtype.kind == "u" and bits < dtype.itemsize * 8:
        spread = np.iinfo(dtype).max / (2**bits - 1)
        pixels = np.rint(pixels * spread)
    native: Pixels = pixels.astype(dtype.newbyteorder("="), copy=False)
    return native


def _alpha(page: TiffPage, pixels: Pixels, first: int, notes: list[str]) -> Pixels | None:
    """The alpha channel, (height, width, 1); where it was premultiplied, the colours in `pixels` are divided by it."""
    extras = tuple(int(extra) for extra in page.extrasamples)
    places = [place for place, kind in enumerate(extras) if kind in (_ASSOCIATED, _UNASSOCIATED)]
    if len(extras) > len(places[:1]):
        notes.append("The picture has channels beyond colour and transparency; they were left out.")
    if not places:
        return None
    alpha = pixels[..., first + places[0]][..., None]
    if extras[places[0]] == _ASSOCIATED:
        notes.append("The picture's colours were multiplied by its transparency; they were divided by it.")
        full = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
        share = alpha.astype(np.float32) / np.float32(full)
        straight = pixels[..., :first] / np.where(share > 0, share, np.float32(1))
        if pixels.dtype.kind == "u":
            straight = np.rint(np.minimum(straight, full))
        pixels[..., :first] = straight
    return alpha


def _from_palette(page: TiffPage, indices: Pixels, notes: list[str]) -> Pixels:
    if page.colormap is None:
        raise ValueError("it has no palette")
    notes.append("The picture has a palette; it was converted to RGB.")
    palette: Pixels = np.asarray(page.colormap).T  # (entries, 3), 16 bits
    # Old programs wrote 8-bit values into the 16-bit entries.
    palette = (palette if palette.max() < 256 else palette >> 8).astype(np.uint8)
    colours: Pixels = palette[indices[..., 0]]
    return colours


def _from_cmyk(colours: Pixels, icc: bytes | None, name: str, notes: list[str]) -> Pixels:
    if colours.dtype.kind != "u":
        message = f"“{name}” is in CMYK with floating-point values, which Scumble cannot read."
        raise ScumbleError("bad_request", message, "Convert it to RGB in a picture editor.")
    if colours.dtype == np.uint16:
        notes.append("The picture has 16 bits in CMYK; it was converted to 8 bits.")
        colours = np.rint(colours / 257).astype(np.uint8)
    height, width = colours.shape[:2]
    image = Image.frombytes("CMYK", (width, height), np.ascontiguousarray(colours).tobytes())
    return np.asarray(cmyk_to_rgb(image, icc, notes))


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int) else 1
