"""The daemon's folders and its log. A home that can't be written costs comfort, not work."""

from __future__ import annotations

import logging
import logging.handlers
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from scumble_client.paths import ensure_private, runtime_dir
from scumble_client.system.memory import folder_in_memory

LOG_BYTES, LOG_FILES = 2_000_000, 4


@dataclass
class Folders:
    """Where things are. `warnings` says, for the artist, what had to be put elsewhere."""

    runtime: Path
    memory: Path
    results: Path
    log: Path
    warnings: list[str] = field(default_factory=list)

    @property
    def overflow(self) -> Path:
        """On disk: for layers that memory has no room for."""
        return (
            self.runtime / "overflow" if self.results.is_relative_to(self.runtime) else self.results.parent / "overflow"
        )

    def leave(self) -> None:
        """Remove what is this process's own; another daemon may be using the rest."""
        shutil.rmtree(self.memory, ignore_errors=True)

    def clean(self) -> None:
        """Remove what clients have sent."""
        self.leave()
        shutil.rmtree(self.overflow, ignore_errors=True)


def prepare(results: Path | None = None) -> Folders:
    """Make the folders, with replacements where the usual ones can't be written.

    Raises ScumbleError `unauthorized` where there is no place for the socket itself.
    """
    import platformdirs

    runtime = ensure_private(runtime_dir())
    warnings: list[str] = []
    cache = Path(os.environ.get("SCUMBLE_CACHE_DIR") or platformdirs.user_cache_dir("scumble", appauthor=False))
    logs = Path(os.environ.get("SCUMBLE_LOG_DIR") or platformdirs.user_log_dir("scumble", appauthor=False))
    results = _writable(results or cache / "results", runtime / "results", "Results", warnings)
    log = _writable(logs, runtime / "log", "The log", warnings) / "scumble.log"
    return Folders(runtime, _memory(runtime), results, log, warnings)


def _writable(wanted: Path, instead: Path, what: str, warnings: list[str]) -> Path:
    try:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError as error:
        instead.mkdir(mode=0o700, parents=True, exist_ok=True)
        warnings.append(f"{what} can't be kept in {wanted} ({error.strerror or error}); {instead} is used.")
        return instead


def _memory(runtime: Path) -> Path:
    """A folder in memory for what clients send, where the system has one with room to spare."""
    found = folder_in_memory()
    try:
        if found and shutil.disk_usage(found[0]).free > 512 * 1024**2:
            return _own(*found)
    except OSError:
        pass
    return _own(runtime, "buffers")


def _own(place: Path, name: str) -> Path:
    """An empty folder for this process. Those of other daemons stay, and those of killed ones are removed."""
    folder = place / f"{name}-{os.getpid()}"
    _sweep(place, name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def _sweep(place: Path, name: str) -> None:
    """Remove what daemons that were killed have left."""
    from scumble_client.paths import process_alive

    for old in place.glob(f"{name}-*"):
        pid = old.name.rpartition("-")[2]
        if pid.isdigit() and not process_alive(int(pid)):
            shutil.rmtree(old, ignore_errors=True)


def open_log(path: Path, level: int = logging.INFO) -> None:
    """Send everything that is logged to a rotating file: four files of 2 MB at most."""
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().handlers = [handler]
    logging.getLogger().setLevel(level)
