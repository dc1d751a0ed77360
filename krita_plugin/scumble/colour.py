"""Krita's colour spaces: which ones travel as they are, and how the others are converted, there and back."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, Optional

from krita import Krita

from .qt import QByteArray
from .scumble_client.editor.placing import WireForm
from .scumble_client.errors import ScumbleError

Space = namedtuple("Space", "model depth profile")
"""As Krita names them: ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")."""

DEPTHS = {"U8": "uint8", "U16": "uint16", "F16": "float16", "F32": "float32"}

SRGB = "sRGB-elle-V2-srgbtrc.icc"
GRAY = "Gray-D50-elle-V2-srgbtrc.icc"
LINEAR = "sRGB-elle-V2-g10.icc"
GRAY_LINEAR = "Gray-D50-elle-V2-g10.icc"

_ENCODED = {
    SRGB,
    "sRGB-elle-V4-srgbtrc.icc",
    "sRGB built-in",
    "sRGB IEC61966-2.1",
    "sRGB IEC61966-2-1 black scaled",
    "sRGB",
    GRAY,
    "Gray-D50-elle-V4-srgbtrc.icc",
}
_LINEAR = {
    LINEAR,
    "sRGB-elle-V4-g10.icc",
    "scRGB (linear)",
    GRAY_LINEAR,
    "Gray-D50-elle-V4-g10.icc",
}


def space_of(owner: Any) -> Space:
    """The colour space of a document or a layer."""
    return Space(owner.colorModel(), owner.colorDepth(), owner.colorProfile())


def form_of(space: Space) -> Optional[WireForm]:
    """How a space travels, or None where it must be converted first."""
    colour = "srgb" if space.profile in _ENCODED else "linear" if space.profile in _LINEAR else None
    depth = DEPTHS.get(space.depth)
    if colour is None or depth is None:
        return None
    if space.model == "GRAYA":
        return WireForm("graya", depth, colour)
    if space.model == "RGBA":
        return WireForm("bgra" if space.depth in ("U8", "U16") else "rgba", depth, colour)
    return None


def space_for(form: WireForm) -> Space:
    """The space whose pixels lie in memory as a wire form does."""
    depth = next(krita for krita, wire in DEPTHS.items() if wire == form.depth)
    if form.layout == "graya":
        return Space("GRAYA", depth, GRAY if form.colour == "srgb" else GRAY_LINEAR)
    return Space("RGBA", depth, SRGB if form.colour == "srgb" else LINEAR)


def travelling(space: Space) -> Space:
    """The space in which pixels of `space` travel: itself, or one that holds its colours."""
    if form_of(space):
        return space
    if space.model == "CMYKA":  # inks make no such colours, and Krita's way back from floats gets some of them wrong
        return Space("RGBA", "U16", SRGB)
    # Floats, because a wide space's colours lie beyond sRGB's 0 to 1.
    return Space("GRAYA", "F32", GRAY) if space.model == "GRAYA" else Space("RGBA", "F32", SRGB)


def same(one: Space, other: Space) -> bool:
    """Whether pixels of both spaces mean the same, bit for bit."""
    return one == other or (form_of(one) is not None and form_of(one) == form_of(other))


def convert(data: Any, width: int, height: int, source: Space, target: Space) -> Any:
    """Pixels in another space, by Krita's own conversion; a QByteArray or bytes come back.

    It is done in a hidden document: converting a layer of the artist's document would add to its undo history,
    and converting a clone of one ends Krita 5.1.
    """
    if same(source, target):
        return data
    document = Krita.instance().createDocument(width, height, "scumble-conversion", *source, 72.0)
    if document is None:
        raise _refused(source)
    try:
        node = document.topLevelNodes()[0]
        node.setPixelData(QByteArray(data) if not isinstance(data, QByteArray) else data, 0, 0, width, height)
        if not node.setColorSpace(*target):
            raise _refused(target)
        return node.pixelData(0, 0, width, height)
    finally:
        document.setModified(False)
        document.close()


def _refused(space: Space) -> ScumbleError:
    return ScumbleError(
        "invalid_parameter",
        f"Krita can't convert from or to {space.model} {space.depth} “{space.profile}”.",
        "Convert the picture: Image ▸ Convert Image Color Space.",
    )
