"""In the docker: where a choice needs weights that are not here, what they are, and a button to get them."""

from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

from .crash_log import guarded
from .qt import Qt, QtCore, QtGui, QtWidgets
from .scumble_client.editor.weights_panel import CANCEL, GET, HAVE, PAGE, WeightsView
from .widgets import note

if TYPE_CHECKING:
    from .studio import Studio

STEPS = 1000


class WeightsRow(QtWidgets.QWidget):
    """Shown while there is something to say."""

    def __init__(self, studio: "Studio", parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._operation: Any = None
        self._dialog: Any = None
        self._view = WeightsView()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.sentence, self.detail = note(), note()
        self.bar = QtWidgets.QProgressBar()
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.buttons = QtWidgets.QWidget()
        self._buttons = QtWidgets.QHBoxLayout(self.buttons)
        self._buttons.setContentsMargins(0, 0, 0, 0)
        self._buttons.setSpacing(4)
        for widget in (self.sentence, self.bar, self.detail, self.buttons):
            layout.addWidget(widget)
        self.hide()

    def show_for(self, operation: Optional[Dict[str, Any]]) -> bool:
        """Look again, for an operation as it would be run now; quick. Whether it lacks something."""
        panel = self._studio.weights
        self._operation = operation
        values = self._studio.parameters(operation) if operation is not None else {}
        view = panel.look(operation, values)
        if view != self._view:
            self._show(view)
        if self._studio.connection.state == "ready":
            panel.keep_fresh()
        return operation is not None and panel.needed(operation, values) is not None

    def _show(self, view: WeightsView) -> None:
        before, self._view = self._view, view
        self.sentence.setText(view.sentence)
        self.detail.setText(view.detail)
        self.detail.setVisible(bool(view.detail))
        self.bar.setVisible(view.fraction is not None)
        self.bar.setValue(round(STEPS * (view.fraction or 0.0)))
        if before.buttons != view.buttons:
            self._show_buttons(view.buttons)
        self.setVisible(bool(view.sentence))

    def _show_buttons(self, buttons: Tuple[Tuple[str, str], ...]) -> None:
        while self._buttons.count():
            old: Any = self._buttons.takeAt(0).widget()  # type: ignore[union-attr]
            old.hide()
            old.setParent(None)  # it may be long until Qt deletes it, in an event loop within another
            old.deleteLater()
        for name, label in buttons:
            button = QtWidgets.QPushButton(label)
            button.setObjectName(f"scumble_weights_{name}")
            button.setMinimumWidth(40)
            button.clicked.connect(lambda *_, name=name: self.press(name))
            self._buttons.addWidget(button, 1 if name in (GET, PAGE, CANCEL) else 0)
        self.buttons.setVisible(bool(buttons))

    @guarded
    def press(self, name: str) -> None:
        """A button of the view."""
        if name == HAVE:
            self._choose_folder()
        elif name == PAGE:
            QtGui.QDesktopServices.openUrl(QtCore.QUrl(self._view.page))
        else:
            self._studio.weights.press(name, self._operation, self._studio.parameters(self._operation))
            self._studio.connection.hurry()
        self._studio.weights_changed.emit()

    def _choose_folder(self) -> None:
        self._dialog = QtWidgets.QFileDialog(self, "The folder with the files that you have", "")
        self._dialog.setFileMode(QtWidgets.QFileDialog.FileMode.Directory)
        self._dialog.setOption(QtWidgets.QFileDialog.Option.ShowDirsOnly, True)
        self._dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog.fileSelected.connect(self.add)
        self._dialog.open()

    @guarded
    def add(self, folder: str) -> None:
        """Take over what a folder has."""
        self._studio.weights.add(folder)
        self._studio.weights_changed.emit()
