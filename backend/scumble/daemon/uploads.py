"""Layers that arrive: verified and written in threads, because 100 MB must not hold up the other clients."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scumble.transport.packing import unpack_pixels
from scumble.transport.wakeup import Wakeup
from scumble_client.errors import ScumbleError

from .buffer_files import BufferFiles
from .submission import Frame

log = logging.getLogger(__name__)

MAX_PENDING = 3 * 1024**3
"""Bytes that are being verified and written; above it, no client should be read from."""


class Uploads:
    """Has buffers written."""

    def __init__(self, files: BufferFiles, executor: ThreadPoolExecutor, wakeup: Wakeup) -> None:
        self._files, self._executor, self._wakeup = files, executor, wakeup
        self._pending = 0

    @property
    def full(self) -> bool:
        return self._pending >= MAX_PENDING

    def write(self, name: bytes, frame: Frame, done: Callable[[Path | ScumbleError], None]) -> None:
        """Verify and write a buffer; `done` is called in the loop's thread, with its file or what is wrong with it."""
        self._pending += frame.size
        view = memoryview(frame.data)

        def work() -> None:
            outcome: Path | ScumbleError
            try:
                pixels = unpack_pixels(view, frame.packed.stride, frame.packed.size) if frame.packed else view
                outcome = self._files.write(name, pixels, frame.check)
            except ScumbleError as error:
                outcome = error
            except MemoryError:
                outcome = ScumbleError("out_of_memory", "There is no memory for this layer.", "Send a smaller one.")
            except Exception:  # whatever it is, somebody waits for the outcome
                log.exception("a layer can't be written")
                outcome = ScumbleError("internal", "Scumble's daemon could not keep a layer.", "See its log file.")
            self._wakeup.post(lambda: written(outcome))

        def written(outcome: Path | ScumbleError) -> None:
            self._pending -= frame.size
            done(outcome)

        self._executor.submit(work)
