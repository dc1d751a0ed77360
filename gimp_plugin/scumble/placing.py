"""A result as new layers where it is seen, in one undo step. The artist's own layers stay as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Optional, Sequence, Tuple, cast

from backdrop import alpha_below
from formats import blend_space, format_of_result, layer_type
from host import Gegl, Gimp

from scumble_client.editor.layout import rect_of, union
from scumble_client.editor.messages import CLOSED
from scumble_client.editor.placing import InsertionPoint, LayerTree, bands, numbered_name, wire_form
from scumble_client.editor.provenance import load
from scumble_client.editor.reading import finish
from scumble_client.editor.roles import DRAWN, role_of
from scumble_client.editor.soft_edges import (
    ERASED,
    INSIDE,
    MIXED,
    NEW,
    PLAIN,
    Laid,
    alpha_plane,
    erasing_pixels,
    is_partial,
    lay,
    moved_plane,
)
from scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from scumble_client.editor.provenance import Provenance
    from scumble_client.request import Pixels, ResultLayer


PARASITE = "scumble-request"
_PERSISTENT, _UNDOABLE = 1, 2

TILE = 64
"""Rows of GIMP's tiles."""
BAND = 1 << 20
"""Bytes that are copied and written at once."""


class ImageTree(LayerTree["Gimp.Layer"]):
    """An image's layers, for finding the place of a new one; they are their own keys."""

    def __init__(self, image: Gimp.Image) -> None:
        self._image = image

    def key(self, layer: Gimp.Layer) -> Gimp.Layer:
        return layer

    def find(self, key: Any) -> Optional[Gimp.Layer]:
        return key if key.is_valid() and key.get_image() == self._image else None

    def parent(self, layer: Gimp.Layer) -> Optional[Gimp.Layer]:
        return layer.get_parent()


def insertion_point(image: Gimp.Image, source: Any) -> InsertionPoint:
    """Where a result of a layer goes; without a layer, what was read is the picture as it is seen: on top of all."""
    return InsertionPoint(ImageTree(image), source)


def all_layers(layers: Iterable[Gimp.Layer], seen: bool = True) -> Iterator[Tuple[Gimp.Layer, bool]]:
    """Layers and what is in their groups, from the topmost down: (layer, whether it is visible with all of its groups)."""
    for layer in layers:
        visible = seen and layer.get_visible()
        yield layer, visible
        if layer.is_group():
            yield from all_layers(layer.get_children(), visible)


def covering(image: Gimp.Image, source: Any) -> Gimp.Layer:
    """The layer that a result of `source` goes right above, so that it is seen.

    That is the uppermost layer over it which would hide it and is no picture of its own: an earlier result, or what is
    drawn for an operation; else `source` itself. Where it lies in a group without `source`, that group stands for it.
    """
    groups = [None, *_groups(source)]
    for layer, visible in all_layers(image.get_layers()):
        if layer == source:
            break
        drawn = role_of(layer.get_name(), DRAWN) is not None or layer.get_parasite(PARASITE) is not None
        if visible and drawn and (not layer.is_group() or layer.get_parasite(PARASITE) is not None):
            while layer.get_parent() not in groups:
                layer = cast(Gimp.Layer, layer.get_parent())
            return layer
    return cast(Gimp.Layer, source)


def _groups(layer: Gimp.Layer) -> Iterator[Gimp.Layer]:
    """The groups around a layer, the innermost first."""
    group = layer.get_parent()
    while group is not None:
        yield group
        group = group.get_parent()


def _path(image: Gimp.Image, point: InsertionPoint) -> List[int]:
    """The positions from the top of the picture down to the place of a result, which hold in a copy of it, too."""
    tree: Any = ImageTree(image)
    group, above = point.find(tree)
    if above is not None:
        above = covering(image, above)
        group = above.get_parent()
    path = [image.get_item_position(above) if above is not None else 0]
    while group is not None:
        path.append(image.get_item_position(group))
        group = group.get_parent()
    return path[::-1]


def place_layers(image: Gimp.Image, point: InsertionPoint, result: PlacedResult, shown: bool) -> List[Gimp.Layer]:
    """Add a result's layers, the first one on top and visible; those beside it, variations, are hidden.

    They go to an insertion point. An indexed picture can't hold them: they come into an RGB copy of it, which is
    displayed if `shown`. Gives the new layers. Raises ScumbleError.
    """
    if not image.is_valid():
        raise ScumbleError("missing_input", CLOSED)
    path = _path(image, point)
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        target = image.duplicate()
        target.undo_disable()
        target.convert_rgb()
        try:
            made = _insert(target, path, result)
        except BaseException:
            target.delete()
            raise
        target.undo_enable()
        if shown:
            Gimp.Display.new(target)
    else:
        image.undo_group_start()
        try:
            made = _insert(image, path, result)
        finally:
            image.undo_group_end()
    if shown:
        Gimp.displays_flush()
    return made


class PlacedResult:
    """What is to become of a result: its layers, the text that is kept with each, and the title that they are named after.

    `masked`: whether what is transparent becomes a mask, on which an artist can take parts of it back.
    """

    def __init__(self, title: str, layers: Sequence[ResultLayer], texts: Sequence[str], masked: bool) -> None:
        self.title, self.layers, self.texts, self.masked = title, layers, texts, masked


