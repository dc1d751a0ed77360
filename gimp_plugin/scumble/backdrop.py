"""How opaque the picture is below the place of a new layer: the artist's picture stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Tuple

from host import Gegl, Gimp

from scumble_client.editor.layout import intersection
from scumble_client.editor.soft_edges import is_partial, moved_plane

if TYPE_CHECKING:
    from scumble_client.editor.layout import Rect


def alpha_below(image: Gimp.Image, path: List[int], rect: Rect) -> bytes:
    """The alpha, in 8 bits, of all that is composed below a place, over a rectangle; 255 beyond the canvas.

    `path`: the positions from the top of the picture down to the place, groups first.
    """
    groups, beside = _around(image, path)
    if len(beside) > path[-1] and _covers(beside[path[-1]]):
        alpha = _plane(beside[path[-1]], rect, 0)
        if not is_partial(alpha) and b"\x00" not in alpha:
            return alpha
    inner = next((n for n in range(len(groups), 0, -1) if groups[n - 1].get_mode() != Gimp.LayerMode.PASS_THROUGH), 0)
    if not any(layer.get_visible() for layer in _higher(image, path, inner)):
        return _read(image, groups[inner - 1] if inner else None, rect)
    copy = image.duplicate()
    try:
        copy.undo_disable()
        for layer in _higher(copy, path, inner):
            layer.set_visible(False)
        return _read(copy, _around(copy, path)[0][inner - 1] if inner else None, rect)
    finally:
        copy.delete()


def _around(image: Gimp.Image, path: List[int]) -> Tuple[List[Gimp.Layer], List[Gimp.Layer]]:
    """The groups around a place, the outermost first, and the layers in the innermost one."""
    groups: List[Gimp.Layer] = []
    beside = image.get_layers()
    for position in path[:-1]:
        groups.append(beside[position])
        beside = groups[-1].get_children()
    return groups, beside


def _higher(image: Gimp.Image, path: List[int], inner: int) -> List[Gimp.Layer]:
    """The layers that are composed over a place, from inside its `inner`th group on."""
    return [one for depth in range(inner, len(path)) for one in _around(image, path[: depth + 1])[1][: path[depth]]]


def _covers(layer: Gimp.Layer) -> bool:
    """Whether what is seen at the layer's place is at least as opaque as the layer itself."""
    plain = layer.get_visible() and not layer.is_group() and layer.get_mask() is None and not layer.get_filters()
    plain = plain and layer.get_composite_mode() in (Gimp.LayerCompositeMode.AUTO, Gimp.LayerCompositeMode.UNION)
    return plain and layer.get_mode() == Gimp.LayerMode.NORMAL and layer.get_opacity() == 100.0


def _read(image: Gimp.Image, group: Optional[Gimp.Layer], rect: Rect) -> bytes:
    if group is not None:
        return _plane(group, rect, 0)
    seen = Gimp.Layer.new_from_visible(image, image, "Scumble")
    try:
        return _plane(seen, rect, 255)
    finally:
        seen.delete()


def _plane(drawable: Gimp.Drawable, rect: Rect, outside: int) -> bytes:
    """A drawable's alpha over a rectangle of the picture; what lies beyond it is `outside`."""
    _, x, y = drawable.get_offsets()
    own = (x, y, drawable.get_width(), drawable.get_height())
    shared = intersection(own, rect)
    if shared is None:
        return moved_plane(b"", (rect[0], rect[1], 0, 0), rect, outside)
    where = Gegl.Rectangle.new(shared[0] - x, shared[1] - y, shared[2], shared[3])
    data = drawable.get_buffer().get(where, 1.0, "Y'A u8", Gegl.AbyssPolicy.NONE)
    return moved_plane(data[1::2], shared, rect, outside)
