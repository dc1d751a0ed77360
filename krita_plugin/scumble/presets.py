"""The button beside the operation: presets to load, to keep and to forget, and all parameters back to their defaults."""

from .crash_log import as_error
from .qt import QtWidgets
from .scumble_client.editor import form


class PresetButton(QtWidgets.QToolButton):
    """Its menu is made anew whenever it opens: GIMP shares the file."""

    def __init__(self, studio, parent=None):
        super().__init__(parent)
        self.studio = studio
        self.operation = None
        self._dialog = None
        self.setText("Presets")
        self.setToolTip("Keep these parameters under a name, or take kept ones")
        self.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QtWidgets.QMenu(self)
        menu.aboutToShow.connect(self.fill)
        self.setMenu(menu)

    def fill(self):
        """Make the menu."""
        menu = self.menu()
        menu.clear()
        if self.operation is None:
            return
        names = self.studio.settings.presets(self.operation)
        for name in names:
            menu.addAction(name).triggered.connect(lambda *_, name=name: self.load(name))
        if names:
            menu.addSeparator()
        menu.addAction("Keep As...").triggered.connect(lambda *_: self._ask())
        if names:
            forget = menu.addMenu("Forget")
            for name in names:
                forget.addAction(name).triggered.connect(lambda *_, name=name: self.keep(name, None))
        menu.addAction("Reset All Parameters").triggered.connect(lambda *_: self._use(form.defaults(self.operation)))

    def load(self, name):
        try:
            self._use(self.studio.settings.preset(self.operation, name))
        except Exception as error:
            self.studio.fail(as_error(error))

    def keep(self, name, values, operation=None):
        """Keep values under a name; None forgets it. By default for the operation that is shown."""
        try:
            self.studio.settings.set_preset(operation or self.operation, name, values)
            if self.studio.settings.problem:
                self.studio.say(self.studio.settings.problem)
        except Exception as error:
            self.studio.fail(as_error(error))

    def _use(self, values):
        self.studio.set_parameters(self.operation, values)
        self.studio.parameters_changed.emit()

    def _ask(self):
        operation = self.operation  # another one may be shown before the name is typed
        self._dialog = QtWidgets.QInputDialog(self)
        self._dialog.setWindowTitle("Keep Parameters")
        self._dialog.setLabelText("Name of the preset:")
        self._dialog.textValueSelected.connect(
            lambda name: self.keep(name, self.studio.parameters(operation), operation)
        )
        self._dialog.open()
