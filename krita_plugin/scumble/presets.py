"""The button beside the operation: presets to load, to keep and to forget, and all parameters back to their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

from .crash_log import as_error
from .qt import QtWidgets
from .scumble_client.editor import form

if TYPE_CHECKING:
    from .studio import Studio


class PresetButton(QtWidgets.QToolButton):
    """Its menu is made anew whenever it opens: GIMP shares the file."""

    def __init__(self, studio: Studio, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.operation: Any = None
        self._dialog: Optional[QtWidgets.QInputDialog] = None
        self.setText("Presets")
        self.setToolTip("Parameters for a purpose: those that come along, and your own")
        self.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QtWidgets.QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self.fill)
        self.setMenu(menu)

    def fill(self) -> None:
        """Make the menu."""
        menu: Any = self.menu()
        menu.clear()
        if self.operation is None:
            return
        settings = self.studio.settings
        own = [name for name in settings.presets(self.operation) if settings.is_own(self.operation, name)]
        for preset in self.operation.get("presets", []):
            if preset["title"] in own:
                continue  # kept before one of that name came along
            action = menu.addAction(preset["title"])
            action.setToolTip(preset.get("help", ""))
            action.triggered.connect(lambda *_, name=preset["title"]: self.load(name))
        menu.addSeparator()
        for name in own:
            menu.addAction(name).triggered.connect(lambda *_, name=name: self.load(name))
        menu.addSeparator()
        menu.addAction("Keep As...").triggered.connect(lambda *_: self._ask())
        if own:
            forget = menu.addMenu("Forget")
            for name in own:
                forget.addAction(name).triggered.connect(lambda *_, name=name: self.keep(name, None))
        menu.addAction("Reset All Parameters").triggered.connect(lambda *_: self._use(form.defaults(self.operation)))

    def load(self, name: str) -> None:
        try:
            self._use(self.studio.settings.preset(self.operation, name))
        except Exception as error:
            self.studio.fail(as_error(error))

    def keep(self, name: str, values: Optional[Dict[str, Any]], operation: Optional[Dict[str, Any]] = None) -> None:
        """Keep values under a name; None forgets it. By default for the operation that is shown."""
        try:
            self.studio.settings.set_preset(operation or self.operation, name, values)
            if self.studio.settings.problem:
                self.studio.say(self.studio.settings.problem)
        except Exception as error:
            self.studio.fail(as_error(error))

    def _use(self, values: Dict[str, Any]) -> None:
        self.studio.set_parameters(self.operation, values)
        self.studio.parameters_changed.emit()

    def _ask(self) -> None:
        operation = self.operation  # another one may be shown before the name is typed
        self._dialog = QtWidgets.QInputDialog(self)
        self._dialog.setWindowTitle("Keep Parameters")
        self._dialog.setLabelText("Name of the preset:")
        self._dialog.textValueSelected.connect(
            lambda name: self.keep(name, self.studio.parameters(operation), operation)
        )
        self._dialog.open()
