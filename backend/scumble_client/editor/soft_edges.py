"""How a result is laid over soft edges, so that what is seen is as opaque as the more opaque of both: `docs/pictures.md`.

Editors add alphas up: a layer of alpha 128 over a picture of alpha 128 shows 192. The command line's rule is another one: where the layer's
alpha is t and that of what lies below it is b, what is seen has the alpha max(t, b), and the layer's colour has the share t / max(t, b) of it.
A layer of an editor gives that in one of three ways:

- *plain*: b is 0 or 1, or t is 1, wherever there is a layer at all. A normal layer does it, and artists expect one.
- *inside*: t ≤ b everywhere, as with styles, mosaics and whatever else keeps a picture's shape. A layer that leaves the alpha below it
  alone (Krita: inherit alpha; GIMP: clip to backdrop) does it with the alpha t / b.
- *mixed*: a fill that is here more and there less opaque than what was there. Two layers do it, in a group that passes through: the result as
  it is, and below it one that erases as much of the picture as would come on top: e = 1 for t ≥ b, else 1 − (b − t) / (b (1 − t)).

All of it is worked out in 8 bits, as editors keep their selections, and without numpy, which the editors' Python does not have: a pair of
bytes is looked up in a table.
"""

import struct
import sys
from typing import NamedTuple, Set

from ..request import CHANNELS, SAMPLE_BYTES, Pixels
from .layout import Rect, intersection
from .placing import bands
from .reading import Steps, finish

PLAIN, INSIDE, MIXED = "plain", "inside", "mixed"

NEW, ERASED = "New", "Taken away"
"""The names of the two layers in a group of a *mixed* result: the result itself, and below it what erases."""

_SEEN = 255
"""In 1/255²: what an alpha may differ by (one level of 255) without being seen."""

_STEP = 1 << 18
"""So many pixels are looked at in a step."""


class Laid(NamedTuple):
    """How a result is laid: `how` is out of PLAIN, INSIDE, MIXED; `pixels` are those of the layer; `erased` is what erases, for MIXED alone."""

    how: str
    pixels: Pixels
    erased: bytes = b""


def alpha_plane(pixels: Pixels) -> bytes:
    """A raster's alpha in 8 bits, height × width; all 255 where it has none."""
    return finish(alpha_steps(pixels))


def alpha_steps(pixels: Pixels) -> Steps[bytes]:
    """The same in steps of a few milliseconds."""
    if pixels.layout not in ("graya", "rgba", "bgra"):
        return b"\xff" * (pixels.width * pixels.height)
    channels, size, floating = CHANNELS[pixels.layout], SAMPLE_BYTES[pixels.depth], pixels.depth.startswith("float")
    out = bytearray()
    for _, _, data in bands(pixels, _STEP * channels * size):
        out += plane(data, channels, size, floating)
        yield None
    return bytes(out)


