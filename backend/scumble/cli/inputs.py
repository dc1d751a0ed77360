"""Reading what `run` and `batch` are given: pictures for roles, `name=value` parameters, `--mask-from`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from scumble.imaging import mask_reading
from scumble.operations import find
from scumble.scripting import Layer
from scumble_client.errors import ScumbleError

from .console import say_note

ROLE_OPTIONS = (
    "image",
    "mask",
    "source",
    "reference",
    "sketch",
    "color",
    "style",
    "second_style",
    "third_style",
    "initial",
    "direction",
    "segmentation",
    "style_segmentation",
    "strokes",
    "within",
    "marked",
)
"""The roles of Scumble's own operations; each is an option of `scumble run`. Others are given by `--input`."""


def pairs(settings: Iterable[str]) -> dict[str, str]:
    """Each `name=value` of `--set`; ScumbleError `invalid_parameter` where there is no `=`."""
    found: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ScumbleError("invalid_parameter", f"“{setting}” sets nothing.", "Write it like --set variations=2")
        found[name.strip()] = value.strip()
    return found


def more_files(inputs: Iterable[str]) -> dict[str, Path]:
    """Each `ROLE=FILE` of `--input`; ScumbleError `invalid_parameter` for what is none."""
    found: dict[str, Path] = {}
    for one in inputs:
        role, equals, file = one.partition("=")
        if not (role.strip() and equals and file):
            raise ScumbleError("invalid_parameter", f"“{one}” names no input.", "Write it like --input style=photo.png")
        found[role.strip().replace("-", "_")] = Path(file)
    return found


def parameters(operation: str, settings: Iterable[str], mask_from: str | None) -> dict[str, str]:
    """`--set name=value` and `--mask-from` as parameters; their values are checked by the operation itself."""
    found = pairs(settings)
    if mask_from is not None:
        kind, _, colour = mask_from.partition("=")
        if "mask_from" not in find(operation).parameters.model_fields:
            raise ScumbleError("invalid_parameter", f"{find(operation).title} has no --mask-from.", "Leave it out.")
        found["mask_from"] = kind
        if colour:
            found["key_color"] = colour
    find(operation).validate(found)
    return found


def read(files: Mapping[str, Path | None], operation: str, invert_mask: bool = False) -> dict[str, Layer]:
    """The pictures of all roles that are given; what was said when they were read is printed."""
    find(operation).check_roles([role for role, path in files.items() if path is not None])
    return {role: read_one(role, path, invert_mask) for role, path in files.items() if path is not None}


def read_one(role: str, path: Path, invert_mask: bool = False) -> Layer:
    """The picture for a role."""
    layer = Layer.open(path)
    for note in layer.notes:
        say_note(f"{path.name}: {note}")
    if role == "mask" and invert_mask:
        mask = mask_reading.understood(layer.source)
        for note in mask.notes:
            say_note(note)
        layer = replace(layer, source=mask_reading.inverted(mask.layer))
    return replace(layer, notes=())
