"""The page of the command line, made from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from scumble.operations import operations

HEAD = """# The command line

Made from the commands themselves. `scumble COMMAND --help` says the same in a terminal. The examples are in the
[first page](index.md#the-command-line), operations' own inputs and parameters in [Operations](operations.md).

Exit codes: 0 done, 2 wrong usage or bad input (one line on stderr), 3 failed, 130 cancelled.
"""


_WORDS = {
    "int": "NUMBER",
    "integer": "NUMBER",
    "integer range": "NUMBER",
    "float": "NUMBER",
    "float range": "NUMBER",
    "Path": "PATH",
    "path": "PATH",
}
"""What stands for a value, by its type's name in old and new typers; TEXT for others."""


def page() -> str:
    """Markdown: a heading for each command, with its arguments and options."""
    from scumble.cli.app import app
    from scumble_training.command import add_to

    if not any(command.name == "train" for command in app.registered_commands):
        add_to(app)
    parts = [HEAD]
    for name, command in _commands(typer.main.get_command(app), "scumble"):
        parts.append(f"\n## {name}\n\n{_paragraphs(command.help or '')}\n")
        parameters = [p for p in command.params if p.name != "help" and not getattr(p, "hidden", False)]
        must = [p for p in parameters if p.required or p.param_type_name == "argument"]
        usage = " ".join([name, *map(_used, must), *(["[options]"] if len(must) < len(parameters) else [])])
        parts.append(f"\n```\n{usage}\n```\n")
        if parameters:
            parts.append("\n| option | what it does |\n|---|---|\n")
            parts += [f"| {_name(p)} | {_what(p)} |\n" for p in parameters]
    return "".join(parts)


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for key, one in below.items():
        if not one.hidden:
            yield from _commands(one, f"{name} {key}")


def _used(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _argument(parameter) if parameter.required else f"[{_argument(parameter)}]"
    return f"{parameter.opts[0]} {_value(parameter)}"


def _argument(parameter: Any) -> str:
    word = str(parameter.metavar or parameter.name).upper().removesuffix("...")
    return f"{word}…" if parameter.nargs == -1 or parameter.multiple else word


def _value(parameter: Any) -> str:
    """The word for an option's value; empty for a switch."""
    if getattr(parameter, "is_flag", False):
        return ""
    return parameter.metavar or _WORDS.get(_type(parameter), "TEXT")


def _type(parameter: Any) -> str:
    """The name of its type, which newer typers keep elsewhere than click did."""
    kind = getattr(parameter, "type", None)
    if kind is not None:
        return str(kind.name)
    return str(getattr(parameter.type_descriptor.annotation, "__name__", ""))


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _code(_argument(parameter))
    value = _value(parameter)
    return ", ".join(_code(f"{one} {value}".strip()) for one in [*parameter.opts, *parameter.secondary_opts])


def _what(parameter: Any) -> str:
    text = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    bounds = getattr(parameter, "type", parameter)
    least, most = getattr(bounds, "min", None), getattr(bounds, "max", None)
    if least is not None and most is not None:
        text += f" {least} to {most}."
    elif least is not None:
        text += f" At least {least}."
    default = parameter.default
    shown = getattr(parameter, "show_default", True)
    if parameter.required and parameter.param_type_name == "option":
        text += " **Needed.**"
    elif shown and default not in (None, False, "", [], ()) and not callable(default) and not _unset(default):
        text += f" Default: {_code(str(default))}."
    return text.strip() or _role(parameter.name)


def _role(name: str) -> str:
    """What an option without words of its own brings: the input of that name, and whose it is."""
    takers: dict[str, list[str]] = {}
    for operation in operations().values():
        for role in operation.roles:
            if role.name == name:
                takers.setdefault(role.title, []).append(_code(operation.name))
    return "; ".join(f"{title}, for {', '.join(names)}" for title, names in takers.items()) + "." if takers else ""


def _unset(default: object) -> bool:
    return "UNSET" in repr(default).upper()


def _code(text: str) -> str:
    # a stroke would part a table's cells, and in backticks its backslash would show
    return f"<code>{text.replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
