"""Setting up the engine from the docker: what `scumble_client.setup.panel` says, as widgets; and what is wrong, to be copied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Sequence, Tuple, cast

from krita import Krita

from .crash_log import as_error, guarded
from .qt import Qt, QtGui, QTimer, QtWidgets, Signal
from .scumble_client.errors import ScumbleError
from .scumble_client.setup.findings import examine
from .scumble_client.setup.panel import AGAIN, BUSY, CANCEL, CLOSE, GO, LATER, LOG, NEWER, NOTHING, READY, REPORT
from .scumble_client.setup.state import REMOVE, REPAIR
from .widgets import Quiet, combo, note, row, tool_button

if TYPE_CHECKING:
    from .scumble_client.setup import panel
    from .studio import Studio


BUSY_MS, IDLE_MS = 300, 1500
PICTURE_HEIGHT = 120
STEPS = 1000
MENU = ((REPAIR, "Repair..."), (REMOVE, "Remove..."))


class EngineSetup(QtWidgets.QWidget):
    """Shown while there is something to say; `covering`: while there is no engine, so that nothing else is of use."""

    changed = Signal()

    def __init__(self, studio: Studio, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.panel = studio.setup
        self.covering = False
        self._view: Optional[panel.View] = None
        self._windows: List[TextWindow] = []
        self._build()
        self.menu_button = self._menu_button()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(IDLE_MS)
        self.refresh()

    def _build(self) -> None:
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 0)
        layout.setSpacing(6)
        self.sentence, self.detail = note(), note()
        self.picture = QtWidgets.QLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.bar = QtWidgets.QProgressBar()
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.folder = QtWidgets.QLineEdit(str(self.panel.folder))
        self.folder.setToolTip("The folder that the engine goes to")
        self.folder.setMinimumWidth(60)
        self.folder.textChanged.connect(self._folder_changed)
        self.browse = tool_button("…", "Choose another folder", self._browse)
        self.compute = combo()
        self.compute.setToolTip("What PyTorch computes with")
        self.compute.activated.connect(self._compute_chosen)
        self.choices = QtWidgets.QWidget()
        form = self._form = QtWidgets.QFormLayout(self.choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(4)
        form.addRow("Folder", row(self.folder, self.browse))
        form.addRow("Computes with", self.compute)  # only where there is a choice
        self.buttons = QtWidgets.QWidget()
        self._buttons = QtWidgets.QHBoxLayout(self.buttons)
        self._buttons.setContentsMargins(0, 0, 0, 0)
        self._buttons.setSpacing(4)
        for widget in (self.sentence, self.picture, self.bar, self.choices, self.detail, self.buttons):
            layout.addWidget(widget)

    def _menu_button(self) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setText("⋯")
        button.setToolTip("The engine: what is wrong, repair, remove")
        button.setAutoRaise(True)
        button.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.InstantPopup)
        menu: Any = QtWidgets.QMenu(button)
        menu.addAction("What Is Wrong?...").triggered.connect(lambda *_: self.press(REPORT))
        menu.addAction("Set-up Log...").triggered.connect(lambda *_: self.press(LOG))
        menu.addSeparator()
        tasks = {}
        for task, title in MENU:
            tasks[task] = menu.addAction(title)
            tasks[task].triggered.connect(lambda *_, task=task: self._ask(task))
        menu.aboutToShow.connect(lambda: [tasks[t].setEnabled(t in self.panel.tasks) for t in tasks])
        button.setMenu(menu)
        return button

    # -- what is shown

    @guarded
    def refresh(self, *_: Any) -> None:
        """Look again; quick."""
        if self.studio.closed:
            return
        view = self.panel.look(self._running())
        interval = BUSY_MS if view.kind == BUSY else IDLE_MS
        if self._timer.interval() != interval:
            self._timer.setInterval(interval)
        if view.kind != NOTHING and self.panel.facts is None:
            self._gather()
        if view != self._view:
            self._show(view)

    def _running(self) -> Optional[str]:
        """The version of the daemon that runs, empty while that is not known; None where none does."""
        connection = self.studio.connection
        try:
            return (connection.status or {}).get("version", "") if connection.reachable else None
        except ScumbleError:
            return ""  # there is one, whose folder is not to be trusted; whoever wants something of it is told

    def _show(self, view: panel.View) -> None:
        before, self._view = self._view, view
        if view.kind == READY:
            self.studio.said.emit("")  # that there is no engine is no longer true
        self.setVisible(view.kind != NOTHING)
        self.sentence.setText(view.sentence)
        self.detail.setText(view.detail)
        self.detail.setVisible(bool(view.detail))
        self.bar.setVisible(view.fraction is not None)
        self.bar.setValue(round(STEPS * (view.fraction or 0.0)))
        self._show_picture(view.picture)
        self._show_choices(view.choosing)
        if before is None or before.buttons != view.buttons:
            self._show_buttons(view.buttons)
        self.covering = view.kind not in (NOTHING, NEWER) and self.panel.engine_missing
        self.changed.emit()

    def _show_picture(self, path: str) -> None:
        pixels = QtGui.QPixmap(path) if path else QtGui.QPixmap()
        self.picture.setVisible(not pixels.isNull())
        if not pixels.isNull():
            ratio = self.devicePixelRatioF()
            pixels = pixels.scaledToHeight(round(PICTURE_HEIGHT * ratio), Qt.TransformationMode.SmoothTransformation)
            pixels.setDevicePixelRatio(ratio)
            self.picture.setPixmap(pixels)

    def _show_choices(self, choosing: bool) -> None:
        self.choices.setVisible(choosing)
        names = self.panel.facts.choices if self.panel.facts else [self.panel.chosen]
        with Quiet(self.compute):
            self.compute.clear()
            for name in names:
                self.compute.addItem(self.panel.label(name), name)
            self.compute.setCurrentIndex(max(self.compute.findData(self.panel.chosen), 0))
        both: Tuple[Any, ...] = (self.compute, self._form.labelForField(self.compute))
        for widget in both:
            widget.setVisible(len(names) > 1)

    def _show_buttons(self, buttons: Sequence[Tuple[str, str]]) -> None:
        while self._buttons.count():
            old = cast(Any, self._buttons.takeAt(0)).widget()
            old.hide()
            old.setParent(None)  # it may be long until Qt deletes it, in an event loop within another
            old.deleteLater()
        for name, label in buttons:
            button = QtWidgets.QPushButton(label)
            button.setObjectName(f"scumble_setup_{name}")
            button.clicked.connect(lambda *_, name=name: self.press(name))
            if name == GO:
                button.setMinimumHeight(round(1.4 * button.sizeHint().height()))
            # the docker is narrow: what is no answer takes only the room that it needs
            self._buttons.addWidget(button, 1 if name in (GO, CANCEL, AGAIN, CLOSE) else 0)
        self.buttons.setVisible(bool(buttons))

    # -- what the artist does

    @guarded
    def press(self, name: str) -> None:
        """A button of the view."""
        if name == GO or (name == AGAIN and not (self.panel.facts and self.panel.facts.problem)):
            self._begin()
        elif name == AGAIN:
            self.panel.facts = None
        elif name == CANCEL:
            self.panel.cancel()
        elif name in (LATER, CLOSE):
            self.panel.close()
        elif name == LOG:
            self._open("Scumble: the log of setting up", self.panel.log())
        elif name == REPORT:
            self._report()
        self.refresh()

    def _begin(self) -> None:
        for button in self.buttons.findChildren(QtWidgets.QPushButton):
            button.setEnabled(False)  # until the next view

        def done(_value: Any, error: Optional[BaseException]) -> None:
            if error is not None:
                self.panel.fail(as_error(error))
            self._view = None
            self.refresh()

        self._in_background(self.panel.begin, done)

    @guarded
    def _ask(self, task: str) -> None:
        self.panel.ask(task)
        self.refresh()

    def _gather(self) -> None:
        if self.panel.asking:
            return
        self.panel.asking = True

        def done(_value: Any, error: Optional[BaseException]) -> None:
            self.panel.asking = False
            if error is not None:
                raise error
            self._view = None
            self.refresh()

        self._in_background(self.panel.gather, done)

    def _in_background(self, work: Callable[[], Any], done: Callable[[Any, Optional[BaseException]], None]) -> None:
        self.studio.connection.background.start(work, done)
        self.studio.connection.hurry()

    @guarded
    def _folder_changed(self, text: str) -> None:
        if text.strip():
            self.panel.folder = Path(text.strip()).expanduser()
            self.detail.setText(self.panel.needs)

    @guarded
    def _browse(self) -> None:
        chosen = QtWidgets.QFileDialog.getExistingDirectory(
            self, "Where to set Scumble up", str(self.panel.folder.parent)
        )
        if chosen:
            self.folder.setText(chosen)

    @guarded
    def _compute_chosen(self, place: int) -> None:
        self.panel.compute = self.compute.itemData(place)
        self._view = None
        self.refresh()

    def _report(self) -> None:
        window = self._open(
            "Scumble: what is wrong", "Looking. Where the daemon has to start for it, this takes a moment…"
        )
        name = f"Krita {Krita.instance().version()}"

        def done(text: str, error: Optional[BaseException]) -> None:
            if error is not None:
                raise error
            window.put(text)

        self._in_background(lambda: examine(self.panel, name), done)

    def _open(self, title: str, text: str) -> TextWindow:
        self._windows = [one for one in self._windows if one.isVisible()]
        window = TextWindow(title, text, cast(Any, Krita.instance().activeWindow()).qwindow())
        self._windows.append(window)
        window.show()
        return window


class TextWindow(QtWidgets.QDialog):
    """A text that can be copied. Not modal."""

    def __init__(self, title: str, text: str, parent: Optional[QtWidgets.QWidget]) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(720, 420)
        layout = QtWidgets.QVBoxLayout(self)
        self.text = QtWidgets.QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(QtGui.QFontDatabase.systemFont(QtGui.QFontDatabase.SystemFont.FixedFont))
        layout.addWidget(self.text)
        buttons: Any = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.StandardButton.Close)
        self.copy_button = buttons.addButton("Copy", QtWidgets.QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.clicked.connect(
            lambda *_: cast(Any, QtWidgets.QApplication.clipboard()).setText(self.text.toPlainText())
        )
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)
        self.put(text)

    def put(self, text: str) -> None:
        self.text.setPlainText(text)
