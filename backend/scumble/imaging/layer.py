"""Layer: pixels, where they lie, and what their numbers mean; the float form that algorithms work on; compositing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import SRGB, Colour, decode_srgb, encode_srgb, luma
from .geometry import Bounds, Extent, Point
from .profiles import FEW, from_srgb, to_srgb, use_of, values_at_once

__all__ = ["DEPTHS", "LAYOUTS", "WIRE_LAYOUTS", "Colour", "Layer", "Working", "composite", "from_working"]

DEPTHS = ("uint8", "uint16", "float16", "float32")
"""What a channel may be stored as. Integers span 0 to 1 with their full range; floats may go beyond both ends."""

LAYOUTS = ("gray", "graya", "rgb", "rgba")
"""Channel orders inside Scumble, by number of channels: 1, 2, 3, 4. Alpha is straight and comes last."""

WIRE_LAYOUTS = {"gray": 1, "graya": 2, "rgb": 3, "rgba": 4, "bgr": 3, "bgra": 4}
"""Channel orders that a buffer may come in, and their number of channels (Krita keeps integers as BGRA)."""

ORIGIN = Point(0, 0)

Buffer = bytes | bytearray | memoryview
Pixels = NDArray[Any]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layer:
    """A rectangle of pixels in document coordinates. Its arrays are never written to.

    Two layers are the same only if they are the same object; compare `pixels` for more.
    """

    pixels: Pixels
    """(height, width, channels), 1 to 4 channels as in `LAYOUTS`, of a dtype in `DEPTHS`."""

    offset: Point = ORIGIN
    """Where the first pixel lies; may be negative."""

    colour: Colour = SRGB

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or not 1 <= self.pixels.shape[2] <= 4:
            raise ValueError(f"a layer is (height, width, 1 to 4 channels), not {self.pixels.shape}")
        if self.pixels.dtype.name not in DEPTHS or not self.pixels.dtype.isnative:
            raise ValueError(f"a layer's depth is one of {', '.join(DEPTHS)}, not {self.pixels.dtype}")

    @classmethod
    def from_buffer(
        cls,
        buffer: Buffer,
        extent: Extent,
        layout: str,
        depth: str,
        offset: Point = ORIGIN,
        colour: Colour = SRGB,
    ) -> Layer:
        """A layer over packed little-endian rows, top row first.

        The pixels are a view of `buffer`, without a copy, except for bgr and bgra, which are put in order.

        Raises
        ------
        ValueError
            For an unknown layout or depth, and where the buffer's length is not exactly what the rest says.
        """
        if layout not in WIRE_LAYOUTS:
            raise ValueError(f"unknown layout {layout!r}; there are {', '.join(WIRE_LAYOUTS)}")
        if depth not in DEPTHS:
            raise ValueError(f"unknown depth {depth!r}; there are {', '.join(DEPTHS)}")
        width, height = extent
        if width < 0 or height < 0:
            raise ValueError(f"a layer cannot be {width} × {height} pixels")
        shape = (height, width, WIRE_LAYOUTS[layout])
        dtype = np.dtype(depth)
        expected = width * height * shape[2] * dtype.itemsize
        length = memoryview(buffer).nbytes
        if length != expected:
            raise ValueError(f"{width} × {height} pixels of {layout} {depth} are {expected} bytes, not {length}")
        pixels: Pixels = np.ndarray(shape, dtype, buffer=buffer)
        return cls(_swap_red_and_blue(pixels) if layout.startswith("bgr") else pixels, offset, colour)

    def to_buffer(self, layout: str | None = None) -> memoryview:
        """The pixels as contiguous bytes, in the layer's own layout or in another that can hold them.

        Gray spreads to colour, and a missing alpha is added as opaque. Without a change of layout nothing is copied
        where the pixels are contiguous already.

        Raises
        ------
        ValueError
            For an unknown layout, and for one that would lose colour or alpha.
        """
        layout = layout or self.layout
        if layout not in WIRE_LAYOUTS:
            raise ValueError(f"unknown layout {layout!r}; there are {', '.join(WIRE_LAYOUTS)}")
        with_alpha, gray = layout.endswith("a"), layout.startswith("gray")
        if self.has_alpha > with_alpha or gray > self.is_gray:
            raise ValueError(f"{layout} cannot hold a {self.layout} layer")
        pixels = self.pixels
        if self.is_gray and not gray:
            pixels = np.concatenate([_spread(self._colours), self.pixels[..., 1:]], axis=2)
        if with_alpha and not self.has_alpha:
            pixels = _with_opaque_alpha(pixels)
        if layout.startswith("bgr"):
            pixels = _swap_red_and_blue(pixels)
        return np.ascontiguousarray(pixels).reshape(-1).view(np.uint8).data

    @property
    def extent(self) -> Extent:
        return Extent(self.pixels.shape[1], self.pixels.shape[0])

    @property
    def bounds(self) -> Bounds:
        return Bounds.of(self.extent, self.offset)

    @property
    def depth(self) -> str:
        return str(self.pixels.dtype.name)

    @property
    def layout(self) -> str:
        return LAYOUTS[self.pixels.shape[2] - 1]

    @property
    def has_alpha(self) -> bool:
        return bool(self.pixels.shape[2] in (2, 4))

    @property
    def is_gray(self) -> bool:
        return bool(self.pixels.shape[2] <= 2)

    def crop(self, bounds: Bounds) -> Layer:
        """The part in `bounds` (document coordinates), of exactly that size.

        Inside the layer's own bounds it is a view. Beyond them the document is transparent there, so the part is
        zeros, and a layer without alpha gains one (opaque where the layer was).
        """
        if bounds == self.bounds:
            return self
        inside = self.bounds.intersection(bounds)
        if inside == bounds:
            return replace(self, pixels=self.pixels[inside.relative_to(self.offset).slices], offset=bounds.offset)
        source = self.pixels[inside.relative_to(self.offset).slices] if inside else None
        channels = self.pixels.shape[2] + (not self.has_alpha)
        pixels = np.zeros((*bounds.extent.shape, channels), self.pixels.dtype)
        if source is not None:
            target = pixels[inside.relative_to(bounds.offset).slices]
            target[..., : self.pixels.shape[2]] = source
            if not self.has_alpha:
                target[..., -1] = _full(self.pixels.dtype)
        return replace(self, pixels=pixels, offset=bounds.offset)

    def alpha(self) -> Floats:
        """(height, width) in 0 to 1; 1 where the layer has no alpha, 0 where it is not a number."""
        if not self.has_alpha:
            return np.ones(self.extent.shape, np.float32)
        return _coverage(_to_unit(self.pixels[..., -1]))

    def coverage(self, bounds: Bounds | None = None) -> Floats:
        """The layer read as a selection: brightness as stored times alpha, in 0 to 1, and 0 outside the layer.

        (height, width) of `bounds`, or of the layer where none are given.
        """
        part = self if bounds is None else self.crop(bounds)
        colours = _to_unit(part._colours)
        gray = colours[..., 0] if part.is_gray else luma(colours)
        gray = _coverage(gray)
        return gray * part.alpha() if part.has_alpha else gray

    def content_bounds(self) -> Bounds:
        """The smallest rectangle around all pixels that are not fully transparent."""
        if not self.has_alpha:
            return self.bounds
        seen = self.pixels[..., -1] > 0
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not rows.size:
            return Bounds(self.offset.x, self.offset.y, 0, 0)
        edges = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        return Bounds.from_edges(*edges).moved(self.offset)

    def to_working(self, bounds: Bounds | None = None) -> Working:
        """The part in `bounds` (default: the whole layer) as floats; only that part is converted."""
        part = self if bounds is None else self.crop(bounds)
        rgb, alpha = _to_unit(part._colours), part.alpha()
        if part.has_alpha:
            rgb[alpha <= 0] = 0  # what is not seen is not there: nothing that is hidden reaches an algorithm
        notes = _mend(rgb) if self.pixels.dtype.kind == "f" else ()
        _decoded(rgb, self.colour)
        if self.colour.icc and use_of(self.colour.icc, self.is_gray) == "none":
            notes += ("The layer's colour profile can't be used; its values were taken as sRGB.",)
        if part.is_gray:
            rgb = _spread(rgb)
        if part.has_alpha and not np.isfinite(part.pixels[..., -1]).all():
            notes += ("The layer's alpha held values that are not numbers; they were taken as transparent.",)
        return Working(rgb, alpha, part.bounds, notes)

    def unit_colours(self) -> Floats:
        """(height, width, 1 or 3): the stored colours as floats, integers spread over 0 to 1; what is not a number is 0."""
        return np.nan_to_num(_to_unit(self._colours), nan=0.0)

    @property
    def _colours(self) -> Pixels:
        """The channels without alpha: (height, width, 1 or 3)."""
        return self.pixels[..., : 1 if self.is_gray else 3]


@dataclass(frozen=True, eq=False)
class Working:
    """The form in which algorithms and networks see a layer. Its arrays are its own and may be written to."""

    rgb: Floats
    """(height, width, 3). sRGB-encoded, whatever the layer's own colour space, with the curve carried on beyond 0 and 1 for what sRGB
    can't show. Finite, and 0 where alpha is 0."""

    alpha: Floats
    """(height, width), straight, in 0 to 1."""

    bounds: Bounds

    notes: tuple[str, ...] = field(default=())
    """What had to be mended, one sentence each, for the artist."""


