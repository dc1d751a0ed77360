"""How pixels of GIMP's drawables travel: by which babl format they are read and written, and what they are on the wire.

Babl converts whatever differs: precision, gray and indexed, a missing alpha, and the picture's own colour profile.
"""

from __future__ import annotations

from dataclasses import dataclass

from host import Babl, Gimp

from scumble_client.editor.placing import WireForm

# GIMP's component types → the wire's. 32-bit integers and doubles travel as 32-bit floats.
_DEPTHS = {
    "u8": "uint8",
    "u16": "uint16",
    "u32": "float32",
    "half": "float16",
    "float": "float32",
    "double": "float32",
}

_MODELS = {
    ("rgb", "srgb"): "R'G'B'",
    ("rgba", "srgb"): "R'G'B'A",
    ("gray", "srgb"): "Y'",
    ("graya", "srgb"): "Y'A",
    ("rgb", "linear"): "RGB",
    ("rgba", "linear"): "RGBA",
    ("gray", "linear"): "Y",
    ("graya", "linear"): "YA",
}

# Pictures of perceptual precision are kept by a name of their own; the numbers are sRGB's.
_PERCEPTUAL = {"R'G'B'": "R~G~B~", "R'G'B'A": "R~G~B~A", "Y'": "Y~", "Y'A": "Y~A"}

_BABL_TYPES = {"uint8": "u8", "uint16": "u16", "float16": "half", "float32": "float"}


@dataclass(frozen=True)
class PixelFormat:
    """A wire form, and how babl calls it."""

    wire: WireForm
    perceptual: bool = False

    @property
    def babl(self) -> str:
        """The name of babl's format, in sRGB's primaries."""
        model = _MODELS[self.wire.layout, self.wire.colour]
        return f"{_PERCEPTUAL.get(model, model) if self.perceptual else model} {_BABL_TYPES[self.wire.depth]}"


def format_of(drawable: Gimp.Drawable) -> PixelFormat:
    """The format that a layer is read in: its own, as near as the wire has it."""
    image = drawable.get_image()
    component, _, curve = image.get_precision().value_nick.partition("-")
    depth = _DEPTHS[component]
    colour = "linear" if curve == "linear" else "srgb"
    if _has_own_space(drawable):
        # Colours outside of sRGB's gamut would be cut off by integers.
        depth = "float32"
    gray = drawable.is_gray()
    alpha = drawable.has_alpha()
    wire = WireForm(("gray" if gray else "rgb") + ("a" if alpha else ""), depth, colour)
    return PixelFormat(wire, curve == "perceptual")


def _has_own_space(drawable: Gimp.Drawable) -> bool:
    """Whether the picture's colours are those of a profile that is not sRGB: babl then names the space."""
    name = Babl.get_name(drawable.get_format())
    return not drawable.is_indexed() and "-" in name


def format_of_result(wire: WireForm, image: Gimp.Image) -> PixelFormat:
    """The format that a result of this wire form is written from."""
    perceptual = image.get_precision().value_nick.endswith("-perceptual")
    return PixelFormat(wire, perceptual)


def layer_type(image: Gimp.Image) -> Gimp.ImageType:
    """The type of a new layer with alpha in this image."""
    return Gimp.ImageType.GRAYA_IMAGE if image.get_base_type() == Gimp.ImageBaseType.GRAY else Gimp.ImageType.RGBA_IMAGE


def blend_space(image: Gimp.Image) -> Gimp.LayerColorSpace:
    """The space in which a layer is mixed as the command line does it: with the values that the picture keeps."""
    space, (_, _, curve) = Gimp.LayerColorSpace, image.get_precision().value_nick.partition("-")
    return {"linear": space.RGB_LINEAR, "perceptual": space.RGB_PERCEPTUAL}.get(curve, space.RGB_NON_LINEAR)
