"""A result as new layers above the source, in one undo step. The artist's own layers stay as they were."""

from formats import format_of_result, layer_type
from host import Gegl, Gimp

from scumble_client.editor.messages import CLOSED
from scumble_client.editor.placing import LayerTree, bands, wire_form
from scumble_client.editor.provenance import load
from scumble_client.errors import ScumbleError

PARASITE = "scumble-request"
_PERSISTENT, _UNDOABLE = 1, 2

TILE = 64
"""Rows of GIMP's tiles."""
BAND = 1 << 20
"""Bytes that are copied and written at once."""


class ImageTree(LayerTree):
    """An image's layers, for finding the place of a new one; they are their own keys."""

    def __init__(self, image):
        self._image = image

    def key(self, layer):
        return layer

    def find(self, key):
        return key if key.is_valid() and key.get_image() == self._image else None

    def parent(self, layer):
        return layer.get_parent()


def _path(image, point):
    """The positions from the top of the picture down to an insertion point, which hold in a copy of it, too."""
    group, above = point.find(ImageTree(image))
    path = [image.get_item_position(above) if above is not None else 0]
    while group is not None:
        path.append(image.get_item_position(group))
        group = group.get_parent()
    return path[::-1]


def place_layers(image, point, layers, texts, shown):
    """Add the layers of a result, the first one on top and visible; those beside it, variations, are hidden.

    They go to an insertion point, and `texts` are kept with them. An indexed picture can't hold them: they come into an RGB copy of it,
    which is displayed if `shown`. Gives the new layers. Raises ScumbleError.
    """
    if not image.is_valid():
        raise ScumbleError("missing_input", CLOSED)
    path = _path(image, point)
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        target = image.duplicate()
        target.undo_disable()
        target.convert_rgb()
        try:
            made = _insert(target, path, layers, texts)
        except BaseException:
            target.delete()
            raise
        target.undo_enable()
        if shown:
            Gimp.Display.new(target)
    else:
        image.undo_group_start()
        try:
            made = _insert(image, path, layers, texts)
        finally:
            image.undo_group_end()
    if shown:
        Gimp.displays_flush()
    return made


def _insert(image, path, layers, texts):
    chosen, channels = image.get_selected_layers(), image.get_selected_channels()
    parent = None
    for position in path[:-1]:
        parent = (image.get_layers() if parent is None else parent.get_children())[position]
    made = []
    for number, (layer, text) in reversed(list(enumerate(zip(layers, texts)))):
        new = _new_layer(image, layer, text)
        new.set_visible(number == 0)
        if not image.insert_layer(new, parent, path[-1]) and not image.insert_layer(new, None, 0):
            raise ScumbleError("internal", "GIMP did not take the new layer.", "Choose another layer; then try again.")
        made.append(new)
    # GIMP makes a new layer the chosen one; the artist's own is chosen again, so that the next run reads it.
    if chosen:
        image.set_selected_layers(chosen)
    elif channels:  # GIMP takes no empty list
        image.set_selected_channels(channels)
    return made[::-1]


def _new_layer(image, layer, text):
    pixels = layer.pixels
    babl = format_of_result(wire_form(pixels), image).babl
    width, height = pixels.width, pixels.height
    new = Gimp.Layer.new(image, layer.name, width, height, layer_type(image), 100.0, Gimp.LayerMode.NORMAL)
    new.set_offsets(pixels.x, pixels.y)
    buffer = new.get_buffer()
    # GIMP's Python takes a view element by element, which is twenty times as slow as a copy.
    for top, rows, data in bands(pixels, BAND, TILE):
        buffer.set(Gegl.Rectangle.new(0, top, width, rows), babl, data)
    buffer.flush()
    del buffer  # a buffer that outlives its image ends the plug-in
    new.update(0, 0, width, height)
    data = text.encode("ascii")  # GIMP's Python takes no other
    new.attach_parasite(Gimp.Parasite.new(PARASITE, _PERSISTENT | _UNDOABLE, data))
    return new


def provenance_of(layer):
    """What made a layer; None where Scumble did not."""
    parasite = layer.get_parasite(PARASITE)
    if parasite is None:
        return None
    return load(bytes(byte & 255 for byte in parasite.get_data()).decode("ascii", "replace"))
