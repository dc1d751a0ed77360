"""Layers that arrive: verified and written in threads, because 100 MB must not hold up the other clients."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scumble.transport.packing import unpack_pixels
from scumble.transport.wakeup import Wakeup
from scumble_client import wire
from scumble_client.errors import ScumbleError

from .buffers import BufferStore
from .submission import Packed

MAX_PENDING = 3 * 1024**3
"""Bytes that are being verified and written; above it, no client should be read from."""


class Uploads:
    """Puts buffers into the store."""

    def __init__(self, buffers: BufferStore, executor: ThreadPoolExecutor, wakeup: Wakeup) -> None:
        self._buffers, self._executor, self._wakeup = buffers, executor, wakeup
        self._pending = 0

    @property
    def full(self) -> bool:
        return self._pending >= MAX_PENDING

    def take(
        self,
        name: bytes,
        data: wire.Buffer,
        check: int | None,
        done: Callable[[ScumbleError | None], None],
        packed: Packed | None = None,
    ) -> None:
        """Verify and write a buffer; `done` is called in the loop's thread, with what is wrong with it.

        Parameters
        ----------
        check
            The sender's checksum, where its names are believed; None where only the digest counts. It is that of the
            unpacked bytes.
        """
        view = memoryview(data)
        size = packed.size if packed else view.nbytes
        self._pending += size

        def work() -> None:
            outcome: Path | ScumbleError
            try:
                pixels = unpack_pixels(view, packed.stride, packed.size) if packed else view
                outcome = self._buffers.write(name, pixels, check)
            except ScumbleError as error:
                outcome = error
            except MemoryError:
                outcome = ScumbleError("out_of_memory", "There is no memory for this layer.", "Send a smaller one.")
            self._wakeup.post(lambda: written(outcome))

        def written(outcome: Path | ScumbleError) -> None:
            self._pending -= size
            if isinstance(outcome, ScumbleError):
                done(outcome)
            else:
                self._buffers.add(name, outcome, size, check)
                done(None)

        self._executor.submit(work)
