"""Pictures that a script hands in: files, Pillow pictures, arrays. Each becomes a layer without losing depth."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scumble.imaging.io.codecs import decode_pillow
from scumble.imaging.io.files import Picture, as_picture, decode_picture, read_picture
from scumble.imaging.layer import Layer
from scumble_client.errors import ScumbleError

Pixels = NDArray[Any]


def opened(source: Any) -> Picture:
    """A picture from wherever it is.

    Parameters
    ----------
    source
        A path; the bytes of a picture file; a Pillow picture of any mode; an array (H, W) or (H, W, 1 to 4) of booleans, unsigned integers
        (white is their largest value) or floats (white is 1), sRGB-encoded, alpha straight and last. Arrays are copied.

    Raises
    ------
    ScumbleError
        As `read_picture`; `bad_request` for what is no picture.
    """
    if isinstance(source, (str, os.PathLike)):
        return read_picture(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode_picture(bytes(source), "the bytes given")
    if isinstance(source, Image.Image):
        return _of_pillow(source)
    if isinstance(source, np.ndarray) or hasattr(source, "__array__") or hasattr(source, "__array_interface__"):
        try:
            array = np.asarray(source)
        except Exception as error:  # another library's own: a tensor that lies on a graphics card
            raise _no_picture(f"This {type(source).__name__} can't be made an array: {error}") from error
        return Picture(Layer(_pixels(array)))
    raise ScumbleError(
        "bad_request",
        f"Scumble can't take a picture out of a {type(source).__name__}.",
        "Give a path, a Pillow picture, or a numpy array (H, W, channels).",
    )


def _of_pillow(image: Image.Image) -> Picture:
    """The pixels as Pillow has them: what its Exif says of turning counts only for files that are read by path."""
    try:
        decoded = decode_pillow(image, "The picture")
    except ScumbleError:
        raise
    except Exception as error:  # Pillow reads late: the file may be damaged, or gone
        raise _no_picture(f"Pillow can't give this picture's pixels: {error}") from error
    decoded.orientation = 1
    return as_picture(decoded)


def _pixels(array: Pixels) -> Pixels:
    """(height, width, 1 to 4 channels) of a layer's depths, a copy."""
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or not 1 <= array.shape[2] <= 4:
        hint = "Give height × width, or height × width × 1 to 4 channels."
        if array.ndim == 3 and array.shape[0] <= 4:
            hint = "Channels come last: array.transpose(1, 2, 0)."
        raise ScumbleError("bad_request", f"An array of the shape {array.shape} is no picture.", hint)
    if not array.size:
        raise ScumbleError("missing_input", f"This array has no pixels: {array.shape}.", "Give one that has some.")
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind == "u" and size <= 2:
        return np.array(array, f"uint{8 * size}", order="C")
    if kind == "u":
        high: Pixels = (array >> array.dtype.type(8 * size - 16)).astype(np.uint16)
        return high
    if kind == "f":
        with np.errstate(over="ignore"):
            return np.array(array, "float16" if size == 2 else "float32", order="C")
    raise ScumbleError(
        "bad_request",
        f"In an array of {array.dtype} it is not known what white is.",
        "Convert it: .astype(numpy.uint8) where white is 255, .astype(numpy.float32) where it is 1.",
    )


def _no_picture(message: str) -> ScumbleError:
    return ScumbleError(
        "bad_request",
        " ".join(message.split()).rstrip(".")[:300] + ".",
        "Give it as a numpy array in memory, or a file.",
    )
