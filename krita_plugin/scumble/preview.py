"""The live preview: what a run would make of the part around the selection, before and after, new with each change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

from . import runs
from .crash_log import as_error
from .document import active_layer, identity, view_of
from .qt import QObject, Qt, QtGui, QTimer, QtWidgets, Signal
from .reading import canvas_of, selection_bounds
from .scumble_client.editor import form
from .scumble_client.editor.layout import intersection
from .scumble_client.editor.messages import DAEMON_OFF, sentence
from .scumble_client.editor.roles import NO_DOCUMENT, Source, missing, resolve
from .scumble_client.errors import ScumbleError
from .scumble_client.request import Request
from .steps import DocumentClosedError
from .widgets import note

if TYPE_CHECKING:
    from krita import Document

    from .scumble_client.client import Event, Job
    from .scumble_client.editor.layout import Rect
    from .scumble_client.editor.reading import Steps
    from .scumble_client.request import Pixels
    from .studio import Studio


PAUSE_MS = 200
"""After the last change."""

SIDE = 280
"""Longest side of the picture, in the screen's own pixels without scaling."""

MOST = 1024
"""Pixels that the daemon shows at most."""

AROUND = 0.5
"""How much of the picture is shown around the selection, as a share of the selection's longest side."""

LEAST_AROUND = 48

MARGIN = 0.25
"""How much more of it the daemon looks at, as a share of what is shown."""


class Preview(QObject):
    """At most one request is under way. `changed`: `pictures` (before, after) or `line` is another."""

    changed = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.studio = studio
        self.on = studio.settings.option("docker_preview")
        self.pictures: Optional[Tuple[QtGui.QImage, QtGui.QImage]] = None
        self.line = ""
        self.scale = 1.0
        self._job: Optional[Job] = None
        self._seen: Optional[Tuple[Any, ...]] = None
        self._wanted: Optional[Tuple[Optional[Document], Dict[str, Any]]] = None
        self._reading = False
        self._seed = studio.next_seed()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._begin)

    def switch(self, on: bool) -> None:
        self.on = on
        self.forget()

    def forget(self) -> None:
        """What is shown is of no use any more."""
        self._timer.stop()
        self._seen = self._wanted = None
        self._give_up("")

    def _give_up(self, line: str) -> None:
        """No preview, and why: a sentence."""
        if self._job is not None:
            self.studio.connection.cancel(self._job)
            self._job = None
        self._show(None, line)

    def close(self) -> None:
        self.on = False
        self._timer.stop()

    def follow(self, document: Optional[Document], operation: Optional[Dict[str, Any]]) -> None:
        """Look whether anything has changed that a preview depends on; a new one comes a moment later."""
        if not self.on or operation is None:
            return
        seen = self._state(document, operation)
        if seen != self._seen:
            if self._seen is not None and seen[:2] != self._seen[:2]:
                self._give_up("")  # a picture of another document or operation would be a lie meanwhile
            self._seen, self._wanted = seen, (document, operation)
            self._timer.start()

    def _state(self, document: Optional[Document], operation: Dict[str, Any]) -> Tuple[Any, ...]:
        if document is None:
            return (None, operation["name"])
        chosen = self.studio.sources(document, operation["name"])
        node = active_layer(document)
        return (
            document,
            operation["name"],
            repr(self.studio.parameters(operation)),
            tuple(sorted(chosen.items(), key=lambda item: item[0])),
            selection_bounds(document),
            identity(node) if node is not None else "",
            len(document.annotationTypes()),
            self.studio.settings.option("seed"),
            self.studio.connection.reachable,  # what could not be asked for is asked for when the daemon answers again
        )

    def _begin(self) -> None:
        if self._wanted is None or not self.on or self._reading:
            return
        (document, operation), self._wanted = self._wanted, None
        try:
            if document is None:
                raise ScumbleError("missing_input", *NO_DOCUMENT)
            if form.is_slow(operation, self.studio.parameters(operation)):
                self._give_up("No preview: with this method a run takes minutes.")
                return
            if not self.studio.connection.reachable:
                raise ScumbleError("unreachable", *DAEMON_OFF)
            chosen, view = self.studio.sources(document, operation["name"]), view_of(document)
            problem = missing(operation, chosen, view, self.studio.parameters(operation))
            if problem:
                self._give_up(problem)
                return
            sources = resolve(operation, chosen, view)
        except ScumbleError as error:
            self._give_up(sentence(error))
            return
        self._reading = True
        automatic = chosen.get("image", Source()).kind == "auto"
        self.studio.steps.start(self._submit(document, operation, sources, automatic), document, self._failed)

    def _submit(
        self, document: Document, operation: Dict[str, Any], sources: Dict[str, Source], automatic: bool
    ) -> Steps[None]:
        """Steps: read what is shown and a margin, and ask for it."""
        x, y, width, height = part_of(document)
        margin = round(MARGIN * max(width, height))
        frame = (x - margin, y - margin, width + 2 * margin, height + 2 * margin)
        part = intersection(frame, canvas_of(document))
        pixels, _ = yield from runs.read(self.studio, document, operation, sources, automatic=automatic, part=part)
        yield from runs.in_background(self.studio, lambda: [one.digest for one in pixels.values()])
        self._reading = False
        if not self.on:
            return
        fixed = not self.studio.settings.option("new_seed")
        view = {"x": x, "y": y, "width": width, "height": height, "side": min(round(SIDE * self.scale), MOST)}
        request = Request(
            operation["name"],
            pixels,
            self.studio.parameters(operation),
            self.studio.settings.option("seed") if fixed else self._seed,
            replaces=self._job.id if self._job is not None else None,
            view=view,
        )
        self._job = self.studio.connection.submit(request)
        self._show(self.pictures, "")
        if self._wanted is not None:
            self._timer.start()  # changed while it was read

    def _failed(self, error: BaseException) -> None:
        self._reading = False
        if not isinstance(error, DocumentClosedError):
            self._give_up(sentence(as_error(error)))
        if self._wanted is not None:
            self._timer.start()

    def handle(self, event: Event) -> bool:
        """Whether the event was about a preview."""
        job = event.job
        if job is None or job is not self._job:
            return False
        if event.kind == "result":
            self._job = None
            self.studio.connection.received(job)
            layers = job.result.layers if job.result is not None else []
            if len(layers) == 2:
                self._show((_image(layers[0].pixels), _image(layers[1].pixels)), "")
            else:
                self._show(None, "The daemon is older than this plugin. Start it again.")
        elif event.kind == "error":
            self._job = None
            assert event.error is not None
            if event.error.code != "cancelled":
                self._show(None, sentence(event.error))
        return True

    def _show(self, pictures: Optional[Tuple[QtGui.QImage, QtGui.QImage]], line: str) -> None:
        self.pictures, self.line = pictures, line
        self.changed.emit()


