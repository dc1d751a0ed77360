"""A result as a new layer: right place, right depth, one undo step, and everything else as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, List, Optional, Tuple, cast

from krita import Document, Krita, Selection

from .backdrop import alpha_below
from .colour import convert, same, space_for, space_of
from .document import DocumentTree, active_layer, annotation_of, children, covering, find, identity, is_open, parents
from .qt import QByteArray
from .reading import canvas_of
from .scumble_client.editor.layout import on_canvas, rect_of, union
from .scumble_client.editor.placing import bands, wire_form
from .scumble_client.editor.provenance import load
from .scumble_client.editor.soft_edges import (
    ERASED,
    INSIDE,
    MIXED,
    NEW,
    PLAIN,
    Laid,
    alpha_steps,
    erasing_pixels,
    is_partial,
    lay,
    moved_plane,
    with_alpha,
)

if TYPE_CHECKING:
    from krita import Node

    from .scumble_client.editor.layout import Rect
    from .scumble_client.editor.provenance import Provenance
    from .scumble_client.editor.reading import Steps
    from .scumble_client.request import Pixels


CAN_MASK = hasattr(Document, "createTransparencyMask")
"""Whether this Krita lets a plugin fill a layer's mask: 5.1 makes one that has no pixels."""

MASK_NAME = "What is seen"
_ALL_SEEN = bytes([0]) + bytes([255]) * 255
"""What is seen at all is opaque."""

ACTIVE_TURNS = 100
BAND = 1 << 21
"""Bytes that are copied and written at once."""
BANDS = 8
"""As many at a step."""


def write(document: Document, node: Node, pixels: Pixels) -> Steps[None]:
    """Steps that write a raster onto a layer that lies in the document's colour space, or will."""
    source, target = space_for(wire_form(pixels)), space_of(document)
    x, y, width, height = pixels.x, pixels.y, pixels.width, pixels.height
    if not same(source, target):
        data = convert(QByteArray(bytes(pixels.data)), width, height, source, target)
        yield None
        node.setPixelData(data, x, y, width, height)
        return
    for count, (top, rows, data) in enumerate(bands(pixels, BAND), 1):
        node.setPixelData(QByteArray(data), x, y + top, width, rows)
        if count % BANDS == 0:
            yield None


class Below:
    """How opaque the picture is below a layer that is written again and again, over the whole canvas; looked at once."""

    def __init__(self) -> None:
        self.alpha: Optional[bytes] = None


def add_layer(
    document: Document,
    place: Any,
    name: str,
    pixels: Pixels,
    added: Optional[Callable[[str], Any]] = None,
    kept: Optional[Below] = None,
    masked: bool = False,
) -> Steps[str]:
    """Steps that add one layer at an insertion point, where it is seen; the generator's value is the layer's id.

    `added(layer)` is called as soon as it is there; the steps that follow only make the former layer active again.
    `kept`: the `Below` of a layer that `update_layer` is to write over; it is a single layer then, whatever is below it.
    `masked`: what is transparent becomes the layer's mask, where this Krita can make one; a group of two has none.
    """
    before = active_layer(document)
    before_id = identity(before) if before is not None else ""
    laid = yield from _lay(document, place, pixels, kept)
    # Pixels first: what is written to a layer that is part of the picture can't be undone.
    node = yield from _make(document, name, laid, masked and CAN_MASK)
    yield None
    parent, above = _find(document, place)
    if above is None:  # on top of the layers, but not of the selection, which Krita keeps among them
        above = next(iter(children(parent)), None)
    parent.addChildNode(node, above)
    layer = identity(node)
    if added is not None:
        added(layer)
    yield None
    yield from _activate(document, layer, before_id)
    return layer


def _find(document: Document, place: Any) -> Tuple[Node, Optional[Node]]:
    """Where a result goes now: the group around the place, and the layer to put it above (None: on top)."""
    tree = DocumentTree(document)
    group, above = place.find(tree)
    if above is not None:
        above = covering(document, above)
        group = tree.parent(above)
    return group or document.rootNode(), above


def _lay(document: Document, place: Any, pixels: Pixels, kept: Optional[Below]) -> Steps[Laid]:
    """Steps: how the result is laid over what is below its place."""
    top = yield from alpha_steps(pixels)
    if kept is not None and kept.alpha is None:
        kept.alpha = yield from _alpha_below(document, place, canvas_of(document))
    if not is_partial(top):
        return Laid(PLAIN, pixels)
    if kept is None:
        below = yield from _alpha_below(document, place, rect_of(pixels))
        yield None
        return (yield from lay(pixels, top, below))
    below = moved_plane(cast(bytes, kept.alpha), canvas_of(document), rect_of(pixels), 0)
    laid = yield from lay(pixels, top, below)
    return laid if laid.how == INSIDE else Laid(PLAIN, pixels)


