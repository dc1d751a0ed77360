"""A daemon for one command: `scumble batch --pool ray`, where the one that runs computes elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import platformdirs

from scumble.scripting import connect
from scumble_client import Client
from scumble_client.errors import ScumbleError
from scumble_client.paths import ConnectionFile
from scumble_client.system import command_lines


class OwnDaemon:
    """From here to `close`, this process's clients start and find a daemon of their own, with the given options.

    Its sockets and results are in a folder of its own; weights, keys and settings are the user's. If this process is
    killed, the daemon ends within a minute.
    """

    def __init__(self, options: list[str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="scumble-"))
        command = [sys.executable, "-m", "scumble.daemon", "--plain", "--idle-exit", "1", *options]
        logs = os.environ.get("SCUMBLE_LOG_DIR") or platformdirs.user_log_dir("scumble", appauthor=False)
        settings = {
            "SCUMBLE_RUNTIME_DIR": str(self._folder / "run"),
            "SCUMBLE_CACHE_DIR": str(self._folder / "cache"),
            "SCUMBLE_LOG_DIR": str(Path(logs) / "batch"),
            "SCUMBLE_DAEMON": command_lines.join(command),
        }
        self._before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)

    def close(self) -> None:
        """End it, if it was started."""
        try:
            if ConnectionFile.read() is not None:
                with Client("scumble batch", launch=False) as client:  # without waiting for its end
                    client.call("shutdown")
        except ScumbleError:
            pass  # it has ended by itself
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(self._folder, ignore_errors=True)


def pool_of_running_daemon() -> str | None:
    """Where the daemon that runs computes; None if none runs."""
    if ConnectionFile.read() is None:
        return None
    try:
        with connect(name="scumble batch", launch=False) as daemon:
            return str(daemon.status().get("pool", "local"))
    except ScumbleError:
        return None
