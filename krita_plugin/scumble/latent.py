"""The latent canvas: cells that are painted lighter or darker, for operations that declare such a parameter."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

from .qt import Qt, QtCore, QtGui, QtWidgets, Signal

BRUSH = 0.25
"""How far one touch moves a cell, as a share of the way from the middle to an end."""


class LatentCanvas(QtWidgets.QWidget):
    """Left button: towards the maximum; right button, or with Shift: towards the minimum; double-click: one cell back.

    `changed` comes when a stroke ends.
    """

    changed = Signal(object)

    def __init__(
        self, rows: int, columns: int, minimum: float, maximum: float, parent: Optional[QtWidgets.QWidget] = None
    ) -> None:
        super().__init__(parent)
        self.rows, self.columns = rows, columns
        self.minimum, self.maximum = minimum, maximum
        self.cells: List[float] = []
        self._last: Optional[int] = None
        self._stroke = False
        policy = QtWidgets.QSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumSize(100, 100)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setToolTip("Paint: left button lighter, right button or Shift darker. Double-click: a cell back.")

    @property
    def neutral(self) -> float:
        """The value of a cell that was not touched."""
        return min(max(0.0, self.minimum), self.maximum)

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(200, 200)

    def heightForWidth(self, width: int) -> int:
        return min(max(100, width * self.rows // self.columns), 240)

    def set_value(self, cells: Sequence[float]) -> None:
        self.cells = list(cells)
        self.update()

    def reset(self) -> None:
        """All cells as if they had never been touched."""
        self.cells = []
        self.update()
        self.changed.emit([])

    def _grid(self) -> Tuple[float, float]:
        side = min(self.width() / self.columns, self.height() / self.rows)
        left = (self.width() - side * self.columns) / 2
        return left, side

    def cell_at(self, position: QtCore.QPointF) -> Optional[int]:
        """The cell's number under a position; None beside the canvas."""
        left, side = self._grid()
        column, row = int((position.x() - left) // side), int(position.y() // side)
        if 0 <= column < self.columns and 0 <= row < self.rows:
            return row * self.columns + column
        return None

    def paint_cell(self, cell: int, up: bool) -> None:
        """One touch."""
        if not self.cells:
            self.cells = [self.neutral] * (self.rows * self.columns)
        step = (self.maximum - self.minimum) / 2 * BRUSH
        value = self.cells[cell] + (step if up else -step)
        self.cells[cell] = min(max(value, self.minimum), self.maximum)
        self._stroke = True
        self.update()

    def _touch(self, event: Any) -> None:
        position = event.position() if hasattr(event, "position") else event.localPos()
        cell = self.cell_at(position)
        if cell is None or cell == self._last:
            return
        self._last = cell
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.paint_cell(cell, not (shift or bool(event.buttons() & Qt.MouseButton.RightButton)))

    def mousePressEvent(self, event: Any) -> None:
        self._last = None
        self._touch(event)

    def mouseMoveEvent(self, event: Any) -> None:
        self._touch(event)

    def mouseReleaseEvent(self, event: Any) -> None:
        self._last = None
        if self._stroke:
            self._stroke = False
            self.changed.emit(list(self.cells))

    def mouseDoubleClickEvent(self, event: Any) -> None:
        position = event.position() if hasattr(event, "position") else event.localPos()
        cell = self.cell_at(position)
        if cell is not None and self.cells:
            self.cells[cell] = self.neutral
            self._stroke = True
            self.update()

    def contextMenuEvent(self, event: Any) -> None:
        event.accept()  # the right button paints

    def paintEvent(self, event: Any) -> None:
        painter = QtGui.QPainter(self)
        left, side = self._grid()
        span = (self.maximum - self.minimum) or 1.0
        for place in range(self.rows * self.columns):
            value = self.cells[place] if self.cells else self.neutral
            level = round(255 * (value - self.minimum) / span)
            row, column = divmod(place, self.columns)
            rect = QtCore.QRectF(left + column * side, row * side, side - 1, side - 1)
            painter.fillRect(rect, QtGui.QColor(level, level, level))
        painter.end()
