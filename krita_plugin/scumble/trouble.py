"""What happens to an exception: Krita would open a window over the artist's work, so nothing may escape from here."""

import functools
import os
import time
import traceback
from pathlib import Path

from .scumble_client.errors import ScumbleError
from .scumble_client.paths import runtime_dir

LOG_FILE = "krita.log"
MAX_LOG = 1 << 20


def as_error(error):
    """Any exception as a ScumbleError; a defect is written to the log, and the error says where that is."""
    if isinstance(error, ScumbleError):
        return error
    path = write_log(error)
    where = f"Please report it, with this file: {path}" if path else f"Please report it: {error!r}"
    return ScumbleError("internal", "Scumble's plugin made a mistake.", where)


def write_log(error):
    """Append the traceback to the log; the path, or None where nothing can be written."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    path = Path(os.environ.get("SCUMBLE_LOG_DIR") or runtime_dir()) / LOG_FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = "a" if not path.exists() or path.stat().st_size < MAX_LOG else "w"
        with open(path, mode, encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}\n")
        return path
    except OSError:
        return None


def guarded(method):
    """For slots and what Krita calls: an exception becomes a sentence (`self.studio` shows it)."""

    @functools.wraps(method)
    def call(self, *arguments):
        try:
            return method(self, *arguments)
        except Exception as error:
            self.studio.fail(as_error(error))
            return None

    return call
