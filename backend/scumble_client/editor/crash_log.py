"""What happens to an exception in an editor's plug-in: the artist gets a sentence, the traceback goes to a log."""

import os
import time
import traceback
from pathlib import Path
from typing import Optional

from ..errors import ScumbleError
from ..paths import runtime_dir

MAX_LOG = 1 << 20
"""Bytes; a log that is longer is begun anew."""


def as_error(error: BaseException, log_file: str, called: str = "plug-in") -> ScumbleError:
    """Any exception as a ScumbleError; a defect is written to the log, and the error says where that is.

    `called` is the editor's own word for what we are: GIMP has plug-ins, Krita plugins.
    """
    if isinstance(error, ScumbleError):
        return error
    path = write_log(error, log_file)
    where = f"Please report it, with this file: {path}" if path else f"Please report it: {error!r}"
    return ScumbleError("internal", f"Scumble's {called} made a mistake.", where)


def write_log(error: BaseException, log_file: str) -> Optional[Path]:
    """Append the traceback to the log; the path, or None where nothing can be written."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    path = Path(os.environ.get("SCUMBLE_LOG_DIR") or runtime_dir()) / log_file
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = "a" if not path.exists() or path.stat().st_size < MAX_LOG else "w"
        with open(path, mode, encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}\n")
        return path
    except OSError:
        return None
