"""A result as new layers above the source, in one undo step. The artist's own layers stay as they were."""

from formats import form_of_result, layer_type
from host import Gegl, Gimp

from scumble_client.editor.messages import CLOSED
from scumble_client.editor.stored import load
from scumble_client.errors import ScumbleError
from scumble_client.request import CHANNELS, SAMPLE_BYTES

PARASITE = "scumble-request"
_PERSISTENT, _UNDOABLE = 1, 2

TILE = 64
"""Rows of GIMP's tiles."""
BAND = 1 << 20
"""Bytes that are copied and written at once: so little memory is used again and again."""


class Place:
    """Where a result goes: above a layer, or, if that is removed meanwhile, into the group where it was."""

    def __init__(self, layer):
        self._layer = layer
        self._parent = layer.get_parent()

    def find(self, image):
        """The group to add to (None: the image), and the position in it."""
        if self._layer.is_valid() and self._layer.get_image() == image:
            return self._layer.get_parent(), image.get_item_position(self._layer)
        parent = self._parent if self._parent is not None and self._parent.is_valid() else None
        return parent, 0

    def path(self, image):
        """The positions from the top of the picture down to this place, which hold in a copy of it, too."""
        parent, position = self.find(image)
        path = [position]
        while parent is not None:
            path.append(image.get_item_position(parent))
            parent = parent.get_parent()
        return path[::-1]


def place_layers(image, place, layers, requests, shown):
    """Add the layers of a result, the first one on top and visible; those beside it, variations, are hidden.

    `requests` are the texts to keep with them. An indexed picture can't hold them: they come into an RGB copy of it,
    which is displayed if `shown`. Gives the new layers. Raises ScumbleError.
    """
    if not image.is_valid():
        raise ScumbleError("missing_input", CLOSED)
    path = place.path(image)
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        target = image.duplicate()
        target.undo_disable()
        target.convert_rgb()
        try:
            made = _insert(target, path, layers, requests)
        except BaseException:
            target.delete()
            raise
        target.undo_enable()
        if shown:
            Gimp.Display.new(target)
    else:
        image.undo_group_start()
        try:
            made = _insert(image, path, layers, requests)
        finally:
            image.undo_group_end()
    if shown:
        Gimp.displays_flush()
    return made


def _insert(image, path, layers, requests):
    chosen = image.get_selected_layers()
    parent = None
    for position in path[:-1]:
        parent = (image.get_layers() if parent is None else parent.get_children())[position]
    made = []
    for number, (layer, text) in reversed(list(enumerate(zip(layers, requests)))):
        new = _new_layer(image, layer, text)
        new.set_visible(number == 0)
        if not image.insert_layer(new, parent, path[-1]) and not image.insert_layer(new, None, 0):
            raise ScumbleError("internal", "GIMP did not take the new layer.", "Choose another layer; then try again.")
        made.append(new)
    # GIMP makes a new layer the chosen one; the artist's own is chosen again, so that the next run reads it.
    image.set_selected_layers(chosen)
    return made[::-1]


def _new_layer(image, layer, text):
    pixels = layer.pixels
    form = form_of_result(pixels, image)
    width, height = pixels.width, pixels.height
    if memoryview(pixels.data).nbytes != width * height * CHANNELS[form.layout] * SAMPLE_BYTES[form.depth]:
        raise ScumbleError("internal", "The new layer is not whole.", "Please report this.")  # GIMP would take it
    new = Gimp.Layer.new(image, layer.name, width, height, layer_type(image), 100.0, Gimp.LayerMode.NORMAL)
    new.set_offsets(pixels.x, pixels.y)
    buffer = new.get_buffer()
    view = memoryview(pixels.data).cast("B")
    stride = len(view) // height
    rows = max(TILE, BAND // stride // TILE * TILE)
    for top in range(0, height, rows):
        count = min(rows, height - top)
        # GIMP's Python takes a view element by element, which is twenty times as slow as a copy.
        data = bytes(view[top * stride : (top + count) * stride])
        buffer.set(Gegl.Rectangle.new(0, top, width, count), form.babl, data)
    buffer.flush()
    del buffer  # a buffer that outlives its image ends the plug-in
    new.update(0, 0, width, height)
    data = text.encode("ascii")  # GIMP's Python takes no other
    new.attach_parasite(Gimp.Parasite.new(PARASITE, _PERSISTENT | _UNDOABLE, data))
    return new


def request_of(layer):
    """The request that made a layer; None where Scumble did not."""
    parasite = layer.get_parasite(PARASITE)
    if parasite is None:
        return None
    return load(bytes(byte & 255 for byte in parasite.get_data()).decode("ascii", "replace"))
