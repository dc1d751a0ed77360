"""Combo boxes whose entries have pictures: of layers, of channels, of paintings.

GIMP's own box for layers shows one that was chosen beforehand as nothing, and can't be emptied again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, Sequence, Tuple

from catalogue import HERE
from host import Gimp, GObject

if TYPE_CHECKING:
    from arguments import Arguments


NOTHING = "None"
FILE = "A file…"

LAYER_SIDE, PICTURE_SIDE = 24, 48
"""Pixels of an entry's picture."""

MOST_PICTURES = 40
"""So many layers have their picture in a list: GIMP makes each anew, which takes a while for large ones."""

CHOICES = HERE / "choices"
"""Where the installer puts the pictures of choices that have one."""


class PictureBox:
    """A combo box of (picture or None, text). `changed` is called with the entry's number where an artist chooses it."""

    def __init__(
        self, gtk: Any, entries: Sequence[Tuple[Any, str]], changed: Callable[[int], Any], help_text: str
    ) -> None:
        from gi.repository import GdkPixbuf, Pango

        self._texts: List[str] = [text for _, text in entries]
        self._changed = changed
        store = gtk.ListStore(GdkPixbuf.Pixbuf, str)
        for picture, text in entries:
            store.append([picture, text])
        self.combo = gtk.ComboBox(model=store)
        picture, text = gtk.CellRendererPixbuf(), gtk.CellRendererText()
        text.set_property("ellipsize", Pango.EllipsizeMode.END)
        text.set_property("width-chars", 16)
        self.combo.pack_start(picture, False)
        self.combo.add_attribute(picture, "pixbuf", 0)
        self.combo.pack_start(text, True)
        self.combo.add_attribute(text, "text", 1)
        self.combo.set_tooltip_text(help_text)
        self._handler = self.combo.connect("changed", self._chosen)

    @property
    def texts(self) -> List[str]:
        return list(self._texts)

    @property
    def text(self) -> str:
        """Of the chosen entry."""
        return str(self._texts[self.combo.get_active()])

    def choose(self, text: str) -> None:
        """As an artist does."""
        self.combo.set_active(self._texts.index(text))

    def say(self, texts: List[str]) -> None:
        """Give the entries other texts."""
        for row, text in enumerate(texts):
            if text != self._texts[row]:
                self.combo.get_model()[row][1] = text
        self._texts = list(texts)

    def show(self, number: int) -> None:
        """Choose an entry without a word."""
        if number != self.combo.get_active():
            self.combo.handler_block(self._handler)
            self.combo.set_active(number)
            self.combo.handler_unblock(self._handler)

    def _chosen(self, _: Any) -> None:
        self._changed(max(self.combo.get_active(), 0))


