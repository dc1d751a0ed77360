"""Add-ons: packages of others that bring operations or trainers. What they are, and what is asked of them.

Nothing that is wrong with one may reach further than itself: everything here turns it into a `Fault`, two sentences for the user and its
author.
"""

from __future__ import annotations

import importlib.abc
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from scumble_client.editor.catalogue import usable
from scumble_client.wire import pack, unpack

from .base import Operation, Parameters, Role

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
HEAVY = ("torch", "ray")
"""What must not be imported with an add-on: the daemon lists operations, and answers within milliseconds of its start."""

CALLERS = ("scumble", "scumble_training", "__main__", "runpy", "importlib", "_frozen_importlib", "pydantic")
"""Packages through which an add-on is called: a line of theirs is not where its fault is."""


@dataclass(frozen=True)
class Fault:
    """Something of an add-on that is left out."""

    origin: str
    """The package, with its version, or the module."""

    message: str
    hint: str
    names: tuple[str, ...] = ()
    """What it would have been called."""

    def as_dict(self) -> dict[str, Any]:
        """For messages and JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Installed:
    """One entry point of an installed package."""

    package: str
    version: str
    point: EntryPoint

    @property
    def shown(self) -> str:
        """For people."""
        return f"{self.package} {self.version}".strip()

    def load(self) -> Any:
        return self.point.load()


def installed(group: str, faults: list[Fault]) -> Sequence[Installed]:
    """The entry points of a group, in the order of packages and names. A damaged installation is noted."""
    try:
        found = list(entry_points(group=group))
    except Exception as error:  # the metadata of some package can't be read
        faults.append(Fault(group, f"Add-ons can't be looked for: {sentence(error)}", "Run: pip check"))
        return []
    out = []
    for point in found:
        dist = point.dist
        try:
            package, version = (dist.metadata["Name"], dist.version) if dist else ("", "")
        except Exception:  # half of the metadata is gone
            package, version = "", ""
        out.append(Installed(package or point.value, version or "", point))
    return sorted(out, key=lambda one: (one.package.lower(), one.point.name))


@contextmanager
def loading() -> Iterator[None]:
    """While an add-on is imported, what is heavy can't be, unless it is there already."""
    barred = _Barred([name for name in HEAVY if name not in sys.modules])
    sys.meta_path.insert(0, barred)
    try:
        yield
    finally:
        sys.meta_path.remove(barred)


class _Barred(importlib.abc.MetaPathFinder):
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> None:
        if name in self._names:
            raise ImportError(f"it imports {name} when it is listed; import {name} inside `run`", name=name)


def sentence(error: BaseException) -> str:
    """What went wrong, for one who has no traceback: kind, words, and the place in the add-on's own file."""
    words = " ".join(str(error).split())
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    place = None if isinstance(error, SyntaxError) else _place(error)
    return f"{said[:300]}{place or ''}."


def _place(error: BaseException) -> str | None:
    """Where in the add-on's own files it happened: the last line of the package that was called first."""
    root, where, trace = None, None, error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if root is None and name not in CALLERS:
            root = name
        if name == root:
            where = f" ({trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return where


def check(operation: Operation[Any]) -> None:
    """Whether the daemon, the command line and both editors can show and run it. Raises ValueError with what is missing."""
    cls = type(operation)
    for name in ("name", "title", "help"):
        if not isinstance(getattr(cls, name, None), str) or not getattr(cls, name):
            raise ValueError(f"its `{name}` must be a text")
    if not NAME.fullmatch(cls.name):
        raise ValueError(f"its name “{cls.name}” must be small letters and digits, parted by single hyphens")
    _check_roles(getattr(cls, "roles", None))
    settings = getattr(cls, "parameters", None)
    if not (isinstance(settings, type) and issubclass(settings, Parameters)):
        raise ValueError("its `parameters` must be a subclass of scumble.operations.Parameters")
    both = sorted(set(settings.model_fields) & {role.name for role in cls.roles})
    if both:
        raise ValueError(f"“{both[0]}” is a role and a parameter")
    _try(lambda: settings(), "the defaults of its parameters are not allowed by them")
    described: Any = _try(operation.describe, "its description can't be made")
    same = _try(lambda: unpack(pack(described)), "its description can't be sent")
    if not usable([same]):
        raise ValueError("the editors can't make a form of its description")
    for preset in cls.presets:
        _try(lambda values=preset.values: operation.validate(values), f"its preset “{preset.title}” is not allowed")


def _check_roles(roles: Any) -> None:
    if not isinstance(roles, tuple) or not all(isinstance(role, Role) for role in roles):
        raise ValueError("its `roles` must be a tuple of Role")
    names = [role.name for role in roles]
    if "image" not in names:
        raise ValueError("it needs a role “image”, which its layers lie over")
    if len(set(names)) < len(names):
        raise ValueError("two of its roles have one name")
    for role in roles:
        if not (isinstance(role.name, str) and re.fullmatch("[a-z][a-z0-9_]*", role.name)):
            raise ValueError(f"the name of its role “{role.name}” must be small letters, digits and _")
        if role.kind not in ("layer", "mask"):
            raise ValueError(f"its role “{role.name}” must be a layer or a mask, not “{role.kind}”")


def _try(make: Callable[..., Any], problem: str) -> Any:
    try:
        return make()
    except Exception as error:
        raise ValueError(f"{problem}: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
