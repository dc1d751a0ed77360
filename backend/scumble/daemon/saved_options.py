"""Options of `scumble serve` that hold for every start, also one by an editor: `--remember` and `--forget`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from scumble_client.errors import ScumbleError
from scumble_client.paths import config_dir

REMEMBER, FORGET, PLAIN = "--remember", "--forget", "--plain"


def path() -> Path:
    """Where they are."""
    return config_dir() / "serve.json"


def arguments(given: list[str]) -> list[str]:
    """What is remembered, then what was given, which counts more; told to, note or forget it first. Raises ScumbleError."""
    if PLAIN in given:
        return given
    if FORGET in given:
        path().unlink(missing_ok=True)
    if REMEMBER in given:
        options = [option for option in given if option not in (REMEMBER, FORGET)]
        _write(options)
        return options
    return [*_read(), *given]


def _write(options: list[str]) -> None:
    try:
        path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path().with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(options, indent=1) + "\n", "utf-8")
        part.replace(path())
    except OSError as error:
        raise ScumbleError(
            "internal",
            f"The options can't be kept in {path()}: {error.strerror or error}.",
            "Make that folder writable, or leave --remember out.",
        ) from error


def _read() -> list[str]:
    try:
        options = json.loads(path().read_text("utf-8"))
    except OSError:
        return []
    except ValueError:
        options = None
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise ScumbleError("invalid_parameter", f"The file {path()} is damaged.", "Remove it: scumble serve --forget")
    return options
