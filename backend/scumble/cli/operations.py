"""`scumble operations`: the descriptions that everything else is made from, for people, scripts and the manual."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from scumble.operations import find, operations
from scumble.operations.registry import faults, origin
from scumble.weights.manifest import load_manifest

from .console import out, print_json, say_note
from .inputs import ROLE_OPTIONS

HEAD = """# Operations

Made from the operations' own descriptions by `scumble operations --markdown`; a test compares. Inputs are given as
`--image FILE` and so on, parameters as `--set name=value`; the editors show the same as choosers and widgets, with the title that stands
first here. *Advanced* ones are folded away there. Masks are white where they apply; a switch is `true` or `false`.
"""


def show(name: str | None, as_json: bool, as_markdown: bool) -> None:
    """Print one operation, or all that artists can choose (hidden ones only by name)."""
    chosen = [find(name)] if name else [o for o in operations().values() if not o.hidden]
    described = [operation.describe() for operation in chosen]
    for fault in faults():
        say_note(f"{fault.message} {fault.hint}")
    if as_json:
        print_json(described)
    elif as_markdown:
        print(markdown(described), end="")
    else:
        for operation in described:
            _table(operation)


def markdown(described: list[dict[str, Any]]) -> str:
    """The page `docs/operations.md`."""
    parts = [HEAD]
    for operation in described:
        parts.append(f"\n## {operation['title']} (`{operation['name']}`)\n\n{operation['help']}\n")
        parts.append("\n| input | what | needed |\n|---|---|---|\n")
        for role in operation["roles"]:
            needed = "yes" if role["required"] else "no"
            parts.append(f"| `{role['name']}` | {role['title']}. {role['help']} | {needed} |\n")
        if operation["parameters"]:
            parts.append("\n| parameter | default | what |\n|---|---|---|\n")
        titles = {p["name"]: p["title"] for p in operation["parameters"]}
        for p in operation["parameters"]:
            parts.append(f"| `{p['name']}` | {_default(p)} | {_told(p, titles)} |\n")
        if operation["presets"]:
            parts.append("\n| preset | values | what |\n|---|---|---|\n")
        for preset in operation["presets"]:
            values = ", ".join(f"`{name}={value}`" for name, value in preset["values"].items())
            parts.append(f"| {preset['title']} | {values or 'the defaults'} | {preset['help']} |\n")
        parts.append(_weights(operation["name"]))
    return "".join(parts)


def _default(parameter: dict[str, Any]) -> str:
    value = parameter["default"]
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value in ("", [], None) else f"`{value}`"


def _told(parameter: dict[str, Any], titles: dict[str, str]) -> str:
    """Title, help, the values that it can have, and when it has an effect."""
    help_text = (
        parameter["help"]
        if parameter["help"].endswith((".", ")")) or not parameter["help"]
        else f"{parameter['help']}."
    )
    parts = [f"**{parameter['title']}.**", help_text]
    if "choices" in parameter:
        parts.append(
            ", ".join(_choice(str(choice), parameter["labels"][str(choice)]) for choice in parameter["choices"]) + "."
        )
    elif "minimum" in parameter and "maximum" in parameter:
        unit = f" {parameter['unit']}" if "unit" in parameter else ""
        parts.append(f"{parameter['minimum']} to {parameter['maximum']}{unit}.")
    for name, values in parameter.get("when", {}).items():
        shown = " or ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in values)
        parts.append(f"Only where *{titles.get(name, name)}* is {shown}.")
    if parameter.get("advanced"):
        parts.append("*Advanced.*")
    return " ".join(part for part in parts if part)


def _choice(value: str, label: str) -> str:
    """A value, with what the editors call it where that is another word."""
    return f"`{value}`" if label.lower() == value.replace("-", " ") else f"`{value}` ({label})"


def _weights(operation: str) -> str:
    """Which files of weights it may use, those first that come with Scumble."""
    able = [entry for entry in load_manifest() if operation in entry.operations]
    if not able:
        return ""
    parts = []
    for entry in sorted(able, key=lambda entry: not entry.embedded):
        name = f"[`{entry.name}`](../weights/{entry.name}.md)" if entry.embedded else f"`{entry.name}`"
        parts.append(f"- {name}: {'comes along; ' if entry.embedded else ''}{entry.licence}\n")
    return "\nWeights that it may use:\n\n" + "".join(parts)


def _table(operation: dict[str, Any]) -> None:
    addon = origin(operation["name"])
    whose = f" (of the add-on {addon})" if addon else ""
    out.print(Text.assemble((operation["name"], "bold"), f"  {operation['help']}{whose}"))
    table = Table("input or parameter", "values", "default", "what", box=None, padding=(0, 2, 0, 2))
    for role in operation["roles"]:
        own = role["name"] in ROLE_OPTIONS
        option = "--" + role["name"].replace("_", "-") if own else f"--input {role['name']}="
        table.add_row(option, "FILE", "needed" if role["required"] else "", f"{role['title']}. {role['help']}")
    for p in operation["parameters"]:
        table.add_row(f"--set {p['name']}=", _values(p), str(p["default"]), p["help"])
    out.print(table)


def _values(parameter: dict[str, Any]) -> str:
    if "choices" in parameter:
        labels = parameter["labels"]
        return ", ".join(f"{choice} ({labels[str(choice)]})" for choice in parameter["choices"])
    if "minimum" in parameter and "maximum" in parameter:
        return f"{parameter['minimum']} to {parameter['maximum']}"
    return str(parameter["type"])
