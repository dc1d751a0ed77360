"""Pretending that this is another system, as far as `scumble_client.system` is asked."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from scumble_client.system import kind

SYSTEMS = (kind.LINUX, kind.WINDOWS, kind.MACOS)


def pretend(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """From here on everything that asks is told that this is `platform`."""
    monkeypatch.setattr(kind, "PLATFORM", platform)


def module(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> ModuleType:
    """Put a module into Python's list that only another system has."""
    made = ModuleType(name)
    vars(made).update(contents)
    monkeypatch.setitem(__import__("sys").modules, name, made)
    return made
