"""What both editors' plugins are put together from: their own files, the client, the operations, how the daemon starts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import scumble_client
from scumble import pictures
from scumble_client.editor.catalogue import CATALOGUE_FILE
from scumble_client.launch import LAUNCH_FILE

from .record import daemon_command

CHOICES = "choices"
"""The folder with small pictures of choices that have one: of the bundled paintings, by their names."""

CHOICE_SIDE = 64
"""Pixels."""

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.so", "*.pyd", "py.typed")


def source_of(plugin: str) -> Path:
    """The folder `plugin` (`krita_plugin`, `gimp_plugin`) that comes with Scumble: in the package or the repository."""
    packaged = Path(__file__).parents[1] / f"_{plugin}"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / plugin


def put_together(source: Path, folder: Path, command: list[str] | None = None) -> list[dict[str, Any]]:
    """Make `folder` out of a plugin's own files, with `scumble_client` and both lists; the operations' descriptions.

    `command` starts the daemon; by default this Python does.
    """
    from scumble.operations import operations

    described = [operation.describe() for operation in operations().values()]
    shutil.copytree(source, folder, ignore=_LEFT_OUT)
    shutil.copytree(Path(scumble_client.__file__).parent, folder / "scumble_client", ignore=_LEFT_OUT)
    (folder / CATALOGUE_FILE).write_text(json.dumps(described, indent=1), "utf-8")
    _draw_choices(folder / CHOICES)
    (folder / LAUNCH_FILE).write_text(json.dumps({"command": command or daemon_command()}, indent=1), "utf-8")
    return described


def _draw_choices(folder: Path) -> None:
    """As PNG, which every editor's toolkit reads."""
    from PIL import Image, ImageOps

    folder.mkdir()
    for path in pictures.paintings():
        with Image.open(path) as picture:
            ImageOps.fit(picture.convert("RGB"), (CHOICE_SIDE, CHOICE_SIDE)).save(folder / f"{path.stem}.png")


def installed_version(folder: Path) -> str:
    """Of the client in an installed plugin; empty where there is none, or where it is damaged."""
    try:
        for line in (folder / "scumble_client" / "version.py").read_text("utf-8").splitlines():
            if line.startswith("__version__"):
                return line.partition("=")[2].strip().strip('"')
    except OSError:
        pass
    return ""
