"""The Ray actor that runs jobs on a node of the cluster: models stay warm in it as they do in a local worker.

It has three threads of Ray's: one works, one takes cancels, one gives out news. Pixels come as arguments and go as
return values, which Ray keeps in its object store: they are mapped, not copied, by whoever is on the same node.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import ray

from scumble import __version__
from scumble_client.errors import ScumbleError

from .compute import compute, internal_error, layer_of, small_picture

PROGRESS_INTERVAL = 0.05
PREVIEW_INTERVAL = 0.5
NEWS_WAIT = 5.0
"""Seconds that `news` waits for something to tell."""


GROUPS = {"work": 1, "control": 1, "listen": 1}
"""Ray's concurrency groups, with their threads."""

Method = TypeVar("Method")


def _in_group(name: str) -> Callable[[Method], Method]:
    """Have Ray call a method in a thread of this group."""
    chosen: Callable[[Method], Method] = ray.method(concurrency_group=name)
    return chosen


class RayWorker:
    """One per GPU, or per so many cores. `run` one job at a time; `news` and `cancel` meanwhile."""

    def __init__(self, device: str) -> None:
        self._device, self._note = device, ""
        self._job: str | None = None
        self._cancelled: set[str] = set()
        self._over: deque[str] = deque(maxlen=64)
        self._heard = threading.Condition()
        self._news: deque[dict[str, Any]] = deque()
        self._told = self._shown = 0.0

    @_in_group("work")
    def ready(self) -> dict[str, Any]:
        """Import everything; device, models, memory, version. ScumbleError travels as `error`."""
        from scumble.operations import operations

        from .device import choose, resolve
        from .models import ModelCache

        try:
            operations()
            chosen = choose(resolve(self._device))
        except ScumbleError as error:
            return {"error": error.as_dict()}
        self._device, self._note = chosen.device, chosen.note
        self._models = ModelCache()
        return self._info()

    @_in_group("work")
    def run(self, task: dict[str, Any], names: list[bytes], *arrays: Any) -> tuple[dict[str, Any], list[Any]]:
        """The result's body and the arrays that it names by number; or a body with `error` (and `trace` of a defect).

        `names` are the digests of `arrays`, which are bytes of layers and colour profiles.
        """
        from .device import failure

        job = task["job"]
        with self._heard:
            self._job = job
            if job in self._over:  # done once already, and its result was lost on the way
                self._over.remove(job)
            self._news.clear()
            self._told = self._shown = 0.0
        made: list[Any] = []
        try:
            body = self._compute(task, dict(zip(names, arrays, strict=True)), made)
            body["notes"] = [*body["notes"], *filter(None, [self._note])]
        except ScumbleError as error:
            body, made = {"error": error.as_dict()}, []
        except Exception as error:
            if failure(self._device):
                os._exit(1)  # the device is lost, and with it all of this process: the job is done again in another
            body, made = (
                {"error": internal_error(error, str(task.get("operation"))).as_dict(), "trace": traceback.format_exc()},
                [],
            )
        with self._heard:
            self._job = None
            self._over.append(job)
            self._cancelled.discard(job)
            self._heard.notify_all()
        return {**body, "info": self._info()}, made

    @_in_group("control")
    def cancel(self, job: str) -> None:
        self._cancelled.add(job)

    @_in_group("listen")
    def news(self, job: str) -> list[dict[str, Any]]:
        """What a job has reported since the last call; waits for it. Empty: nothing yet."""
        end = time.monotonic() + NEWS_WAIT
        with self._heard:
            while not (self._news and self._job == job) and job not in self._over:
                left = end - time.monotonic()
                if left <= 0:
                    return []
                self._heard.wait(left)
            if self._job != job:
                return []
            news = list(self._news)
            self._news.clear()
        return news

    def _compute(self, task: dict[str, Any], data: dict[bytes, Any], made: list[Any]) -> dict[str, Any]:
        import numpy as np

        layers = {
            role: layer_of(
                described,
                memoryview(data[described["buffer"]]),
                data[described["icc"]].tobytes() if "icc" in described else None,
            )
            for role, described in task["roles"].items()
        }

        def store(pixels: memoryview) -> dict[str, Any]:
            made.append(np.frombuffer(pixels, np.uint8) if pixels.nbytes else np.empty(0, np.uint8))
            return {"array": len(made) - 1}

        def preview(layer: Any) -> None:
            now = time.monotonic()
            if now - self._shown >= PREVIEW_INTERVAL and layer.bounds:
                self._shown = now
                pixels, picture = small_picture(layer, task["previews"])
                self._tell({"type": "preview", "pixels": pixels, "data": picture})

        return compute(
            task, layers, self._device, self._models, self._report, preview if task["previews"] else None, store
        )

    def _report(self, fraction: float, message: str) -> None:
        if self._job in self._cancelled:
            raise ScumbleError("cancelled", "The job was cancelled.", "")
        now = time.monotonic()
        if now - self._told >= PROGRESS_INTERVAL or fraction in (0.0, 1.0):
            self._told = now
            self._tell({"type": "progress", "fraction": min(max(float(fraction), 0.0), 1.0), "message": message})

    def _tell(self, news: dict[str, Any]) -> None:
        """Note it for whoever asks; only the latest of its kind counts."""
        with self._heard:
            kept = [n for n in self._news if n["type"] != news["type"]]
            self._news = deque([*kept, news])
            self._heard.notify_all()

    def _info(self) -> dict[str, Any]:
        from .device import describe

        facts = {"version": __version__, "pid": os.getpid(), "models": self._models.names}
        return {**describe(self._device), **facts, "model_bytes": self._models.bytes}
