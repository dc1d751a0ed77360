"""Where the command line has operations run: what `--local`, `--device` and `--pool` ask for, as an engine of `scumble.scripting`."""

from __future__ import annotations

import os

from scumble.scripting import Engine, connect, local
from scumble.scripting.daemon import Daemon
from scumble_client.errors import ScumbleError

from .own_daemon import OwnDaemon, pool_of_running_daemon


def choose(in_process: bool, device: str, pool: str | None = None, address: str | None = None) -> Engine:
    """Raises ScumbleError where they don't go together, or no daemon can be reached."""
    if pool and in_process:
        raise ScumbleError("invalid_parameter", "--local and --pool don't go together.", "Leave one of them out.")
    if pool and pool != "ray":
        hint = "Use --pool ray. To compute on another machine, start the daemon with it: scumble serve --pool tcp://…"
        raise ScumbleError("invalid_parameter", f"This command can't use the pool “{pool}”.", hint)
    if pool:
        return PoolDaemon(pool, address, device)
    if address:
        raise ScumbleError("invalid_parameter", "--address says where a pool is.", "Add: --pool ray")
    if in_process:
        return local(device)
    if device != "auto":
        raise ScumbleError(
            "invalid_parameter",
            "The daemon's device is chosen when it starts.",
            f"Add --local, or start it with: scumble serve --device {device}",
        )
    return connect(name=name())


def name() -> str:
    """Who asks, for the daemon."""
    return f"scumble command line {os.getpid()}"


class PoolDaemon(Daemon):
    """The daemon, if it computes there already; else a daemon of this command's own does it."""

    def __init__(self, pool: str, address: str | None, device: str) -> None:
        from scumble.daemon.__main__ import parser
        from scumble.daemon.pools import options as pool_options

        self._own: OwnDaemon | None = None
        if pool_of_running_daemon() != pool or address or device != "auto":
            options = ["--pool", pool, "--device", device, *(["--address", address] if address else [])]
            pool_options.check(parser().parse_args(options))
            self._own = OwnDaemon(options)
        try:
            super().__init__(name())
        except BaseException:
            if self._own:
                self._own.close()
            raise

    def close(self) -> None:
        super().close()
        if self._own:
            self._own.close()
            self._own = None
