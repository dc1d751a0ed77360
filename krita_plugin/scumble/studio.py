"""What the plugin is doing: one object for all windows, which the actions command and the docker shows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple, cast

from krita import Krita

from . import runs
from .connection import DaemonConnection
from .crash_log import as_error
from .document import active_layer, is_open, view_of
from .live import Live
from .own_faces import OwnFaces
from .preview import Preview
from .progress import StatusProgress
from .qt import QObject, QtGui, QTimer, Signal
from .results import ResultKeeper
from .scumble_client.editor import messages
from .scumble_client.editor.catalogue import Catalogue
from .scumble_client.editor.form import clean
from .scumble_client.editor.jobs import Entry
from .scumble_client.editor.provenance import INPUT, Provenance
from .scumble_client.editor.roles import NO_DOCUMENT, Source, resolve
from .scumble_client.editor.settings import EditorSettings
from .scumble_client.editor.weights_panel import WeightsPanel
from .scumble_client.errors import ScumbleError
from .scumble_client.setup.panel import SetupPanel
from .steps import Steps
from .writing import request_of

if TYPE_CHECKING:
    from krita import Document

    from .scumble_client.client import Event, Job


MESSAGE_MS = 5000
SAVE_MS = 400
"""After the last change of a parameter; a slider changes often."""


class Studio(QObject):
    """Signals: what was said to the artist, and which part of the docker is to be drawn anew."""

    said = Signal(str)
    daemon_changed = Signal()
    jobs_changed = Signal()
    results_changed = Signal()
    operations_changed = Signal()
    parameters_changed = Signal()
    weights_changed = Signal()

    def __init__(self, app: Krita) -> None:
        super().__init__(app)
        self.closed = False
        self.settings = EditorSettings()
        self._parameters: Dict[str, Dict[str, Any]] = {}
        self._unsaved: Dict[str, Tuple[Dict[str, Any], Dict[str, Any]]] = {}
        self._saving = QTimer(self)
        self._saving.setSingleShot(True)
        self._saving.setInterval(SAVE_MS)
        self._saving.timeout.connect(self._save)
        self.catalogue = Catalogue(Path(__file__).resolve().parent)
        self.setup = SetupPanel(Path(__file__).resolve().parent)
        self.entries: List[Entry] = []
        self.messages: List[str] = []
        self._sources: List[Tuple[Document, Dict[str, Dict[str, Source]]]] = []
        self.steps = Steps(self, lambda error: self.fail(as_error(error)))
        self.results = ResultKeeper(self)
        self.live = Live(self)
        self.preview = Preview(self)
        self.own_faces = OwnFaces(self)
        self.connection = DaemonConnection(self, f"krita {app.version()}")
        self.weights = WeightsPanel(self.connection.client, self.connection.background, self.settings)
        self.connection.happened.connect(self._on_event)
        self.connection.changed.connect(self.daemon_changed)
        self.connection.operations.connect(self._on_operations)
        self.progress = StatusProgress(self)

    def close(self) -> None:
        """Krita ends: let go of everything. Harmless when called twice."""
        self.closed = True
        self._save()
        self.live.close()
        self.preview.close()
        self.own_faces.close()
        self.steps.close()
        self.weights.close()
        self.connection.close()

    # -- saying

    def say(self, sentence: str) -> None:
        """Show a sentence over the canvas and in the docker."""
        self.messages.append(sentence)
        del self.messages[:-50]
        self.said.emit(sentence)
        window = Krita.instance().activeWindow()
        view = window.activeView() if window else None
        if view is not None and view.document() is not None:
            view.showFloatingMessage(sentence, QtGui.QIcon(), MESSAGE_MS, 1)

    def fail(self, error: ScumbleError) -> None:
        self.say(messages.sentence(error))

    # -- choosing

    def sources(self, document: Document, operation: str) -> Dict[str, Source]:
        """What the artist chose for an operation's roles in this document."""
        self._sources = [(one, chosen) for one, chosen in self._sources if is_open(one)]
        own = next((chosen for one, chosen in self._sources if one == document), None)
        if own is None:
            own = {}
            self._sources.append((document, own))
        return own.setdefault(operation, {})

    def choose(self, document: Document, operation: str, role: str, source: Source) -> None:
        self.sources(document, operation)[role] = source

    def next_seed(self) -> int:
        if self.settings.option("new_seed"):
            return random.randrange(2**32)
        return int(self.settings.option("seed")) % 2**32

    def parameters(self, operation: Dict[str, Any]) -> Dict[str, Any]:
        """What an operation will be run with."""
        if operation["name"] not in self._parameters:
            self._parameters[operation["name"]] = self.settings.last(operation)
        return dict(self._parameters[operation["name"]])

    def set_parameters(self, operation: Dict[str, Any], values: Dict[str, Any]) -> None:
        """Change that; it is written to the settings a moment later."""
        values = clean(operation, values)
        self._parameters[operation["name"]] = values
        self._unsaved[operation["name"]] = (operation, values)
        self._saving.start()

    def _save(self) -> None:
        unsaved, self._unsaved = self._unsaved, {}
        for operation, values in unsaved.values():
            self.settings.set_last(operation, values)
        if unsaved and self.settings.problem:
            self.say(self.settings.problem)

    # -- doing

    def run(self, name: str) -> Optional[Entry]:
        """Run an operation on the active document, with the last parameters; its entry, or None where it can't be."""
        try:
            document = Krita.instance().activeDocument()
            operation = self.operation(name)
            chosen = self.sources(document, name) if document else {}
            sources = resolve(operation, chosen, view_of(document))
            how = {INPUT: chosen.get("image", Source()).kind}
            provenance = Provenance(name, self.parameters(operation), self.next_seed(), sources, extra=how)
            return self.start(operation, cast("Document", document), provenance)
        except Exception as error:
            self.fail(as_error(error))
            return None

    def run_again(self) -> Optional[Entry]:
        """Run the request of the active layer once more, with another seed unless seeds are fixed."""
        try:
            document, provenance = self.active_request()
            operation = self.operation(provenance.operation)
            seed = self.next_seed() if self.settings.option("new_seed") else provenance.seed
            sources = resolve(operation, provenance.again(operation), view_of(document), provenance.given)
            how = {key: value for key, value in provenance.extra.items() if key == INPUT}
            again = Provenance(provenance.operation, provenance.parameters, seed, sources, provenance.mask, how)
            return self.start(operation, document, again)
        except Exception as error:
            self.fail(as_error(error))
            return None

    def active_request(self) -> Tuple[Document, Provenance]:
        """The active document, and the request of its active layer. Raises ScumbleError where there is none."""
        document = Krita.instance().activeDocument()
        if document is None:
            raise ScumbleError("missing_input", *NO_DOCUMENT)
        node = active_layer(document)
        provenance = request_of(document, node) if node is not None else None
        if provenance is None:
            raise ScumbleError("missing_input", *messages.NOTHING_TO_RUN)
        return document, provenance

    def use_parameters(self, provenance: Provenance) -> None:
        """Take a result's parameters, and its seed where seeds are fixed, as the operation's next ones."""
        operation = self.operation(provenance.operation)
        self.set_parameters(operation, provenance.parameters)
        self.settings.set_option("operation", provenance.operation)
        if not self.settings.option("new_seed"):
            self.settings.set_option("seed", provenance.seed)
        self.parameters_changed.emit()

    def start(self, operation: Dict[str, Any], document: Document, provenance: Provenance) -> Entry:
        """Begin a run: reading, sending; the result is placed when it comes. The run's entry."""
        self.check_daemon()
        self.said.emit("")
        entry = Entry(operation["title"], provenance, document, runs.place_of(document, provenance.sources))
        self.entries.append(entry)
        self.steps.start(runs.submit(self, entry, operation), document, lambda error: self.end(entry, as_error(error)))
        self.jobs_changed.emit()
        return entry

    def check_daemon(self) -> None:
        """Say that the daemon is being started, or raise where it may not be."""
        if self.connection.reachable:
            return
        if self.setup.bundle and self.setup.engine_missing:
            raise ScumbleError("unreachable", *messages.NOT_SET_UP)
        if not self.settings.option("start_daemon"):
            raise ScumbleError("unreachable", *messages.DAEMON_OFF)

    def start_daemon(self) -> None:
        self.connection.connect_daemon()

    def cancel(self, entry: Optional[Entry] = None) -> None:
        """Cancel a run: the given one, or the newest."""
        running = [e for e in self.entries if not e.ended and not e.cancelled]
        entry = entry or (running[-1] if running else None)
        if entry is None:
            self.say(messages.NOTHING_TO_CANCEL)
            return
        entry.cancelled = True
        if entry.job is not None:
            self.connection.cancel(entry.job)
        self.jobs_changed.emit()

    def end(self, entry: Entry, error: Optional[ScumbleError] = None) -> None:
        """A run has ended; say so where it failed."""
        if entry.ended:
            return
        entry.error = error
        entry.state = "done" if error is None else "cancelled" if error.code == "cancelled" else "failed"
        if entry in self.entries:
            self.entries.remove(entry)
        if entry.state == "cancelled":
            self.say(f"{entry.title} was cancelled.")
        elif error is not None and self.messages[-1:] != [messages.sentence(error)]:
            self.fail(error)
        if error is not None and error.code == "weights_missing":
            self.weights.refresh()
        self.jobs_changed.emit()

    def operation(self, name: str) -> Dict[str, Any]:
        operation = self.catalogue.find(name)
        if operation is None:
            hint = "Start the daemon: it tells which operations there are."
            raise ScumbleError("unknown_operation", f"There is no operation called “{name}”.", hint)
        return operation

    # -- what comes from the daemon

    def _on_event(self, event: Event) -> None:
        try:
            if event.kind == "state":
                self._on_state(event)
            elif self.weights.handle(event):
                self.weights_changed.emit()
            elif self.live.handle(event) or self.preview.handle(event):
                pass
            else:
                entry = next((e for e in self.entries if e.job is event.job), None)
                if entry is not None:
                    runs.handle(self, entry, event)
                elif event.kind == "result":
                    self.connection.received(cast("Job", event.job))  # of what was given up, and was quicker
        except Exception as error:
            self.fail(as_error(error))

    def _on_state(self, event: Event) -> None:
        if event.state == "starting":
            self.say(messages.STARTING)
        elif event.state == "ready":
            self.weights.refresh()
        elif event.state == "off" and event.error and self.messages[-1:] != [messages.sentence(event.error)]:
            self.fail(event.error)

    def _on_operations(self, described: Any) -> None:
        if self.catalogue.update(described):
            self.operations_changed.emit()
