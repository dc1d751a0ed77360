"""Operations as objects: what each takes, in Python's own terms (signature, annotations, docstring)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scumble_client.errors import ScumbleError

_TYPES: dict[str, Any] = {"boolean": bool, "integer": int, "number": float, "text": str, "colour": str, "grid": str}
RESERVED = ("operation", "image", "seed", "name", "progress", "previews", "parameters")
"""Arguments of `run` that are nothing of an operation's; one of its parameters of such a name goes into `parameters`."""


@dataclass(frozen=True)
class Role:
    """An input: a picture, or a mask (white where it applies)."""

    name: str
    title: str
    help: str
    required: bool
    kind: str
    """`layer` or `mask`."""

    placed: bool
    """Whether it lies over the picture, and so has the picture's size; a style has a size of its own."""


@dataclass(frozen=True)
class Parameter:
    """A setting of an operation."""

    name: str
    title: str
    help: str
    type: str
    """`boolean`, `integer`, `number`, `text`, `choice`, `colour` (`#rrggbb`) or `grid` (rows of numbers, as text)."""

    default: Any
    choices: tuple[Any, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """What editors show for each choice."""

    minimum: float | None = None
    maximum: float | None = None
    advanced: bool = False
    """Whether editors fold it away at first."""

    @property
    def annotation(self) -> Any:
        """Its type in Python: `int`, `Literal["fast", "deep"]`, …"""
        return Literal[self.choices] if self.choices else _TYPES.get(self.type, Any)


@dataclass(frozen=True)
class Preset:
    """Values that go together for a purpose: `operation.run(…, **preset.values)`."""

    title: str
    help: str
    values: Mapping[str, Any]


class Operation:
    """One thing that can be done to a picture. `run` and `submit` are those of its engine, with the operation filled in.

    Its `__doc__` and `__signature__` say what it takes, so that `help(daemon.operations["inpaint"])` and editors do.
    """

    def __init__(self, described: Mapping[str, Any], run: Callable[..., Any], submit: Callable[..., Any]) -> None:
        self.name: str = described["name"]
        self.title: str = described["title"]
        self.help: str = described["help"]
        self.hidden: bool = bool(described.get("hidden"))
        """Whether editors leave it out of their menus."""
        self.roles: Mapping[str, Role] = {r["name"]: _role(r) for r in described["roles"]}
        self.parameters: Mapping[str, Parameter] = {p["name"]: _parameter(p) for p in described["parameters"]}
        self.presets = tuple(
            Preset(p["title"], p.get("help", ""), dict(p["values"])) for p in described.get("presets", [])
        )
        self._run, self._submit = run, submit
        self.__doc__ = self._docstring()
        self.__signature__ = self._signature()

    def run(self, image: Any = None, **given: Any) -> Any:
        """The new layers; see `Engine.run`."""
        return self._run(self.name, image, **given)

    __call__ = run

    def submit(self, image: Any = None, **given: Any) -> Any:
        """The job, at once; see `Engine.submit`."""
        return self._submit(self.name, image, **given)

    def sorted(self, named: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Keyword arguments as inputs by role, and parameters. None is an input that is not given.

        Raises ScumbleError `invalid_parameter` for a name that is neither.
        """
        inputs: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        for name, value in named.items():
            if name in self.roles:
                if value is not None:
                    inputs[name] = value
            elif name in self.parameters:
                settings[name] = value
            else:
                known = ", ".join([*self.roles, *self.parameters])
                raise ScumbleError(
                    "invalid_parameter", f"{self.title} has no input or parameter “{name}”.", f"It has: {known}."
                )
        return inputs, settings

    def _docstring(self) -> str:
        lines = [self.help, "", "Parameters", "----------"]
        for role in self.roles.values():
            needed = "" if role.required else ", optional"
            lines += [f"{role.name} : path, Pillow picture, array or Layer{needed}", f"    {role.title}. {role.help}"]
        for p in self.parameters.values():
            lines += [f"{p.name} : {_type_words(p)}, default {p.default!r}", f"    {p.help}"]
        return "\n".join(lines)

    def _signature(self) -> inspect.Signature:
        keyword = inspect.Parameter.KEYWORD_ONLY
        found = [
            inspect.Parameter(
                role.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD if role.name == "image" else keyword,
                default=inspect.Parameter.empty if role.required else None,
            )
            for role in sorted(self.roles.values(), key=lambda r: r.name != "image")
            if role.name.isidentifier()
        ]
        found += [
            inspect.Parameter(p.name, keyword, default=p.default, annotation=p.annotation)
            for p in self.parameters.values()
            if p.name.isidentifier() and p.name not in (*RESERVED, *self.roles)
        ]
        return inspect.Signature([*found, inspect.Parameter("seed", keyword, default=0, annotation=int)])

    def __repr__(self) -> str:
        return f"<Operation {self.name}: {self.help}>"


def _role(described: Mapping[str, Any]) -> Role:
    placed = bool(described.get("placed", True))
    kind = str(described.get("kind", "layer"))
    return Role(described["name"], described["title"], described["help"], bool(described.get("required")), kind, placed)


def _parameter(described: Mapping[str, Any]) -> Parameter:
    return Parameter(
        described["name"],
        described["title"],
        described["help"],
        described["type"],
        described["default"],
        tuple(described.get("choices", ())),
        dict(described.get("labels", {})),
        described.get("minimum"),
        described.get("maximum"),
        bool(described.get("advanced")),
    )


def _type_words(p: Parameter) -> str:
    if p.choices:
        return "{" + ", ".join(repr(choice) for choice in p.choices) + "}"
    named = {"boolean": "bool", "integer": "int", "number": "float"}.get(p.type, "str")
    if p.minimum is not None and p.maximum is not None:
        return f"{named} from {p.minimum} to {p.maximum}"
    return named
