"""Picture files as layers and back, in their full depth, with profile, orientation, alpha and what else the file says.

What had to be converted on the way is said in notes, one sentence each, for the artist.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.colour import LINEAR, SRGB, Colour, linear_profile, profile_space
from scumble.imaging.layer import Layer, composite, from_working
from scumble_client.errors import ScumbleError

from .codecs import (
    MAX_PIXELS,
    Decoded,
    decode_avif,
    decode_heic,
    decode_jpeg,
    decode_jxl,
    decode_webp,
    encode_jpeg,
    encode_webp,
)
from .layered import decode_layered, is_layered
from .metadata import Metadata
from .photoshop import decode_psd
from .png import PNG_SIGNATURE, decode_png, encode_png
from .tiff import decode_tiff, encode_tiff

__all__ = [
    "MAX_PIXELS",
    "READABLE",
    "WRITABLE",
    "Metadata",
    "Picture",
    "as_picture",
    "decode_picture",
    "eight_bits",
    "is_picture",
    "read_picture",
    "write_picture",
]

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # its own words are not for artists
logging.getLogger("tifffile").propagate = False

Pixels = NDArray[Any]

WRITABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
"""The suffixes of the formats that are written."""

READABLE = (*WRITABLE, ".ora", ".kra", ".psd", ".psb", ".avif", ".heic", ".heif", ".jxl")
"""The suffixes of picture files. Reading goes by what is in the file, writing by the suffix."""

_MAX_FILE_BYTES = 2**32
_MAX_SIDE = {"JPEG": 65_500, "WebP": 16_383}
_KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP", ".tif": "TIFF", ".tiff": "TIFF"}
_BROKEN_HINT = "Open it in a picture editor and save it anew, or use another copy."
_FORMATS_HINT = "Scumble reads PNG, JPEG, WebP, TIFF, OpenRaster, Krita, Photoshop, AVIF and JPEG XL."


@dataclass(frozen=True, eq=False)
class Picture:
    """What a file holds."""

    layer: Layer
    """At offset 0, 0, in the file's own depth."""

    notes: tuple[str, ...] = ()

    metadata: Metadata = field(default_factory=Metadata)
    """What the file says beside the pixels, for a picture that was turned upright."""


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a picture; of several frames the first, of several pages the largest, of layers what is seen of them together.

    Raises
    ------
    ScumbleError
        `missing_input` where there is no such file, `too_large` for more than `MAX_PIXELS`, `out_of_memory`, and
        `bad_request` for everything else that keeps it from being read.
    """
    path = Path(path)
    return decode_picture(_read_bytes(path), path.name)


def decode_picture(data: bytes, name: str) -> Picture:
    """The picture in a file's bytes; `name` is what messages call it. Raises as `read_picture` does."""
    kind, decode = _recognise(data, name)
    try:
        with _quiet():
            decoded = decode(data, name)
            metadata = decoded.metadata.upright()
    except ScumbleError:
        raise
    except MemoryError as error:
        hint = "Close other programs, or make the picture smaller."
        raise ScumbleError("out_of_memory", f"There is not enough memory to open “{name}”.", hint) from error
    except Exception as error:  # a decoder fed with damaged bytes raises whatever it meets first
        reason = " ".join(str(error).split()).rstrip(".")[:200]  # some of them quote half the file
        reason = "".join(letter for letter in reason if letter.isprintable())
        message = f"“{name}” is a damaged {kind} file: {reason or type(error).__name__}."
        raise ScumbleError("bad_request", message, _BROKEN_HINT) from error
    return as_picture(decoded, metadata)


def as_picture(decoded: Decoded, metadata: Metadata | None = None) -> Picture:
    """What was decoded, turned upright, with a colour space that fits its channels. `metadata` is by default its own."""
    metadata = decoded.metadata.upright() if metadata is None else metadata
    pixels = np.ascontiguousarray(_upright(decoded.pixels, decoded.orientation))
    colour = decoded.colour or SRGB
    if decoded.icc and decoded.colour is None:
        gray = pixels.shape[2] <= 2
        if profile_space(decoded.icc) != ("GRAY" if gray else "RGB"):
            decoded.notes.append("The picture's colour profile does not fit its channels; it was left out.")
        else:
            colour = LINEAR if decoded.icc == linear_profile(gray) else Colour("icc", decoded.icc)
    return Picture(Layer(pixels, colour=colour), tuple(decoded.notes), metadata)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' own words: Python's warnings, and what C writes to stderr by itself."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        kept = -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kept >= 0:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        try:
            yield
        finally:
            if kept >= 0:
                os.dup2(kept, 2)
                os.close(kept)


