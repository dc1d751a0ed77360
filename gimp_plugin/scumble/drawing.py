"""Empty layers to draw, paint and colour on, which the operations then find by their names."""

from __future__ import annotations

from typing import List, Sequence

from formats import layer_type
from host import Gimp
from placing import covering


def new_layers(image: Gimp.Image, layer: Gimp.Layer, names: Sequence[str]) -> List[Gimp.Layer]:
    """Add them above a layer and its results, as large as the picture, in one undo step; gives the uppermost first.

    `names`: the lowest first.
    """
    above = covering(image, layer)
    parent, position = above.get_parent(), image.get_item_position(above)
    width, height = image.get_width(), image.get_height()
    made: List[Gimp.Layer] = []
    image.undo_group_start()
    try:
        for name in names:
            new = Gimp.Layer.new(image, name, width, height, layer_type(image), 100.0, Gimp.LayerMode.NORMAL)
            new.fill(Gimp.FillType.TRANSPARENT)
            image.insert_layer(new, parent, position)
            made.insert(0, new)
        image.set_selected_layers([made[0]])
    finally:
        image.undo_group_end()
    return made
