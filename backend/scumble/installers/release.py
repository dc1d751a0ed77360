"""A release's archives for the editors: the plugin together with the wheel of the engine that fits it."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from scumble_client.launch import LAUNCH_FILE
from scumble_client.setup.bundled import CONSTRAINTS, ENGINE
from scumble_client.version import __version__

from .archive import write_archive
from .editor import NAME, Editor
from .gimp import GIMP
from .krita import KRITA


def write_release(out: Path, wheel: Path, pins: Path, when: int) -> list[Path]:
    """Both editors' archives with the wheel in them; `pins` is the repository's constraints.txt."""
    made = []
    editors: list[Editor[Any]] = [KRITA, GIMP]
    for editor in editors:
        path = out / f"{NAME}-{editor.name}-{__version__}.zip"
        with tempfile.TemporaryDirectory() as folder:
            _build(editor, Path(folder), wheel, pins)
            write_archive(Path(folder), path, when)
        made.append(path)
    return made


def _build(editor: Editor[Any], folder: Path, wheel: Path, pins: Path) -> None:
    editor.build(folder)
    (folder / NAME / LAUNCH_FILE).unlink()  # it names the Python that built this
    engine = folder / NAME / ENGINE
    engine.mkdir()
    shutil.copyfile(wheel, engine / wheel.name)
    (engine / CONSTRAINTS).write_text(engine_constraints(pins.read_text("utf-8"), wheel), "utf-8", newline="\n")


def engine_constraints(pins: str, wheel: Path) -> str:
    """The versions that the tests ran with, of what the engine needs.

    The oldest Python gets what there is for it; PyTorch alone has the same version everywhere.
    """
    needed = {"torch"}
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        for line in archive.read(metadata).decode().split("\n\n")[0].splitlines():
            found = re.match(r"Requires-Dist: ([A-Za-z0-9._-]+)(?!.*\bextra ==)", line)
            if found:
                needed.add(found.group(1).lower())
    lines = [line for line in pins.splitlines() if line.partition("==")[0].strip().lower() in needed]
    return "".join(
        line + "\n" if line.startswith("torch==") else f'{line}; python_version >= "3.11"\n' for line in lines
    )
