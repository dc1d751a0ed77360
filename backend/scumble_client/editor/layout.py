"""Pixels between an editor's own order of channels and the wire's, small pictures of large layers, and parts of them.

All without numpy, which the editors' Python does not have: strided slices do the work.
"""

import array
import math
import struct
import sys
from typing import Optional, Tuple

from ..request import CHANNELS, SAMPLE_BYTES, Pixels
from ..wire import Buffer

Rect = Tuple[int, int, int, int]
"""x, y, width, height in document coordinates."""

_CODES = {1: "B", 2: "H", 4: "I"}


def swap_red_and_blue(data: Buffer, channels: int, sample_bytes: int) -> bytes:
    """BGR(A) to RGB(A), and back. `channels` is 3 or 4, `sample_bytes` 1, 2 or 4."""
    code = _CODES[sample_bytes]
    out = array.array(code, bytes(data))
    out[0::channels], out[2::channels] = out[2::channels], out[0::channels]
    return out.tobytes()


def to_rgb_order(pixels: Pixels) -> Pixels:
    """The same raster as gray(a) or rgb(a); the same object where it is that already."""
    if not pixels.layout.startswith("bgr"):
        return pixels
    data = swap_red_and_blue(pixels.data, CHANNELS[pixels.layout], SAMPLE_BYTES[pixels.depth])
    layout = "rgb" + pixels.layout[3:]
    return Pixels(
        data, pixels.width, pixels.height, layout, pixels.depth, pixels.x, pixels.y, pixels.colour, pixels.icc
    )


def rect_of(pixels: Pixels) -> Rect:
    """The rectangle that a raster covers."""
    return pixels.x, pixels.y, pixels.width, pixels.height


def intersection(a: Rect, b: Rect) -> Optional[Rect]:
    """What two rectangles share; None where that is nothing."""
    x, y = max(a[0], b[0]), max(a[1], b[1])
    right, bottom = min(a[0] + a[2], b[0] + b[2]), min(a[1] + a[3], b[1] + b[3])
    return (x, y, right - x, bottom - y) if right > x and bottom > y else None


def union(a: Rect, b: Rect) -> Rect:
    """The smallest rectangle around two."""
    x, y = min(a[0], b[0]), min(a[1], b[1])
    return x, y, max(a[0] + a[2], b[0] + b[2]) - x, max(a[1] + a[3], b[1] + b[3]) - y


def on_canvas(pixels: Pixels, canvas: Rect) -> bytes:
    """The raster's bytes over another rectangle: cropped, and zero (transparent) where it does not reach."""
    size = CHANNELS[pixels.layout] * SAMPLE_BYTES[pixels.depth]
    x, y, width, height = canvas
    own = rect_of(pixels)
    if own == canvas:
        return bytes(pixels.data)
    out = bytearray(width * height * size)
    shared = intersection(own, canvas)
    if shared:
        source = memoryview(pixels.data).cast("B")
        for row in range(shared[1], shared[1] + shared[3]):
            start = ((row - own[1]) * own[2] + shared[0] - own[0]) * size
            target = ((row - y) * width + shared[0] - x) * size
            out[target : target + shared[2] * size] = source[start : start + shared[2] * size]
    return bytes(out)


def thumbnail(pixels: Pixels, side: int) -> Tuple[bytes, int, int]:
    """A picture of at most `side` × `side` pixels, by leaving pixels out: RGBA, 8 bits, sRGB; and its width and height.

    Linear pixels are encoded. A raster without pixels gives one transparent pixel.
    """
    if not pixels.width or not pixels.height:
        return bytes(4), 1, 1
    scale = max(pixels.width, pixels.height) / side
    width = max(1, round(pixels.width / max(scale, 1.0)))
    height = max(1, round(pixels.height / max(scale, 1.0)))
    channels = CHANNELS[pixels.layout]
    size = channels * SAMPLE_BYTES[pixels.depth]
    data = memoryview(pixels.data).cast("B")
    columns = [(2 * c + 1) * pixels.width // (2 * width) for c in range(width)]
    small = bytearray()
    for r in range(height):
        start = (2 * r + 1) * pixels.height // (2 * height) * pixels.width
        for column in columns:
            small += data[(start + column) * size : (start + column + 1) * size]
    curve = _encode if pixels.colour == "linear" else float
    alpha = channels - 1 if channels in (2, 4) else None
    out = bytearray()
    for values in _grouped(_unit(bytes(small), pixels.depth), channels):
        colours = [curve(v) for place, v in enumerate(values) if place != alpha]
        if pixels.layout.startswith("gray"):
            colours *= 3
        elif pixels.layout.startswith("bgr"):
            colours.reverse()
        out += bytes(_byte(v) for v in (*colours, 1.0 if alpha is None else values[alpha]))
    return bytes(out), width, height


def _unit(data: bytes, depth: str) -> Tuple[float, ...]:
    if depth == "uint8":
        return tuple(v / 255 for v in data)
    if depth == "uint16":
        values = array.array("H", data)
        if sys.byteorder == "big":
            values.byteswap()
        return tuple(v / 65535 for v in values)
    code, size = ("e", 2) if depth == "float16" else ("f", 4)
    return struct.unpack(f"<{len(data) // size}{code}", data)


def _grouped(values: Tuple[float, ...], size: int) -> "zip[Tuple[float, ...]]":
    return zip(*(values[i::size] for i in range(size)))


def _encode(value: float) -> float:
    if not value > 0.0031308:
        return 12.92 * value
    return float(1.055 * value ** (1 / 2.4) - 0.055)


def _byte(value: float) -> int:
    return 0 if math.isnan(value) else round(min(max(value, 0.0), 1.0) * 255)
