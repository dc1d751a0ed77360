"""JPEG, WebP and AVIF by Pillow, JPEG XL, HEIC and all bits of AVIF by imagecodecs: bytes to arrays and back."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, WebPImagePlugin

from scumble.imaging.colour import Colour, profile_space
from scumble_client.errors import ScumbleError

from .boxes import Properties, boxes, primary_properties
from .colour_tags import adobe_rgb, of_chromaticities, of_curve, of_nclx, refuse_hdr
from .jxl_header import CODESTREAM, read_header
from .metadata import (
    MAX_BYTES,
    Metadata,
    checked_resolution,
    decoded_text,
    iptc_of_photoshop,
    is_adobe_rgb,
    orientation_of,
    photoshop_segment,
    plain_exif,
    resolution_of,
)

Pixels = NDArray[Any]

MAX_PIXELS = 2**29
"""More than this many pixels are refused before anything is decoded."""

MOST_OF_A_SEGMENT = 65_533 - 29
"""Bytes that fit a JPEG's segment, beside what says that it is XMP."""


@dataclass
class Decoded:
    """Pixels as they lie in a file, and what the file says about them."""

    pixels: Pixels
    """(height, width, 1 to 4 channels), of a depth that a layer can have."""

    icc: bytes | None = None
    orientation: int = 1
    """As in Exif, 1 to 8: how to turn the pixels."""

    notes: list[str] = field(default_factory=list)

    colour: Colour | None = None
    """Where the file says it without a profile; it goes before `icc`."""

    metadata: Metadata = field(default_factory=Metadata)


def check_extent(width: int, height: int, name: str) -> None:
    if width < 1 or height < 1:
        message = f"“{name}” is empty: it is {width} × {height} pixels."
        raise ScumbleError("bad_request", message, "Choose a picture that has at least one pixel.")
    if width * height > MAX_PIXELS:
        message = f"“{name}” is {width} × {height} pixels, more than the {MAX_PIXELS // 10**6} million that fit."
        raise ScumbleError("too_large", message, "Make the picture smaller, or cut out the part that matters.")


def decode_jpeg(data: bytes, name: str) -> Decoded:
    process, bits = _jpeg_frame(data)
    if bits not in (None, 8) or process in (0xC3, 0xC7, 0xCB, 0xCF):
        kind = f"{bits} bits" if bits not in (None, 8) else "lossless compression"
        message = f"“{name}” is a JPEG with {kind}, which Scumble cannot read."
        raise ScumbleError("bad_request", message, "Save it as PNG or TIFF in the program that made it.")
    # The plugin is called directly: Image.open would compare with a limit that is global to the process.
    return _decode_by_pillow(JpegImagePlugin.JpegImageFile(io.BytesIO(data)), name)


def decode_webp(data: bytes, name: str) -> Decoded:
    return _decode_by_pillow(WebPImagePlugin.WebPImageFile(io.BytesIO(data)), name)


def decode_avif(data: bytes, name: str) -> Decoded:
    try:
        from PIL import AvifImagePlugin
    except ImportError:
        raise _no_reader("AVIF", name) from None
    image, said = AvifImagePlugin.AvifImageFile(io.BytesIO(data)), primary_properties(data)
    check_extent(*image.size, name)
    if not image.info.get("icc_profile") and said.cicp:
        refuse_hdr(said.cicp[1], name)
    deep = said.bits > 8 and imagecodecs.AVIF.available
    decoded = _decode_by_pillow(image, name, pixels=_deep_avif(data, said.bits) if deep else None)
    if said.bits > 8 and not deep:
        decoded.notes.append(f"The picture has {said.bits} bits; it was read with 8.")
    _colour_by_boxes(decoded, said)
    return decoded


def _deep_avif(data: bytes, bits: int) -> Pixels:
    """16-bit values of a picture of 10 or 12; Pillow knows only 8."""
    pixels = _whole(imagecodecs.avif_decode(data, index=0))
    if pixels.dtype != np.uint16:
        return pixels
    return np.rint(pixels * np.float32(65535 / (2**bits - 1))).astype(np.uint16)


def _colour_by_boxes(decoded: Decoded, said: Properties) -> None:
    if decoded.icc or decoded.colour is not None:
        return
    decoded.colour = of_nclx(said.cicp, decoded.pixels.shape[2] <= 2)
    if decoded.colour is None:
        decoded.notes.append("The picture's colours are in a space that Scumble doesn't know; they were taken as sRGB.")


def decode_heic(data: bytes, name: str) -> Decoded:
    heif = getattr(imagecodecs, "HEIF", None)
    if heif is None or not heif.available:
        raise _no_reader("HEIC", name)
    said = primary_properties(data)
    width, height = max(said.extents, default=(0, 0), key=lambda size: int(size[0] * size[1]))
    check_extent(width, height, name)
    if said.cicp and not said.icc:
        refuse_hdr(said.cicp[1], name)
    decoded = Decoded(with_channels(_whole(imagecodecs.heif_decode(data))), said.icc)
    _colour_by_boxes(decoded, said)
    return decoded


