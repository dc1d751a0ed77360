"""Setting up the engine from GIMP: what `scumble_client.setup.panel` says, as a window; and what is wrong, to be copied.

GIMP's own thread never waits: what asks other programs runs in a thread, and the engine is set up by a process of its own.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Sequence, Tuple

from catalogue import HERE
from host import Gimp, GLib

from scumble_client.editor.crash_log import as_error
from scumble_client.paths import ConnectionFile
from scumble_client.setup.panel import AGAIN, BUSY, CANCEL, CLOSE, GO, LATER, LOG, NEWER, NOTHING, REPORT, SetupPanel
from scumble_client.setup.state import REMOVE, REPAIR

if TYPE_CHECKING:
    from host import Toolkit

    from scumble_client.setup.panel import View


LOG_FILE = "gimp.log"
LOOK_MS = 300
WIDTH = 520
PICTURE_HEIGHT = 200


def running_version() -> Optional[str]:
    """Of the daemon that runs; None where none does."""
    try:
        connection = ConnectionFile.read()
    except Exception:
        return None
    return None if connection is None else connection.version


def ensure(toolkit: Toolkit) -> bool:
    """Whether an operation's dialog may open: at once where there is an engine, else after this window has made one.

    Also where an update was offered and not wanted.
    """
    panel = SetupPanel(HERE)
    if panel.look(running_version()).kind == NOTHING:
        return True
    window = SetupWindow(panel, toolkit, leave_when_done=True)
    window.run()
    return running_version() is not None or not panel.engine_missing


def show(toolkit: Toolkit) -> None:
    """The window that the menu opens: what the engine is, repair, remove, what is wrong."""
    SetupWindow(SetupPanel(HERE), toolkit, leave_when_done=False).run()


class SetupWindow:
    """`run` shows it until it is closed; a set-up that runs goes on then."""

    def __init__(self, panel: SetupPanel, toolkit: Toolkit, leave_when_done: bool) -> None:
        self._gtk, gimp_ui = toolkit
        self.panel = panel
        self._leaves = leave_when_done
        self._view: Optional[View] = None
        self._outcomes: List[Callable[[], None]] = []
        self._said = ""
        gtk = self._gtk
        self.window = gtk.Dialog(title="Scumble: the engine")
        self.window.set_default_size(WIDTH, -1)
        self.window.set_resizable(True)
        gimp_ui.window_set_transient(self.window)
        unused = self.window.get_content_area().get_children()  # the row for buttons of the dialog's own
        for one in unused:
            one.set_no_show_all(True)
            one.hide()
        self._fill()
        self._timer = GLib.timeout_add(LOOK_MS, self._look)
        self._look()

    def _fill(self) -> None:
        gtk = self._gtk
        box = self.window.get_content_area()
        box.set_border_width(12)
        box.set_spacing(8)
        self.sentence, self.detail = self._label(), self._label()
        self.picture = gtk.Image(halign=gtk.Align.START)
        self.bar = gtk.ProgressBar(show_text=True)
        self.choices = gtk.Grid(column_spacing=8, row_spacing=6)
        self.folder = gtk.Entry(
            text=str(self.panel.folder), hexpand=True, tooltip_text="The folder that the engine goes to"
        )
        self.folder.connect("changed", self._folder_changed)
        browse = gtk.Button(label="_Choose…", use_underline=True)
        browse.connect("clicked", self._browse)
        self.compute = gtk.ComboBoxText(hexpand=True)
        self.compute.connect("changed", self._compute_chosen)
        for place, (title, widget) in enumerate((("Folder", self.folder), ("Computes with", self.compute))):
            label = gtk.Label(label=title, xalign=0.0)
            self.choices.attach(label, 0, place, 1, 1)
            self._compute_label = label  # the last one is its
            self.choices.attach(widget, 1, place, 1, 1)
        self.choices.attach(browse, 2, 0, 1, 1)
        self.text = gtk.TextView(editable=False, monospace=True, cursor_visible=False)
        self.scrolled = gtk.ScrolledWindow(min_content_height=240)
        self.scrolled.add(self.text)
        self.copy = gtk.Button(label="Co_py", use_underline=True, halign=gtk.Align.END)
        self.copy.connect("clicked", self._copy)
        self.buttons = gtk.Box(orientation=gtk.Orientation.HORIZONTAL, spacing=6, halign=gtk.Align.END)
        for widget in (self.sentence, self.picture, self.bar, self.choices, self.detail):
            box.pack_start(widget, False, False, 0)
        box.pack_start(self.scrolled, True, True, 0)
        for widget in (self.copy, self.buttons):
            box.pack_end(widget, False, False, 0)
        box.show_all()
        for widget in (self.scrolled, self.copy):
            widget.hide()

    def _label(self) -> Any:
        label = self._gtk.Label(label="", xalign=0.0, wrap=True, selectable=False)
        label.set_max_width_chars(60)
        return label

    def run(self) -> None:
        """Until it is closed."""
        self.window.run()
        GLib.source_remove(self._timer)
        self.window.destroy()

    # -- what is shown

    def _look(self) -> bool:
        try:
            while self._outcomes:
                self._outcomes.pop(0)()
            view = self.panel.look(running_version())
            if view.kind == NOTHING and self._leaves:
                self._leave()
            if view.kind != NOTHING and self.panel.facts is None:
                self._gather()
            if view != self._view:
                self._show(view)
        except Exception as error:
            self.sentence.set_text(str(as_error(error, LOG_FILE)))
        return True

    def _show(self, view: View) -> None:
        before, self._view = self._view, view
        nothing = view.kind == NOTHING
        sentence = f"The engine is set up: version {self._version()}." if nothing else view.sentence
        self.sentence.set_markup(f"<b>{GLib.markup_escape_text(sentence)}</b>")
        self.detail.set_text(view.detail)
        self.detail.set_visible(bool(view.detail))
        self.bar.set_visible(view.fraction is not None)
        self.bar.set_fraction(view.fraction or 0.0)
        self.bar.set_text(f"{round(100 * (view.fraction or 0.0))} %")
        self._show_picture(view.picture)
        self._show_choices(view.choosing)
        buttons = self._usual() if nothing else view.buttons or (("shut", "Close"),)
        if before is None or before.buttons != view.buttons or before.kind != view.kind:
            self._show_buttons(buttons)
        if before is not None and before.kind != view.kind and not self._said:
            self.window.resize(WIDTH, 1)  # as low as what it shows

    def _version(self) -> str:
        from scumble_client.setup.state import State

        return self.panel.engine_version(State.read(), running_version() or "") or "not known"

    def _usual(self) -> Sequence[Tuple[str, str]]:
        """Where all is well: what else can be done. Repairing and removing only what was set up like this."""
        titles = {REPAIR: "Repair…", REMOVE: "Remove…"}
        tasks = [(task, titles[task]) for task in self.panel.tasks]
        return (("shut", "Close"), (REPORT, "What Is Wrong?"), (LOG, "Log"), *tasks)

    def _show_picture(self, path: str) -> None:
        from gi.repository import GdkPixbuf

        self.picture.set_visible(bool(path))
        if path:
            try:
                pixels = GdkPixbuf.Pixbuf.new_from_file_at_size(path, -1, PICTURE_HEIGHT)
                self.picture.set_from_pixbuf(pixels)
            except GLib.Error:
                self.picture.hide()

    def _show_choices(self, choosing: bool) -> None:
        self.choices.set_visible(choosing)
        names = self.panel.facts.choices if self.panel.facts else [self.panel.chosen]
        if self.compute.get_model() is not None and [row[1] for row in self.compute.get_model()] != names:
            chosen = self.panel.chosen
            self.compute.handler_block_by_func(self._compute_chosen)
            self.compute.remove_all()
            for name in names:
                self.compute.append(name, self.panel.label(name))
            self.compute.set_active_id(chosen)
            self.compute.handler_unblock_by_func(self._compute_chosen)
        for widget in (self.compute, self._compute_label):
            widget.set_visible(len(names) > 1)

    def _show_buttons(self, buttons: Sequence[Tuple[str, str]]) -> None:
        first = None
        for old in self.buttons.get_children():
            old.destroy()
        for name, label in reversed(buttons):
            button = self._gtk.Button(label=label)
            button.set_name(f"scumble-setup-{name}")
            button.connect("clicked", lambda _button, name=name: self.press(name))
            self.buttons.pack_start(button, False, False, 0)
            if (
                name == buttons[0][0] and name != CANCEL
            ):  # a key that was meant for the button of before cancels nothing
                first = button
        self.buttons.show_all()
        if first is None:
            self.window.set_focus(None)
        else:
            first.grab_focus()

    # -- what the artist does

    def press(self, name: str) -> None:
        """A button."""
        try:
            self._press(name)
        except Exception as error:
            self.panel.fail(as_error(error, LOG_FILE))
        self._look()

    def _press(self, name: str) -> None:
        if name == GO or (name == AGAIN and not (self.panel.facts and self.panel.facts.problem)):
            self.buttons.set_sensitive(False)
            self._in_thread(self.panel.begin, self._begun)
        elif name == AGAIN:
            self.panel.facts = None
        elif name == CANCEL:
            self.panel.cancel()
        elif name in (REPAIR, REMOVE):
            self.panel.ask(name)
        elif name == LOG:
            self._tell(self.panel.log())
        elif name == REPORT:
            self._tell("Looking. Where the daemon has to start for it, this takes a moment…")
            from scumble_client.setup.findings import examine  # here, since every dialog's process would wait for it

            self._in_thread(lambda: examine(self.panel, f"GIMP {Gimp.version()}"), self._told)
        elif name == "shut":
            self._leave()
        else:
            assert name in (LATER, CLOSE), name
            kind = self._view.kind if self._view is not None else ""
            self.panel.close()
            if self._leaves or kind not in (NEWER, "asked", "ready"):
                self._leave()

    def _leave(self) -> None:
        self.window.response(self._gtk.ResponseType.CLOSE)

    def _begun(self, _value: Any, error: Optional[BaseException]) -> None:
        self.buttons.set_sensitive(True)
        if error is not None:
            self.panel.fail(as_error(error, LOG_FILE))
        self._view = None

    def _told(self, text: Any, error: Optional[BaseException]) -> None:
        self._tell(str(as_error(error, LOG_FILE)) if error is not None else text)

    def _tell(self, text: Any) -> None:
        self._said = text
        self.text.get_buffer().set_text(text)
        self.scrolled.show_all()
        self.copy.show()

    def _copy(self, *_: Any) -> None:
        from gi.repository import Gdk

        clipboard = self._gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        clipboard.set_text(self._said, -1)
        clipboard.store()

    def _gather(self) -> None:
        if self.panel.asking:
            return
        self.panel.asking = True

        def done(_value: Any, error: Optional[BaseException]) -> None:
            self.panel.asking = False
            if error is not None:
                raise error
            self._view = None

        self._in_thread(self.panel.gather, done)

    def _in_thread(self, work: Callable[[], Any], done: Callable[[Any, Optional[BaseException]], None]) -> None:
        def run() -> None:
            try:
                value, error = work(), None
            except BaseException as raised:
                value, error = None, raised
            self._outcomes.append(lambda: done(value, error))

        threading.Thread(target=run, name="scumble-setup", daemon=True).start()

    def _folder_changed(self, entry: Any) -> None:
        if entry.get_text().strip():
            self.panel.folder = Path(entry.get_text().strip()).expanduser()
            self.detail.set_text(self.panel.needs)

    def _browse(self, *_: Any) -> None:
        gtk = self._gtk
        chooser = gtk.FileChooserNative.new(
            "Where to set Scumble up", self.window, gtk.FileChooserAction.SELECT_FOLDER, "_Choose", "_Cancel"
        )
        chooser.set_current_folder(str(self.panel.folder))
        if chooser.run() == gtk.ResponseType.ACCEPT:
            self.folder.set_text(chooser.get_filename())

    def _compute_chosen(self, box: Any) -> None:
        if box.get_active_id():
            self.panel.compute = box.get_active_id()
            self._view = None


__all__ = ["BUSY", "SetupWindow", "ensure", "show"]
