"""The scenes of Scumble's operations as picture files, which an editor can open."""

from __future__ import annotations

from pathlib import Path

from scumble.imaging.io.files import write_picture
from scumble.operations import operations
from tests.support.scenes import SCENES

NAMES = [name for name in SCENES if not operations()[name].hidden]
"""Operations that an artist finds in the menu."""


def files(folder: Path, operation: str) -> dict[str, str]:
    """Role → file of the operation's scene."""
    made = {}
    for role, layer in SCENES[operation].layers().items():
        path = folder / f"{operation}-{role}.png"
        write_picture(path, layer)
        made[role] = str(path)
    return made
