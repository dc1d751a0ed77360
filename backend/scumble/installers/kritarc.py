"""Krita's configuration file, changed by one line: everything else in it stays as it is, byte for byte."""

from __future__ import annotations

from pathlib import Path

GROUP = "[python]"
KEY = "enable_scumble"


def is_enabled(kritarc: Path) -> bool:
    """Whether Krita loads the plugin."""
    return any(value == "true" for value in _values(_read(kritarc)))


def enable(kritarc: Path) -> None:
    """Have Krita load the plugin."""
    _write(kritarc, _changed(_read(kritarc), f"{KEY}=true"))


def forget(kritarc: Path) -> None:
    """Take the line out again, and the group if nothing else is in it."""
    if kritarc.exists():
        _write(kritarc, _changed(_read(kritarc), None))


def _read(kritarc: Path) -> list[str]:
    try:
        return kritarc.read_text("utf-8", "surrogateescape").splitlines(keepends=True)
    except FileNotFoundError:
        return []


def _write(kritarc: Path, lines: list[str]) -> None:
    text = "".join(lines)
    if kritarc.exists() and kritarc.read_text("utf-8", "surrogateescape") == text:
        return
    kritarc.parent.mkdir(parents=True, exist_ok=True)
    if not text:
        kritarc.unlink(missing_ok=True)
        return
    part = kritarc.with_name(kritarc.name + ".part")
    part.write_text(text, "utf-8", "surrogateescape")
    part.replace(kritarc)


def _values(lines: list[str]) -> list[str]:
    start, end = _group(lines)
    return [line.partition("=")[2].strip() for line in lines[start:end] if line.partition("=")[0].strip() == KEY]


def _group(lines: list[str]) -> tuple[int, int]:
    """The lines of the group after its head; (n, n) past the end where there is no such group."""
    for start, line in enumerate(lines):
        if line.strip() == GROUP:
            end = start + 1
            while end < len(lines) and not lines[end].startswith("["):
                end += 1
            return start + 1, end
    return len(lines), len(lines)


def _changed(lines: list[str], line: str | None) -> list[str]:
    start, end = _group(lines)
    exists = start > 0 and start <= len(lines) and lines[start - 1].strip() == GROUP
    inside = [one for one in lines[start:end] if one.partition("=")[0].strip() != KEY]
    if line is not None:
        if exists:
            return [*lines[:start], line + "\n", *inside, *lines[end:]]
        if lines and not lines[-1].endswith("\n"):
            lines = [*lines[:-1], lines[-1] + "\n"]
        return [*lines, GROUP + "\n", line + "\n"]
    if exists and not any(one.strip() for one in inside):
        return [*lines[: start - 1], *lines[end:]]
    return [*lines[:start], *inside, *lines[end:]] if exists else lines
