"""Where the command line has operations run: by the daemon, or with `--local` in its own process."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scumble.imaging.layer import Layer
from scumble.transport.exchange import to_layer, to_pixels
from scumble_client import Client, Job, Request
from scumble_client.errors import ScumbleError

from .own_daemon import OwnDaemon, pool_of_running_daemon

if TYPE_CHECKING:
    from scumble.worker.device import Chosen

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Order:
    """What to run."""

    operation: str
    layers: Mapping[str, Layer]
    parameters: Mapping[str, Any]
    seed: int = 0
    priority: str = "interactive"


@dataclass(frozen=True)
class EngineResult:
    """What came back: layers with their names and seeds, sentences for the user, the request as it is stored."""

    layers: list[tuple[str, Layer, int]]
    notes: list[str]
    request: dict[str, Any]
    seconds: float


class Engine(ABC):
    """Runs orders. `begin` returns a ticket; `finish` waits for it."""

    @abstractmethod
    def begin(self, order: Order) -> Any: ...

    @abstractmethod
    def finish(self, ticket: Any, report: Report) -> EngineResult:
        """Wait for the result. Raises ScumbleError; Ctrl-C cancels the job first."""

    def received(self, ticket: Any) -> None:  # noqa: B027 (there may be nobody to tell)
        """Say that the result is safe: its files are written."""

    def abandon(self, ticket: Any) -> None:  # noqa: B027
        """Say that nobody waits for it any more."""

    def restart(self) -> None:  # noqa: B027
        """After `unreachable`: look for another daemon, or start one. All tickets are void."""

    def close(self) -> None:  # noqa: B027
        """Let go of everything."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def choose(local: bool, device: str, pool: str | None = None, address: str | None = None) -> Engine:
    """What `--local`, `--device` and `--pool` ask for. Raises ScumbleError where they don't go together."""
    if pool and local:
        raise ScumbleError("invalid_parameter", "--local and --pool don't go together.", "Leave one of them out.")
    if pool and pool != "ray":
        hint = "Use --pool ray. To compute on another machine, start the daemon with it: scumble serve --pool tcp://…"
        raise ScumbleError("invalid_parameter", f"This command can't use the pool “{pool}”.", hint)
    if pool:
        return PoolEngine(pool, address, device)
    if address:
        raise ScumbleError("invalid_parameter", "--address says where a pool is.", "Add: --pool ray")
    if local:
        return LocalEngine(device)
    if device != "auto":
        raise ScumbleError(
            "invalid_parameter",
            "The daemon's device is chosen when it starts.",
            f"Add --local, or start it with: scumble serve --device {device}",
        )
    return DaemonEngine()


class DaemonEngine(Engine):
    """The daemon does it; it is started where there is none."""

    def __init__(self) -> None:
        self._client = Client(f"scumble command line {os.getpid()}")

    def begin(self, order: Order) -> Job:
        roles = {name: to_pixels(layer) for name, layer in order.layers.items()}
        return self._client.submit(Request(order.operation, roles, dict(order.parameters), order.seed, order.priority))

    def finish(self, ticket: Job, report: Report) -> EngineResult:
        try:
            result = self._client.wait(ticket, progress=lambda job: report(job.fraction, _state(job)))
        except KeyboardInterrupt:
            self.abandon(ticket)
            try:
                self._client.wait(ticket, timeout=5)
            except ScumbleError:
                pass
            raise
        layers = [(layer.name, to_layer(layer.pixels), layer.seed) for layer in result.layers]
        return EngineResult(layers, result.notes, result.request, result.seconds)

    def restart(self) -> None:
        self._client.close()
        self._client = Client(f"scumble command line {os.getpid()}")

    def received(self, ticket: Job) -> None:
        self._client.received(ticket)

    def abandon(self, ticket: Job) -> None:
        self._client.cancel(ticket)

    def close(self) -> None:
        self._client.close()


class PoolEngine(DaemonEngine):
    """The daemon, if it computes there already; else a daemon of this command's own does it."""

    def __init__(self, pool: str, address: str | None, device: str) -> None:
        from scumble.daemon.__main__ import parser
        from scumble.daemon.pools import options as pool_options

        self._own: OwnDaemon | None = None
        if pool_of_running_daemon() != pool or address or device != "auto":
            options = ["--pool", pool, "--device", device, *(["--address", address] if address else [])]
            pool_options.check(parser().parse_args(options))
            self._own = OwnDaemon(options)
        super().__init__()

    def close(self) -> None:
        super().close()
        if self._own:
            self._own.close()


class LocalEngine(Engine):
    """This process does it: for one picture, for scripts in a sandbox, for looking for a defect."""

    def __init__(self, device: str = "auto") -> None:
        from scumble.worker.models import ModelCache

        self._models = ModelCache()
        self._device = device
        self._chosen: Chosen | None = None

    def begin(self, order: Order) -> Order:
        return order

    def finish(self, ticket: Order, report: Report) -> EngineResult:
        from scumble.operations import find
        from scumble.worker import device
        from scumble.worker.execute import execute

        chosen = find(ticket.operation)  # the quick checks first: importing torch takes seconds
        chosen.check_roles(list(ticket.layers))
        chosen.validate(ticket.parameters)
        if self._chosen is None:
            self._chosen = device.choose(device.resolve(self._device))
        started = time.monotonic()
        outcome = execute(
            ticket.operation, ticket.parameters, ticket.layers, ticket.seed, self._chosen.device, self._models, report
        )
        layers = [(name, output.layer, output.seed) for name, output in outcome.layers]
        notes = [*outcome.notes, *filter(None, [self._chosen.note])]
        return EngineResult(layers, notes, outcome.request, time.monotonic() - started)


def _state(job: Job) -> str:
    if job.state == "queued":
        return f"Waiting ({job.position} before)" if job.position else "Waiting for the worker"
    return job.message or "Starting"
