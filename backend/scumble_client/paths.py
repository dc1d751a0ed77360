"""Where the daemon and its clients meet: per-user folders and the connection file, on the standard library alone."""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

from .errors import ScumbleError
from .system import folders, private, processes

CONNECTION_FILE = "daemon.json"


def runtime_dir() -> Path:
    """The folder of sockets and of the connection file: the user's own, not shared between machines.

    `SCUMBLE_RUNTIME_DIR` overrides it. The folder need not exist yet.
    """
    override = os.environ.get("SCUMBLE_RUNTIME_DIR")
    if override:
        return Path(override)
    return folders.sockets_folder()


def config_dir() -> Path:
    """The folder of settings and keys. `SCUMBLE_CONFIG_DIR` overrides it."""
    override = os.environ.get("SCUMBLE_CONFIG_DIR")
    if override:
        return Path(override)
    return folders.user_folder(folders.CONFIGURATION) / folders.named_scumble()


def ensure_private(folder: Path) -> Path:
    """Make `folder` with mode 0700, or check that it is ours alone; one that others may only look into is closed to them.

    Raises
    ------
    ScumbleError
        `unauthorized` if it can't be made or written, and for all that `check_private` refuses.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_private(folder)
        private.close_folder(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "not writable")
    except OSError as error:
        raise ScumbleError(
            "unauthorized",
            f"The folder for Scumble's socket, {folder}, cannot be used: {error.strerror or error}.",
            "Make it writable, or set SCUMBLE_RUNTIME_DIR to a folder of your own.",
        ) from error
    return folder


def check_private(path: Path) -> None:
    """Check that what lies at `path` (a folder, a file or a socket) is this user's own, and that nobody else may change it.

    What is not there passes. On Windows everything passes: the user's own folders have access lists that say the same.

    Raises
    ------
    ScumbleError
        `unauthorized` for a link, for what is another user's, and for what others may write to.
    """
    wrong = private.why_not_private(path)
    if wrong:
        raise ScumbleError(
            "unauthorized",
            f"{path} {wrong}, so what it leads to is not trusted with your pictures.",
            "Remove it, or set SCUMBLE_RUNTIME_DIR to a folder of your own.",
        )


def check_endpoint(endpoint: str) -> None:
    """Check where a connection file leads: to a socket of this user's own, or to this very machine.

    Raises ScumbleError `unauthorized` for anything else; a daemon elsewhere is reached through this machine's own.
    """
    kind, _, address = endpoint.partition("://")
    if kind == "ipc" and os.path.isabs(address):
        check_private(Path(address).parent)
        check_private(Path(address))
        return
    host, _, port = address.rpartition(":")
    if kind == "tcp" and host in ("127.0.0.1", "localhost", "[::1]") and re.fullmatch("[0-9]{1,5}", port):
        return
    raise ScumbleError(
        "unauthorized",
        f"The connection file leads to {endpoint}, which is not on this machine.",
        "Run this to begin anew: scumble stop",
    )


@dataclass(frozen=True)
class ConnectionFile:
    """What the connection file says: how to reach the daemon that runs."""

    endpoints: List[str]
    pid: int
    version: str
    protocol: int
    token: str = ""
    log: str = ""
    started: float = 0.0
    extra: Dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Optional[Path] = None) -> "Optional[ConnectionFile]":
        """The connection file's content; None if there is none, it is half written, or its daemon is dead.

        Raises ScumbleError `unauthorized` where folder or file are another user's, or open to others.
        """
        folder = folder or runtime_dir()
        check_private(folder)
        check_private(folder / CONNECTION_FILE)
        try:
            raw = json.loads((folder / CONNECTION_FILE).read_text("utf-8"))
            known = {name: raw[name] for name in ("endpoints", "pid", "version", "protocol", "token", "log", "started")}
            connection = cls(**known)
            texts = [*connection.endpoints, connection.version, connection.token, connection.log]
            usable = bool(connection.endpoints) and all(isinstance(text, str) and "\0" not in text for text in texts)
            return connection if usable and process_alive(connection.pid) else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def write(self, folder: Path) -> Path:
        """Write it with mode 0600, at once or not at all, so that no reader sees half a file."""
        path = folder / CONNECTION_FILE
        part = folder / f"{CONNECTION_FILE}.{os.getpid()}"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=1)
        os.replace(part, path)
        return path


def process_alive(pid: int) -> bool:
    """Whether a process of this number exists. (It may be another one: only a `hello` proves a daemon.)"""
    if not isinstance(pid, int) or pid <= 0:
        return False
    if os.environ.get("FLATPAK_ID"):
        return True  # in there, the numbers of the processes outside mean nothing
    return processes.alive(pid)
