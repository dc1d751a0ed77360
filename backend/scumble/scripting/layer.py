"""A picture or a new layer in a script's hands: to be saved, laid over a picture, looked into as an array."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scumble.imaging import layer as imaging
from scumble.imaging.geometry import Bounds
from scumble.imaging.io.files import Metadata, eight_bits, write_picture
from scumble_client.errors import ScumbleError

from . import given

Pixels = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Layer:
    """Pixels, where they lie in their picture, and what is known of them. It never changes.

    What an operation makes is transparent (alpha 0) wherever it changed nothing.
    """

    source: imaging.Layer
    """The pixels as `scumble.imaging` has them, in the picture's coordinates; operations work on this."""

    canvas: Bounds
    """The picture that it belongs to, in pixels; `x` and `y` are 0 for pictures of files."""

    name: str = ""
    """What an editor would call it."""

    seed: int = 0
    """What gives the same pixels again; each of several variations has its own."""

    notes: tuple[str, ...] = ()
    """What its maker had to say: a conversion, an input that was understood in some way. One sentence each."""

    metadata: Metadata = field(default_factory=Metadata)
    """Resolution and, for a whole picture, Exif, XMP and so on of the file it is from."""

    placed: bool = False
    """Whether `source` has a place of its own in the picture, as an operation's result has; else it must be of the picture's size."""

    @classmethod
    def open(cls, source: Any) -> Layer:
        """A picture: of a path, a file's bytes, a Pillow picture, an array, or another Layer.

        Arrays are (H, W) or (H, W, 1 to 4) of booleans, unsigned integers or floats (white is 1), sRGB-encoded, alpha straight and
        last; they are copied. Raises ScumbleError `missing_input`, `bad_request`, `too_large`, `out_of_memory`.
        """
        if isinstance(source, Layer):
            return source
        if isinstance(source, imaging.Layer):
            return cls(source, source.bounds, placed=source.offset != (0, 0))
        picture = given.opened(source)
        return cls(picture.layer, picture.layer.bounds, notes=picture.notes, metadata=picture.metadata)

    @property
    def bounds(self) -> Bounds:
        """The rectangle outside of which nothing is: `x`, `y`, `width`, `height` in pixels of the picture."""
        return self.source.bounds

    @property
    def depth(self) -> str:
        """Of a channel: `uint8`, `uint16`, `float16` or `float32`; results have that of the picture."""
        return self.source.depth

    @property
    def colour(self) -> str:
        """`srgb`, `linear` (light) or `icc` (a profile)."""
        return self.source.colour.kind

    def numpy(self, crop: bool = False) -> Pixels:
        """The pixels: (H, W, channels), gray, gray and alpha, RGB or RGBA, in the layer's own depth and colour space; a copy.

        Of the whole picture's size, or with `crop` of `bounds`.
        """
        return np.array(self._shown(crop).pixels)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Pixels:
        pixels = self.numpy()
        return pixels if dtype is None else pixels.astype(dtype)

    def pillow(self, crop: bool = False) -> Image.Image:
        """As a Pillow picture with 8 bits a channel (L, LA, RGB or RGBA), its profile in `info`; `numpy` keeps the depth."""
        layer = eight_bits(self._shown(crop), [])
        pixels = layer.pixels
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))
        if layer.colour.icc:
            image.info["icc_profile"] = layer.colour.icc
        return image

    def save(
        self, path: str | os.PathLike[str], *, crop: bool = False, quality: int = 95, metadata: bool = True
    ) -> Sequence[str]:
        """Write it in the format of the suffix: PNG, JPEG, WebP or TIFF; a file that is there is replaced at once, or not at all.

        Parameters
        ----------
        crop
            Write `bounds` alone, in place of the whole picture's size.
        quality
            Of JPEG, 1 to 100.
        metadata
            Whether the file says what `metadata` does.

        Returns
        -------
        Sequence of str
            What the format could not hold, a sentence each.

        Raises
        ------
        ScumbleError
            `bad_request` for a suffix, size or place that can't be written, `invalid_parameter` for a quality that there isn't,
            `internal` where the disk is full or fails.
        """
        if not 1 <= quality <= 100:
            raise ScumbleError("invalid_parameter", f"JPEG has no quality {quality}.", "Choose 1 to 100.")
        kept = self.metadata if metadata else Metadata()
        return write_picture(path, self._shown(crop), quality=quality, metadata=kept)

    def over(self, picture: Any) -> Layer:
        """The picture with this layer on it, in the picture's depth and colours: bit for bit the picture where this is transparent.

        Raises ScumbleError `invalid_parameter` for a picture of another size than the one that the layer was made for.
        """
        base = Layer.open(picture)
        if not base.placed and self.canvas.extent != base.canvas.extent:
            here, there = self.canvas, base.canvas
            raise ScumbleError(
                "invalid_parameter",
                f"The layer was made for a picture of {here.width} × {here.height} pixels, this one has "
                f"{there.width} × {there.height}.",
                "Lay it over the picture that it was made for.",
            )
        return replace(
            self, source=imaging.composite(base.source, self.source), canvas=base.canvas, metadata=base.metadata
        )

    def _shown(self, crop: bool) -> imaging.Layer:
        return self.source if crop else self.source.crop(self.canvas)

    def __repr__(self) -> str:
        b = self.bounds
        return f"<Layer {self.name!r} {b.width} × {b.height} at {b.x}, {b.y}, {self.source.layout} {self.depth}, seed {self.seed}>"
