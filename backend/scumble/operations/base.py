"""What an operation is: a title, roles, parameters, and a function from layers to layers.

From this one description come the command line's options, the validation of messages, both editors' dialogs and
`docs/operations.md`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from scumble.imaging.layer import Layer
from scumble_client.errors import ScumbleError

from .context import Context

RoleKind = Literal["layer", "mask"]


@dataclass(frozen=True)
class Role:
    """One input: a layer, or a mask (gray, white where it applies). `title` and `help` are shown to the artist.

    `placed`: whether it lies over the picture, in its coordinates; a style picture has its own.
    `advanced`: whether it is folded away at first.
    """

    name: str
    title: str
    help: str
    required: bool = False
    kind: RoleKind = "layer"
    placed: bool = True
    advanced: bool = False


def hints(
    *,
    advanced: bool = False,
    when: Mapping[str, Sequence[Any]] | None = None,
    labels: Mapping[Any, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What a form needs to know of a parameter beyond its type: a field's `json_schema_extra`.

    Parameters
    ----------
    advanced
        Whether it is folded away at first.
    when
        By another parameter's name: the values of it with which this one has an effect. Forms hide it with others.
    labels
        What an artist reads for each value of a choice.
    more
        `step`, `rows`, `columns`, `minimum`, `maximum`, `widget` (`colour`, `grid`), and `unit`: `pixels` for a
        length in pixels of the picture, which shrinks along when a preview is made of a smaller one.
    """
    found: dict[str, Any] = dict(more)
    if advanced:
        found["advanced"] = True
    if when:
        found["when"] = {name: list(values) for name, values in when.items()}
    if labels:
        found["labels"] = {str(value): label for value, label in labels.items()}
    return found


@dataclass(frozen=True)
class Preset:
    """Values that go together for a purpose; what they don't name is at its default. `title` is what an artist reads."""

    title: str
    help: str
    values: Mapping[str, Any]


class Parameters(BaseModel):
    """Base of each operation's parameters: every field has a default, a title and a help text (`description`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _choices_of_numbers(cls, raw: Any) -> Any:
        """On a command line and in a dialog a choice among numbers is text; pydantic compares a choice as it is."""
        if not isinstance(raw, Mapping):
            return raw
        found = dict(raw)
        for name, field in cls.model_fields.items():
            if get_origin(field.annotation) is Literal and isinstance(found.get(name), str):
                named = {str(choice): choice for choice in get_args(field.annotation)}
                found[name] = named.get(found[name], found[name])
        return found


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True)
class Output:
    """One layer that an operation returns. `seed` tells variations apart."""

    layer: Layer
    seed: int


class Operation(ABC, Generic[P]):
    """One thing that an artist can choose. Subclasses set the class variables and write `run`."""

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    roles: ClassVar[tuple[Role, ...]]
    parameters: type[P]
    hidden: ClassVar[bool] = False
    """Whether editors leave it out of their menus (it is for tests and measurements)."""
    fast: ClassVar[bool] = False
    """Whether it is quick enough to follow an artist's strokes (the editors' live mode)."""
    live: ClassVar[Mapping[str, Any]] = {}
    """Values that take the place of parameters while it follows a hand that moves; with its own ones it is run when the hand rests."""
    slow: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """By parameter: the choices with which it takes minutes, so that no preview follows a dialog's changes."""
    presets: ClassVar[tuple[Preset, ...]] = ()

    @abstractmethod
    def run(self, layers: Mapping[str, Layer], parameters: P, context: Context) -> Sequence[Output]:
        """Make the new layers.

        `layers` has every required role. The layers that come back are in document coordinates, in the depth and
        colour of `layers["image"]`, with alpha exactly 0 where nothing was changed. Raises ScumbleError.
        """

    def validate(self, raw: Mapping[str, Any]) -> P:
        """Parameters out of a message or a command line; ScumbleError `invalid_parameter` names the first that is wrong."""
        try:
            return self.parameters.model_validate(dict(raw))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "parameters"
            if first["type"] == "extra_forbidden":
                raise ScumbleError(
                    "invalid_parameter",
                    f"{self.title} has no parameter called “{where}”.",
                    f"It has: {', '.join(self.parameters.model_fields)}.",
                ) from None
            reason = first["msg"].removeprefix("Value error, ")
            raise ScumbleError(
                "invalid_parameter",
                f"The parameter “{where}” can't be {_shown(first['input'])}.",
                f"{reason[:1].upper()}{reason[1:]}.",
            ) from None

    def check_roles(self, present: Sequence[str]) -> None:
        """ScumbleError `missing_input` for a required role that is absent, `bad_request` for one it does not take."""
        for role in self.roles:
            if role.required and role.name not in present:
                raise ScumbleError("missing_input", f"{self.title} needs {role.title.lower()}.", f"{role.help}")
        unknown = sorted(set(present) - {role.name for role in self.roles})
        if unknown:
            raise ScumbleError(
                "bad_request",
                f"{self.title} does not take an input called “{unknown[0]}”.",
                f"It takes: {', '.join(role.name for role in self.roles)}.",
            )

    def describe(self) -> dict[str, Any]:
        """The description that travels: plain data for the wire, JSON and the dialogs."""
        return {
            "name": self.name,
            "title": self.title,
            "help": self.help,
            "hidden": self.hidden,
            "fast": self.fast,
            "roles": [_role(role) for role in self.roles],
            "parameters": [_describe(name, field) for name, field in self.parameters.model_fields.items()],
            "live": dict(self.live),
            "slow": {name: list(values) for name, values in self.slow.items()},
            "presets": [{"title": p.title, "help": p.help, "values": dict(p.values)} for p in self.presets],
        }


def _role(role: Role) -> dict[str, Any]:
    out = {"name": role.name, "title": role.title, "help": role.help, "required": role.required, "kind": role.kind}
    if not role.placed:
        out["placed"] = False
    if role.advanced:
        out["advanced"] = True
    return out


def _describe(name: str, field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    if field.default is PydanticUndefined:
        raise TypeError(f"the parameter {name} has no default")
    out: dict[str, Any] = {
        "name": name,
        "title": field.title or name.replace("_", " ").capitalize(),
        "help": field.description or "",
        "type": _type_name(field, extra),
        "default": field.default,
    }
    if get_origin(field.annotation) is Literal:
        out["choices"] = list(get_args(field.annotation))
        out["labels"] = {str(choice): _label(choice, extra) for choice in out["choices"]}
    for constraint in field.metadata:
        for attribute, key in (("ge", "minimum"), ("le", "maximum")):
            if hasattr(constraint, attribute):
                out[key] = getattr(constraint, attribute)
    out |= {
        key: extra[key]
        for key in ("step", "rows", "columns", "minimum", "maximum", "unit", "advanced", "when")
        if key in extra
    }
    return out


def _type_name(field: FieldInfo, extra: Mapping[str, Any]) -> str:
    if get_origin(field.annotation) is Literal:
        return "choice"
    if extra.get("widget") in ("colour", "grid"):
        return str(extra["widget"])
    names = {bool: "boolean", int: "integer", float: "number", str: "text"}
    return names[field.annotation]  # type: ignore[index]


def _label(choice: Any, extra: Mapping[str, Any]) -> str:
    labels = extra.get("labels", {})
    return str(labels.get(str(choice), str(choice).replace("-", " ").capitalize()))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
