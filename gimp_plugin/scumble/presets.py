"""The row of presets on top of a dialog: named sets of parameters, the same in Krita and GIMP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict

from scumble_client.editor.form import defaults
from scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from arguments import Arguments
    from host import Gimp

    from scumble_client.editor.settings import EditorSettings


DEFAULTS = "Defaults"


class PresetBar:
    """Choosing a preset puts its parameters into the call; a name and “Save” keep the present ones."""

    def __init__(self, arguments: Arguments, config: Gimp.ProcedureConfig, settings: EditorSettings, gtk: Any) -> None:
        self._arguments, self._config, self._settings = arguments, config, settings
        self._operation = arguments.operation
        self._given = {preset["title"]: preset for preset in self._operation.get("presets", [])}
        self.widget = gtk.Box(orientation=gtk.Orientation.VERTICAL, spacing=6)
        self.widget.set_border_width(6)
        row = gtk.Box(orientation=gtk.Orientation.HORIZONTAL, spacing=6)
        self.choice = gtk.ComboBoxText.new_with_entry()
        entry = self.choice.get_child()
        entry.set_placeholder_text("Name of a preset")
        self.save = gtk.Button.new_with_mnemonic("Sa_ve Preset")
        self.remove = gtk.Button(label="Remove Preset")
        self._said = gtk.Label(label="", xalign=0.0)
        self._said.set_line_wrap(True)
        self._said.set_no_show_all(True)
        title = gtk.Label.new_with_mnemonic("_Preset")
        title.set_mnemonic_widget(entry)
        for part, grow in (
            (title, False),
            (self.choice, True),
            (self.save, False),
            (self.remove, False),
        ):
            row.pack_start(part, grow, grow, 0)
        for part in (row, self._said):
            self.widget.pack_start(part, False, False, 0)
        self._fill()
        self.choice.connect("changed", self._chosen)
        self.save.connect("clicked", self._save)
        self.remove.connect("clicked", self._remove)
        entry.connect("activate", self._typed)
        entry.connect("changed", lambda *_: self._refresh())
        self._refresh()

    def _fill(self) -> None:
        self.choice.remove_all()
        for name in [DEFAULTS, *self._settings.presets(self._operation)]:
            self.choice.append_text(name)

    @property
    def _name(self) -> str:
        return (self.choice.get_child().get_text() or "").strip()

    def _refresh(self) -> None:
        name = self._name
        self.save.set_sensitive(bool(name) and name != DEFAULTS and name not in self._given)
        self.remove.set_sensitive(self._settings.is_own(self._operation, name))

    def _chosen(self, _: Any) -> None:
        if self.choice.get_active() < 0:
            return  # a name is being typed
        self._use()

    def _typed(self, _: Any) -> None:
        if self._name == DEFAULTS or self._name in self._settings.presets(self._operation):
            self._use()

    def _use(self) -> None:
        """Put the preset into the call; beside it stands what it is for."""
        self._guarded(lambda: self._arguments.set_values(self._config, self._values(self._name)))
        if not self._said.get_text():
            self._say(self._given.get(self._name, {}).get("help", ""))

    def _values(self, name: str) -> Dict[str, Any]:
        return defaults(self._operation) if name == DEFAULTS else self._settings.preset(self._operation, name)

    def _save(self, _: Any) -> None:
        name = self._name

        def keep() -> None:
            self._settings.set_preset(self._operation, name, self._arguments.values(self._config))
            self._fill()
            self.choice.get_child().set_text(name)

        self._guarded(keep)

    def _remove(self, _: Any) -> None:
        name = self._name

        def forget() -> None:
            self._settings.set_preset(self._operation, name, None)
            self._fill()
            self.choice.get_child().set_text("")

        self._guarded(forget)

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            work()
            self._say(self._settings.problem)
        except ScumbleError as error:
            self._say(str(error))
        self._refresh()

    def _say(self, text: str) -> None:
        self._said.set_text(text)
        self._said.set_visible(bool(text))
