"""Operations in the script's own process: for one picture, in a sandbox, while looking for a defect. Nothing is warm, or shared."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scumble_client.errors import ScumbleError

from .descriptions import Operation
from .engine import Engine, Progress
from .jobs import LOOK, Job, Order, Outcome

if TYPE_CHECKING:
    from scumble.worker.device import Chosen


def local(device: str = "auto") -> Local:
    """What runs operations in this process, without a daemon; torch is imported when the first one is.

    `device` is `auto`, `cpu`, `cuda:0`, `mps`, …
    """
    return Local(device)


class DefectError(ScumbleError):
    """An operation ended as it did not mean to; `defect` (and `__cause__`) is how, for its author."""

    def __init__(self, said: ScumbleError, defect: Exception) -> None:
        super().__init__(said.code, said.message, said.hint)
        self.__cause__ = self.defect = defect


class Local(Engine):
    """Computes in the thread that waits for a job, one after the other."""

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._chosen: Chosen | None = None
        self._models: Any = None
        self._operations: dict[str, Operation] | None = None

    @property
    def operations(self) -> Mapping[str, Operation]:
        from scumble.operations import operations

        if self._operations is None:
            self._operations = {
                name: Operation(one.describe(), self.run, self.submit) for name, one in operations().items()
            }
        return self._operations

    def _begin(self, order: Order) -> Job:
        from scumble.operations import find

        chosen = find(order.operation)  # the quick checks first: importing torch takes seconds
        chosen.check_roles(list(order.layers))
        chosen.validate(order.parameters)
        return LocalJob(self, order)

    def _wait_for_change(self, jobs: list[Job], progress: Progress | None) -> None:
        first = next((job for job in jobs if isinstance(job, LocalJob) and not job.ended), None)
        if first:
            first.compute(progress)
        elif not jobs:
            time.sleep(LOOK)

    def device(self) -> Chosen:
        """What is computed on; it is tried once."""
        from scumble.worker import device
        from scumble.worker.models import ModelCache

        if self._chosen is None:
            self._chosen = device.choose(device.resolve(self._device))
            self._models = ModelCache()
        return self._chosen

    @property
    def models(self) -> Any:
        """The models that are kept from one job to the next."""
        return self._models


class LocalJob(Job):
    """Computed when it is first waited for."""

    def __init__(self, engine: Local, order: Order) -> None:
        super().__init__(order, order.name, order.operation)
        self._engine = engine
        self._state, self._fraction, self._message = "queued", 0.0, "Starting"
        self._cancelled = False
        self._progress: Progress | None = None
        self._thread: int | None = None

    @property
    def state(self) -> str:
        return self._state

    @property
    def fraction(self) -> float:
        return self._fraction

    @property
    def message(self) -> str:
        return self._message

    def cancel(self) -> None:
        self._cancelled = True
        if self._state == "queued":
            self._fail(_cancelled())

    def wait(self, timeout: float | None = None, progress: Progress | None = None) -> Any:
        self.compute(progress)
        return super().wait(timeout)

    def _await(self, seconds: float) -> bool:
        if self._thread == threading.get_ident():
            raise ScumbleError(
                "bad_request", "A job can't be waited for by its own progress function.", "Wait outside."
            )
        self.compute()
        return super()._await(seconds)

    def compute(self, progress: Progress | None = None) -> None:
        """Do it, unless it is done. What is no ScumbleError is a defect of the operation, and is `internal` then."""
        order = self._order
        if self._state != "queued" or order is None:
            return
        from scumble.worker.compute import internal_error
        from scumble.worker.execute import execute

        self._state, self._progress, self._thread = "running", progress, threading.get_ident()
        started = time.monotonic()
        try:
            chosen = self._engine.device()
            made = execute(
                order.operation,
                order.parameters,
                order.layers,
                order.seed,
                chosen.device,
                self._engine.models,
                self._report,
            )
        except ScumbleError as error:
            self._fail(error)
        except Exception as error:
            said = internal_error(error, order.operation, "Please report it.")
            self._fail(DefectError(said, error))
        except BaseException:
            self._fail(_cancelled())
            raise
        else:
            layers = [(name, output.layer, output.seed) for name, output in made.layers]
            notes = [*made.notes, *filter(None, [chosen.note])]
            self._state, self._fraction, self._order = "done", 1.0, None
            self._end(Outcome(layers, notes, made.request, time.monotonic() - started))
        finally:
            self._thread = None

    def _report(self, fraction: float, message: str) -> None:
        if self._cancelled:
            raise _cancelled()
        self._fraction, self._message = fraction, message
        if self._progress:
            self._progress(self)

    def _fail(self, error: ScumbleError) -> None:
        self._state, self._order = "failed", None
        self._end(error=error)


def _cancelled() -> ScumbleError:
    return ScumbleError("cancelled", "The job was cancelled.", "")