def decode_jxl(data: bytes, name: str) -> Decoded:
    codec = getattr(imagecodecs, "JPEGXL", None)
    if codec is None or not codec.available:
        raise _no_reader("JPEG XL", name)
    codestream, said = _jxl_parts(data)
    header = read_header(codestream)
    check_extent(header.width, header.height, name)
    if b"jbrd" in said:
        with contextlib.suppress(Exception):  # a JPEG that was packed tighter says its profile by itself
            jpeg = imagecodecs.jpegxl_decode_jpeg(data)  # type: ignore[call-arg]  # its stub knows no default
            return decode_jpeg(bytes(jpeg), name)
    colours, notes = header.colours, []
    if colours is not None:
        refuse_hdr(colours.transfer, name)
    pixels = _whole(imagecodecs.jpegxl_decode(data))
    if pixels.ndim == 4:
        notes.append(f"The picture has {len(pixels)} frames; the first was taken.")
        pixels = pixels[0]
    pixels = with_channels(pixels)
    gray, colour = pixels.shape[2] <= 2, None
    if colours is not None and colours.gamma:
        colour = of_chromaticities(colours.primaries, colours.white, colours.gamma, gray)
    elif colours is not None:
        colour = of_curve(colours.primaries, colours.white, colours.transfer, gray)
    if colour is None:
        notes.append("The picture's colour profile can't be read from JPEG XL; its values were taken as sRGB.")
    exif, xmp = plain_exif(said.get(b"Exif", b"")[4:]), said.get(b"xml ")
    metadata = Metadata(resolution_of(exif), exif, xmp if xmp and len(xmp) <= MAX_BYTES else None)
    return Decoded(pixels, None, 1, notes, colour, metadata)  # the decoder has turned it upright


