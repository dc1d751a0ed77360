"""The last results as thumbnails, side by side: click to show or hide, hold to compare; a menu for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional, Tuple, cast

from .crash_log import guarded
from .qt import Qt, QtCore, QtGui, QTimer, QtWidgets

if TYPE_CHECKING:
    from krita import Document

    from .studio import Studio


SIDE = 64
CELL = SIDE + 8
ROWS = 3
HOLD_MS = 250
"""A mouse button that is down for longer is held, and no click."""

WORD = "Click: show or hide. Hold: before and after. Right click: more."
NUMBER = Qt.ItemDataRole.UserRole


class Thumbnails(QtWidgets.QListWidget):
    def __init__(self, studio: Studio, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.setViewMode(QtWidgets.QListView.ViewMode.IconMode)
        self.setIconSize(QtCore.QSize(SIDE, SIDE))
        self.setGridSize(QtCore.QSize(CELL, CELL))
        self.setResizeMode(QtWidgets.QListView.ResizeMode.Adjust)
        self.setMovement(QtWidgets.QListView.Movement.Static)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(CELL + 8)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu_at)
        self.itemClicked.connect(self._clicked)
        self._shown: Optional[List[Tuple[int, bool]]] = None
        self._held = self._compared = None
        self._holding = QTimer(self)
        self._holding.setSingleShot(True)
        self._holding.setInterval(HOLD_MS)
        self._holding.timeout.connect(self._hold)

    def refresh(self, document: Optional[Document]) -> None:
        """Show a document's results; those whose layers are shown have a frame."""
        results = self.studio.results
        kept = results.of(document)
        shown = [(number, results.visible(one)) for number, one in kept.items()]
        self.setVisible(bool(shown))
        if shown == self._shown or self._compared is not None:
            return
        self._shown = shown
        self._fit(len(shown))
        chosen = self.chosen()
        self.clear()
        for number, visible in shown:
            one = kept[number]
            item = QtWidgets.QListWidgetItem(_icon(one.picture, visible, self.palette().highlight().color()), "")
            item.setData(NUMBER, number)
            state = "shown" if visible else "hidden" if one.layer else "not a layer yet"
            seed = one.provenance.seed
            item.setToolTip(f"{one.name} ({state}), seed {seed}.\n{WORD}")
            self.addItem(item)
            if number == chosen:
                self.setCurrentItem(item)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit(self.count())

    def _fit(self, count: int) -> None:
        """As high as the thumbnails need, up to some rows."""
        columns = max(1, (self.width() - 8) // CELL)
        self.setFixedHeight(min(max(1, -(-count // columns)), ROWS) * CELL + 8)

    def chosen(self) -> Optional[int]:
        """The number of the current result, or None."""
        item = self.currentItem()
        return item.data(NUMBER) if item is not None else None

    def mousePressEvent(self, event: Any) -> None:
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            item = self.itemAt(event.pos())
            self._held = item.data(NUMBER) if item is not None else None
            self._holding.start()

    def mouseReleaseEvent(self, event: Any) -> None:
        self._holding.stop()
        super().mouseReleaseEvent(event)  # where it was no more than a click, that comes now
        if self._compared is not None:
            self.studio.results.compare(self._compared)
            self._compared = None

    @guarded
    def _hold(self) -> None:
        if self._held is not None and self.studio.results.compare(self._held):
            self._compared = self._held

    @guarded
    def _clicked(self, item: QtWidgets.QListWidgetItem) -> None:
        if self._compared is None:
            self.studio.results.toggle(item.data(NUMBER))

    @guarded
    def _menu_at(self, position: QtCore.QPoint) -> None:
        item = self.itemAt(position)
        if item is None:
            return
        self.menu_for(item.data(NUMBER)).popup(self.mapToGlobal(position))

    def menu_for(self, number: int) -> QtWidgets.QMenu:
        """What can be done with a result."""
        menu = QtWidgets.QMenu(self)
        results = self.studio.results
        for text, work in (
            ("Show or Hide", results.toggle),
            ("Keep", results.keep),
            ("Discard", results.discard),
            ("Use These Parameters", results.use),
        ):
            cast(Any, menu.addAction(text)).triggered.connect(lambda *_, work=work: work(number))
        return menu


def _icon(picture: Tuple[bytes, int, int], visible: bool, frame: QtGui.QColor) -> QtGui.QIcon:
    """A thumbnail over a chequered ground, framed where its layer is shown."""
    data, width, height = picture
    image = QtGui.QImage(data, width, height, 4 * width, QtGui.QImage.Format.Format_RGBA8888).copy()
    pixmap = QtGui.QPixmap(SIDE, SIDE)
    pixmap.fill(QtGui.QColor(128, 128, 128))
    painter = QtGui.QPainter(pixmap)
    for y in range(0, SIDE, 8):
        for x in range((y // 8 % 2) * 8, SIDE, 16):
            painter.fillRect(x, y, 8, 8, QtGui.QColor(160, 160, 160))
    small = QtGui.QPixmap.fromImage(image).scaled(
        SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    painter.drawPixmap((SIDE - small.width()) // 2, (SIDE - small.height()) // 2, small)
    if visible:
        painter.setPen(QtGui.QPen(frame, 4))
        painter.drawRect(1, 1, SIDE - 3, SIDE - 3)
    painter.end()
    return QtGui.QIcon(pixmap)
