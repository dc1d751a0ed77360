"""Where setting up keeps what it knows: one folder for each user, which every editor looks into.

Engines lie in `engine-1`, `engine-2`, … of a folder that the artist may choose; a new one never takes an old one's place before
it works. Each has a marker from its first moment on, so that nothing else is ever removed.
"""

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import List, Optional, Sequence

from ..system import command_lines, folders

MARKER = "scumble-engine.json"
"""In an engine's folder: that it is one, and whether it is whole."""

_NAME = re.compile(r"engine-([1-9][0-9]*)")


def data_dir() -> Path:
    """The user's folder of large things. `SCUMBLE_DATA_DIR` overrides it; it need not exist yet."""
    override = os.environ.get("SCUMBLE_DATA_DIR")
    if override:
        return Path(override)
    return folders.user_folder(folders.DATA) / "scumble"


def setup_dir() -> Path:
    """Where the order, the state, the log and the lock of setting up lie."""
    return data_dir() / "setup"


def usual_folder() -> Path:
    """Where engines go unless the artist chooses another folder."""
    return data_dir()


def engines(folder: Path) -> List[Path]:
    """The engines in a folder, whole ones and others, the oldest first."""
    try:
        found = [one for one in folder.iterdir() if _NAME.fullmatch(one.name) and (one / MARKER).is_file()]
    except OSError:
        return []
    return sorted(found, key=_number)


def new_engine(folder: Path) -> Path:
    """Make the folder of a new engine, marked as not whole yet. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = [_number(one) for one in folder.iterdir() if _NAME.fullmatch(one.name)]
    made = folder / f"engine-{max(taken, default=0) + 1}"
    made.mkdir()
    mark(made, False)
    return made


def mark(engine: Path, whole: bool, **facts: str) -> None:
    """Write an engine's marker. Raises OSError."""
    write_json(engine / MARKER, {"whole": whole, **facts})


def is_whole(engine: Path) -> bool:
    """Whether an engine was set up to its end."""
    return bool(read_json(engine / MARKER).get("whole"))


def remove_engine(engine: Path, patience: float = 10.0) -> None:
    """Remove an engine's folder; one without our marker stays. On Windows a program that is just ending still holds its files.

    Raises OSError where it can't be removed; its marker goes last, so that it is known for an engine until then.
    """
    if not (engine / MARKER).is_file():
        return
    end = time.monotonic() + patience
    while True:
        try:
            for one in engine.iterdir():
                if one.name == MARKER:
                    continue
                if one.is_dir() and not one.is_symlink():
                    shutil.rmtree(one)
                else:
                    one.unlink()
            (engine / MARKER).unlink()
            engine.rmdir()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)


def write_launcher(command: Sequence[str]) -> Path:
    """Make the file that runs the engine's command line from a terminal, in the folder of data. Raises OSError, ValueError."""
    made = command_lines.launcher("scumble", command)
    path = data_dir() / made.name
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(made.content)
    part.chmod(made.mode)
    os.replace(str(part), str(path))
    return path


def remove_launcher() -> None:
    """It goes with the engine; one that can't be removed says what is wrong itself when it is run."""
    try:
        (data_dir() / command_lines.launcher("scumble", ()).name).unlink()
    except OSError:
        pass


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    total = 0
    for where, _folders, files in os.walk(str(folder)):
        for name in files:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except OSError:
                pass
    return total


def python_in(engine: Path, platform: Optional[str] = None) -> Path:
    """The Python of an engine's environment."""
    return folders.python_in(engine / "env", platform)


def write_json(path: Path, what: object) -> None:
    """Whole or not at all. Raises OSError."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(what, indent=1), "utf-8")
    for attempt in range(20):
        try:
            os.replace(str(part), str(path))
            return
        except PermissionError:  # on Windows, while somebody reads it
            if attempt == 19:
                raise
            time.sleep(0.02)


def read_json(path: Path) -> dict:  # type: ignore[type-arg]
    """What a file says; an empty dictionary where it says nothing that can be read."""
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _number(engine: Path) -> int:
    found = _NAME.fullmatch(engine.name)
    return int(found.group(1)) if found else 0
