"""The key colour: what is painted in it is what is meant, as DeepCreamPy's users mark their pictures."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from scumble.imaging import masks
from scumble.imaging.layer import Layer

from .base import hints

Mask = NDArray[np.bool_]


def _checked(text: str) -> str:
    masks.parse_colour(text)
    return text


KeyColour = Annotated[str, AfterValidator(_checked)]

KEY_COLOUR: Any = Field(
    "#00ff00",
    title="Key colour",
    description="The colour that marks what is meant, where a key colour is chosen above; soft edges of it are found, too.",
    json_schema_extra=hints(widget="colour", advanced=True, when={"mask_from": ["color"]}),
)
TOLERANCE: Any = Field(
    0.12,
    ge=0,
    le=1,
    title="Tolerance",
    description="How far a pixel may be from the key colour.",
    json_schema_extra=hints(step=0.01, advanced=True, when={"mask_from": ["color"]}),
)


def has_key_colour(layer: Layer, key_colour: str, tolerance: float) -> Mask:
    """(height, width), true where the layer has the colour (0 to 1 of tolerance, in sRGB), its soft edges included."""
    colour = masks.parse_colour(key_colour)
    if layer.colour.kind != "srgb":  # the key colour is given as it looks: in sRGB
        colours: NDArray[Any] = layer.to_working().rgb
    else:
        colours = layer.pixels[..., :1].repeat(3, axis=2) if layer.is_gray else layer.pixels[..., :3]
    if not layer.has_alpha:
        return masks.from_colour(colours, colour, tolerance)
    seen = layer.pixels[..., -1] > 0
    if not seen.all():
        # what was erased keeps its colour in some editors: it must neither count as key nor have a soft edge
        full = np.iinfo(colours.dtype).max if colours.dtype.kind == "u" else 1
        colours = colours.copy()
        colours[~seen] = [0 if channel > 0.5 else full for channel in colour]
    return masks.from_colour(colours, colour, tolerance) & seen