def is_picture(path: Path) -> bool:
    """Whether a file begins as those do that can be read; nothing else of it is looked at."""
    try:
        with path.open("rb") as file:
            _recognise(file.read(128), path.name)
    except (OSError, ScumbleError):
        return False
    return True


def write_picture(
    path: str | os.PathLike[str], layer: Layer, *, quality: int = 95, metadata: Metadata | None = None
) -> tuple[str, ...]:
    """Write the layer's pixels (not its offset) in the format of the suffix; a file that is there is replaced at once.

    PNG and TIFF keep depth, alpha and colour, but PNG has no floats: those become 16 bits. JPEG (of `quality` 1 to
    100, without chroma subsampling) and WebP (lossless) hold 8 bits; JPEG has no alpha, and what is transparent is
    laid on white.

    Returns
    -------
    tuple of str
        What the format could not hold, one sentence each.

    Raises
    ------
    ScumbleError
        `bad_request` for a suffix, size or place that cannot be written, `internal` where the disk is full or fails.
    """
    path = Path(path)
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        hint = f"Let its name end in one of {', '.join(WRITABLE)}."
        raise ScumbleError("bad_request", f"Scumble cannot tell in which format to write “{path.name}”.", hint)
    width, height = layer.extent
    if not width or not height:
        message = f"There is nothing to write to “{path.name}”: the picture is {width} × {height} pixels."
        raise ScumbleError("bad_request", message, "Select something, or choose a picture that is not empty.")
    if max(width, height) > _MAX_SIDE.get(kind, 2**31 - 1):
        message = f"{kind} cannot hold {width} × {height} pixels, at most {_MAX_SIDE[kind]} a side."
        raise ScumbleError("bad_request", message, "Write PNG or TIFF instead.")
    notes: list[str] = []
    layer = _fitted(layer, kind, notes)
    icc = _profile_to_write(layer, notes)
    with _quiet():
        if kind == "PNG":
            data = encode_png(layer.pixels, icc, metadata)
        elif kind == "TIFF":
            data = encode_tiff(layer.pixels, icc, metadata, notes)
        elif kind == "JPEG":
            data = encode_jpeg(layer.pixels, icc, quality, metadata, notes)
        else:
            data = encode_webp(layer.pixels, icc, metadata, notes)
    _write_bytes(path, data)
    return tuple(notes)


