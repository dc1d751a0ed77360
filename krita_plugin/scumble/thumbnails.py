"""The last results as thumbnails, side by side: click to show or hide; a menu to keep, discard, use the parameters."""

from .crash_log import guarded
from .qt import Qt, QtCore, QtGui, QtWidgets

SIDE = 64
CELL = SIDE + 8
ROWS = 3
FAINT = 0.6
NUMBER = Qt.ItemDataRole.UserRole


class Thumbnails(QtWidgets.QListWidget):
    def __init__(self, studio, parent=None):
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
        self._shown = None

    def refresh(self, document):
        """Show a document's results; a hidden one is drawn faint."""
        results = self.studio.results
        kept = results.of(document)
        shown = [(number, results.visible(one)) for number, one in kept.items()]
        self.setVisible(bool(shown))
        if shown == self._shown:
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
            item.setToolTip(f"{one.name} ({state}).\nClick: show or hide. Right click: keep, discard, use parameters.")
            self.addItem(item)
            if number == chosen:
                self.setCurrentItem(item)

    def resizeEvent(self, event):
        super().resizeEvent(event)
        self._fit(self.count())

    def _fit(self, count):
        """As high as the thumbnails need, up to some rows."""
        columns = max(1, (self.width() - 8) // CELL)
        self.setFixedHeight(min(max(1, -(-count // columns)), ROWS) * CELL + 8)

    def chosen(self):
        """The number of the current result, or None."""
        item = self.currentItem()
        return item.data(NUMBER) if item is not None else None

    @guarded
    def _clicked(self, item):
        self.studio.results.toggle(item.data(NUMBER))

    @guarded
    def _menu_at(self, position):
        item = self.itemAt(position)
        if item is None:
            return
        self.menu_for(item.data(NUMBER)).popup(self.mapToGlobal(position))

    def menu_for(self, number):
        """What can be done with a result."""
        menu = QtWidgets.QMenu(self)
        results = self.studio.results
        for text, work in (
            ("Show or Hide", results.toggle),
            ("Keep", results.keep),
            ("Discard", results.discard),
            ("Use These Parameters", results.use),
        ):
            menu.addAction(text).triggered.connect(lambda *_, work=work: work(number))
        return menu


def _icon(picture, visible, frame):
    """A thumbnail over a chequered ground: framed where its layer is shown, faint where it is not."""
    data, width, height = picture
    image = QtGui.QImage(data, width, height, 4 * width, QtGui.QImage.Format.Format_RGBA8888).copy()
    pixmap = QtGui.QPixmap(SIDE, SIDE)
    pixmap.fill(QtGui.QColor(128, 128, 128))
    painter = QtGui.QPainter(pixmap)
    for y in range(0, SIDE, 8):
        for x in range((y // 8 % 2) * 8, SIDE, 16):
            painter.fillRect(x, y, 8, 8, QtGui.QColor(160, 160, 160))
    painter.setOpacity(1.0 if visible else FAINT)
    small = QtGui.QPixmap.fromImage(image).scaled(
        SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    painter.drawPixmap((SIDE - small.width()) // 2, (SIDE - small.height()) // 2, small)
    if visible:
        painter.setPen(QtGui.QPen(frame, 4))
        painter.drawRect(1, 1, SIDE - 3, SIDE - 3)
    painter.end()
    return QtGui.QIcon(pixmap)