def part_of(document: Document) -> Rect:
    """What a preview shows: the selection and what is around it, or all of the picture."""
    canvas = canvas_of(document)
    bounds = selection_bounds(document)
    if bounds is None:
        return canvas
    x, y, width, height = bounds
    around = max(LEAST_AROUND, round(AROUND * max(width, height)))
    return intersection((x - around, y - around, width + 2 * around, height + 2 * around), canvas) or canvas


def _image(pixels: Pixels) -> QtGui.QImage:
    kind = QtGui.QImage.Format.Format_RGBA8888
    return QtGui.QImage(bytes(pixels.data), pixels.width, pixels.height, 4 * pixels.width, kind).copy()


class PreviewPanel(QtWidgets.QWidget):
    """The picture after; before, for as long as the mouse is held on it."""

    def __init__(self, studio: Studio, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._preview = studio.preview
        self.picture = QtWidgets.QLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.word = note()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.picture)
        layout.addWidget(self.word)
        self.before = False
        studio.preview.changed.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        preview = self._preview
        self.setVisible(preview.on)
        preview.scale = self.devicePixelRatioF()
        pictures = preview.pictures
        self.picture.setVisible(pictures is not None)
        if pictures is not None:
            pixmap = QtGui.QPixmap.fromImage(pictures[0 if self.before else 1])
            pixmap.setDevicePixelRatio(self.devicePixelRatioF())
            self.picture.setPixmap(pixmap)
        shown = ("Before" if self.before else "Hold the mouse on it: before.") if pictures is not None else ""
        self.word.setText(preview.line or shown or "The preview comes in a moment.")

    def mousePressEvent(self, event: Any) -> None:
        self._hold(event, True)

    def mouseReleaseEvent(self, event: Any) -> None:
        self._hold(event, False)

    def _hold(self, event: Any, before: bool) -> None:
        self.before = before
        self.refresh()
        event.accept()
