"""Work in small steps, one at a turn of the event loop, so that Krita stays alive between them."""

from .qt import QObject, QTimer

TURN_MS = 5


class Steps(QObject):
    """Runs generators. `yield` ends a step; `yield condition` waits until the callable gives something true.

    Only one step of all is done at a turn: Krita's own reads and writes come one at a time.
    """

    def __init__(self, parent, failed):
        """`failed(error)` is called with what a generator raises and has not been given a handler for."""
        super().__init__(parent)
        self._failed = failed
        self._running = []
        self._stepping = False
        self._timer = QTimer(self)
        self._timer.setInterval(TURN_MS)
        self._timer.timeout.connect(self._turn)

    @property
    def busy(self):
        return bool(self._running)

    def start(self, generator, failed=None):
        self._running.append([generator, None, failed or self._failed])
        self._timer.start()

    def close(self):
        self._timer.stop()
        for task in self._running:
            task[0].close()
        self._running.clear()

    def _turn(self):
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

    def _step(self, task):
        """One step of a task; whether anything was done."""
        generator, condition, failed = task
        try:
            if condition is not None and not condition():
                return False
            task[1] = next(generator)
            if self._running and self._running[0] is task:
                self._running.append(self._running.pop(0))  # the others have their turn, too
        except StopIteration:
            self._forget(task)
        except Exception as error:
            self._forget(task)
            failed(error)
        return True

    def _forget(self, task):
        if task in self._running:
            self._running.remove(task)
