"""Finished results on their way: from the pool's files into the spool, and from there to whoever asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scumble.transport.packing import LEAST, pack_pixels, stride
from scumble.transport.pixel_files import map_file
from scumble.transport.wakeup import Wakeup
from scumble_client.errors import ScumbleError
from scumble_client.wire import Message

from .buffer_ledger import StoredBuffer
from .spool import Held, Spool

log = logging.getLogger(__name__)


class ResultStore:
    """All methods are for the loop's thread."""

    def __init__(self, spool: Spool, executor: ThreadPoolExecutor, wakeup: Wakeup) -> None:
        self._spool, self._executor, self._wakeup = spool, executor, wakeup

    def __contains__(self, job: str) -> bool:
        return job in self._spool

    def keep(self, job: str, body: dict[str, Any], inputs: Mapping[bytes, StoredBuffer]) -> None:
        """Put a result into the spool. Raises ScumbleError.

        `body` is the pool's: a layer whose pixels are new has them in a file, `path`, with a checksum, `check`; the
        others (and colour profiles) are `inputs`, the buffers of the request.
        """
        paths: dict[bytes, Path] = {}
        borrowed: dict[bytes, Path] = {}
        checks: dict[bytes, int | None] = {}
        for layer in body["layers"]:
            pixels = layer["pixels"]
            path = pixels.pop("path", None)
            for name in filter(None, (pixels["buffer"] if path is None else None, pixels.get("icc"))):
                borrowed[name], checks[name] = inputs[name].path, inputs[name].check
            if path is not None:
                paths[pixels["buffer"]], checks[pixels["buffer"]] = Path(path), pixels.pop("check")
        body["job"] = job
        body["buffers"] = [*paths, *(name for name in borrowed if name not in paths)]
        if all(checks[name] is not None for name in body["buffers"]):
            body["checks"] = [checks[name] for name in body["buffers"]]
        try:
            paths |= {name: self._spool.hold(job, name, path) for name, path in borrowed.items() if name not in paths}
            self._spool.add(job, body, paths, time.time())
        except OSError as error:
            log.warning("a result can't be kept: %s", error)
            raise ScumbleError(
                "out_of_memory", "There is no room for the result.", "Make room on the disk, then run it again."
            ) from error

    def deliver(self, job: str, pack: bool, send: Callable[[Message], None]) -> None:
        """Read the result of a job that is in the spool, and send it, packed if its client wants it so.

        Packing is done in a thread; `send` is called in the loop's. Raises ScumbleError where the result's files are
        gone.
        """
        message = self._message(job)
        if pack:
            self._pack(message, send)
        else:
            send(message)

    def drop(self, job: str) -> None:
        """Its client has it."""
        self._spool.drop(job)

    def settle(self, at_once: bool = False) -> None:
        """Copy to disk what results have in common with their inputs, and nobody has fetched, in threads."""
        for held in self._spool.unsettled(at_once):
            self._executor.submit(self._copy, held)

    def describe(self, most: int = 1000) -> list[dict[str, Any]]:
        """The newest results for `scumble status`."""
        return [
            {
                "job": job,
                "operation": kept.body.get("request", {}).get("operation", ""),
                "bytes": kept.size,
                "time": kept.time,
            }
            for job, kept in list(self._spool.results().items())[-most:]
        ]

    def describe_spool(self) -> dict[str, Any]:
        """The room that results take, for `scumble status`."""
        return {"bytes": self._spool.size, "limit": self._spool.limit, "dropped": self._spool.dropped}

    def _message(self, job: str) -> Message:
        kept = self._spool.get(job)
        assert kept
        try:
            buffers = [map_file(kept.paths[name]) for name in kept.body["buffers"]]
        except OSError as error:
            log.warning("the result of %s is gone: %s", job, error)
            self._spool.drop(job)
            raise ScumbleError("bad_request", "The daemon has lost this result.", "Run the operation again.") from error
        return Message("result", kept.body, buffers, parent=job)

    def _pack(self, message: Message, then: Callable[[Message], None]) -> None:
        def work() -> None:
            try:
                ready = packed(message)
            except Exception:
                log.exception("a result can't be packed; it is sent as it is")
                ready = message
            self._wakeup.post(lambda: then(ready))

        def packed(message: Message) -> Message:
            steps = {p["buffer"]: stride(p["layout"], p["depth"]) for p in _pixels(message.body)}
            names = message.body["buffers"]
            frames = [
                (steps[name], pack_pixels(memoryview(data), steps[name]))
                if name in steps and memoryview(data).nbytes >= LEAST
                else (0, data)
                for name, data in zip(names, message.buffers, strict=True)
            ]
            body = {**message.body, "packed": [step for step, _ in frames]}
            return Message(message.type, body, [data for _, data in frames], message.id, message.parent)

        self._executor.submit(work)

    def _copy(self, held: Held) -> None:
        try:
            copy = self._spool.adopt(*held)
        except OSError as error:
            log.info("a result is not kept on disk: %s", error)  # it was fetched meanwhile, or the disk is full
        else:
            self._wakeup.post(lambda: self._spool.settle(held, copy))


def _pixels(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [layer["pixels"] for layer in body["layers"]]