def _insert(image: Gimp.Image, path: List[int], result: PlacedResult) -> List[Gimp.Layer]:
    chosen, channels = image.get_selected_layers(), image.get_selected_channels()
    parent = None
    for position in path[:-1]:
        parent = (image.get_layers() if parent is None else parent.get_children())[position]
    taken = [layer.get_name() for layer, _ in all_layers(image.get_layers())]
    names: List[str] = []
    for _ in result.layers:
        names.append(numbered_name(result.title, [*taken, *names]))
    made = []
    laid = _lay(image, path, [layer.pixels for layer in result.layers])
    for number, (name, one, text) in reversed(list(enumerate(zip(names, laid, result.texts)))):
        made.append(_add(image, (parent, path[-1]), name, one, text, result.masked))
        made[-1].set_visible(number == 0)
    # GIMP makes a new layer the chosen one; the artist's own is chosen again, so that the next run reads it.
    if chosen:
        image.set_selected_layers(chosen)
    elif channels:  # GIMP takes no empty list
        image.set_selected_channels(channels)
    return made[::-1]


def _lay(image: Gimp.Image, path: List[int], rasters: Sequence[Pixels]) -> List[Laid]:
    """How each of a result's rasters is laid over what is below its place."""
    tops = [alpha_plane(pixels) for pixels in rasters]
    soft = [rect_of(pixels) for pixels, top in zip(rasters, tops) if is_partial(top)]
    if not soft:
        return [Laid(PLAIN, pixels) for pixels in rasters]
    whole = soft[0]
    for rect in soft[1:]:
        whole = union(whole, rect)
    below = alpha_below(image, path, whole)
    return [
        finish(lay(pixels, top, moved_plane(below, whole, rect_of(pixels), 255))) for pixels, top in zip(rasters, tops)
    ]


def _add(
    image: Gimp.Image, place: Tuple[Optional[Gimp.Layer], int], name: str, laid: Laid, text: str, masked: bool
) -> Gimp.Layer:
    """A result as a layer, or as the group of two that stands for one, at a place: (group or None, position)."""
    whole = _new_layer(image, name, laid) if laid.how != MIXED else Gimp.GroupLayer.new(image, name)
    whole.attach_parasite(_note(text))
    parent, position = place
    if not image.insert_layer(whole, parent, position) and not image.insert_layer(whole, None, 0):
        raise ScumbleError("internal", "GIMP did not take the new layer.", "Choose another layer; then try again.")
    if laid.how == MIXED:
        whole.set_mode(Gimp.LayerMode.PASS_THROUGH)
        erasing = _new_layer(image, ERASED, Laid(PLAIN, erasing_pixels(laid.pixels, laid.erased)))
        erasing.set_mode(Gimp.LayerMode.ERASE)
        image.insert_layer(erasing, whole, 0)
        image.insert_layer(_new_layer(image, NEW, laid), whole, 0)
    if masked:
        # What erases must go where the result goes, so a group's mask is for both.
        kind = Gimp.AddMaskType.WHITE if laid.how == MIXED else Gimp.AddMaskType.ALPHA_TRANSFER
        whole.add_mask(whole.create_mask(kind))
        whole.set_edit_mask(False)
    return whole


def _new_layer(image: Gimp.Image, name: str, laid: Laid) -> Gimp.Layer:
    pixels = laid.pixels
    babl = format_of_result(wire_form(pixels), image).babl
    width, height = pixels.width, pixels.height
    new = Gimp.Layer.new(image, name, width, height, layer_type(image), 100.0, Gimp.LayerMode.NORMAL)
    new.set_offsets(pixels.x, pixels.y)
    buffer = new.get_buffer()
    # GIMP's Python takes a view element by element, which is twenty times as slow as a copy.
    for top, rows, data in bands(pixels, BAND, TILE):
        buffer.set(Gegl.Rectangle.new(0, top, width, rows), babl, data)
    buffer.flush()
    del buffer  # a buffer that outlives its image ends the plug-in
    new.update(0, 0, width, height)
    if laid.how == INSIDE:
        new.set_composite_mode(Gimp.LayerCompositeMode.CLIP_TO_BACKDROP)
    if laid.how != PLAIN:
        new.set_composite_space(blend_space(image))
    return new


def _note(text: str) -> Gimp.Parasite:
    data = text.encode("ascii")  # GIMP's Python takes no other
    return Gimp.Parasite.new(PARASITE, _PERSISTENT | _UNDOABLE, data)


def request_of(layer: Gimp.Layer) -> Optional[Provenance]:
    """What made a layer or the group that it is a part of; None where Scumble did not."""
    found = (provenance_of(one) for one in (layer, *_groups(layer)))
    return next((one for one in found if one is not None), None)


def provenance_of(layer: Gimp.Layer) -> Optional[Provenance]:
    """What made a layer; None where Scumble did not."""
    parasite = layer.get_parasite(PARASITE)
    if parasite is None:
        return None
    return load(bytes(byte & 255 for byte in parasite.get_data()).decode("ascii", "replace"))
