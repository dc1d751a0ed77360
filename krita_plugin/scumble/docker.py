"""The docker: made from the operations' descriptions, it shows and changes what the actions will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, cast

from krita import DockWidget, Krita

from .choosers import RoleChoosers
from .crash_log import guarded
from .document import is_open, view_of
from .engine_setup import EngineSetup
from .own_faces import OwnFacesRow
from .parameters import ParameterForm
from .presets import PresetButton
from .preview import PreviewPanel
from .qt import Qt, QTimer, QtWidgets
from .runlist import RunList
from .scumble_client.editor.messages import DAEMON_OFF
from .scumble_client.editor.roles import NO_DOCUMENT, missing
from .thumbnails import WORD, Thumbnails
from .weights_row import WeightsRow
from .widgets import DoubleSpinBox, Fold, Quiet, combo, heading, note, row
from .writing import CAN_MASK, activate_former

if TYPE_CHECKING:
    from krita import Document

    from .scumble_client.editor.roles import Source
    from .studio import Studio


REFRESH_MS = 700
MAX_SEED = 2**32 - 1


FIRST = "inpaint"
"""The operation that the docker shows before another was chosen."""


class ScumbleDocker(DockWidget):
    """One for each window; they all show the same studio."""

    studio: Studio

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Scumble")
        self.operation: Any = None
        self.form: Any = None
        self.choosers: Any = None
        self._refreshing = self._runnable = False
        self._build()
        studio = self.studio
        studio.said.connect(self._said)
        studio.daemon_changed.connect(self.refresh_daemon)
        studio.jobs_changed.connect(self.runs.refresh)
        studio.results_changed.connect(self._show_results)
        studio.operations_changed.connect(self.rebuild)
        studio.parameters_changed.connect(self._parameters_changed)
        studio.weights_changed.connect(self._look_at_weights)
        studio.live.changed.connect(self._live_changed)
        studio.preview.changed.connect(self._preview_changed)
        self._preview_changed()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(REFRESH_MS)
        self.rebuild()
        self.refresh_daemon()

    def canvasChanged(self, canvas: Any) -> None:
        """Also called while a view is taken down: looking at its document then would end Krita 5.3 and newer."""
        QTimer.singleShot(0, self._tick)

    # -- building

    def _build(self) -> None:
        """What one always needs to see is above and below; between them the rest scrolls."""
        whole = QtWidgets.QWidget()
        outer = QtWidgets.QVBoxLayout(whole)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(4)
        self.setup = EngineSetup(self.studio)
        outer.addWidget(self.setup)
        self._usual = [self._head(), self._body()]
        outer.addWidget(self._usual[0])
        outer.addWidget(self._usual[1], 1)
        self.daemon = note()
        self.start_button = QtWidgets.QPushButton("Start")
        self.start_button.setToolTip("Start the daemon: the program that does the work")
        self.start_button.clicked.connect(self._start)
        foot = row(self.daemon, self.start_button, self.setup.menu_button)
        cast(Any, foot.layout()).setContentsMargins(6, 0, 6, 4)
        outer.addStretch(0)
        outer.addWidget(foot)
        self.setup.changed.connect(self._show_usual)
        self._show_usual()
        self.setWidget(whole)

    def _show_usual(self) -> None:
        """Where there is no engine, what needs one is not shown."""
        for widget in self._usual:
            widget.setVisible(not self.setup.covering)
        self.refresh_daemon()

    def _head(self) -> QtWidgets.QWidget:
        head = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(head)
        layout.setContentsMargins(6, 6, 6, 0)
        layout.setSpacing(4)
        self.operations = combo()
        self.operations.setToolTip("What to do")
        self.operations.activated.connect(self._choose)
        self.presets = PresetButton(self.studio)
        layout.addWidget(row(self.operations, self.presets))
        self.help = note()
        layout.addWidget(self.help)
        self.run_button = QtWidgets.QPushButton("Run")
        self.run_button.clicked.connect(self._run)
        self.live_button = QtWidgets.QPushButton("Live")
        self.live_button.setCheckable(True)
        self.live_button.clicked.connect(self._live)
        self.preview_button = QtWidgets.QPushButton("Preview")
        self.preview_button.setCheckable(True)
        self.preview_button.setToolTip("Show below what a run would make of the part around the selection")
        self.preview_button.toggled.connect(self._preview)
        layout.addWidget(row(self.run_button, self.live_button, self.preview_button))
        self.problem = note()
        self.message = note()
        self.runs = RunList(self.studio)
        self.weights = WeightsRow(self.studio)
        for widget in (self.problem, self.weights, self.message, self.runs):
            layout.addWidget(widget)
        self.message.hide()
        return head

    def _body(self) -> QtWidgets.QWidget:
        inner = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(inner)
        layout.setContentsMargins(6, 0, 6, 6)
        layout.setSpacing(6)
        self.preview = PreviewPanel(self.studio)
        layout.addWidget(self.preview)
        self._results_title = heading("Results")
        layout.addWidget(self._results_title)
        self.thumbnails = Thumbnails(self.studio)
        layout.addWidget(self.thumbnails)
        self._thumbnails_word = note(WORD)
        layout.addWidget(self._thumbnails_word)
        layout.addWidget(heading("Inputs"))
        self._inputs = QtWidgets.QVBoxLayout()
        layout.addLayout(self._inputs)
        self._parameters_title = heading("Parameters")
        layout.addWidget(self._parameters_title)
        self._parameters = QtWidgets.QVBoxLayout()
        layout.addLayout(self._parameters)
        self.own_faces = OwnFacesRow(self.studio.own_faces)
        layout.addWidget(self.own_faces)
        self.fold = Fold("Advanced")
        self.fold.toggled.connect(self._unfold)
        layout.addWidget(self.fold)
        self.advanced = QtWidgets.QWidget()
        self._advanced = QtWidgets.QVBoxLayout(self.advanced)
        self._advanced.setContentsMargins(0, 0, 0, 0)
        self._advanced.setSpacing(6)
        self._advanced.addWidget(self._seed_row())
        self._advanced.addWidget(self._output_row())
        layout.addWidget(self.advanced)
        layout.addStretch(1)
        scroll = QtWidgets.QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumWidth(220)
        scroll.setMinimumHeight(80)
        return scroll

    def _seed_row(self) -> QtWidgets.QWidget:
        # A spin box of whole numbers ends at 2³¹ − 1.
        self.seed = DoubleSpinBox()
        self.seed.setDecimals(0)
        self.seed.setRange(0, MAX_SEED)
        self.seed.setMinimumWidth(60)
        self.seed.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.seed.setToolTip("Same seed, same pixels")
        self.seed.valueChanged.connect(lambda value: self._option("seed", int(value)))
        self.new_seed = QtWidgets.QCheckBox("New each time")
        self.new_seed.toggled.connect(lambda on: self._option("new_seed", bool(on)))
        return row(QtWidgets.QLabel("Seed"), self.seed, self.new_seed, stretch=1)

    def _output_row(self) -> QtWidgets.QWidget:
        self.output = combo()
        self.output.addItems(["New layer", "New layer with a mask"])
        self.output.setToolTip(
            "With a mask: what is transparent becomes the new layer's mask, on which parts of it can be taken back."
        )
        self.output.activated.connect(lambda place: self._option("masked", place == 1))
        made = row(QtWidgets.QLabel("Output"), self.output, stretch=1)
        if not CAN_MASK:
            made.hide()
        return made

    @guarded
    def _option(self, name: str, value: Any) -> None:
        self.studio.settings.set_option(name, value)
        self.seed.setEnabled(not self.studio.settings.option("new_seed"))

    @guarded
    def rebuild(self, *_: Any) -> None:
        """Show the operations that there are now, and the one that was chosen last."""
        shown = self.studio.catalogue.shown()
        wanted = self.studio.settings.option("operation") or FIRST
        with Quiet(self.operations):
            self.operations.clear()
            for operation in shown:
                self.operations.addItem(operation["title"], operation["name"])
            place = self.operations.findData(wanted)
            self.operations.setCurrentIndex(max(place, 0))
        self.show_operation(self.studio.catalogue.find(wanted) or (shown[0] if shown else None))

    def show_operation(self, operation: Optional[Dict[str, Any]]) -> None:
        """Make the choosers and the form of an operation."""
        self.operation = self.presets.operation = operation
        for layout, old in ((self._inputs, self.choosers), (self._parameters, self.form)):
            if old is not None:
                for place, widget in ((layout, old), (self._advanced, old.advanced)):
                    place.removeWidget(widget)
                    widget.hide()
                    widget.deleteLater()
        self.choosers = self.form = None
        known = operation is not None
        shown: Any = operation
        for widget in (self.presets, self.run_button):
            widget.setEnabled(known)
        self.live_button.setVisible(known and bool(shown.get("fast")))
        self._parameters_title.setVisible(known and bool(shown["parameters"]))
        self.own_faces.show_for(operation)
        self.help.setText(shown["help"] if known else "Start the daemon: it tells which operations there are.")
        if known:
            self.choosers = RoleChoosers(shown)
            self.choosers.chosen.connect(self._role_chosen)
            self._inputs.addWidget(self.choosers)
            self._advanced.insertWidget(0, self.choosers.advanced)
            self.form = ParameterForm(shown, self.studio.parameters(shown))
            self.form.changed.connect(self._form_changed)
            self._parameters.addWidget(self.form)
            self._advanced.insertWidget(1, self.form.advanced)
        self._show_options()
        self.refresh()

    def _show_options(self) -> None:
        option = self.studio.settings.option
        for widget, name, put in (
            (self.seed, "seed", "setValue"),
            (self.new_seed, "new_seed", "setChecked"),
            (self.output, "masked", "setCurrentIndex"),
        ):
            with Quiet(widget):
                getattr(widget, put)(int(option(name)) if widget is self.output else option(name))
        self.seed.setEnabled(not option("new_seed"))
        with Quiet(self.fold):
            self.fold.setChecked(option("advanced"))
        self._show_fold()

    def _show_fold(self) -> None:
        self.fold.turn(self.fold.isChecked())
        self.advanced.setVisible(self.fold.isChecked())

    # -- bringing up to date

    def _tick(self) -> None:
        if self.isVisible():
            self.refresh()

    @guarded
    def refresh(self, *_: Any) -> None:
        """Look at the active document again. (Krita 5.3 lets other events come meanwhile: those don't look, too.)"""
        if self._refreshing or self.studio.closed:
            return
        self._refreshing = True
        try:
            self._look()
        finally:
            self._refreshing = False

    def _look(self) -> None:
        document = Krita.instance().activeDocument()
        if document is not None:
            activate_former(document)
        view = view_of(document)
        if view is None:
            document = None
        problem = ""
        if self.operation is not None:
            chosen = self.studio.sources(document, self.operation["name"]) if document is not None else {}
            self.choosers.refresh(document, view, chosen)
            problem = missing(self.operation, chosen, view, self.studio.parameters(self.operation))
        elif document is None:
            problem = " ".join(NO_DOCUMENT)
        if not problem and not (self.studio.connection.reachable or self.studio.settings.option("start_daemon")):
            problem = " ".join(DAEMON_OFF)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self._runnable = self.operation is not None and not problem
        self._look_at_weights()
        self.live_button.setEnabled(self.studio.live.on or self.run_button.isEnabled())
        window = Krita.instance().activeWindow()
        if (
            window is not None and window.qwindow() == self.parent()
        ):  # another window's docker may show another operation
            self.studio.preview.follow(document, self.operation)
        self._show_results()
        self.runs.refresh()

    @guarded
    def _look_at_weights(self, *_: Any) -> None:
        lacking = self.weights.show_for(self.operation)
        if self.form is not None:
            self.form.show_labels(self.studio.weights.labels)
        self.run_button.setEnabled(self._runnable and not lacking)

    @guarded
    def _show_results(self, *_: Any) -> None:
        """Also called while a view is taken down."""
        if not self.studio.closed:
            self.thumbnails.refresh(Krita.instance().activeDocument())
            for widget in (self._results_title, self._thumbnails_word):
                widget.setVisible(not self.thumbnails.isHidden())

    @guarded
    def refresh_daemon(self, *_: Any) -> None:
        self.daemon.setText("" if self.setup.covering else self.studio.connection.line)
        self.start_button.setVisible(self.studio.connection.state == "off" and not self.setup.covering)

    def _said(self, sentence: str) -> None:
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))

    @guarded
    def _live_changed(self, *_: Any) -> None:
        live = self.studio.live
        with Quiet(self.live_button):
            self.live_button.setChecked(live.on)
        self.live_button.setText("Live is on" if live.on else "Live")

    @guarded
    def _parameters_changed(self, *_: Any) -> None:
        name = self.studio.settings.option("operation")
        if self.operation is None or (name and name != self.operation["name"]):
            self.rebuild()
        else:
            self.form.set_values(self.studio.parameters(self.operation))
            self._show_options()

    # -- what the artist does

    @guarded
    def _choose(self, place: int) -> None:
        name = self.operations.itemData(place)
        self.studio.settings.set_option("operation", name)
        self.show_operation(self.studio.catalogue.find(name))

    @guarded
    def _role_chosen(self, document: Optional[Document], role: str, source: Source) -> None:
        if document is not None and is_open(document):
            self.studio.choose(document, self.operation["name"], role, source)
        self.refresh()

    @guarded
    def _form_changed(self, values: Dict[str, Any]) -> None:
        self.studio.set_parameters(self.operation, values)
        self._look_at_weights()
        if self.studio.preview.on:
            self.refresh()

    @guarded
    def _unfold(self, on: bool) -> None:
        self.studio.settings.set_option("advanced", bool(on))
        self._show_fold()

    @guarded
    def _preview(self, on: bool) -> None:
        self.studio.settings.set_option("docker_preview", bool(on))
        self.studio.preview.switch(bool(on))
        self.refresh()

    @guarded
    def _preview_changed(self, *_: Any) -> None:
        with Quiet(self.preview_button):
            self.preview_button.setChecked(self.studio.preview.on)

    @guarded
    def _run(self, *_: Any) -> None:
        self.studio.run(self.operation["name"])

    @guarded
    def _live(self, *_: Any) -> None:
        live = self.studio.live
        if live.on:
            live.stop()
        else:
            live.start(self.operation["name"])

    @guarded
    def _start(self, *_: Any) -> None:
        self.studio.start_daemon()
