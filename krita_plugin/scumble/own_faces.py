"""In the docker: a folder of the artist's own photographs, whose faces the face operations copy from."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional

from .crash_log import as_error, guarded
from .qt import QObject, QTimer, QtWidgets, Signal
from .scumble_client.editor.background import Background
from .scumble_client.editor.messages import sentence
from .scumble_client.editor.own_faces import COPYING, FaceAdding
from .widgets import note, row

POLL_MS = 200


class OwnFaces(QObject):
    """Adding folders, one at a time, for all windows. `changed` says that `line` or `busy` is another."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.line = ""
        self._adding: Optional[FaceAdding] = None
        self._background = Background(1)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._poll)

    @property
    def busy(self) -> bool:
        return self._adding is not None

    def add(self, paths: Iterable[str]) -> None:
        """Find the faces of these folders' pictures; nothing where others are being looked at."""
        if self.busy:
            return
        self._adding = FaceAdding(list(paths))
        self._background.start(self._adding.run, self._done)
        self._timer.start()
        self._poll()

    def stop(self) -> None:
        if self._adding is not None:
            self._adding.stop()

    def close(self) -> None:
        """Krita ends."""
        self._timer.stop()
        self.stop()
        self._background.close()

    @guarded
    def _poll(self) -> None:
        self._background.poll()
        if self._adding is not None:
            self._say(self._adding.line)

    def _done(self, said: Any, error: Optional[BaseException]) -> None:
        self._adding = None
        self._timer.stop()
        self._say(said if error is None else sentence(as_error(error)))

    def _say(self, line: str) -> None:
        self.line = line
        self.changed.emit()


class OwnFacesRow(QtWidgets.QWidget):
    """A button that asks for a folder, or stops; below it, how far it is and what came of it."""

    def __init__(self, own_faces: OwnFaces, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._own_faces = own_faces
        self._dialog: Optional[QtWidgets.QFileDialog] = None
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.button = QtWidgets.QPushButton()
        self.button.setToolTip(
            "A folder of your own photographs: eyes, skin and hair are copied from their faces.\n"
            "They are kept on this machine only. In a terminal: scumble faces list, scumble faces remove"
        )
        self.button.clicked.connect(self._clicked)
        layout.addWidget(row(self.button))
        self.said = note()
        layout.addWidget(self.said)
        own_faces.changed.connect(self.refresh)
        self.refresh()

    def show_for(self, operation: Optional[Dict[str, Any]]) -> None:
        """Only an operation that copies from faces needs them."""
        self.setVisible(operation is not None and operation["name"] in COPYING)

    @guarded
    def refresh(self, *_: Any) -> None:
        self.button.setText("Stop" if self._own_faces.busy else "Add your own faces…")
        self.said.setText(self._own_faces.line)
        self.said.setVisible(bool(self._own_faces.line))

    @guarded
    def _clicked(self, *_: Any) -> None:
        if self._own_faces.busy:
            self._own_faces.stop()
            return
        self._dialog = QtWidgets.QFileDialog(self, "A folder of photographs", "")
        self._dialog.setFileMode(QtWidgets.QFileDialog.FileMode.Directory)
        self._dialog.setOption(QtWidgets.QFileDialog.Option.ShowDirsOnly, True)
        self._dialog.fileSelected.connect(lambda path: self._own_faces.add([path]))
        self._dialog.open()
