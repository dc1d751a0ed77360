"""The runs that are under way: a line each, with its progress, what it has come to, and a button that cancels it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional

from .progress import run_text
from .qt import Qt, QtGui, QtWidgets
from .widgets import note, row, tool_button

if TYPE_CHECKING:
    from .scumble_client.editor.jobs import Entry
    from .scumble_client.request import Pixels
    from .studio import Studio


PREVIEW = 200
"""Longest side of a preview, in the docker's pixels; the daemon is asked for pictures of that size."""


class RunList(QtWidgets.QWidget):
    def __init__(self, studio: Studio, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._lines: Dict[int, _RunLine] = {}
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)

    def refresh(self) -> None:
        """Show what the studio has; lines that stay are only brought up to date."""
        entries = {id(entry): entry for entry in self._studio.entries}
        for key in [key for key in self._lines if key not in entries]:
            line = self._lines.pop(key)
            self._layout.removeWidget(line)
            line.hide()
            line.deleteLater()
        for key, entry in entries.items():
            if key not in self._lines:
                self._lines[key] = _RunLine(self._studio, entry)
                self._layout.addWidget(self._lines[key])
            self._lines[key].refresh()
        self.setVisible(bool(entries))


class _RunLine(QtWidgets.QWidget):
    def __init__(self, studio: Studio, entry: Entry) -> None:
        super().__init__()
        self._entry = entry
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        self._text = note()
        self._bar = QtWidgets.QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self.cancel = tool_button("✕", "Cancel this run", lambda: studio.cancel(entry))
        layout.addWidget(row(self._text, self.cancel))
        layout.addWidget(self._bar)
        self._shown: Optional[Pixels] = None
        self.preview = QtWidgets.QLabel()
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setToolTip("What it has come to so far")
        self.preview.hide()
        layout.addWidget(self.preview)

    def refresh(self) -> None:
        self._show(self._entry.job.preview if self._entry.job else None)
        self._text.setText(run_text(self._entry))
        self._bar.setValue(round(1000 * self._entry.fraction))
        self.cancel.setEnabled(not self._entry.cancelled)

    def _show(self, pixels: Optional[Pixels]) -> None:
        """A preview, which is 8-bit RGBA and small already; nothing where there is none, or it is shown."""
        if pixels is None or pixels is self._shown:
            return
        self._shown = pixels
        kind = QtGui.QImage.Format.Format_RGBA8888
        image = QtGui.QImage(bytes(pixels.data), pixels.width, pixels.height, 4 * pixels.width, kind).copy()
        small = QtGui.QPixmap.fromImage(image).scaled(
            PREVIEW, PREVIEW, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        self.preview.setPixmap(small)
        self.preview.show()
