"""Which system is which."""

from __future__ import annotations

import sys

import pytest

from scumble_client.system.kind import LINUX, MACOS, WINDOWS, current, is_linux, is_macos, is_posix, is_windows
from tests.support.systems import pretend


@pytest.mark.parametrize(
    ("platform", "windows", "macos", "linux", "posix"),
    [
        (LINUX, False, False, True, True),
        ("linux2", False, False, True, True),
        (WINDOWS, True, False, False, False),
        (MACOS, False, True, False, True),
        ("freebsd14", False, False, False, True),
    ],
)
def test_it_is_said_or_pretended(
    monkeypatch: pytest.MonkeyPatch, platform: str, windows: bool, macos: bool, linux: bool, posix: bool
) -> None:
    assert (is_windows(platform), is_macos(platform), is_linux(platform), is_posix(platform)) == (
        windows,
        macos,
        linux,
        posix,
    )
    assert current() == sys.platform
    pretend(monkeypatch, platform)
    assert (current(), is_windows(), is_macos(), is_linux(), is_posix()) == (platform, windows, macos, linux, posix)
