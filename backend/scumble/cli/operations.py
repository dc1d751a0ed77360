"""`scumble operations`: the descriptions that everything else is made from, for people, scripts and the manual."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from scumble.operations import find, operations

from .console import out, print_json

HEAD = """# Operations

Made from the operations' own descriptions by `scumble operations --markdown`; a test compares. Inputs are given as
`--image FILE` and so on, parameters as `--set name=value`; the editors show the same as choosers and widgets.
"""


def show(name: str | None, as_json: bool, as_markdown: bool) -> None:
    """Print one operation, or all that artists can choose (hidden ones only by name)."""
    chosen = [find(name)] if name else [o for o in operations().values() if not o.hidden]
    described = [operation.describe() for operation in chosen]
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
            parts.append("\n| parameter | values | default | what |\n|---|---|---|---|\n")
        for p in operation["parameters"]:
            parts.append(f"| `{p['name']}` | {_values(p)} | {p['default']} | {p['help']} |\n")
        if operation["presets"]:
            parts.append("\n| preset | values | what |\n|---|---|---|\n")
        for preset in operation["presets"]:
            values = ", ".join(f"`{name}={value}`" for name, value in preset["values"].items())
            parts.append(f"| {preset['title']} | {values or 'the defaults'} | {preset['help']} |\n")
    return "".join(parts)


def _table(operation: dict[str, Any]) -> None:
    out.print(Text.assemble((operation["name"], "bold"), f"  {operation['help']}"))
    table = Table("input or parameter", "values", "default", "what", box=None, padding=(0, 2, 0, 2))
    for role in operation["roles"]:
        option = "--" + role["name"].replace("_", "-")
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
