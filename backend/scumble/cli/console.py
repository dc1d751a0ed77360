"""What every command shares: the two consoles, progress bars, and how errors become exit codes."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from scumble import __version__
from scumble_client.errors import ScumbleError


class _Console(Console):
    def print(self, *objects: Any, **options: Any) -> None:
        """What a full disk or a closed stream does not take is lost; the work that it tells of is done all the same."""
        try:
            super().print(*objects, **options)
        except BrokenPipeError:
            raise
        except OSError:
            pass

    def on_broken_pipe(self) -> None:
        """The reader of a pipe has seen enough, and that is no failure."""
        raise BrokenPipeError


# Without markup and emoji codes: names of files may hold [brackets] and :colons:.
out = _Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = _Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

DONE, WRONG, FAILED, CANCELLED = 0, 2, 3, 130
_INPUT = {"bad_request", "unknown_operation", "invalid_parameter", "missing_input", "too_large"}


def exit_code(error: ScumbleError) -> int:
    """2 for what its user can put right in the command or its files, 130 for a cancelled job, 3 for the rest."""
    if error.code == "cancelled":
        return CANCELLED
    return WRONG if error.code in _INPUT else FAILED


def say_error(message: str) -> None:
    """One line on stderr."""
    err.print(Text.assemble(("error:", "red"), f" {' '.join(message.split())}"))


def say_note(sentence: str) -> None:
    err.print(f"note: {sentence}")


def unexpected(error: Exception, doing: Sequence[str]) -> ScumbleError:
    """What to say of an exception that nobody foresaw. Its traceback goes to a file, never to the artist.

    `doing` is noted with it: the command's arguments.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        reason = "is too long" if error.errno == errno.ENAMETOOLONG else "is a link to itself"
        name = Path(os.fsdecode(error.filename or "")).name
        shown = name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}"
        return ScumbleError("bad_request", f"The name “{shown}” {reason}.", "Choose another name.")
    if isinstance(error, MemoryError):
        hint = "Close other programs, or work on a smaller picture."
        return ScumbleError("out_of_memory", "There is not enough memory.", hint)
    return ScumbleError("internal", "Scumble made a mistake.", _write_log(error, doing))


def foreseen(error: ScumbleError, doing: Sequence[str]) -> ScumbleError:
    """A job's error, as it is told: of an operation's defect in this process, its traceback goes to the file as well."""
    defect = getattr(error, "defect", None)
    return unexpected(defect, doing) if isinstance(defect, Exception) and error.code == "internal" else error


def _write_log(error: Exception, doing: Sequence[str]) -> str:
    """A sentence that names the file."""
    import tempfile
    import traceback

    import platformdirs

    usual = Path(os.environ.get("SCUMBLE_LOG_DIR") or platformdirs.user_log_dir("scumble", appauthor=False))
    report = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {__version__} {list(doing)}\n" + "".join(
        traceback.format_exception(error)
    )
    for folder in (usual, Path(tempfile.gettempdir())):
        path = folder / "scumble-command.log"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(report)
            return f"Please report it, with this file: {path}"
        except OSError:
            continue
    return f"Please report it ({type(error).__name__}: {error}); no log could be written."


def print_json(value: Any) -> None:
    """On stdout, with escapes for what that can't show: a script must get every name as it is."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, AttributeError, LookupError):
        text = json.dumps(value, indent=1, default=str)
    _print(text)


def print_json_line(value: Any) -> None:
    """One line of it, for who reads while the command goes on."""
    _print(json.dumps(value, default=str))


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError:  # as above
        pass


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on stderr, if that is a terminal; it leaves nothing behind."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield progress


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScumbleError(
            "invalid_parameter", f"The folder {folder} can't be made: {error.strerror}.", "Choose another one."
        ) from error


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
