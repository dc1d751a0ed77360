"""Work in small steps, one at a turn of the event loop, so that Krita stays alive between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Generator, List, Optional

from .document import is_open
from .qt import QObject, QTimer
from .scumble_client.editor.messages import CLOSED
from .scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from krita import Document


TURN_MS = 5


class DocumentClosedError(ScumbleError):
    """The document that a task works on is not open any more."""

    def __init__(self) -> None:
        super().__init__("missing_input", CLOSED)


class Steps(QObject):
    """Runs generators. `yield` ends a step; `yield condition` waits until the callable gives something true.

    Only one step of all is done at a turn: Krita's own reads and writes come one at a time.
    """

    def __init__(self, parent: QObject, failed: Callable[[BaseException], Any]) -> None:
        """`failed(error)` is called with what a generator raises and has not been given a handler for."""
        super().__init__(parent)
        self._failed = failed
        self._running: List[_Task] = []
        self._stepping = False
        self._timer = QTimer(self)
        self._timer.setInterval(TURN_MS)
        self._timer.timeout.connect(self._turn)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def start(
        self,
        generator: Generator[Any, None, Any],
        document: Document,
        failed: Optional[Callable[[BaseException], Any]] = None,
        wanted: Optional[Callable[[], Any]] = None,
    ) -> None:
        """Run a generator that works on a document, and on no other.

        Where the document was closed, `DocumentClosedError` is raised in it in place of its next step; where `wanted()`
        is false, it is ended without a word.
        """
        self._running.append(_Task(generator, document, failed or self._failed, wanted))
        self._timer.start()

    def close(self) -> None:
        self._timer.stop()
        for task in self._running:
            task.generator.close()
        self._running.clear()

    def _turn(self) -> None:
        if self._stepping:
            return  # a dialog that Krita opened runs its own event loop inside a step
        self._stepping = True
        try:
            for task in list(self._running):
                if self._step(task):
                    break
            if not self._running:
                self._timer.stop()
        finally:
            self._stepping = False

    def _step(self, task: _Task) -> bool:
        """One step of a task; whether anything was done."""
        try:
            if task.wanted is not None and not task.wanted():
                self._forget(task)
                task.generator.close()
            elif not is_open(task.document):
                task.condition = task.generator.throw(DocumentClosedError())
            elif task.condition is not None and not task.condition():
                return False
            else:
                task.condition = next(task.generator)
            if self._running and self._running[0] is task:
                self._running.append(self._running.pop(0))  # the others have their turn, too
        except StopIteration:
            self._forget(task)
        except Exception as error:
            self._forget(task)
            task.failed(error)
        return True

    def _forget(self, task: _Task) -> None:
        if task in self._running:
            self._running.remove(task)


class _Task:
    def __init__(
        self,
        generator: Generator[Any, None, Any],
        document: Document,
        failed: Callable[[BaseException], Any],
        wanted: Optional[Callable[[], Any]],
    ) -> None:
        self.generator, self.document, self.failed, self.wanted = generator, document, failed, wanted
        self.condition: Optional[Callable[[], Any]] = None
