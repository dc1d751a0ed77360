"""Small widgets that several parts of the docker use. Colours come from the palette, so that every theme fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Optional

from .qt import Qt, QtCore, QtWidgets, Signal

Policy = QtWidgets.QSizePolicy.Policy

if TYPE_CHECKING:
    _Widget = QtWidgets.QWidget  # what a mixin is mixed into
else:
    _Widget = object


def tool_button(text: str, tip: str, clicked: Callable[[], Any]) -> QtWidgets.QToolButton:
    """A small flat button with a sign on it."""
    button = QtWidgets.QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAutoRaise(True)
    button.clicked.connect(lambda *_: clicked())
    return button


def note(text: str = "") -> QtWidgets.QLabel:
    """A line of text that wraps, and is never the reason why the docker is wide."""
    label = QtWidgets.QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(Policy.Ignored, Policy.Minimum)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


FIELD = 136
"""Pixels that a field has at least; where there are fewer beside its label, it goes below that."""

ICON = 20
"""Side of the pictures in a box's entries, in pixels."""


def combo(width: int = FIELD) -> ComboBox:
    """A combo box that may be narrower than its entries."""
    box = ComboBox()
    box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(4)
    box.setMinimumWidth(width)
    box.setIconSize(QtCore.QSize(ICON, ICON))
    box.setSizePolicy(Policy.Expanding, Policy.Fixed)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return box


class Rows(QtWidgets.QWidget):
    """Labels with their fields, below each other; a field goes below a label that leaves it too little room."""

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._layout = QtWidgets.QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._layout.setRowWrapPolicy(QtWidgets.QFormLayout.RowWrapPolicy.WrapLongRows)
        self._layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._layout.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    def close_up(self) -> None:
        """No room between rows: in Qt 5 a row that is hidden would keep its own."""
        self._layout.setVerticalSpacing(0)

    def add(self, *widgets: QtWidgets.QWidget) -> None:
        """A label and its field, or one widget alone."""
        self._layout.addRow(*widgets)


def row(*widgets: QtWidgets.QWidget, stretch: int = 0) -> QtWidgets.QWidget:
    """Widgets side by side; the one at `stretch` takes the room."""
    holder = QtWidgets.QWidget()
    layout = QtWidgets.QHBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for place, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if place == stretch else 0)
    return holder


def heading(text: str) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


class Quiet:
    """While it lasts, a widget sends no signals."""

    def __init__(self, widget: QtWidgets.QWidget) -> None:
        self._widget = widget

    def __enter__(self) -> None:
        self._before = self._widget.blockSignals(True)

    def __exit__(self, *_: Any) -> None:
        self._widget.blockSignals(self._before)


class NoWheel(_Widget):
    """Mixin: the wheel scrolls the docker, and changes no value that it happens to pass over."""

    def wheelEvent(self, event: Any) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ComboBox(QtWidgets.QComboBox):
    """It keeps the focus after something was chosen; so the wheel never means it. `opening`: its list is about to open."""

    opening = Signal()

    def showPopup(self) -> None:
        self.opening.emit()
        super().showPopup()

    def wheelEvent(self, event: Any) -> None:
        event.ignore()


class Fold(QtWidgets.QToolButton):
    """A heading that unfolds what is below it: `toggled` says whether."""

    def __init__(self, text: str, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggled.connect(self.turn)
        self.turn(False)

    def turn(self, on: bool) -> None:
        """Show whether it is unfolded."""
        self.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)


class SpinBox(NoWheel, QtWidgets.QSpinBox):
    pass


class DoubleSpinBox(NoWheel, QtWidgets.QDoubleSpinBox):
    pass


class Slider(NoWheel, QtWidgets.QSlider):
    pass
