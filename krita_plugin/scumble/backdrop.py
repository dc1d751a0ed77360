"""How opaque the picture is below the place of a new layer: the artist's document stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional

from .document import children, find, identity
from .scumble_client.editor.soft_edges import is_partial, plane
from .scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from krita import Document, Node

    from .scumble_client.editor.layout import Rect
    from .scumble_client.editor.reading import Steps


SAMPLES = {"U8": 1, "U16": 2, "F16": 2, "F32": 4}
CHANNELS = {"A": 1, "GRAYA": 2, "CMYKA": 5}
"""Of colour models, with alpha; the others have four."""

OPAQUE = 255


def alpha_below(document: Document, parent: Node, above: Optional[Node], rect: Rect) -> Steps[bytes]:
    """Steps: the alpha, in 8 bits, of all that is composed below a place, over a rectangle.

    `parent` is the group around the place, `above` the layer that the new one goes right above; None: below all others.
    """
    if above is not None and _covers(above):
        alpha = _alpha(above, above.projectionPixelData(*rect))
        if not is_partial(alpha) and b"\x00" not in alpha:
            return alpha
        yield None
    inner: Any = parent
    while _passes_through(inner):
        inner = inner.parentNode()
    hidden = _higher(inner, parent, above)
    if not hidden:
        return _read(document, inner, rect)
    copy = document.clone()
    if copy is None:
        raise ScumbleError("internal", "Krita gives no copy of this picture.", "Finish the stroke, and try again.")
    try:
        for layer in hidden:
            seen: Any = find(copy, layer)
            seen.setVisible(False)
        copy.refreshProjection()
        copy.waitForDone()
        inner = find(copy, identity(inner)) if inner.parentNode() is not None else copy.rootNode()
        return _read(copy, inner, rect)
    finally:
        copy.setModified(False)
        copy.close()


def _covers(layer: Node) -> bool:
    """Whether what is seen at the layer's place is at least as opaque as the layer itself."""
    plain = layer.type() == "paintlayer" and layer.visible() and not layer.inheritAlpha()
    return plain and layer.opacity() == OPAQUE and layer.blendingMode() == "normal"


def _passes_through(group: Node) -> bool:
    return group.type() == "grouplayer" and group.parentNode() is not None and group.passThroughMode()


def _higher(inner: Node, parent: Node, above: Optional[Node]) -> List[str]:
    """The ids of the layers in the group `inner` that are composed over the place and would be seen."""
    found = []
    place: Optional[Node] = above
    group: Any = parent
    while True:
        ids = [identity(one) for one in children(group)]
        count = ids.index(identity(place)) if place is not None else len(ids)
        found += [identity(one) for one in children(group)[:count] if one.visible()]
        if group == inner or group.parentNode() is None:
            return found
        place, group = group, group.parentNode()


def _read(document: Document, group: Node, rect: Rect) -> bytes:
    if group.parentNode() is None:
        return _alpha(document, document.pixelData(*rect))
    return _alpha(group, group.projectionPixelData(*rect))


def _alpha(owner: Any, data: Any) -> bytes:
    depth = owner.colorDepth()
    return plane(bytes(data), CHANNELS.get(owner.colorModel(), 4), SAMPLES[depth], depth.startswith("F"))
