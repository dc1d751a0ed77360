"""Work off the editor's own thread: hashing, compressing, waiting for an answer."""

import queue
import threading
from typing import Any, Callable, List, Optional, Tuple

Done = Callable[[Any, Optional[BaseException]], None]


class Background:
    """A few threads that end with the program. `poll` hands the outcomes out in the caller's thread."""

    def __init__(self, threads: int = 2) -> None:
        self._tasks: "queue.Queue[Optional[Tuple[Callable[[], Any], Done]]]" = queue.Queue()
        self._outcomes: "queue.Queue[Tuple[Done, Any, Optional[BaseException]]]" = queue.Queue()
        self._limit = threads
        self._threads: List[threading.Thread] = []
        self._open = 0
        self._closed = False

    def start(self, work: Callable[[], Any], done: Done) -> None:
        """Do `work` in a thread; then `done(value, error)` is called by `poll`."""
        if self._closed:
            return
        self._open += 1
        self._tasks.put((work, done))
        if len(self._threads) < min(self._limit, self._open):
            thread = threading.Thread(target=self._run, name="scumble-background", daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def busy(self) -> bool:
        return self._open > 0

    def poll(self) -> None:
        while not self._closed:
            try:
                done, value, error = self._outcomes.get_nowait()
            except queue.Empty:
                return
            self._open -= 1
            done(value, error)

    def close(self) -> None:
        """Nothing is called any more; what runs ends unheard."""
        self._closed = True
        for _ in self._threads:
            self._tasks.put(None)

    def _run(self) -> None:
        while True:
            task = self._tasks.get()
            if task is None:
                return
            work, done = task
            try:
                self._outcomes.put((done, work(), None))
            except BaseException as error:  # it is raised again where it can be shown
                self._outcomes.put((done, None, error))
