"""Layers, the selection and files as pixels for the wire. Nothing here changes the picture."""

from formats import PixelFormat, format_of
from host import Gegl, Gimp, Gio

from scumble_client.editor.placing import WireForm
from scumble_client.errors import ScumbleError
from scumble_client.request import Pixels

MASK = PixelFormat(WireForm("graya", "uint8", "srgb"))


def read_drawable(drawable, pixel_format=None):
    """A layer's or channel's pixels, all of them, also those beyond the canvas; a layer's mask is applied."""
    if drawable.is_layer() and not drawable.is_group() and drawable.get_mask() and drawable.get_apply_mask():
        return _read_masked(drawable, pixel_format)
    return _read(drawable, pixel_format or format_of(drawable))


def is_empty(layer):
    """Whether nothing is painted on it."""
    if layer.is_group() or not layer.has_alpha():
        return False
    width, height = layer.get_width(), layer.get_height()
    return not any(_bytes(layer, (0, 0, width, height), "Y'A u8", 2 * width * height)[1::2])


def read_mask(drawable):
    """Where a mask is white: a channel's values, or a layer's brightness and alpha."""
    if drawable.is_layer():
        return read_drawable(drawable, MASK)
    _, x, y = drawable.get_offsets()
    width, height = drawable.get_width(), drawable.get_height()
    # A channel is kept as linear light: "Y'" would change what is half selected.
    return Pixels(_bytes(drawable, (0, 0, width, height), "Y u8", width * height), width, height, "gray", x=x, y=y)


def read_selection(image):
    """How much of each pixel is selected, 8 bits; None where nothing is."""
    _, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    width, height = right - left, bottom - top
    if not selected or width <= 0 or height <= 0:
        return None
    data = _bytes(image.get_selection(), (left, top, width, height), "Y u8", width * height)
    return Pixels(data, width, height, "gray", x=left, y=top)


def read_visible(image):
    """The picture as it is seen."""
    layer = Gimp.Layer.new_from_visible(image, image, "Scumble")
    try:
        return _read(layer, format_of(layer))
    finally:
        layer.delete()


def read_file(path, mask=False):
    """A picture file, as GIMP opens it. Raises ScumbleError."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    if image is None:
        raise ScumbleError("missing_input", f"The file {path} can't be read.", "Choose another.")
    try:
        image.policy_rotate(False)
        layer = Gimp.Layer.new_from_visible(image, image, "Scumble")
        pixels = _read(layer, MASK if mask else format_of(layer))
        layer.delete()
        return pixels
    finally:
        image.delete()


def _read(drawable, pixel_format):
    _, x, y = drawable.get_offsets()
    width, height = drawable.get_width(), drawable.get_height()
    wire = pixel_format.wire
    data = _bytes(drawable, (0, 0, width, height), pixel_format.babl, width * height * wire.pixel_bytes)
    return Pixels(data, width, height, wire.layout, wire.depth, x, y, wire.colour)


def _bytes(drawable, rect, babl, length):
    """Pixels of a rectangle relative to the drawable; GIMP does not complain where it gives less."""
    data = drawable.get_buffer().get(Gegl.Rectangle.new(*rect), 1.0, babl, Gegl.AbyssPolicy.NONE)
    if data is None or len(data) != length:
        raise ScumbleError("internal", f"GIMP gives no pixels of “{drawable.get_name()}”.", "Choose another layer.")
    return data


def _read_masked(layer, pixel_format):
    """The layer with its mask applied, by GIMP itself, in a picture of its own."""
    image = layer.get_image()
    other = Gimp.Image.new_with_precision(
        image.get_width(), image.get_height(), _base_type(image), image.get_precision()
    )
    try:
        other.undo_disable()
        profile = image.get_color_profile()
        if profile is not None:
            other.set_color_profile(profile)
        copy = Gimp.Layer.new_from_drawable(layer, other)
        other.insert_layer(copy, None, 0)
        _, x, y = layer.get_offsets()
        copy.set_offsets(x, y)
        if copy.get_mask():
            copy.remove_mask(Gimp.MaskApplyMode.APPLY)
        return _read(copy, pixel_format or format_of(copy))
    finally:
        other.delete()


def _base_type(image):
    base = image.get_base_type()
    return base if base == Gimp.ImageBaseType.GRAY else Gimp.ImageBaseType.RGB