def from_working(rgb: Floats, alpha: Floats, bounds: Bounds, like: Layer) -> Layer:
    """A layer with straight alpha at `bounds`, in the depth, colour and grayness of `like`.

    The way there and back (`Layer.to_working`, then this) gives the same bits for 8-bit layers, and for others whose colour is
    sRGB. Else values come back within the rounding of curves in float32, so callers leave pixels alone (alpha 0) that they did
    not change. Integers are rounded to the nearest and clipped;
    float16 is clipped to its largest value.

    Parameters
    ----------
    rgb
        (height, width, 3), as in `Working.rgb`.
    alpha
        (height, width) in 0 to 1. Where it is 0 the colours may be anything.

    Raises
    ------
    ValueError
        Where the shapes do not fit `bounds`, or a visible pixel is not a finite number.
    """
    if rgb.shape != (*bounds.extent.shape, 3) or alpha.shape != bounds.extent.shape:
        raise ValueError(f"rgb {rgb.shape} and alpha {alpha.shape} do not fit {bounds}")
    dtype = like.pixels.dtype
    pixels = np.empty((*bounds.extent.shape, 2 if like.is_gray else 4), dtype)
    for strip in _strips(pixels, _at_once(like)):  # a copy of all would be the largest thing in memory
        colours = _finite(rgb[strip], alpha[strip])
        colours = luma(colours)[..., None] if like.is_gray else colours
        colours = colours.astype(np.float32)
        _encoded(colours, like.colour)
        pixels[strip, :, :-1] = _from_unit(colours, dtype)
        pixels[strip, :, -1] = _from_unit(_coverage(alpha[strip]), dtype)
    return Layer(pixels, bounds.offset, like.colour)


