"""A list of layers for a role. GIMP's own shows a layer that was chosen beforehand as nothing, and can't be emptied again."""

from host import Gimp

NOTHING = "None"


class ItemChooser:
    """A combo box for an argument that takes a layer; one for a mask also has channels. `widget` has its title beside it."""

    def __init__(self, gtk, config, argument, title, help_text, items):
        self._config, self._argument = config, argument
        self._items = [None, *(item for item, _ in items)]
        self.combo = gtk.ComboBoxText()
        for text in (NOTHING, *(text for _, text in items)):
            self.combo.append_text(text)
        self.combo.set_tooltip_text(help_text)
        label = gtk.Label(label=title, xalign=0.0)
        self.widget = gtk.Box(orientation=gtk.Orientation.HORIZONTAL, spacing=6)
        self.widget.pack_start(label, False, False, 0)
        self.widget.pack_start(self.combo, True, True, 0)
        self.show()
        self.combo.connect("changed", self._chosen)

    def show(self):
        """Show what is chosen, also where GIMP's own buttons have changed it."""
        chosen = self._config.get_property(self._argument)
        place = next((n for n, item in enumerate(self._items) if item == chosen), 0)
        if place != self.combo.get_active():
            self.combo.set_active(place)

    def _chosen(self, _):
        item = self._items[max(self.combo.get_active(), 0)]
        if item != self._config.get_property(self._argument):
            self._config.set_property(self._argument, item)


def items_for(image, channels):
    """What can be chosen: (item, text), this picture's own first."""
    own = [(layer, layer.get_name()) for layer in _layers(image.get_layers())]
    if channels:
        own += [(channel, f"{channel.get_name()} (channel)") for channel in image.get_channels()]
    for other in Gimp.get_images():
        if other != image:
            own += [(layer, f"{layer.get_name()} ({other.get_name()})") for layer in _layers(other.get_layers())]
    return own


def _layers(layers):
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from _layers(layer.get_children())