def _jxl_parts(data: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """The beginning of the codestream, and what is in the boxes around it (ISO/IEC 18181-2)."""
    if data.startswith(CODESTREAM):
        return data[:4096], {}
    stream = b""
    found: dict[bytes, bytes] = {}
    for kind, start, end in boxes(data):
        if kind == b"jxlc":
            stream = stream or data[start : min(end, start + 4096)]
        elif kind == b"jxlp":
            stream += data[start + 4 : min(end, start + 4096)] if len(stream) < 4096 else b""
        elif kind == b"brob" and imagecodecs.BROTLI.available:
            with contextlib.suppress(Exception):  # a damaged remark about the picture is no reason to refuse it
                found.setdefault(data[start : start + 4], _unbrotli(data[start + 4 : end]))
        else:
            found.setdefault(kind, data[start:end] if end - start <= MAX_BYTES else b"")
    return stream, found


def _unbrotli(packed: bytes) -> bytes:
    """At most `MAX_BYTES`: what is longer is no remark about a picture."""
    return bytes(imagecodecs.brotli_decode(packed, out=MAX_BYTES))


def _no_reader(kind: str, name: str) -> ScumbleError:
    message = f"“{name}” is a picture in {kind}, which Scumble cannot read here."
    return ScumbleError("bad_request", message, "Save it as PNG, JPEG, WebP or TIFF.")


def _whole(pixels: Pixels) -> Pixels:
    if pixels.dtype.name not in ("uint8", "uint16", "float16", "float32"):
        raise ValueError(f"its values are {pixels.dtype.name}")
    return pixels


def _jpeg_frame(data: bytes) -> tuple[int | None, int | None]:
    """The marker of a JPEG's frame, which says how it is compressed, and its bits; None where there is none."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return marker, data[at + 4]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None, None


def _decode_by_pillow(
    image: Image.Image, name: str, pixels: Pixels | None = None, frame_chosen: bool = False
) -> Decoded:
    """`pixels` are those that a better reader has found; `frame_chosen`: the frame is the one that is wanted, first or not."""
    check_extent(*image.size, name)
    icc, notes = image.info.get("icc_profile") or None, []
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and not frame_chosen:
        notes.append(f"The picture has {frames} frames; the first was taken.")
    metadata = _metadata(image)
    colour = None
    if pixels is not None:
        return Decoded(with_channels(pixels), icc, orientation_of(metadata.exif), notes, colour, metadata)
    image.load()
    if image.mode == "CMYK":
        if image.format == "JPEG" and "adobe" not in image.info:
            # Pillow takes every JPEG for one of Adobe's, whose inks are stored the other way round
            image = _inverted_inks(image)
        image, icc = cmyk_to_rgb(image, icc, notes), None
    elif image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if not icc and is_adobe_rgb(metadata.exif):
        colour = adobe_rgb(image.mode in ("L", "LA"))
    return Decoded(with_channels(np.asarray(image)), icc, orientation_of(metadata.exif), notes, colour, metadata)


def decode_pillow(image: Image.Image, name: str) -> Decoded:
    """A picture that a program holds in Pillow, of any mode.

    `I;16` and its kin, `I` and `F` keep their depth: white is 65535, 65535 and 1. What is transparent by colour becomes alpha.
    Raises what Pillow does where it can't read or convert.
    """
    check_extent(*image.size, name)
    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        pixels = np.asarray(image)
        depth = np.float32 if image.mode == "F" else np.uint16
        if image.mode == "I":
            pixels = np.clip(pixels, 0, 65535)
        return Decoded(with_channels(pixels.astype(depth)), image.info.get("icc_profile"), metadata=_metadata(image))
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None
        return Decoded(np.asarray(converted), notes=["The picture is in Lab; it was converted to RGB."])
    seen_through = "transparency" in image.info
    other = {"1": "LA" if seen_through else "L", "La": "LA", "RGBa": "RGBA"}.get(image.mode)
    if image.mode in ("L", "RGB") and seen_through:
        other = f"{image.mode}A"
    if other:
        info = image.info
        image = image.convert("L").convert("LA") if (image.mode, other) == ("1", "LA") else image.convert(other)
        image.info.update({name: value for name, value in info.items() if name != "transparency"})
    return _decode_by_pillow(image, name, frame_chosen=True)


def _metadata(image: Image.Image) -> Metadata:
    info = image.info
    exif = plain_exif(info.get("exif"))
    resolution = None
    if info.get("dpi") and info.get("jfif_unit", 1) in (1, 2):
        with contextlib.suppress(TypeError, ValueError, ZeroDivisionError):
            resolution = checked_resolution(float(info["dpi"][0]), float(info["dpi"][1]))
    xmp = info.get("xmp")
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    comment = info.get("comment")
    texts = (("Comment", decoded_text(comment)),) if isinstance(comment, bytes) and comment else ()
    return Metadata(
        resolution or resolution_of(exif),
        exif,
        xmp if xmp and len(xmp) <= MAX_BYTES else None,
        iptc_of_photoshop(info.get("photoshop")),
        texts,
    )


def _inverted_inks(image: Image.Image) -> Image.Image:
    return Image.merge("CMYK", [ImageOps.invert(band) for band in image.split()])


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


def with_channels(pixels: Pixels) -> Pixels:
    """(height, width) to (height, width, 1); three axes stay."""
    if pixels.ndim not in (2, 3):
        raise ValueError(f"it decodes to {pixels.ndim} dimensions")
    return pixels[..., None] if pixels.ndim == 2 else pixels


def encode_jpeg(
    pixels: Pixels, icc: bytes | None, quality: int, metadata: Metadata | None = None, notes: list[str] | None = None
) -> bytes:
    """uint8, (height, width, 1 or 3); without chroma subsampling."""
    said: dict[str, Any] = {}
    metadata = metadata or Metadata()
    if metadata.resolution:
        said["dpi"] = tuple(max(1, min(65535, round(value))) for value in metadata.resolution)
    for what, content in (("Exif", metadata.exif), ("XMP", metadata.xmp), ("IPTC", metadata.iptc)):
        if content is None:
            continue
        if len(content) > MOST_OF_A_SEGMENT:
            if notes is not None:
                notes.append(f"The picture's {what} is too long for JPEG; it was left out.")
        elif what == "Exif":
            said["exif"] = b"Exif\0\0" + content
        elif what == "XMP":
            said["xmp"] = content
        else:
            said["extra"] = photoshop_segment(content)
    comments = [text for name, text in metadata.texts if name == "Comment"]
    if comments:
        said["comment"] = comments[0].encode("utf-8", "replace")[:MOST_OF_A_SEGMENT]
    say_left_out(metadata, "JPEG", notes, texts_but=("Comment",))
    stream = io.BytesIO()
    Image.fromarray(squeezed(pixels)).save(
        stream, "JPEG", quality=quality, subsampling=0, icc_profile=icc or b"", **said
    )
    return stream.getvalue()


def encode_webp(
    pixels: Pixels, icc: bytes | None, metadata: Metadata | None = None, notes: list[str] | None = None
) -> bytes:
    """uint8, (height, width, 3 or 4); lossless, also where it is transparent."""
    metadata = metadata or Metadata()
    said: dict[str, Any] = {}
    if metadata.exif:
        said["exif"] = metadata.exif
    if metadata.xmp:
        said["xmp"] = metadata.xmp
    if notes is not None:
        if metadata.resolution and resolution_of(metadata.exif) is None:
            notes.append("WebP holds no resolution; it was left out.")
        if metadata.iptc:
            notes.append("WebP holds no IPTC; it was left out.")
    say_left_out(metadata, "WebP", notes)
    stream = io.BytesIO()
    image = Image.fromarray(squeezed(pixels))
    image.save(stream, "WEBP", lossless=True, exact=True, icc_profile=icc or b"", **said)
    return stream.getvalue()


def say_left_out(metadata: Metadata, kind: str, notes: list[str] | None, texts_but: tuple[str, ...] = ()) -> None:
    lost = sorted({name for name, _ in metadata.texts if name not in texts_but})
    if lost and notes is not None:
        notes.append(f"{kind} holds no remarks such as “{lost[0]}”; they were left out.")


def squeezed(pixels: Pixels) -> Pixels:
    # A copy has plain strides; a view with sides of 1 may not, and the PNG encoder refuses those.
    return np.array(pixels[..., 0] if pixels.shape[2] == 1 else pixels, order="C")
