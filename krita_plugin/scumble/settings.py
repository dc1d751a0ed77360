"""The settings dialog: seeds, the daemon's start, how many results are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from .crash_log import guarded
from .qt import Qt, QtWidgets

if TYPE_CHECKING:
    from .studio import Studio


class SettingsDialog(QtWidgets.QDialog):
    """Not modal: what is changed counts at once."""

    def __init__(self, studio: Studio, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.setWindowTitle("Scumble Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        option = studio.settings.option
        form = QtWidgets.QFormLayout(self)

        self.start = QtWidgets.QCheckBox("Start the daemon when it is needed")
        self.start.setChecked(option("start_daemon"))
        self.start.toggled.connect(lambda on: self._set("start_daemon", bool(on)))
        form.addRow(self.start)

        self.count = QtWidgets.QSpinBox()
        self.count.setRange(1, 100)
        self.count.setValue(option("results_count"))
        self.count.valueChanged.connect(lambda value: self._set("results_count", int(value)))
        form.addRow("Thumbnails kept", self.count)

        self.memory = QtWidgets.QSpinBox()
        self.memory.setRange(16, 65536)
        self.memory.setSuffix(" MB")
        self.memory.setValue(option("results_megabytes"))
        self.memory.valueChanged.connect(lambda value: self._set("results_megabytes", int(value)))
        self.memory.setToolTip("Memory for results that are not layers: variations, and layers that were undone.")
        form.addRow("Memory for them", self.memory)

        self.note = QtWidgets.QLabel(f"Kept in {studio.settings.path}.")
        self.note.setWordWrap(True)
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        form.addRow(self.note)

        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        form.addRow(buttons)

    @guarded
    def _set(self, name: str, value: Any) -> None:
        settings = self.studio.settings
        settings.set_option(name, value)
        if settings.problem:
            self.note.setText(settings.problem)
        self.studio.results.set_limits(settings.option("results_count"), settings.option("results_megabytes"))
