"""A form for an operation's parameters, made from its description alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, cast

from .latent import LatentCanvas
from .qt import Qt, QtCore, QtGui, QtWidgets, Signal
from .scumble_client.editor import form
from .widgets import DoubleSpinBox, Quiet, Rows, Slider, SpinBox, combo, note, row, tool_button

PICTURE = 48
"""Side of a choice's picture in the list of them, in pixels."""


CHOICES = Path(__file__).resolve().parent / "choices"
"""Where the installer puts the pictures of choices that have one, named after them."""


class ParameterForm(Rows):
    """`changed(values)` comes with every change that the artist makes.

    `advanced` has the parameters that are folded away at first. Those that have no effect are hidden in both.
    """

    changed = Signal(object)

    def __init__(
        self, operation: Dict[str, Any], values: Dict[str, Any], parent: Optional[QtWidgets.QWidget] = None
    ) -> None:
        super().__init__(parent)
        self._operation = operation
        self.fields: Dict[str, Any] = {}
        self.advanced = Rows()
        self._rows: Dict[str, List[QtWidgets.QWidget]] = {}
        for rows in (self, self.advanced):
            rows.close_up()
        for parameter in operation["parameters"]:
            field: Any = FIELDS[form.widget(parameter)](parameter, self._one_changed)
            self.fields[parameter["name"]] = field
            tip = _tip(parameter)
            field.widget.setToolTip(tip)
            reset = tool_button("↺", f"Back to {_shown(parameter)}", partial(self._reset, parameter))
            rows = self.advanced if parameter.get("advanced") else self
            if form.widget(parameter) == "grid":
                widgets = [row(note(parameter["title"]), reset), field.widget]
                for widget in widgets:
                    rows.add(widget)
            else:
                label = QtWidgets.QLabel(parameter["title"])
                label.setBuddy(field.widget)
                widgets = [label, row(field.widget, reset)]
                widgets[1].layout().setContentsMargins(0, 2, 0, 2)
                rows.add(*widgets)
            widgets[0].setToolTip(tip)
            self._rows[parameter["name"]] = widgets
        self.set_values(values)

    def values(self) -> Dict[str, Any]:
        """What the widgets show; what is not allowed there is at its default."""
        return form.clean(self._operation, {name: field.get() for name, field in self.fields.items()})

    def set_values(self, values: Dict[str, Any]) -> None:
        """Show these; nothing is signalled."""
        for name, field in self.fields.items():
            if name in values:
                field.set(values[name])
        self._show_effective()

    def show_labels(self, labels: Callable[[Dict[str, Any], Any], List[str]]) -> None:
        """`labels(parameter, chosen)`: what each choice is called now."""
        for parameter in self._operation["parameters"]:
            field = self.fields[parameter["name"]]
            if isinstance(field, _Choice):
                field.show_labels(labels(parameter, field.get()))

    def _show_effective(self) -> None:
        """Only what has an effect with the chosen method is in view."""
        values = self.values()
        for parameter in self._operation["parameters"]:
            for widget in self._rows[parameter["name"]]:
                widget.setVisible(form.has_effect(parameter, values))

    def _one_changed(self, *_: Any) -> None:
        self._show_effective()
        self.changed.emit(self.values())

    def _reset(self, parameter: Dict[str, Any]) -> None:
        default = form.defaults({"parameters": [parameter]})[parameter["name"]]
        self.fields[parameter["name"]].set(default)
        self._one_changed()


def _tip(parameter: Dict[str, Any]) -> str:
    """Help; and what is allowed, where the field does not show that itself."""
    if parameter["type"] in ("choice", "boolean"):
        return str(parameter["help"])
    return f"{parameter['help']}\n{form.allowed(parameter)}."


def _shown(parameter: Dict[str, Any]) -> str:
    default = parameter["default"]
    if isinstance(default, bool):
        return "on" if default else "off"
    if parameter["type"] == "choice":
        return f"“{form.label(parameter, default)}”"
    return "the start" if isinstance(default, (list, tuple)) else str(default)


class _Check:
    def __init__(self, parameter: Dict[str, Any], changed: Callable[..., Any]) -> None:
        self.widget = QtWidgets.QCheckBox()
        self.widget.toggled.connect(changed)

    def get(self) -> bool:
        return self.widget.isChecked()

    def set(self, value: Any) -> None:
        with Quiet(self.widget):
            self.widget.setChecked(bool(value))


