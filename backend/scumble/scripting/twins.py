"""The same for programs of `asyncio`: `async with connect_async() as daemon: await daemon.run(…)`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping
from typing import Any, TypeVar

from .daemon import Daemon, DaemonJob, connect
from .descriptions import Operation
from .engine import AHEAD, Flights, Progress
from .jobs import LOOK, Job
from .layer import Layer

T = TypeVar("T")


class AsyncJob:
    """A job to be awaited: `layers = await job`. `job` is the job itself, with its `fraction`, `message`, `state` and so on."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def cancel(self) -> None:
        """Ask for its end; awaiting it raises ScumbleError `cancelled` then."""
        self.job.cancel()

    def received(self) -> None:
        """As `Job.received`."""
        self.job.received()

    def __await__(self) -> Generator[Any, None, list[Layer]]:
        return self._layers().__await__()

    async def _layers(self) -> list[Layer]:
        await _ended(self.job)
        return self.job.layers


class AsyncDaemon:
    """A connection to a daemon for one event loop; each method is that of `Daemon`, and never makes the loop wait.

    Who is cancelled while he awaits `run` has his job cancelled.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def operations(self) -> Mapping[str, Operation]:
        """As `Daemon.operations`."""
        return await asyncio.to_thread(lambda: self._daemon.operations)

    async def status(self) -> dict[str, Any]:
        """As `Daemon.status`."""
        return await asyncio.to_thread(self._daemon.status)

    async def run(
        self, operation: str, image: Any = None, *, progress: Progress | None = None, **given: Any
    ) -> list[Layer]:
        """As `Daemon.run`; `progress` is called in the loop. For a time limit: `asyncio.wait_for`."""
        job = await self._submitted(operation, image, given)
        stop_listening = _listen(job, progress)
        try:
            await _ended(job)
        except BaseException:
            job.cancel()
            raise
        finally:
            stop_listening()
        layers = job.layers
        job.received()
        return layers

    async def submit(self, operation: str, image: Any = None, **given: Any) -> AsyncJob:
        """As `Daemon.submit`."""
        return AsyncJob(await self._submitted(operation, image, given))

    async def map(
        self,
        operation: str,
        images: Iterable[Any],
        *,
        seed: int = 0,
        ahead: int = AHEAD,
        tries: int = 2,
        priority: str = "batch",
        parameters: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> AsyncIterator[Job]:
        """As `Daemon.map`; the jobs that come have ended. `images` are taken in a thread, one at a time."""
        flights = await asyncio.to_thread(
            Flights, self._daemon, operation, images, seed, ahead, tries, priority, parameters, given
        )
        try:
            while await _whole(asyncio.to_thread(flights.fill)):
                job = flights.ended()
                if job is None and not flights.waiting:
                    await asyncio.sleep(LOOK)
                    continue
                if job is None:
                    waiting = [asyncio.ensure_future(_ended(one)) for one in flights.waiting]
                    try:
                        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        for one in waiting:
                            one.cancel()
                    continue
                yield job
                job.received()
                del job
        finally:
            flights.cancel()

    async def close(self) -> None:
        """As `Daemon.close`."""
        await asyncio.to_thread(self._daemon.close)

    async def _submitted(self, operation: str, image: Any, given: Mapping[str, Any]) -> Job:
        begun = asyncio.ensure_future(asyncio.to_thread(lambda: self._daemon.submit(operation, image, **given)))
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            begun.add_done_callback(_cancel_what_came)
            raise


class connect_async:  # noqa: N801 (it is used as a function)
    """As `connect`, for `async with connect_async(…) as daemon`, or `daemon = await connect_async(…)` with `close` at the end."""

    def __init__(
        self, endpoint: str | None = None, key: str | None = None, *, name: str = "", launch: bool = True
    ) -> None:
        self._make = lambda: connect(endpoint, key, name=name, launch=launch)
        self._daemon: AsyncDaemon | None = None

    def __await__(self) -> Generator[Any, None, AsyncDaemon]:
        return self._connected().__await__()

    async def __aenter__(self) -> AsyncDaemon:
        self._daemon = await self._connected()
        return self._daemon

    async def __aexit__(self, *_: object) -> None:
        assert self._daemon
        await self._daemon.close()

    async def _connected(self) -> AsyncDaemon:
        made = asyncio.ensure_future(asyncio.to_thread(self._make))
        try:
            return AsyncDaemon(await asyncio.shield(made))
        except asyncio.CancelledError:
            made.add_done_callback(_close_what_came)
            raise


async def _ended(job: Job) -> None:
    """Wait for a job's end, without a thread."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def tell() -> None:
        if not done.done():
            done.set_result(None)

    job.add_done_callback(lambda _job: _in_loop(loop, tell))
    await done


async def _whole(work: Any) -> Any:
    """What runs in a thread comes to its end before a cancellation does: no job of it may be forgotten."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _listen(job: Job, progress: Progress | None) -> Callable[[], None]:
    """Have `progress` called in this loop; a function that ends that."""
    if progress is None or not isinstance(job, DaemonJob):
        return lambda: None
    loop, told = asyncio.get_running_loop(), progress
    job.on_news = lambda: _in_loop(loop, lambda: told(job))

    def stop() -> None:
        job.on_news = None

    return stop


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        pass  # the loop has ended: nobody waits


def _close_what_came(made: asyncio.Future[Daemon]) -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().close()


def _cancel_what_came(begun: asyncio.Future[Job]) -> None:
    if not begun.cancelled() and begun.exception() is None:
        begun.result().cancel()
