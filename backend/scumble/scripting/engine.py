"""What runs operations for a script, whether a daemon does the work or this process: inputs, `run`, `submit`, `map`."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from scumble_client.errors import ScumbleError

from .descriptions import Operation
from .jobs import FailedJob, Job, Order
from .layer import Layer

AHEAD = 3
"""Jobs that `map` has in hand at once, so that no worker waits for a disk."""

_ANY_SIZE = {"initial"}
"""Roles over the picture whose own size does not matter: they are enlarged to it."""

Progress = Callable[[Job], None]
Self = TypeVar("Self", bound="Engine")


class Engine(ABC):
    """Runs operations. Use it in a `with` block: at its end, jobs that nobody has waited for are cancelled."""

    @property
    @abstractmethod
    def operations(self) -> Mapping[str, Operation]:
        """All operations by name, with what each takes."""

    def operation(self, name: str) -> Operation:
        """The operation of that name. Raises ScumbleError `unknown_operation`."""
        try:
            return self.operations[name]
        except KeyError:
            shown = ", ".join(o.name for o in self.operations.values() if not o.hidden)
            raise ScumbleError(
                "unknown_operation", f"There is no operation called “{name}”.", f"Choose one of: {shown}."
            ) from None

    def run(
        self,
        operation: str,
        image: Any = None,
        *,
        seed: int = 0,
        name: str = "",
        progress: Progress | None = None,
        timeout: float | None = None,
        previews: int = 0,
        parameters: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> list[Layer]:
        """Run an operation on a picture, and wait for its new layers.

        Parameters
        ----------
        operation
            Its name: `inpaint`, `photo-style`, …
        image, given
            The picture; masks and other inputs by role; parameters by name. A picture is a path, the bytes of a file, a Pillow picture of any
            mode, a numpy array (H, W[, channels]) of any depth, or a Layer. Masks are white where the picture may change. Inputs that lie
            over the picture have its size.
        seed
            0 to 2**32 - 1: same seed, same pixels.
        progress
            Called in this thread with the job (`fraction`, `message`, `state`, `preview`) as it goes on.
        timeout
            Seconds after which the job is cancelled.
        previews
            Longest side, up to 512 pixels, of the pictures (`job.preview`) of what a long run has come to; 0 for none.
        parameters
            More inputs and parameters: a mapping of them, or names that are arguments of this method already.

        Raises
        ------
        ScumbleError
            Its `code` says what kind, `message` what is wrong, `hint` what to do. Whatever ends this early, Ctrl-C as well, cancels the job.
        """
        job = self.submit(operation, image, seed=seed, name=name, previews=previews, parameters=parameters, **given)
        try:
            layers = job.wait(timeout, progress)
        except BaseException:
            job.cancel()
            raise
        job.received()
        return layers

    def submit(
        self,
        operation: str,
        image: Any = None,
        *,
        seed: int = 0,
        name: str = "",
        previews: int = 0,
        priority: str = "interactive",
        parameters: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> Job:
        """Begin to run an operation, and give the job at once; arguments as of `run`.

        `priority` is `interactive` or `batch`; interactive jobs go first. Once the layers are where they belong, say `job.received()`. Raises
        ScumbleError for inputs that can't be read, and for names that the operation does not know.
        """
        order = self._order(operation, {"image": image, **given}, parameters, seed, name, previews, priority)
        return self._begin(order)

    def map(
        self,
        operation: str,
        images: Iterable[Any],
        *,
        seed: int = 0,
        ahead: int = AHEAD,
        progress: Progress | None = None,
        tries: int = 2,
        priority: str = "batch",
        parameters: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> Generator[Job, None, None]:
        """Run an operation on many pictures; the jobs as they end.

        A job that failed comes like the others: `job.error` says why, and `job.layers` raises it.

        Parameters
        ----------
        images
            Pictures, as `run` takes them, or mappings of inputs, parameters, `seed` and `name` that go before those of `given`. They are
            taken one by one, when there is room: a generator of a million is welcome. None says that there is nothing at the moment: a
            generator that watches for pictures gives it in place of waiting, and is asked again a little later.
        ahead
            Jobs in hand at once, from 1; nothing else is held in memory. Take some more than there are workers.
        progress
            Called in this thread with a job, whenever one goes on.
        tries
            How often a picture is begun where the daemon died over it.
        given
            Inputs and parameters of all pictures; a picture among them is read once.

        Raises
        ------
        ScumbleError
            For what is wrong with all of them; for the rest see `job.error`. When the loop is left, what is not done is cancelled.
        """
        return self._steps(Flights(self, operation, images, seed, ahead, tries, priority, parameters, given), progress)

    def _steps(self, flights: Flights, progress: Progress | None) -> Generator[Job, None, None]:
        try:
            while flights.fill():
                job = flights.ended()
                if job is None:
                    self._wait_for_change(flights.waiting, progress)
                    continue
                yield job
                job.received()
                del job  # its layers go while the next one is waited for
        finally:
            flights.cancel()

    def close(self) -> None:  # noqa: B027 (there may be nothing to let go of)
        """Let go of everything; jobs that go on are cancelled."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- what a kind of engine brings

    @abstractmethod
    def _begin(self, order: Order) -> Job: ...

    @abstractmethod
    def _wait_for_change(self, jobs: list[Job], progress: Progress | None) -> None:
        """Come back when something has changed with one of these, or a little later."""

    def _order(
        self,
        operation: str,
        named: Mapping[str, Any],
        parameters: Mapping[str, Any] | None,
        seed: int,
        name: str,
        previews: int,
        priority: str,
    ) -> Order:
        """Everything read and checked that needs no daemon. Raises ScumbleError."""
        known = self.operation(operation)
        inputs, settings = known.sorted({**named, **(parameters or {})})
        if isinstance(seed, np.integer):
            seed = int(seed)
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
            raise ScumbleError("invalid_parameter", f"The seed can't be {seed!r}.", "Choose one from 0 to 4294967295.")
        for needed in known.roles.values():
            if needed.required and needed.name not in inputs:
                raise ScumbleError("missing_input", f"{known.title} needs {needed.title.lower()}.", needed.help)
        opened = {role: _opened(role, source) for role, source in inputs.items()}
        image = opened.get("image")
        for role, layer in opened.items():
            if image is not None and known.roles[role].placed and role not in _ANY_SIZE:
                _check_size(role, layer, image)
        notes = tuple(note for layer in opened.values() for note in layer.notes if not layer.placed)
        return Order(
            operation,
            {role: layer.source for role, layer in opened.items()},
            {key: _plain(value) for key, value in settings.items()},
            image,
            seed,
            name,
            priority,
            previews,
            notes,
        )


