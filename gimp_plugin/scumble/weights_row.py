"""In the dialog: where a choice needs weights that are not here, what they are, and a button to get them."""

from typing import Any, Callable, Dict, List, Tuple

from choosers import PictureBox, titled
from host import Gimp, GLib
from runs import client_name

from scumble_client import Client
from scumble_client.editor.background import Background
from scumble_client.editor.crash_log import as_error
from scumble_client.editor.settings import EditorSettings
from scumble_client.editor.weights_panel import HAVE, PAGE, WeightsPanel, WeightsView
from scumble_client.errors import ScumbleError
from scumble_client.paths import ConnectionFile

LOOK_MS = 300
WORDS = 90
"""Characters of a line, as for the other sentences of the dialog."""


class WeightsRow:
    """`widget` is shown while there is something to say.

    `chosen` gives the parameters' values as they are now; `changed` is called when other weights can be used than before, `resized`
    when the widget has become higher or lower.
    """

    def __init__(
        self,
        gtk: Any,
        dialog: Any,
        operation: Dict[str, Any],
        settings: EditorSettings,
        chosen: Callable[[], Dict[str, Any]],
        changed: Callable[[], None],
        resized: Callable[[], None],
    ) -> None:
        self._gtk, self._dialog, self._operation = gtk, dialog, operation
        self._chosen, self._changed, self._resized = chosen, changed, resized
        self._client = Client(client_name())
        self._background = Background(1)
        self.panel = WeightsPanel(self._client, self._background, settings)
        self._view = WeightsView()
        self._usable = self.panel.usable
        self.sentence, self.detail = self._label(), self._label()
        self.bar = gtk.ProgressBar()
        self.buttons = gtk.Box(orientation=gtk.Orientation.HORIZONTAL, spacing=6)
        self.widget = gtk.Box(orientation=gtk.Orientation.VERTICAL, spacing=4)
        for one in (self.sentence, self.bar, self.detail, self.buttons):
            self.widget.pack_start(one, False, False, 0)
        self.widget.show_all()
        self.widget.set_no_show_all(True)
        self.widget.hide()
        self._timer = GLib.timeout_add(LOOK_MS, self._look)
        if any(parameter["type"] == "choice" for parameter in operation["parameters"]) and _daemon_runs():
            self.panel.refresh()

    def _label(self) -> Any:
        label = self._gtk.Label(label="", xalign=0.0, wrap=True, selectable=False)
        label.set_max_width_chars(WORDS)
        return label

    @property
    def lacking(self) -> str:
        """The sentence on what stands in the way of a run; empty where nothing does."""
        needed = self.panel.needed(self._operation, self._chosen())
        return "" if needed is None else f"“{needed.label}” can't be used yet."

    def close(self) -> None:
        """What is being fetched goes on."""
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
            self.panel.close()
            self._background.close()
            self._client.close()

    # -- what is shown

    def _look(self) -> bool:
        try:
            for event in self._client.poll():
                if event.kind == "state" and event.state == "ready":
                    self.panel.refresh()
                self.panel.handle(event)
            self._background.poll()
            self.show()
            if _daemon_runs():  # the preview may have started one
                self.panel.keep_fresh()
            usable = self.panel.usable
            if usable != self._usable:  # not with every byte: a new preview would follow
                self._usable = usable
                self._changed()
        except Exception as error:
            self._show(WeightsView(str(as_error(error, "gimp.log"))))
        return True

    def show(self) -> None:
        """Look again; quick."""
        view = self.panel.look(self._operation, self._chosen())
        if view != self._view:
            self._show(view)

    def _show(self, view: WeightsView) -> None:
        before, self._view = self._view, view
        self.sentence.set_markup(f"<b>{GLib.markup_escape_text(view.sentence)}</b>")
        self.detail.set_text(view.detail)
        self.detail.set_visible(bool(view.detail))
        self.bar.set_visible(view.fraction is not None)
        self.bar.set_fraction(view.fraction or 0.0)
        if before.buttons != view.buttons:
            for old in self.buttons.get_children():
                old.destroy()
            for name, label in view.buttons:
                button = self._gtk.Button(label=label)
                button.connect("clicked", lambda _button, name=name: self.press(name))
                self.buttons.pack_start(button, False, False, 0)
            self.buttons.show_all()
        self.widget.set_visible(bool(view.sentence))
        if _form(before) != _form(view):
            self._resized()

    # -- what the artist does

    def press(self, name: str) -> None:
        """A button of the view."""
        try:
            if name == HAVE:
                self._choose_folder()
            elif name == PAGE:
                self._gtk.show_uri_on_window(self._dialog, self._view.page, 0)
            else:
                self.panel.press(name, self._operation, self._chosen())
        except (ScumbleError, GLib.Error) as error:
            Gimp.message(str(error))
        self.show()

    def _choose_folder(self) -> None:
        gtk = self._gtk
        chooser = gtk.FileChooserNative.new(
            "The folder with the files that you have",
            self._dialog,
            gtk.FileChooserAction.SELECT_FOLDER,
            "_Choose",
            "_Cancel",
        )
        if chooser.run() == gtk.ResponseType.ACCEPT:
            self.panel.add(chooser.get_filename())
        chooser.destroy()


class WeightsChoice:
    """A choice some of whose values are weights: its entries say which are not here."""

    def __init__(self, gtk: Any, config: Any, argument: str, parameter: Dict[str, Any], row: WeightsRow) -> None:
        self._gtk, self._config, self._argument, self._parameter, self._row = gtk, config, argument, parameter, row
        self._values = [str(value) for value in parameter["choices"]]
        self.box = PictureBox(gtk, [(None, text) for text in self._texts()], self._chosen, parameter["help"])
        self.label, self.widget = titled(gtk, parameter["title"], self.box.combo)

    def show(self) -> None:
        self.box.say(self._texts())
        self.box.show(self._values.index(self._config.get_property(self._argument)))

    def _texts(self) -> List[str]:
        chosen = self._config.get_property(self._argument)
        return self._row.panel.labels(self._parameter, chosen)

    def _chosen(self, number: int) -> None:
        self._config.set_property(self._argument, self._values[number])


def _form(view: WeightsView) -> Tuple[bool, str, bool, bool]:
    """What decides how high it is."""
    return bool(view.sentence), view.detail, view.fraction is None, bool(view.buttons)


def names_weights(parameter: Dict[str, Any]) -> bool:
    """Whether a choice's values look like weights: the daemon's list, which says so, comes later than the dialog."""
    return parameter["type"] == "choice" and "embedded" in parameter["choices"]


def _daemon_runs() -> bool:
    try:
        return ConnectionFile.read() is not None
    except ScumbleError:
        return False
