"""A result as a new layer: right place, right depth, one undo step, and everything else as it was."""

from .colour import Form as WireForm
from .colour import check_size, convert, same, space_for, space_of
from .document import active_layer, find, identity, is_open
from .qt import QByteArray
from .scumble_client.editor.layout import on_canvas, union
from .scumble_client.editor.stored import load

ANNOTATION = "scumble-"
ACTIVE_TURNS = 100
BAND = 1 << 21
"""Bytes that are copied and written at once."""
BANDS = 8
"""As many at a step."""


class Place:
    """Where a result goes: above a layer, or, if that is removed meanwhile, into the group where it was."""

    def __init__(self, node):
        self.layer = identity(node) if node is not None else ""
        parent = node.parentNode() if node is not None else None
        self.group = identity(parent) if parent is not None and parent.parentNode() is not None else ""

    def find(self, document):
        """The group to add to, and the layer to put it above (None: on top)."""
        node = find(document, self.layer)
        if node is not None:
            return node.parentNode(), node
        group = find(document, self.group)
        return (group if group is not None else document.rootNode()), None


def write(document, node, pixels):
    """Steps that write a raster onto a layer that lies in the document's colour space, or will.

    What travels as it is, is written in bands: a copy of a whole large layer takes longer than its writing, since all
    of its memory is fresh.
    """
    form = WireForm(pixels.layout, pixels.depth, pixels.colour)
    check_size(pixels.data, pixels.width, pixels.height, form)
    x, y, width, height = pixels.x, pixels.y, pixels.width, pixels.height
    source, target = space_for(form), space_of(document)
    if not same(source, target):
        data = convert(QByteArray(bytes(pixels.data)), width, height, source, target)
        yield None
        if is_open(document):
            node.setPixelData(data, x, y, width, height)
        return
    view = memoryview(pixels.data).cast("B")
    stride = len(view) // max(height, 1)
    rows = max(1, BAND // max(stride, 1))
    for count, top in enumerate(range(0, height, rows), 1):
        band = min(rows, height - top)
        node.setPixelData(QByteArray(bytes(view[top * stride : (top + band) * stride])), x, y + top, width, band)
        if count % BANDS == 0:
            yield None
            if not is_open(document):
                return


def add_layer(document, place, name, pixels, added=None):
    """Steps that add one layer; the generator's value is the layer's id, or "" where the document was closed.

    `added(layer)` is called as soon as it is there; the steps that follow only make the former layer active again.
    """
    before = active_layer(document)
    before_id = identity(before) if before is not None else ""
    # Pixels first: what is written to a layer that is part of the picture can't be undone.
    node = document.createNode(name, "paintlayer")
    yield from write(document, node, pixels)
    yield None
    if not is_open(document):
        return ""
    group, above = place.find(document)
    group.addChildNode(node, above)
    layer = identity(node)
    if added is not None:
        added(layer)
    yield None
    yield from _activate(document, layer, before_id)
    return layer


def _activate(document, new, before):
    """Krita makes the new layer active, a moment later; the artist's own layer becomes active again."""
    for _ in range(ACTIVE_TURNS):
        if not is_open(document):
            return
        node = document.activeNode()
        if node is not None and identity(node) == new:
            former = find(document, before)
            if former is not None:
                document.setActiveNode(former)
            return
        yield None


def update_layer(document, layer, pixels, covered):
    """Steps that write a raster over a layer, in place and without an undo step; the value is False if it is gone.

    `covered` is the rectangle that had pixels before: what the new raster does not reach becomes transparent.
    """
    node = find(document, layer)
    if node is None:
        return False
    rect = union(covered, (pixels.x, pixels.y, pixels.width, pixels.height)) if covered else None
    if rect and rect != (pixels.x, pixels.y, pixels.width, pixels.height):
        data = on_canvas(pixels, rect)
        whole = type(pixels)(data, rect[2], rect[3], pixels.layout, pixels.depth, rect[0], rect[1], pixels.colour)
    else:
        whole = pixels
    yield from write(document, node, whole)
    if not is_open(document) or find(document, layer) is None:
        return False
    show(node)
    return True


def show(node):
    """Have Krita draw a layer anew; it does not by itself when pixels were set."""
    node.setBlendingMode(node.blendingMode())


def keep_request(document, layer, text):
    """Store a request in the file, under the layer's id."""
    document.setAnnotation(ANNOTATION + layer.strip("{}"), "Scumble", QByteArray(text.encode("utf-8")))


def request_of(document, layer):
    """The request that made a layer; None where Scumble did not."""
    key = ANNOTATION + layer.strip("{}")
    if key not in document.annotationTypes():
        return None
    try:
        return load(bytes(document.annotation(key)).decode("utf-8"))
    except UnicodeDecodeError:
        return None
