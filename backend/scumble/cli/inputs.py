"""Reading what `run` and `batch` are given: pictures for roles, `name=value` parameters, `--mask-from`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scumble.imaging import mask_reading
from scumble.imaging.io.files import Metadata, read_picture
from scumble.imaging.layer import Layer
from scumble.operations import find
from scumble_client.errors import ScumbleError

from .console import say_note

ROLE_OPTIONS = (
    "image",
    "mask",
    "source",
    "sketch",
    "color",
    "style",
    "second_style",
    "third_style",
    "initial",
    "segmentation",
    "style_segmentation",
    "strokes",
    "within",
    "marked",
)
"""Every role that an operation may have; each is an option of `scumble run`."""

_FREE_SIZE = {"style", "second_style", "third_style", "initial", "style_segmentation"}
"""Roles whose picture need not be of the image's size."""


def pairs(settings: Iterable[str]) -> dict[str, str]:
    """Each `name=value` of `--set`; ScumbleError `invalid_parameter` where there is no `=`."""
    found: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ScumbleError("invalid_parameter", f"“{setting}” sets nothing.", "Write it like --set variations=2")
        found[name.strip()] = value.strip()
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


@dataclass(frozen=True)
class Given:
    """What an operation is given."""

    layers: dict[str, Layer]
    """By role."""

    metadata: Metadata
    """The image's."""


def read(files: Mapping[str, Path | None], operation: str, invert_mask: bool = False) -> Given:
    """The pictures of all roles that are given; masks and the like must be of the image's size."""
    find(operation).check_roles([role for role, path in files.items() if path is not None])
    found: dict[str, Layer] = {}
    metadata = Metadata()
    for role, path in files.items():
        if path is None:
            continue
        picture = read_picture(path)
        for note in picture.notes:
            say_note(f"{path.name}: {note}")
        found[role] = picture.layer
        if role == "image":
            metadata = picture.metadata
        if role == "mask" and invert_mask:
            mask = mask_reading.understood(picture.layer)
            for note in mask.notes:
                say_note(note)
            found[role] = mask_reading.inverted(mask.layer)
    image = found.get("image")
    for role, layer in found.items():
        if image is not None and role not in _FREE_SIZE and layer.extent != image.extent:
            raise ScumbleError(
                "invalid_parameter",
                f"The {role.replace('_', ' ')} is {layer.extent.width} × {layer.extent.height} pixels, "
                f"the image {image.extent.width} × {image.extent.height}.",
                "Make both the same size.",
            )
    return Given(found, metadata)