def plane(data: bytes, channels: int, sample_bytes: int, floating: bool = False) -> bytes:
    """The last channel of interleaved little-endian samples, in 8 bits; what is not a number is 0."""
    last = (channels - 1) * sample_bytes
    stride = channels * sample_bytes
    if not floating:
        return data[last + sample_bytes - 1 :: stride]
    alone = bytearray(len(data) // stride * sample_bytes)
    for place in range(sample_bytes):
        alone[place::sample_bytes] = data[last + place :: stride]
    code = {2: "e", 4: "f", 8: "d"}[sample_bytes]
    values = struct.unpack(f"<{len(alone) // sample_bytes}{code}", alone)
    levels = {value: _level(value) for value in set(values)}
    return bytes([levels.get(value, 0) for value in values])


def _level(value: float) -> int:
    return round(min(value, 1.0) * 255) if value > 0 else 0


def is_partial(alpha: bytes) -> bool:
    """Whether any pixel is neither opaque nor fully transparent: where none is, every result is *plain*."""
    return bool(alpha.translate(None, b"\x00\xff"))


def lay(pixels: Pixels, top: bytes, below: bytes) -> Steps[Laid]:
    """Steps: how a result is laid.

    `top` and `below` are alphas over its rectangle, in 8 bits: its own, and that of the picture below its place.
    """
    if not is_partial(top) or not is_partial(below):
        return Laid(PLAIN, pixels)
    pairs: Set[int] = set()
    for start in range(0, len(top), _STEP):
        pairs.update(_pairs(top[start : start + _STEP], below[start : start + _STEP]))
        yield None
    known = [_split(pair) for pair in pairs]
    if all(_is_plain(t, b) for t, b in known):
        return Laid(PLAIN, pixels)
    inside = all(t <= b + 1 for t, b in known)
    table = bytearray(1 << 16)
    for pair in pairs:
        table[pair] = _share(*_split(pair)) if inside else _erasing(*_split(pair))
    mapped = bytearray()
    for start in range(0, len(top), _STEP):
        both = _pairs(top[start : start + _STEP], below[start : start + _STEP])
        mapped += bytes(map(table.__getitem__, both))
        yield None
    if inside:
        return Laid(INSIDE, with_alpha(pixels, bytes(mapped)))
    return Laid(MIXED, pixels, bytes(mapped))


def _is_plain(t: int, b: int) -> bool:
    return min(t, b) * (255 - max(t, b)) <= _SEEN


def _share(t: int, b: int) -> int:
    return min(255, round(255 * t / b)) if t and b else 0


def _erasing(t: int, b: int) -> int:
    if _is_plain(t, b):
        return 0
    return 255 if t >= b else 255 - round(255 * 255 * (b - t) / (b * (255 - t)))


def _pairs(top: bytes, below: bytes) -> memoryview:
    both = bytearray(2 * len(top))
    both[0::2], both[1::2] = top, below
    return memoryview(both).cast("H")


def _split(pair: int) -> bytes:
    return pair.to_bytes(2, sys.byteorder)


def with_alpha(pixels: Pixels, alpha: bytes) -> Pixels:
    """The raster with another alpha, given in 8 bits."""
    channels, size = CHANNELS[pixels.layout], SAMPLE_BYTES[pixels.depth]
    data = bytearray(pixels.data)
    stride, last = channels * size, (channels - 1) * size
    if pixels.depth == "uint8":
        data[last::stride] = alpha
    else:
        samples = _samples(alpha, pixels.depth)
        for place in range(size):
            data[last + place :: stride] = samples[place::size]
    return Pixels(
        bytes(data),
        pixels.width,
        pixels.height,
        pixels.layout,
        pixels.depth,
        pixels.x,
        pixels.y,
        pixels.colour,
        pixels.icc,
    )


def _samples(alpha: bytes, depth: str) -> bytes:
    """8-bit levels as little-endian samples of another depth."""
    if depth == "uint16":
        both = bytearray(2 * len(alpha))
        both[0::2] = both[1::2] = alpha
        return bytes(both)
    code = "e" if depth == "float16" else "f"
    level = [struct.pack(f"<{code}", number / 255) for number in range(256)]
    return b"".join(map(level.__getitem__, alpha))


def erasing_pixels(pixels: Pixels, erased: bytes, layout: str = "rgba") -> Pixels:
    """A raster that erases, over the same rectangle: black of that alpha, in four channels of 8 bits."""
    data = bytearray(4 * len(erased))
    data[3::4] = erased
    return Pixels(bytes(data), pixels.width, pixels.height, layout, "uint8", pixels.x, pixels.y)


def moved_plane(alpha: bytes, own: Rect, wanted: Rect, outside: int) -> bytes:
    """An alpha over the rectangle `own` as one over `wanted`; `outside` (0 to 255) where it does not reach."""
    if own == wanted:
        return alpha
    out = bytearray([outside]) * (wanted[2] * wanted[3])
    shared = intersection(own, wanted)
    if shared is not None:
        for row in range(shared[1], shared[1] + shared[3]):
            start = (row - own[1]) * own[2] + shared[0] - own[0]
            target = (row - wanted[1]) * wanted[2] + shared[0] - wanted[0]
            out[target : target + shared[2]] = alpha[start : start + shared[2]]
    return bytes(out)