def _finite(rgb: Floats, alpha: Floats) -> Floats:
    """The colours, black where they are no numbers; a `ValueError` where that would be seen."""
    finite: NDArray[np.bool_] = np.all(np.isfinite(rgb), axis=2)
    if finite.all():
        return rgb
    if not np.isfinite(alpha).all() or (alpha[~finite] > 0).any():
        raise ValueError("a visible pixel of the result is not a finite number")
    return np.where(finite[..., None], rgb, np.float32(0))


def composite(base: Layer, top: Layer) -> Layer:
    """`top` laid into `base`, with the bounds, depth, layout and colour of `base`.

    A layer that Scumble makes shows again what the picture shows, so the two alphas are not added up: the result is as opaque as the more
    opaque of both, and its colour is that of `top` by the share that `top` has of that. Over an opaque picture that is what editors
    do; a soft edge stays as soft as it was, and laying a layer in twice changes nothing.

    Where `top` is fully transparent or does not reach, the result is `base`, bit for bit. Where `top` is at least as opaque as `base`, it
    is the pixel of `top` (converted where the two differ in depth or colour). Elsewhere colours are mixed: in a linear document the linear
    values, as editors do; in all others those of sRGB, so that a soft edge looks the same whatever space a photograph's file is in.
    """
    area = base.bounds.intersection(top.bounds)
    if not area:
        return base
    over = top.crop(area)
    alpha = over.alpha()
    visible = alpha > 0
    if not visible.any():
        return base
    result = base.pixels.copy()
    target = result[area.relative_to(base.offset).slices]
    colours = _colours_like(over, base)
    count = colours.shape[2]
    below = base.crop(area).alpha()

    exact = visible & (alpha >= below)
    target[exact, :count] = colours[exact]
    mixed = visible & ~exact
    for strip in _strips(target, _at_once(base)):
        here = mixed[strip]
        if here.any():
            share = (alpha[strip][here].astype(np.float64) / below[strip][here])[:, None]
            target[strip][here, :count] = _mixed(colours[strip][here], target[strip][here, :count], share, base.colour)
    if base.has_alpha:
        target[exact, -1] = _from_unit(alpha[exact], result.dtype)
    return replace(base, pixels=result)


def _mixed(over: Pixels, below: Pixels, share: NDArray[np.float64], colour: Colour) -> Pixels:
    """Stored values (N, 1 or 3), `share` (N, 1) of the first and the rest of the second."""
    dtype = below.dtype
    with np.errstate(invalid="ignore"):  # what is not finite stays so
        blend: Pixels = over * share + below * (1 - share)
    made: Pixels = np.rint(blend).astype(dtype) if dtype.kind == "u" else blend.astype(dtype)
    if colour.icc and use_of(colour.icc, over.shape[1] == 1) == "convert":
        values = np.stack([_to_unit(over), _to_unit(below)])
        finite = np.isfinite(values).all(axis=(0, 2))
        seen = to_srgb(values[:, finite], colour.icc)
        mix = (seen[:1] * share[finite] + seen[1:] * (1 - share[finite])).astype(np.float32)
        made[finite] = _from_unit(from_srgb(mix, colour.icc)[0], dtype)
    return made