class Flights:
    """The jobs of one `map`: which picture is next, which jobs are on their way, which are begun again."""

    def __init__(
        self,
        engine: Engine,
        operation: str,
        images: Iterable[Any],
        seed: int,
        ahead: int,
        tries: int,
        priority: str,
        parameters: Mapping[str, Any] | None,
        given: Mapping[str, Any],
    ) -> None:
        if ahead < 1 or tries < 1:
            raise ScumbleError("invalid_parameter", "`ahead` and `tries` begin at 1.", "Leave them out, or give more.")
        if isinstance(images, (str, bytes, os.PathLike, Mapping, Layer)):
            raise ScumbleError("bad_request", "`map` needs many pictures, not one.", "Give a list, or use `run`.")
        self._engine, self._operation, self._seed = engine, operation, seed
        self._images, self._ahead, self._tries, self._priority = iter(images), ahead, tries, priority
        inputs, settings = engine.operation(operation).sorted({**given, **(parameters or {})})
        self._common = {**{role: Layer.open(source) for role, source in inputs.items()}, **settings}
        self._number = 0
        self._orders: dict[int, tuple[Order, int]] = {}  # by job: what to begin again, and how often it was
        self._over = False
        self.waiting: list[Job] = []

    def fill(self) -> bool:
        """Begin jobs as long as there is room; whether any are left, or may come."""
        while not self._over and len(self.waiting) < self._ahead:
            try:
                item = next(self._images)
            except StopIteration:
                self._over = True
                break
            if item is None:
                break
            self._number += 1
            named = dict(item) if isinstance(item, Mapping) else {"image": item}
            seed = named.pop("seed", self._seed)
            name = str(named.pop("name", "") or _name_of(named.get("image"), self._number))
            try:
                together = {**self._common, **named}
                order = self._engine._order(self._operation, together, None, seed, name, 0, self._priority)
            except ScumbleError as error:
                self.waiting.append(FailedJob(name, self._operation, error))
                continue
            self._begin(order, 1)
        return bool(self.waiting) or not self._over

    def ended(self) -> Job | None:
        """The first that has ended, which then is none of these any more; None while all go on."""
        job = next((one for one in self.waiting if one.ended), None)
        if job is None:
            return None
        if job.error and job.error.code == "unreachable" and id(job) in self._orders:
            return self._again()
        self.waiting.remove(job)
        self._orders.pop(id(job), None)
        return job

    def _again(self) -> Job | None:
        """The daemon has died: all that was lost is begun again; the first of that may have been what killed it."""
        lost = [
            one for one in self.waiting if one.error and one.error.code == "unreachable" and id(one) in self._orders
        ]
        given_up: Job | None = None
        for number, job in enumerate(lost):
            order, tries = self._orders.pop(id(job))
            self.waiting.remove(job)
            tries += number == 0
            if tries > self._tries:
                given_up = job
            else:
                self._begin(order, tries)
        return given_up

    def _begin(self, order: Order, tries: int) -> None:
        job = self._engine._begin(order)
        self._orders[id(job)] = order, tries
        self.waiting.append(job)

    def cancel(self) -> None:
        """End all that goes on."""
        for job in self.waiting:
            if not job.ended:
                job.cancel()
        self.waiting.clear()
        self._orders.clear()


def _opened(role: str, source: Any) -> Layer:
    try:
        return Layer.open(source)
    except ScumbleError as error:
        if role == "image" or isinstance(source, (str, os.PathLike)):
            raise
        said = f"{error.message} (It was given as {role.replace('_', ' ')}.)"
        raise ScumbleError(error.code, said, error.hint) from error


def _check_size(role: str, layer: Layer, image: Layer) -> None:
    if layer.placed or image.placed or layer.bounds.extent == image.bounds.extent:
        return
    here, there = layer.bounds, image.bounds
    raise ScumbleError(
        "invalid_parameter",
        f"The {role.replace('_', ' ')} is {here.width} × {here.height} pixels, the image {there.width} × {there.height}.",
        "Make both the same size.",
    )


def _plain(value: Any) -> Any:
    """numpy's numbers as Python's: the wire has no others."""
    if isinstance(value, np.generic):
        return value.item()
    return value


def _name_of(source: Any, number: int) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    named = getattr(source, "filename", "") or (source.name if isinstance(source, Layer) else "")
    return str(named) if named else f"picture {number}"
