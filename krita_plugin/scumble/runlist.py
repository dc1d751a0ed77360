"""The runs that are under way: a line each, with its progress and a button that cancels it."""

from .qt import QtWidgets
from .scumble_client.editor.jobs import progress_text
from .widgets import note, row, tool_button


class RunList(QtWidgets.QWidget):
    def __init__(self, studio, parent=None):
        super().__init__(parent)
        self._studio = studio
        self._lines = {}
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)

    def refresh(self):
        """Show what the studio has; lines that stay are only brought up to date."""
        entries = {id(entry): entry for entry in self._studio.entries}
        for key in [key for key in self._lines if key not in entries]:
            line = self._lines.pop(key)
            self._layout.removeWidget(line)
            line.hide()
            line.deleteLater()
        for key, entry in entries.items():
            if key not in self._lines:
                self._lines[key] = _Line(self._studio, entry)
                self._layout.addWidget(self._lines[key])
            self._lines[key].refresh()
        self.setVisible(bool(entries))


class _Line(QtWidgets.QWidget):
    def __init__(self, studio, entry):
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

    def refresh(self):
        self._text.setText(f"{self._entry.title}: {progress_text(self._entry)}")
        self._bar.setValue(round(1000 * self._entry.fraction))
        self.cancel.setEnabled(not self._entry.cancelled)
