"""Two empty layers to draw and colour on, which the operations then find by their names."""

from formats import layer_type
from host import Gimp

from scumble_client.editor.roles import DRAWN_LAYERS


def new_layers(image, layer):
    """Add them above a layer, as large as the picture, in one undo step. Gives them, the sketch first."""
    parent, position = layer.get_parent(), image.get_item_position(layer)
    width, height = image.get_width(), image.get_height()
    made = []
    image.undo_group_start()
    try:
        for name in DRAWN_LAYERS:
            new = Gimp.Layer.new(image, name, width, height, layer_type(image), 100.0, Gimp.LayerMode.NORMAL)
            new.fill(Gimp.FillType.TRANSPARENT)
            image.insert_layer(new, parent, position)
            made.insert(0, new)
        image.set_selected_layers([made[0]])
    finally:
        image.undo_group_end()
    return made