def _alpha_below(document: Document, place: Any, rect: Rect) -> Steps[bytes]:
    parent, above = _find(document, place)
    if above is None:
        above = next(iter(children(parent)), None)
    return (yield from alpha_below(document, parent, above, rect))


def _make(document: Document, name: str, laid: Laid, masked: bool) -> Steps[Node]:
    """Steps: the new layer, or the group of two that stands for one; it is no part of the document yet."""
    pixels, alpha = laid.pixels, None
    if masked and laid.how != MIXED:
        alpha = yield from alpha_steps(pixels)
        pixels = with_alpha(pixels, alpha.translate(_ALL_SEEN))
        yield None
    node = document.createNode(NEW if laid.how == MIXED else name, "paintlayer")
    yield from write(document, node, pixels)
    if laid.how == INSIDE:
        node.setInheritAlpha(True)
    if alpha is not None:
        mask = document.createTransparencyMask(MASK_NAME)
        selection = Selection()
        selection.setPixelData(QByteArray(alpha), *rect_of(pixels))
        mask.setSelection(selection)
        node.addChildNode(mask, None)
    if laid.how != MIXED:
        return node
    yield None
    erasing = document.createNode(ERASED, "paintlayer")
    yield from write(document, erasing, erasing_pixels(pixels, laid.erased, "bgra"))
    erasing.setBlendingMode("erase")
    group = document.createGroupLayer(name)
    group.setPassThroughMode(True)
    group.addChildNode(erasing, None)
    group.addChildNode(node, erasing)
    return group


def _activate(document: Document, new: str, before: str) -> Steps[None]:
    """Krita makes the new layer active, a moment later; the artist's own layer becomes active again."""
    for _ in range(ACTIVE_TURNS):
        if Krita.instance().activeDocument() != document:
            _LATER.append((document, new, before))  # in a document that is not shown, Krita ignores what is made active
            return
        node = document.activeNode()
        if node is not None and identity(node) == new:
            former = find(document, before)
            if former is not None:
                document.setActiveNode(former)
            return
        yield None


_LATER: "List[Tuple[Document, str, str]]" = []
"""(document, new layer, former layer) of results that came while another document was shown."""


def activate_former(document: Document) -> None:
    """The document is shown: where a result came meanwhile and is active, its former layer becomes active again."""
    own = [one for one in _LATER if one[0] == document]
    _LATER[:] = [one for one in _LATER if one[0] != document and is_open(one[0])]
    node = document.activeNode() if own else None
    if node is None or not is_open(document):
        return
    active = wanted = identity(node)
    for _, new, before in reversed(own):
        if wanted == new:
            wanted = before  # perhaps a result that came unseen before this one
    former = find(document, wanted)
    if wanted != active and former is not None:
        document.setActiveNode(former)


def update_layer(
    document: Document, layer: str, pixels: Pixels, covered: Optional[Rect], kept: Optional[Below]
) -> Steps[bool]:
    """Steps that write a raster over a layer, in place and without an undo step; the value is False if it is gone.

    `covered` is the rectangle that had pixels before: what the new raster does not reach becomes transparent. `kept` is
    what the layer was added with.
    """
    if find(document, layer) is None:
        return False
    laid = yield from _lay(document, None, pixels, kept)
    pixels = laid.pixels
    node = find(document, layer)
    if node is None:
        return False
    rect = union(covered, rect_of(pixels)) if covered else None
    if rect and rect != rect_of(pixels):
        data = on_canvas(pixels, rect)
        whole = type(pixels)(data, rect[2], rect[3], pixels.layout, pixels.depth, rect[0], rect[1], pixels.colour)
    else:
        whole = pixels
    yield from write(document, node, whole)
    if find(document, layer) is None:
        return False
    if node.inheritAlpha() != (laid.how == INSIDE):
        node.setInheritAlpha(laid.how == INSIDE)
    show(node)
    return True


def show(node: Node) -> None:
    """Have Krita draw a layer anew; it does not by itself when pixels were set."""
    node.setBlendingMode(node.blendingMode())


def keep_provenance(document: Document, layer: str, text: str) -> None:
    """Store in the file, under the layer's id, what made it."""
    document.setAnnotation(annotation_of(layer), "Scumble", QByteArray(text.encode("utf-8")))


def provenance_of(document: Document, layer: str) -> Optional[Provenance]:
    """What made a layer; None where Scumble did not."""
    key = annotation_of(layer)
    if key not in document.annotationTypes():
        return None
    try:
        return load(bytes(cast(Any, document.annotation(key))).decode("utf-8"))
    except UnicodeDecodeError:
        return None


def request_of(document: Document, node: Node) -> Optional[Provenance]:
    """What made a layer or the group that it is a part of; None where Scumble did not."""
    found = (provenance_of(document, identity(one)) for one in (node, *parents(node)))
    return next((one for one in found if one is not None), None)
