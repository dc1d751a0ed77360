"""Layers, the selection and files as pixels for the wire. Each read is a step of its own."""

from .colour import convert, form_of, space_of, travelling
from .document import find
from .qt import QtGui
from .scumble_client.editor.layout import intersection
from .scumble_client.editor.roles import layer_gone
from .scumble_client.errors import ScumbleError
from .scumble_client.request import Pixels


def canvas_of(document):
    return 0, 0, document.width(), document.height()


def read_source(document, source, role):
    """The pixels that a source names: of the picture over the whole canvas, for other roles where the layer has something.

    None for an empty selection. Raises ScumbleError.
    """
    canvas = canvas_of(document)
    if source.kind == "selection":
        return read_selection(document)
    if source.kind == "visible":
        return _pixels(document.pixelData(*canvas), canvas, space_of(document))
    node = find(document, source.id)
    if node is None:
        raise layer_gone(source, role)
    rect = canvas
    if role["name"] != "image":
        bounds = node.bounds()
        rect = intersection(canvas, (bounds.x(), bounds.y(), bounds.width(), bounds.height())) or (0, 0, 1, 1)
    if node.type() == "paintlayer":
        return _pixels(node.pixelData(*rect), rect, space_of(node))
    return _pixels(node.projectionPixelData(*rect), rect, space_of(document))


def read_selection(document):
    """How much of each pixel is selected; None without a selection on the canvas."""
    selection = document.selection()
    if selection is None:
        return None
    bounds = (selection.x(), selection.y(), selection.width(), selection.height())
    rect = intersection(canvas_of(document), bounds)
    if rect is None:
        return None
    x, y, width, height = rect
    return Pixels(memoryview(selection.pixelData(*rect)), width, height, "gray", x=x, y=y)


def read_file(path):
    """A picture file; safe in any thread. Raises ScumbleError."""
    reader = QtGui.QImageReader(path)
    reader.setAutoTransform(True)
    image = reader.read()
    if image.isNull():
        raise ScumbleError(
            "missing_input", f"The file {path} can't be read: {reader.errorString()}.", "Choose another."
        )
    image = image.convertToFormat(QtGui.QImage.Format.Format_RGBA8888)
    bits = image.constBits()
    bits.setsize(image.height() * image.bytesPerLine())
    return Pixels(bytes(bits), image.width(), image.height(), "rgba")


def _pixels(data, rect, space):
    x, y, width, height = rect
    carrier = travelling(space)
    data = convert(data, width, height, space, carrier)
    if len(data) == 0:
        raise ScumbleError("missing_input", "Krita gives no pixels of this layer.", "Choose a paint layer.")
    form = form_of(carrier)
    return Pixels(memoryview(data), width, height, form.layout, form.depth, x, y, form.colour)
