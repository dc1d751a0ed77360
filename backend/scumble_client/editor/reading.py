"""Reading what an operation needs, role after role, in steps: an editor stays alive between them."""

from typing import Any, Callable, Dict, Generator, Mapping, Optional, Tuple, TypeVar

from ..errors import ScumbleError
from ..request import Pixels
from .messages import NOTHING_SELECTED
from .roles import Source

T = TypeVar("T")

Steps = Generator[Any, None, T]
"""A generator that does a little at each step. What it yields is between it and whoever runs it."""

ReadRole = Callable[[Mapping[str, Any], Source], Steps[Tuple[Optional[Pixels], Source]]]
"""Reads one role: its pixels, None for an empty selection, and what they were really read from."""


def read_roles(
    operation: Mapping[str, Any], sources: Mapping[str, Source], mask: Optional[Pixels], read: ReadRole
) -> Steps[Tuple[Dict[str, Pixels], Dict[str, Source]]]:
    """Steps: the pixels of every role, and what they were read from.

    `mask` stands in for the selection. Raises ScumbleError `missing_input` where something required is empty.
    """
    pixels: Dict[str, Pixels] = {} if mask is None else {"mask": mask}
    used = {role: source.pinned() for role, source in sources.items()}
    for role in operation["roles"]:
        name = role["name"]
        if name not in sources or name in pixels:
            continue
        found, source = yield from read(role, sources[name])
        used[name] = source.pinned()
        if found is not None:
            pixels[name] = found
        elif role.get("required"):
            raise ScumbleError("missing_input", NOTHING_SELECTED, role["help"])
        yield None
    return pixels, used


def finish(steps: Steps[T]) -> T:
    """Do all steps at once; their value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
