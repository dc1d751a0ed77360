"""What was installed where, kept in the configuration folder, so that uninstalling leaves nothing."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from scumble_client.editor.catalogue import CATALOGUE_FILE
from scumble_client.editor.settings import SETTINGS_FILE
from scumble_client.launch import LAUNCH_FILE, write_launch_file
from scumble_client.paths import config_dir
from scumble_client.system.folders import flatpak_sockets

RECORD_FILE = "installed.json"


def daemon_command() -> list[str]:
    """How an editor starts the daemon: with the Python that runs this."""
    return [sys.executable, "-m", "scumble.daemon"]


def sandboxed_command(application: str) -> list[str]:
    """The same out of a flatpak: the program runs outside, with its sockets in the one folder that both can see."""
    folder = f"--env=SCUMBLE_RUNTIME_DIR={flatpak_sockets(application)}"
    return ["flatpak-spawn", "--host", folder, *daemon_command()]


def read_record() -> dict[str, list[str]]:
    """Editor → the folders that its plugin was put into."""
    try:
        raw = json.loads((config_dir() / RECORD_FILE).read_text("utf-8"))
        return {str(editor): [str(folder) for folder in folders] for editor, folders in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def add_record(editor: str, folders: list[Path]) -> None:
    """Note where a plugin is now, and tell it how the daemon starts."""
    write_launch_file(daemon_command())
    record = read_record()
    record[editor] = sorted({*record.get(editor, []), *map(str, folders)})
    _write(record)


def drop_record(editor: str) -> None:
    """Forget an editor. With the last one, what the plugins share goes, too: settings, descriptions, the command."""
    record = read_record()
    record.pop(editor, None)
    if record:
        _write(record)
        return
    forget_files(config_dir())


def forget_files(folder: Path) -> None:
    """Remove what the plugins keep in a configuration folder, and the folder if nothing else is in it."""
    for name in (RECORD_FILE, LAUNCH_FILE, SETTINGS_FILE, CATALOGUE_FILE):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):  # it may hold keys, which are not the plugins'
        folder.rmdir()


def _write(record: dict[str, list[str]]) -> None:
    path = config_dir() / RECORD_FILE
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(json.dumps(record, indent=1), "utf-8")
    part.replace(path)
