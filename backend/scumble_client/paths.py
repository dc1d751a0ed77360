"""Where the daemon and its clients meet: per-user folders and the connection file, on the standard library alone."""

import json
import os
import re
import stat
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

from .errors import ScumbleError

CONNECTION_FILE = "daemon.json"


def runtime_dir() -> Path:
    """The folder of sockets and of the connection file: the user's own, not shared between machines.

    `SCUMBLE_RUNTIME_DIR` overrides it. The folder need not exist yet.
    """
    override = os.environ.get("SCUMBLE_RUNTIME_DIR")
    if override:
        return Path(override)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Scumble" / "run"
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and os.path.isdir(base) and os.access(base, os.W_OK):
        return Path(base) / "scumble"
    return Path(tempfile.gettempdir()) / f"scumble-{os.getuid()}"


def config_dir() -> Path:
    """The folder of settings and keys. `SCUMBLE_CONFIG_DIR` overrides it."""
    override = os.environ.get("SCUMBLE_CONFIG_DIR")
    if override:
        return Path(override)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "Scumble"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Scumble"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "scumble"


def ensure_private(folder: Path) -> Path:
    """Make `folder` with mode 0700, or check that it is ours alone; one that others may only look into is closed to them.

    Raises
    ------
    ScumbleError
        `unauthorized` if it can't be made or written, and for all that `check_private` refuses.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix":
            check_private(folder)
            if stat.S_IMODE(folder.lstat().st_mode) & 0o077:
                folder.chmod(0o700)
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
    if os.name != "posix":
        return
    try:
        info = path.lstat()
    except OSError:
        return
    if stat.S_ISLNK(info.st_mode):
        wrong = "is a link to another place"
    elif info.st_uid != os.getuid():
        wrong = "belongs to another user"
    elif not stat.S_ISSOCK(info.st_mode) and stat.S_IMODE(info.st_mode) & 0o022:  # a socket is as open as its folder
        wrong = "may be changed by other users"
    else:
        return
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
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not handle:
            return False
        code = ctypes.c_ulong()
        ctypes.windll.kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
        ctypes.windll.kernel32.CloseHandle(handle)
        return code.value == 259  # STILL_ACTIVE
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # the latter: no process can have such a number
        return False
    except OSError:
        return True
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"  # it has ended; its parent has yet to notice
    except (OSError, IndexError):
        return True  # a system without /proc
