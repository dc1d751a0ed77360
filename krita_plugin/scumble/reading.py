"""Layers, the selection and files as pixels for the wire. Each read is a step of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Container, Iterable, Mapping, Optional, Set

from .colour import convert, form_of, space_of, travelling
from .document import find, identity, parents, walk
from .qt import QtGui
from .scumble_client.editor.layout import intersection
from .scumble_client.editor.roles import layer_gone
from .scumble_client.errors import ScumbleError
from .scumble_client.request import Pixels

if TYPE_CHECKING:
    from krita import Document

    from .colour import Space
    from .scumble_client.editor.layout import Rect
    from .scumble_client.editor.roles import Source


def canvas_of(document: Document) -> Rect:
    return 0, 0, document.width(), document.height()


def read_source(
    document: Document,
    source: Source,
    role: Mapping[str, Any],
    part: Optional[Rect] = None,
    over: Iterable[str] = (),
    without: Container[str] = (),
) -> Optional[Pixels]:
    """The pixels that a source names: of the picture over the whole canvas, for other roles where the layer has something.

    `part` stands in for the canvas. `over` are layers that are read with a layer, as they are seen; `without` are those
    that are left out of what is visible. None for an empty selection. Raises ScumbleError.
    """
    canvas = part or canvas_of(document)
    if source.kind == "selection":
        return read_selection(document)
    if source.kind == "visible":
        data = _seen(document, canvas, without) if without else document.pixelData(*canvas)
        return _pixels(data, canvas, space_of(document))
    node = find(document, source.id)
    if node is None:
        raise layer_gone(source, role)
    if over:
        kept = {source.id, *over}
        return _pixels(_seen(document, canvas, _others(document, kept)), canvas, space_of(document))
    rect = canvas
    if role["name"] != "image":
        bounds = node.bounds()
        rect = intersection(canvas, (bounds.x(), bounds.y(), bounds.width(), bounds.height())) or (0, 0, 1, 1)
    if node.type() == "paintlayer":
        return _pixels(node.pixelData(*rect), rect, space_of(node))
    return _pixels(node.projectionPixelData(*rect), rect, space_of(document))


def _others(document: Document, kept: Set[str]) -> Set[str]:
    """The ids of the layers that are neither kept nor in a group that is; groups are left out."""
    layers = [one for one, _ in walk(document.rootNode()) if one.type() != "grouplayer"]
    return {identity(one) for one in layers if kept.isdisjoint(map(identity, (one, *parents(one))))}


def _seen(document: Document, rect: Rect, without: Container[str]) -> Any:
    """What would be seen if some layers were hidden; ids name them. The document itself stays as it is."""
    copy = document.clone()
    if copy is None:
        raise ScumbleError("internal", "Krita gives no copy of this picture.", "Finish the stroke, and try again.")
    try:
        for node, _ in walk(copy.rootNode()):
            if identity(node) in without:
                node.setVisible(False)
        copy.refreshProjection()
        copy.waitForDone()
        return copy.pixelData(*rect)
    finally:
        copy.setModified(False)
        copy.close()


def selection_bounds(document: Document) -> Optional[Rect]:
    """The rectangle on the canvas that something is selected in; None without."""
    selection = document.selection()
    if selection is None:
        return None
    bounds = (selection.x(), selection.y(), selection.width(), selection.height())
    return intersection(canvas_of(document), bounds)


def read_selection(document: Document) -> Optional[Pixels]:
    """How much of each pixel is selected; None without a selection on the canvas."""
    rect = selection_bounds(document)
    selection: Any = document.selection() if rect is not None else None
    if selection is None or rect is None:
        return None
    x, y, width, height = rect
    return Pixels(memoryview(selection.pixelData(*rect)), width, height, "gray", x=x, y=y)


def read_file(path: str) -> Pixels:
    """A picture file; safe in any thread. Raises ScumbleError."""
    reader = QtGui.QImageReader(path)
    reader.setAutoTransform(True)
    image = reader.read()
    if image.isNull():
        raise ScumbleError(
            "missing_input", f"The file {path} can't be read: {reader.errorString()}.", "Choose another."
        )
    image = image.convertToFormat(QtGui.QImage.Format.Format_RGBA8888)
    bits: Any = image.constBits()
    bits.setsize(image.height() * image.bytesPerLine())
    return Pixels(bytes(bits), image.width(), image.height(), "rgba")


def _pixels(data: Any, rect: Rect, space: Space) -> Pixels:
    x, y, width, height = rect
    carrier = travelling(space)
    data = convert(data, width, height, space, carrier)
    if len(data) == 0:
        raise ScumbleError("missing_input", "Krita gives no pixels of this layer.", "Choose a paint layer.")
    form: Any = form_of(carrier)
    return Pixels(memoryview(data), width, height, form.layout, form.depth, x, y, form.colour)