class RoleChooser:
    """What a role is taken from: nothing, a layer, a channel for a mask, or a file, for which there is a button then.

    `widget` has all of it; `label` is the title, to be aligned with others', as are `file_labels`.
    """

    def __init__(
        self,
        gtk: Any,
        dialog: Any,
        config: Gimp.ProcedureConfig,
        arguments: Arguments,
        role: Dict[str, Any],
        title: str,
        items: Sequence[Tuple[Gimp.Item, str]],
    ) -> None:
        self._config = config
        self._layer, self._file = arguments.layers[role["name"]], arguments.files.get(role["name"])
        self.role = role
        self._items = [None, *([FILE] if self._file else []), *(item for item, _ in items)]
        self._wants_file = False
        pictures = {item: _small(item) for item, _ in items[:MOST_PICTURES]}
        entries = [(None, NOTHING), *([(None, FILE)] if self._file else [])]
        entries += [(pictures.get(item), text) for item, text in items]
        self.box = PictureBox(gtk, entries, self._chosen, role["help"])
        self.label, row = titled(gtk, title, self.box.combo)
        self.widget = gtk.Box(orientation=gtk.Orientation.VERTICAL, spacing=6)
        self.widget.pack_start(row, False, False, 0)
        self.button, self.file_labels = None, []
        if self._file:
            self.button = dialog.get_widget(self._file, GObject.TYPE_NONE)
            self.file_labels = [one for one in self.button.get_children() if isinstance(one, gtk.Label)]
            for one in self.file_labels:  # the row above it says what it is for
                one.set_text("")
            self.widget.pack_start(self.button, False, False, 0)

    @property
    def is_empty(self) -> bool:
        return self._item() is None

    def show(self) -> None:
        """Show what is chosen, also where GIMP's own buttons have changed it."""
        item = self._item()
        if item is not FILE:
            self._wants_file = False
        self.box.show(next((number for number, one in enumerate(self._items) if one == item), 0))
        if self.button is not None:
            self.button.set_visible(item is FILE)

    def _item(self) -> Any:
        layer = self._config.get_property(self._layer)
        if layer is not None:
            return layer
        given = self._file and self._config.get_property(self._file) is not None
        return FILE if given or self._wants_file else None

    def _chosen(self, number: int) -> None:
        item = self._items[number]
        self._wants_file = item is FILE
        if self._file and item is not FILE and self._config.get_property(self._file) is not None:
            self._config.set_property(self._file, None)
        layer = None if item is FILE else item
        if layer != self._config.get_property(self._layer):
            self._config.set_property(self._layer, layer)
        self.show()


class PictureChoice:
    """A choice whose values have pictures, such as the bundled paintings."""

    def __init__(
        self,
        gtk: Any,
        config: Gimp.ProcedureConfig,
        argument: str,
        parameter: Dict[str, Any],
        labels: Dict[str, str],
        pictures: Dict[str, Any],
    ) -> None:
        self._config, self._argument = config, argument
        self._values = [str(value) for value in parameter["choices"]]
        entries = [(pictures.get(value), labels[value]) for value in self._values]
        self.box = PictureBox(gtk, entries, self._chosen, parameter["help"])
        self.label, self.widget = titled(gtk, parameter["title"], self.box.combo)

    def show(self) -> None:
        self.box.show(self._values.index(self._config.get_property(self._argument)))

    def _chosen(self, number: int) -> None:
        self._config.set_property(self._argument, self._values[number])


def pictures_of(parameter: Dict[str, Any]) -> Dict[str, Any]:
    """The pictures of a choice's values, by value; empty where it has none."""
    from gi.repository import GdkPixbuf, GLib

    found = {}
    for value in map(str, parameter.get("choices", ())):
        path = CHOICES / f"{value}.png"
        if path.is_file():
            try:
                found[value] = GdkPixbuf.Pixbuf.new_from_file_at_size(str(path), PICTURE_SIDE, PICTURE_SIDE)
            except GLib.Error:
                pass  # its name says what it is
    return found


def titled(gtk: Any, title: str, widget: Any) -> Tuple[Any, Any]:
    """A row: (label, row)."""
    label = gtk.Label(label=title, xalign=0.0)
    row = gtk.Box(orientation=gtk.Orientation.HORIZONTAL, spacing=6)
    row.pack_start(label, False, False, 0)
    row.pack_start(widget, True, True, 0)
    return label, row


def items_for(image: Gimp.Image, channels: bool) -> List[Tuple[Gimp.Item, str]]:
    """What can be chosen: (item, text), this picture's own first."""
    own: List[Tuple[Gimp.Item, str]] = [(layer, layer.get_name()) for layer in _layers(image.get_layers())]
    if channels:
        own += [(channel, f"{channel.get_name()} (channel)") for channel in image.get_channels()]
    for other in Gimp.get_images():
        if other != image:
            own += [(layer, f"{layer.get_name()} ({other.get_name()})") for layer in _layers(other.get_layers())]
    return own


def _small(item: Any) -> Any:
    return item.get_thumbnail(LAYER_SIDE, LAYER_SIDE, Gimp.PixbufTransparency.SMALL_CHECKS)


def _layers(layers: Iterable[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from _layers(layer.get_children())