def _read_bytes(path: Path) -> bytes:
    name = path.name or str(path)
    try:
        if path.is_dir():
            raise ScumbleError("bad_request", f"“{name}” is a folder, not a picture.", "Name a picture file.")
        size = path.stat().st_size
        if size > _MAX_FILE_BYTES:
            message = f"“{name}” is {size / 2**30:.1f} GiB, more than Scumble opens."
            raise ScumbleError("too_large", message, "Make the picture smaller.")
        if not path.is_file():
            raise ScumbleError("bad_request", f"“{name}” is not a file.", "Name a picture file.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        hint = f"Check the name; it was looked for as {path}."
        raise ScumbleError("missing_input", f"There is no file “{name}”.", hint) from error
    except PermissionError as error:
        hint = f"Allow yourself to read {path}."
        raise ScumbleError("bad_request", f"“{name}” may not be read.", hint) from error
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            reason = "is too long" if error.errno == errno.ENAMETOOLONG else "is a link to itself"
            raise ScumbleError(
                "bad_request", f"The name “{_shortened(name)}” {reason}.", "Name a picture file."
            ) from error
        message = f"“{name}” could not be read: {error.strerror or error}."
        raise ScumbleError("bad_request", message, f"Check {path} and the disk that it is on.") from error
    if not data:
        raise ScumbleError("bad_request", f"“{name}” is empty.", _BROKEN_HINT)
    return data


def _recognise(data: bytes, name: str) -> tuple[str, Callable[[bytes, str], Decoded]]:
    if data.startswith(PNG_SIGNATURE):
        return "PNG", decode_png
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG", decode_jpeg
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP", decode_webp
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF", decode_tiff
    if is_layered(data):
        return "layered", decode_layered
    if data.startswith(b"8BPS"):
        return "Photoshop", decode_psd
    if data[4:8] == b"ftyp":
        if data[8:12] in (b"avif", b"avis") or b"avif" in data[16:64]:
            return "AVIF", decode_avif
        if data[8:12] in (b"heic", b"heix", b"mif1", b"hevc", b"heim", b"heis", b"msf1"):
            return "HEIC", decode_heic
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "JPEG XL", decode_jxl
    raise ScumbleError("bad_request", f"“{name}” is not a picture that Scumble can read.", _FORMATS_HINT)


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turned as the Exif orientation (1 to 8) says; anything else leaves it as it is."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _fitted(layer: Layer, kind: str, notes: list[str]) -> Layer:
    """The layer as the format can hold it, and a note for each thing that it cannot."""
    if kind == "TIFF":
        return layer
    if kind == "PNG":
        if layer.depth in ("uint8", "uint16"):
            return layer
        notes.append("PNG holds no floating-point values; the picture was written with 16 bits.")
        return _converted(layer, "uint16", layer.colour, notes)
    if layer.has_alpha and kind == "JPEG":
        if not (layer.alpha() == 1).all():
            notes.append("JPEG holds no transparency; the picture was laid on white.")
        layer = _on_white(layer)
    if layer.depth != "uint8":
        stored = "16 bits" if layer.depth == "uint16" else "floating-point values"
        notes.append(f"{kind} holds 8 bits; the picture was rounded from {stored}.")
    layer = eight_bits(layer, notes)
    if kind == "WebP" and layer.is_gray:
        layout = "rgba" if layer.has_alpha else "rgb"
        widened = Layer.from_buffer(layer.to_buffer(layout), layer.extent, layout, layer.depth)
        layer = replace(widened, colour=layer.colour)
    return layer


def eight_bits(layer: Layer, notes: list[str]) -> Layer:
    """The layer with 8 bits a channel. They are too few for linear values, so those are encoded as sRGB."""
    if layer.depth == "uint8" and layer.colour.kind != "linear":
        return layer
    return _converted(layer, "uint8", SRGB if layer.colour.kind == "linear" else layer.colour, notes)


def _converted(layer: Layer, depth: str, colour: Colour, notes: list[str]) -> Layer:
    like = Layer(np.empty((0, 0, layer.pixels.shape[2]), depth), colour=colour)
    working = layer.to_working()
    notes.extend(working.notes)
    converted = from_working(working.rgb, working.alpha, working.bounds, like)
    return converted if layer.has_alpha else replace(converted, pixels=converted.pixels[..., :-1])


def _on_white(layer: Layer) -> Layer:
    white = np.iinfo(layer.pixels.dtype).max if layer.pixels.dtype.kind == "u" else 1
    base = np.full((*layer.extent.shape, 1 if layer.is_gray else 3), white, layer.pixels.dtype)
    return composite(replace(layer, pixels=base), layer)


def _profile_to_write(layer: Layer, notes: list[str]) -> bytes | None:
    if layer.colour.kind == "linear":
        return linear_profile(layer.is_gray)
    icc = layer.colour.icc
    if icc and profile_space(icc) != ("GRAY" if layer.is_gray else "RGB"):
        notes.append("The picture's colour profile does not fit its channels; it was left out.")
        return None
    return icc


def is_writable_folder(folder: Path) -> None:
    """Try to write to a folder. Raises what `write_picture` would raise there."""
    part = folder / f".scumble-{secrets.token_hex(8)}.part"
    with _errors_of_writing(folder / "pictures"):
        try:
            with part.open("xb") as file:
                file.write(bytes(2**16))
                file.flush()
                os.fsync(file.fileno())
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


def _write_bytes(path: Path, data: bytes) -> None:
    """Write beside the target, then replace it, so that no reader ever sees half a file."""
    part = path.with_name(f".scumble-{secrets.token_hex(8)}.part")
    with _errors_of_writing(path):
        if path.is_dir():
            raise ScumbleError("bad_request", f"“{path.name}” is a folder.", "Name a picture file.")
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise


@contextlib.contextmanager
def _errors_of_writing(path: Path) -> Iterator[None]:
    """What the system says of writing to a path, in the artist's words."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"There is no folder “{path.parent}” to write “{path.name}” to."
        raise ScumbleError("bad_request", message, "Make the folder, or write elsewhere.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = f"The disk is full: “{path.name}” could not be written."
            raise ScumbleError(
                "internal", message, f"Free some space, or write elsewhere than {path.parent}."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            message = f"“{path.name}” may not be written."
            raise ScumbleError("bad_request", message, f"Allow yourself to write to {path.parent}.") from error
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            reason = "is too long" if error.errno == errno.ENAMETOOLONG else "is a link to itself"
            message = f"The name “{_shortened(path.name)}” {reason}."
            raise ScumbleError("bad_request", message, "Choose another name.") from error
        message = f"“{path.name}” could not be written: {error.strerror or error}."
        raise ScumbleError("internal", message, f"Check the disk that {path.parent} is on.") from error


def _shortened(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}"
