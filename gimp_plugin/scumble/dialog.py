"""The dialog of an operation: a preview, and what decides it: presets, inputs, parameters, the rest folded away.

GIMP's own buttons reset and keep the arguments, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from arguments import MASK_TITLE, OUTPUT, SEED
from cells import CellCanvas
from choosers import PictureChoice, RoleChooser, items_for, pictures_of
from host import GObject
from inputs import AUTOMATIC, Inputs
from presets import PresetBar
from preview import Preview
from weights_row import WeightsChoice, WeightsRow, names_weights
from wheel import leave_values_alone

from scumble_client.editor import form
from scumble_client.editor.provenance import INPUT
from scumble_client.editor.roles import Source, explain, label, missing, obvious, resolve
from scumble_client.editor.settings import EditorSettings
from scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from arguments import Arguments
    from edited_picture import EditedPicture
    from host import Gimp, Toolkit


COLUMN = 340
"""Pixels."""

MOST_HEIGHT = 600
"""Pixels of the column of controls; on a small screen less, and it scrolls."""

LEAST_HEIGHT = 120

AROUND = 60
"""Pixels that a window's frame and the screen's own bars take at most."""

BELOW_PREVIEW = 110
"""Pixels that stand below the preview's picture and around it."""


class OperationDialog:
    """An operation's dialog. `run` shows it; the call's arguments are what was chosen then.

    `seed` is the new one that the run will have where none is chosen.
    """

    def __init__(
        self,
        procedure: Gimp.ImageProcedure,
        config: Gimp.ProcedureConfig,
        arguments: Arguments,
        picture: EditedPicture,
        toolkit: Toolkit,
        seed: int,
    ) -> None:
        self._gtk, self._gimp_ui = toolkit
        self._config, self._arguments, self._picture, self._seed = config, arguments, picture, seed
        self._operation = arguments.operation
        self._settings = EditorSettings()
        choose_obvious(config, arguments, picture)
        arguments.show_colours(config)
        self._weights: Optional[WeightsRow] = None
        self.preview = Preview(self._gtk, picture, self._operation, self._settings, self._asked)
        self.preview.begin()
        title = f"Scumble: {self._operation['title']}"
        self.window = self._gimp_ui.ProcedureDialog.new(procedure, config, title)
        manual = self.window.get_widget_for_response(self._gtk.ResponseType.HELP)
        if manual is not None:
            manual.hide()  # GIMP's manual has no page on plug-ins like this one; what there is to say stands in the dialog
            manual.set_no_show_all(True)
        self._labels = self._gtk.SizeGroup(mode=self._gtk.SizeGroupMode.HORIZONTAL)
        self.rows: Dict[str, Any] = {}
        """By parameter: its widget."""
        self.choosers: List[RoleChooser] = []
        self._pictured: List[Any] = []
        self._fill()
        self._left = False
        self.window.connect("focus-out-event", self._focus_left)
        self.window.connect("focus-in-event", self._focus_came)
        self._handler = config.connect("notify", self._changed)
        self._changed()

    def run(self) -> bool:
        """Show it until it is answered; whether it was confirmed."""
        confirmed = self.window.run()
        self.close()
        return bool(confirmed)

    def close(self) -> None:
        self._config.disconnect(self._handler)
        self.preview.close()
        self.weights.close()
        self.window.destroy()

    # -- what it is made of

    def _fill(self) -> None:
        gtk = self._gtk
        box = self.window.get_content_area()
        box.set_spacing(6)
        self.presets = PresetBar(self._arguments, self._config, self._settings, gtk)
        box.pack_start(self.presets.widget, False, False, 0)
        box.pack_start(_text(gtk, self._operation["help"]), False, False, 0)
        self.status = _text(gtk, "")
        box.pack_start(self.status, False, False, 0)
        self._weights = WeightsRow(
            gtk,
            self.window,
            self._operation,
            self._settings,
            lambda: self._arguments.tidy_values(self._config),
            self._changed,
            self._resized,
        )
        box.pack_start(self.weights.widget, False, False, 0)
        columns = gtk.Box(orientation=gtk.Orientation.HORIZONTAL, spacing=18)
        columns.set_border_width(6)
        columns.pack_start(self.preview.widget, False, False, 0)
        self.scrolling = self._scrolling(self._controls())
        columns.pack_start(self.scrolling, True, True, 0)
        box.pack_start(columns, True, True, 0)
        box.show_all()
        leave_values_alone(gtk, box)
        self._columns = columns
        self._fit()

    def _fit(self) -> None:
        """No higher than the screen: the controls scroll then, and the preview is smaller."""
        columns = self._columns
        rest = self.window.get_preferred_height()[1] - columns.get_preferred_height()[1]
        height = screen_height() - AROUND - rest
        self.scrolling.set_max_content_height(max(min(MOST_HEIGHT, height), LEAST_HEIGHT))
        self.preview.set_side(height - BELOW_PREVIEW)

    def _controls(self) -> Any:
        """What is in view: inputs, parameters; and what is folded away."""
        column, folded = self._box(), self._box()
        column.pack_start(self._given(INPUT), False, False, 0)
        for role in self._arguments.roles:
            (folded if _is_folded(role) else column).pack_start(self._role(role), False, False, 0)
        for parameter in self._operation["parameters"]:
            row = self.rows[parameter["name"]] = self._row(parameter)
            (folded if parameter.get("advanced") else column).pack_start(row, False, False, 0)
        for argument in (OUTPUT, SEED):
            folded.pack_start(self._given(argument), False, False, 0)
        self.advanced = self._gtk.Expander.new_with_mnemonic("A_dvanced")
        self.advanced.set_expanded(self._settings.option("advanced") or self._has_folded_input())
        self.advanced.connect("notify::expanded", self._folded)
        folded.set_border_width(6)
        self.advanced.add(folded)
        column.pack_start(self.advanced, False, False, 0)
        return column

    def _box(self) -> Any:
        return self._gtk.Box(orientation=self._gtk.Orientation.VERTICAL, spacing=6)

    def _role(self, role: Dict[str, Any]) -> Any:
        title = MASK_TITLE if role["name"] == "mask" else label(role)
        items = items_for(self._picture.image, channels=role.get("kind") == "mask")
        chooser = RoleChooser(self._gtk, self.window, self._config, self._arguments, role, title, items)
        for one in (chooser.label, *chooser.file_labels):
            self._labels.add_widget(one)
        self.choosers.append(chooser)
        return chooser.widget

    def _row(self, parameter: Dict[str, Any]) -> Any:
        """A parameter's widget: GIMP's own but for what it has none for."""
        argument = self._arguments.parameters[parameter["name"]]
        kind = form.widget(parameter)
        pictures = pictures_of(parameter)
        if kind == "grid":
            return self._own(CellCanvas(self._gtk, self._arguments, self._config, parameter))
        if pictures:
            labels = {str(value): form.label(parameter, value) for value in parameter["choices"]}
            return self._own(PictureChoice(self._gtk, self._config, argument, parameter, labels, pictures))
        if names_weights(parameter):
            return self._own(WeightsChoice(self._gtk, self._config, argument, parameter, self.weights))
        if kind == "choice":
            return self._given(argument)
        if kind == "slider":
            made = self.window.get_spin_scale(argument, 1.0)
        else:
            made = self._aligned(self.window.get_widget(argument, GObject.TYPE_NONE))
        for spin in self._spins(made):
            spin.set_digits(form.decimals(parameter))
        return made

    def _own(self, row: Any) -> Any:
        self._pictured.append(row)
        self._labels.add_widget(row.label)
        return row.widget

    def _given(self, argument: str) -> Any:
        """GIMP's widget for an argument; a choice's is a box that folds down, not a row of buttons for each value."""
        kind = GObject.TYPE_NONE if argument == SEED else self._gtk.ComboBox
        return self._aligned(self.window.get_widget(argument, kind))

    def _aligned(self, widget: Any) -> Any:
        if isinstance(widget, self._gimp_ui.Labeled):
            self._labels.add_widget(widget.get_label())
        return widget

    def _spins(self, widget: Any) -> List[Any]:
        """The fields for numbers in a widget."""
        if isinstance(widget, self._gtk.SpinButton):
            return [widget]
        inner = widget.get_children() if isinstance(widget, self._gtk.Container) else []
        return [spin for one in inner for spin in self._spins(one)]

    def _scrolling(self, inner: Any) -> Any:
        """All of it where the screen is large enough, else as much as fits."""
        window = self._gtk.ScrolledWindow()
        window.set_policy(self._gtk.PolicyType.NEVER, self._gtk.PolicyType.AUTOMATIC)
        window.set_propagate_natural_height(True)
        window.set_max_content_height(MOST_HEIGHT)
        window.set_overlay_scrolling(False)  # a bar that is seen says that there is more
        window.set_size_request(COLUMN, -1)
        window.add(inner)
        return window

    # -- what is chosen

    @property
    def weights(self) -> WeightsRow:
        """What is said of weights that are not here."""
        assert self._weights is not None
        return self._weights

    @property
    def ok(self) -> Any:
        return self.window.get_widget_for_response(self._gtk.ResponseType.OK)

    def chosen(self) -> Dict[str, Source]:
        """What each role is taken from."""
        sources = self._arguments.sources(self._config, self._picture, Source("none"))
        return {"image": Source(self._config.get_property(INPUT)), **sources}

    def lacking(self) -> str:
        """What stands in the way of a run, in a sentence; empty where nothing does."""
        try:
            values = self._arguments.values(self._config)
            return missing(self._operation, self.chosen(), self._picture.view(), values)
        except ScumbleError as error:
            return str(error)

    def _asked(self) -> Tuple[Dict[str, Source], Dict[str, Any], int, str]:
        """What the preview is to be made of. Raises ScumbleError."""
        lacking = self.lacking() or (self.weights.lacking if self._weights is not None else "")
        if lacking:
            raise ScumbleError("missing_input", lacking)
        seed = self._config.get_property(SEED)
        values = self._arguments.values(self._config)
        return self.chosen(), values, seed if seed >= 0 else self._seed, self._config.get_property(INPUT)

    def _has_folded_input(self) -> bool:
        return any(_is_folded(one.role) and not one.is_empty for one in self.choosers)

    # -- what happens

    def _changed(self, *_: Any) -> None:
        for one in (*self.choosers, *self._pictured):
            one.show()
        basic, advanced = form.shown(self._operation, self._arguments.tidy_values(self._config))
        effective = {parameter["name"] for parameter in (*basic, *advanced)}
        for name, row in self.rows.items():
            row.set_visible(name in effective)
        lacking = self.lacking()
        said = _escaped(lacking or self._what_is_read())
        self.status.set_markup(f"<b>{said}</b>" if lacking else said)
        self.weights.show()
        ready = not lacking and not self.weights.lacking
        self.window.set_response_sensitive(self._gtk.ResponseType.OK, ready)
        self.preview.changed()

    def _what_is_read(self) -> str:
        """A sentence on what the operation will work with. Nothing is missing."""
        view = self._picture.view()
        sources = resolve(self._operation, self.chosen(), view)
        inputs = Inputs(self._picture, self._operation, self._settings, self._config.get_property(INPUT) == AUTOMATIC)
        said = [
            f"Reads {explain(sources['image'], view)}{', with the results over it' if inputs.over(sources) else ''}."
        ]
        if any(role["name"] == "mask" for role in self._operation["roles"]):
            said.append(
                f"The mask is {explain(sources['mask'], view)}." if "mask" in sources else "Nothing is selected."
            )
        return " ".join(said)

    def _folded(self, *_: Any) -> None:
        self._settings.set_option("advanced", self.advanced.get_expanded())
        self._as_high_as_needed()

    def _resized(self) -> None:
        """The sentences above have become more or fewer."""
        self._fit()
        self._as_high_as_needed()

    def _as_high_as_needed(self) -> None:
        """The window becomes as high as what it shows."""
        width, _ = self.window.get_size()
        _, height = self.window.get_preferred_height()
        self.window.resize(width, height)

    def _focus_left(self, *_: Any) -> bool:
        self._left = True
        return False

    def _focus_came(self, *_: Any) -> bool:
        """The artist may have selected or painted something meanwhile."""
        if self._left and self._picture.active.is_valid():
            self._left = False
            self._picture.look()
            self._changed()
            self.preview.look_again()
        return False


def choose_obvious(config: Gimp.ProcedureConfig, arguments: Arguments, picture: EditedPicture) -> None:
    """Layers called Sketch, Color, Strokes, Style … are chosen where nothing is."""
    view = picture.view()
    for role in arguments.roles:
        argument = arguments.layers[role["name"]]
        if role["name"] == "mask" or config.get_property(argument) is not None:
            continue
        item = picture.item(obvious(role, view))
        if item is not None and (item.is_layer() or role.get("kind") == "mask"):
            config.set_property(argument, item)


def screen_height() -> int:
    """Pixels of the screen that the pointer is on, without its bars."""
    from gi.repository import Gdk

    display = Gdk.Display.get_default()
    _, x, y = display.get_default_seat().get_pointer().get_position()
    return int(display.get_monitor_at_point(x, y).get_workarea().height)


def _is_folded(role: Dict[str, Any]) -> bool:
    """The selection is the mask: a channel in its place is for few."""
    return bool(role.get("advanced")) or role["name"] == "mask"


def _text(gtk: Any, text: str) -> Any:
    found = gtk.Label(label=text, xalign=0.0)
    found.set_line_wrap(True)
    found.set_max_width_chars(90)
    return found


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
