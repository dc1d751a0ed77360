"""Layers, the selection and files as pixels for the wire, as they are seen. Nothing here changes the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence, cast

from formats import PixelFormat, format_of
from host import Gegl, Gimp, Gio

from scumble_client.editor.placing import WireForm
from scumble_client.errors import ScumbleError
from scumble_client.request import Pixels

if TYPE_CHECKING:
    from scumble_client.editor.layout import Rect


MASK = PixelFormat(WireForm("graya", "uint8", "srgb"))


def read_drawable(
    drawable: Gimp.Drawable, pixel_format: Optional[PixelFormat] = None, over: Sequence[Gimp.Layer] = ()
) -> Pixels:
    """A layer's or channel's pixels, all of them, also those beyond the canvas; its mask and live filters are applied.

    `over` are layers that count as part of it, the lowest first.
    """
    if over or (drawable.is_layer() and _is_changed_on_the_way(cast(Gimp.Layer, drawable))):
        return _composed([drawable, *over], pixel_format)
    return _read(drawable, pixel_format or format_of(drawable))


def is_empty(layer: Gimp.Layer) -> bool:
    """Whether nothing is painted on it."""
    if layer.is_group() or not layer.has_alpha():
        return False
    width, height = layer.get_width(), layer.get_height()
    return not any(_bytes(layer, (0, 0, width, height), "Y'A u8", 2 * width * height)[1::2])


def read_mask(drawable: Gimp.Drawable) -> Pixels:
    """Where a mask is white: a channel's values, or a layer's brightness and alpha."""
    if drawable.is_layer():
        return read_drawable(drawable, MASK)
    _, x, y = drawable.get_offsets()
    width, height = drawable.get_width(), drawable.get_height()
    # A channel is kept as linear light: "Y'" would change what is half selected.
    return Pixels(_bytes(drawable, (0, 0, width, height), "Y u8", width * height), width, height, "gray", x=x, y=y)


def read_selection(image: Gimp.Image) -> Optional[Pixels]:
    """How much of each pixel is selected, 8 bits; None where nothing is."""
    _, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    width, height = right - left, bottom - top
    if not selected or width <= 0 or height <= 0:
        return None
    data = _bytes(image.get_selection(), (left, top, width, height), "Y u8", width * height)
    return Pixels(data, width, height, "gray", x=left, y=top)


def read_visible(image: Gimp.Image, without: Sequence[Gimp.Layer] = ()) -> Pixels:
    """The picture as it is seen, as if the layers of `without` were hidden."""
    if not without:
        return _read_projection(image)
    copy = image.duplicate()
    try:
        copy.undo_disable()
        for layer in without:
            _same_in(copy, layer).set_visible(False)
        return _read_projection(copy)
    finally:
        copy.delete()


def _same_in(copy: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    """A layer in a copy of its picture. (A copy's layers get tattoos of their own.)"""
    group = layer.get_parent()
    beside = copy.get_layers() if group is None else _same_in(copy, group).get_children()
    return beside[layer.get_image().get_item_position(layer)]


def read_file(path: str, mask: bool = False) -> Pixels:
    """A picture file, as GIMP opens it. Raises ScumbleError."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    if image is None:
        raise ScumbleError("missing_input", f"The file {path} can't be read.", "Choose another.")
    try:
        image.policy_rotate(False)
        return _read_projection(image, MASK if mask else None)
    finally:
        image.delete()


def _read_projection(image: Gimp.Image, pixel_format: Optional[PixelFormat] = None) -> Pixels:
    layer = Gimp.Layer.new_from_visible(image, image, "Scumble")
    try:
        return _read(layer, pixel_format or format_of(layer))
    finally:
        layer.delete()


def _read(drawable: Gimp.Drawable, pixel_format: PixelFormat) -> Pixels:
    _, x, y = drawable.get_offsets()
    width, height = drawable.get_width(), drawable.get_height()
    wire = pixel_format.wire
    data = _bytes(drawable, (0, 0, width, height), pixel_format.babl, width * height * wire.pixel_bytes)
    return Pixels(data, width, height, wire.layout, wire.depth, x, y, wire.colour)


def _bytes(drawable: Gimp.Drawable, rect: Rect, babl: str, length: int) -> bytes:
    """Pixels of a rectangle relative to the drawable; GIMP does not complain where it gives less."""
    data = drawable.get_buffer().get(Gegl.Rectangle.new(*rect), 1.0, babl, Gegl.AbyssPolicy.NONE)
    if data is None or len(data) != length:
        raise ScumbleError("internal", f"GIMP gives no pixels of “{drawable.get_name()}”.", "Choose another layer.")
    return data


def _is_changed_on_the_way(layer: Gimp.Layer) -> bool:
    """Whether what is seen of a layer is not what its buffer holds. (A group's buffer holds what is seen of its layers.)"""
    masked = layer.get_mask() is not None and layer.get_apply_mask()
    return masked or any(one.get_visible() for one in layer.get_filters())


def _composed(layers: Sequence[Gimp.Drawable], pixel_format: Optional[PixelFormat]) -> Pixels:
    """Layers, the lowest first, as GIMP itself puts them together, over the lowest one's place: in a picture of their own."""
    lowest = layers[0]
    image = lowest.get_image()
    _, x, y = lowest.get_offsets()
    other = Gimp.Image.new_with_precision(
        lowest.get_width(), lowest.get_height(), _base_type(image), image.get_precision()
    )
    try:
        other.undo_disable()
        profile = image.get_color_profile()
        if profile is not None:
            other.set_color_profile(profile)
        for layer in layers:
            copy = Gimp.Layer.new_from_drawable(layer, other)
            other.insert_layer(copy, None, 0)
            _, left, top = layer.get_offsets()
            copy.set_offsets(left - x, top - y)
            copy.set_visible(True)
            if layer is lowest:  # how it is mixed with what lies below is no matter of its own pixels
                copy.set_opacity(100.0)
                copy.set_mode(Gimp.LayerMode.NORMAL)
        found = _read_projection(other, pixel_format)
        found.x, found.y = x, y
        return found
    finally:
        other.delete()


def _base_type(image: Gimp.Image) -> Gimp.ImageBaseType:
    base = image.get_base_type()
    return base if base == Gimp.ImageBaseType.GRAY else Gimp.ImageBaseType.RGB
