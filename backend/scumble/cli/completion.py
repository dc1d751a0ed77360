"""Completion in shells: `scumble completion bash` prints what a shell has to read, and what is completed is said here.

typer does the work. Nothing is looked up before somebody presses Tab, and whatever goes wrong then completes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from typing import Any

import typer

VARIABLE = "_SCUMBLE_COMPLETE"
"""Set by a shell that asks for completions; its name follows from the program's."""

Found = list[tuple[str, str]]

HELP = 60
"""Letters of a help text that stand beside a completion: one line."""


class Shell(str, Enum):
    """Those that typer knows, but for PowerShell, which it can only set up by itself."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def prepare() -> None:
    """Have typer's ways of completing used, if a shell asks."""
    if VARIABLE in os.environ:
        from typer._completion_classes import completion_init

        completion_init()


def print_script(app: Callable[..., Any], shell: Shell) -> None:
    """What the shell has to read. It ends the program."""
    os.environ[VARIABLE] = f"source_{shell.value}"
    prepare()
    app(args=[], prog_name="scumble", standalone_mode=False)


def _quiet(look: Callable[[typer.Context], Found]) -> Callable[[typer.Context], Found]:
    def found(ctx: typer.Context) -> Found:
        try:
            return [(name, text.partition(".")[0].partition(":")[0][:HELP]) for name, text in look(ctx)]
        except Exception:
            return []

    return found


@_quiet
def operation_names(ctx: typer.Context) -> Found:
    """Of what can be run, with help."""
    from scumble.operations import operations

    return [(one.name, one.help) for one in operations().values() if not one.hidden]


@_quiet
def settings_of_operation(ctx: typer.Context) -> Found:
    """`NAME=` of the parameters of the operation that stands before it."""
    from scumble.operations import operations

    # the context knows nothing of a line whose last option has no value yet
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    described = next(operations()[word].describe() for word in line.split() if word in operations())
    return [(f"{p['name']}=", p["help"]) for p in described["parameters"]]


@_quiet
def weight_names(ctx: typer.Context) -> Found:
    """Of weights that can be downloaded."""
    from scumble.weights import WeightStore

    return [(one.weights.name, one.weights.title) for one in WeightStore().list() if not one.weights.embedded]


def editors() -> list[str]:
    """That have a plugin."""
    return ["krita", "gimp"]


def key_actions() -> list[str]:
    """Of `scumble keys`."""
    return ["make", "list", "allow", "revoke"]