def _colours_like(layer: Layer, like: Layer) -> Pixels:
    """The colour channels of `layer` in the depth, curve and grayness of `like`; untouched where those agree."""
    colours = layer._colours
    changes_colour = layer.colour != like.colour
    changes_gray = like.is_gray and not layer.is_gray
    if changes_colour or changes_gray or layer.depth != like.depth:
        values = _to_unit(colours)
        if changes_colour:
            _decoded(values, layer.colour)
        if changes_gray:
            values = luma(values)[..., None]
        if layer.is_gray and not like.is_gray:
            values = _spread(values)
        if changes_colour:
            _encoded(values, like.colour)
        return _from_unit(values, like.pixels.dtype)
    return _spread(colours) if layer.is_gray and not like.is_gray else colours


def _decoded(values: Floats, colour: Colour) -> None:
    """Stored values, (h, w, 1 or 3), made sRGB-encoded ones, in place."""
    if colour.kind == "linear":
        _in_strips(encode_srgb, values)
    elif colour.icc:
        icc = colour.icc
        _in_strips(lambda strip: to_srgb(strip, icc), values, values_at_once(icc, values.shape[2] == 1))


def _encoded(values: Floats, colour: Colour) -> None:
    """The inverse of `_decoded`."""
    if colour.kind == "linear":
        _in_strips(decode_srgb, values)
    elif colour.icc:
        icc = colour.icc
        _in_strips(lambda strip: from_srgb(strip, icc), values, values_at_once(icc, values.shape[2] == 1))


def _to_unit(values: Pixels) -> Floats:
    """A copy as float32, integers spread over 0 to 1."""
    unit = values.astype(np.float32)
    if values.dtype.kind == "u":
        unit /= np.float32(_full(values.dtype))
    return unit


def _from_unit(values: Floats, dtype: np.dtype[Any]) -> Pixels:
    """The inverse of `_to_unit`: integers are rounded and clipped, floats clipped to what the type can hold."""
    if dtype.kind == "u":
        values = _coverage(values)
        values *= np.float32(_full(dtype))
        np.rint(values, out=values)
    if dtype == np.float16:
        limit = float(np.finfo(np.float16).max)
        values = np.clip(values, -limit, limit)
    return values.astype(dtype)


def _full(dtype: np.dtype[Any]) -> int:
    """The stored value that means 1."""
    return int(np.iinfo(dtype).max) if dtype.kind == "u" else 1


def _coverage(values: Floats) -> Floats:
    """A copy, clipped to 0 to 1; what is not a number becomes 0."""
    clipped: Floats = np.fmax(values, np.float32(0))
    return np.fmin(clipped, np.float32(1), out=clipped)


def _mend(values: Floats) -> tuple[str, ...]:
    """Replace, in place, what is not a finite number, and say so."""
    finite = np.isfinite(values)
    if finite.all():
        return ()
    known = values[finite]
    high = float(known.max()) if known.size else 1.0
    low = float(known.min()) if known.size else 0.0
    np.nan_to_num(values, copy=False, nan=0.0, posinf=high, neginf=low)
    count = int(values.size - known.size)
    return (f"The layer held {count} infinite values or values that are not numbers; they were replaced.",)


def _in_strips(curve: Callable[[Floats], Floats], values: Floats, at_once: int = FEW) -> None:
    for strip in _strips(values, at_once):
        values[strip] = curve(values[strip])


def _strips(values: Pixels, at_once: int = FEW) -> Iterator[slice]:
    """Rows of (height, width, channels), some at a time."""
    rows = max(1, at_once // max(1, values.shape[1] * values.shape[2]))
    return (slice(top, top + rows) for top in range(0, values.shape[0], rows))


def _at_once(layer: Layer) -> int:
    return values_at_once(layer.colour.icc, layer.is_gray) if layer.colour.icc else FEW


def _spread(gray: Pixels) -> Pixels:
    """(height, width, 1) to (height, width, 3)."""
    return np.repeat(gray, 3, axis=2)


def _with_opaque_alpha(pixels: Pixels) -> Pixels:
    full = np.full((*pixels.shape[:2], 1), _full(pixels.dtype), pixels.dtype)
    return np.concatenate([pixels, full], axis=2)


def _swap_red_and_blue(pixels: Pixels) -> Pixels:
    swapped = pixels.copy()
    swapped[..., 0] = pixels[..., 2]
    swapped[..., 2] = pixels[..., 0]
    return swapped