class _Choice:
    def __init__(self, parameter: Dict[str, Any], changed: Callable[..., Any]) -> None:
        self.widget = combo()
        self._choices: List[str] = parameter["choices"]
        for choice in self._choices:
            self.widget.addItem(form.label(parameter, choice))
            picture = CHOICES / f"{choice}.png"
            if picture.is_file():
                self.widget.setItemIcon(self.widget.count() - 1, QtGui.QIcon(str(picture)))
                # the box's own delegate draws pictures of its list no larger than in the box
                self.widget.setItemDelegate(QtWidgets.QStyledItemDelegate(self.widget))
                cast(Any, self.widget.view()).setIconSize(QtCore.QSize(PICTURE, PICTURE))
        self.widget.currentIndexChanged.connect(changed)

    def show_labels(self, labels: List[str]) -> None:
        for place, text in enumerate(labels):
            if self.widget.itemText(place) != text:
                self.widget.setItemText(place, text)

    def get(self) -> str:
        return self._choices[max(self.widget.currentIndex(), 0)]

    def set(self, value: Any) -> None:
        with Quiet(self.widget):
            self.widget.setCurrentIndex(self._choices.index(value) if value in self._choices else 0)


class _Text:
    def __init__(self, parameter: Dict[str, Any], changed: Callable[..., Any]) -> None:
        self.widget = QtWidgets.QLineEdit()
        self.widget.editingFinished.connect(changed)

    def get(self) -> str:
        return self.widget.text()

    def set(self, value: Any) -> None:
        with Quiet(self.widget):
            self.widget.setText(str(value))


class _Spin:
    def __init__(self, parameter: Dict[str, Any], changed: Callable[..., Any]) -> None:
        whole = parameter["type"] == "integer"
        self.spin: Any = SpinBox() if whole else DoubleSpinBox()
        limit = 2**31 - 1 if whole else 1e12
        low, high = parameter.get("minimum", -limit), parameter.get("maximum", limit)
        if whole:
            low, high = max(int(low), -limit), min(int(high), limit)
        else:
            cast(Any, self.spin).setDecimals(form.decimals(parameter))
        self.spin.setRange(low, high)
        step: Any = form.step(parameter)
        self.spin.setSingleStep(int(step) if whole else step)
        self.spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.spin.setKeyboardTracking(False)
        self.spin.setMinimumWidth(60)
        self.spin.valueChanged.connect(changed)
        self.widget: QtWidgets.QWidget = self.spin
        self._value = self._shown = self.spin.value()

    def get(self) -> Any:
        shown = self.spin.value()
        if shown == self._shown:
            return self._value  # which may have more digits than there is room for
        return shown if isinstance(shown, int) else form.significant(shown)

    def set(self, value: Any) -> None:
        with Quiet(self.spin):
            self.spin.setValue(value)
        self._value, self._shown = value, self.spin.value()


class _Slide(_Spin):
    """A slider with the number beside it."""

    def __init__(self, parameter: Dict[str, Any], changed: Callable[..., Any]) -> None:
        super().__init__(parameter, changed)
        self._low, self._step = parameter["minimum"], form.step(parameter)
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, round((parameter["maximum"] - self._low) / self._step))
        self.slider.setMinimumWidth(40)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slider.valueChanged.connect(self._slid)
        self.spin.valueChanged.connect(self._follow)
        self.widget = row(self.slider, self.spin)

    def _slid(self, place: int) -> None:
        value = self._low + place * self._step
        self.spin.setValue(int(value) if isinstance(self.spin, SpinBox) else value)

    def _follow(self, value: Any) -> None:
        with Quiet(self.slider):
            self.slider.setValue(round((value - self._low) / self._step))

    def set(self, value: Any) -> None:
        super().set(value)
        self._follow(value)


class _Colour:
    """A button that shows the colour and opens the chooser."""

    def __init__(self, parameter: Dict[str, Any], changed: Callable[..., Any]) -> None:
        self.widget = QtWidgets.QPushButton()
        self.widget.clicked.connect(self._choose)
        self._changed, self._value = changed, "#000000"
        self._dialog: Optional[QtWidgets.QColorDialog] = None
        self._title = parameter["title"]

    def get(self) -> str:
        return self._value

    def set(self, value: Any) -> None:
        self._value = value
        picture = QtGui.QPixmap(24, 14)
        picture.fill(QtGui.QColor(value))
        self.widget.setIcon(QtGui.QIcon(picture))
        self.widget.setText(value)

    def _choose(self, *_: Any) -> None:
        self._dialog = QtWidgets.QColorDialog(QtGui.QColor(self._value), self.widget)
        self._dialog.setWindowTitle(self._title)
        self._dialog.colorSelected.connect(self._chosen)
        self._dialog.open()

    def _chosen(self, colour: QtGui.QColor) -> None:
        self.set(colour.name())
        self._changed()


class _Grid:
    def __init__(self, parameter: Dict[str, Any], changed: Callable[..., Any]) -> None:
        self.widget = LatentCanvas(parameter["rows"], parameter["columns"], parameter["minimum"], parameter["maximum"])
        self.widget.changed.connect(changed)

    def get(self) -> List[float]:
        return list(self.widget.cells)

    def set(self, value: Any) -> None:
        self.widget.set_value(value)


FIELDS: Dict[str, Callable[[Dict[str, Any], Callable[..., Any]], Any]] = {
    "check": _Check,
    "choice": _Choice,
    "line": _Text,
    "spin": _Spin,
    "slider": _Slide,
    "colour": _Colour,
    "grid": _Grid,
}
