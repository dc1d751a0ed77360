"""Where things lie on each system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scumble_client import paths
from scumble_client.setup import places
from scumble_client.system.folders import (
    CONFIGURATION,
    DATA,
    LOCAL_CONFIGURATION,
    flatpak_sockets,
    pip_files,
    python_in,
    sockets_folder,
    user_folder,
)
from scumble_client.system.kind import LINUX, MACOS, WINDOWS
from tests.support.needs import posix
from tests.support.systems import SYSTEMS, pretend

HOME = Path("/home/åsa")
VARIABLES = {"LOCALAPPDATA": "/l", "APPDATA": "/r", "XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}


@pytest.mark.parametrize(
    ("platform", "use", "usual", "named"),
    [
        (LINUX, DATA, ".local/share", "/d"),
        (LINUX, CONFIGURATION, ".config", "/c"),
        (LINUX, LOCAL_CONFIGURATION, ".config", "/c"),
        ("freebsd14", DATA, ".local/share", "/d"),
        (WINDOWS, DATA, "AppData/Local", "/l"),
        (WINDOWS, CONFIGURATION, "AppData/Roaming", "/r"),
        (WINDOWS, LOCAL_CONFIGURATION, "AppData/Local", "/l"),
        (MACOS, DATA, "Library/Application Support", HOME / "Library/Application Support"),
        (MACOS, CONFIGURATION, "Library/Application Support", HOME / "Library/Application Support"),
        (MACOS, LOCAL_CONFIGURATION, "Library/Preferences", HOME / "Library/Preferences"),
    ],
)
def test_the_users_folders(platform: str, use: str, usual: str, named: str | Path) -> None:
    assert user_folder(use, {}, HOME, platform) == HOME / usual
    assert user_folder(use, {"APPDATA": "", "XDG_DATA_HOME": ""}, HOME, platform) == HOME / usual
    assert user_folder(use, VARIABLES, HOME, platform) == Path(named)


@pytest.mark.parametrize(
    ("platform", "settings", "data"),
    [
        (LINUX, ".config/scumble", ".local/share/scumble"),
        (WINDOWS, "AppData/Roaming/Scumble", "AppData/Local/scumble"),
        (MACOS, "Library/Application Support/Scumble", "Library/Application Support/scumble"),
    ],
)
def test_scumbles_own(monkeypatch: pytest.MonkeyPatch, platform: str, settings: str, data: str) -> None:
    for name in (*VARIABLES, "SCUMBLE_CONFIG_DIR", "SCUMBLE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: HOME)
    pretend(monkeypatch, platform)
    assert paths.config_dir() == HOME / settings
    assert places.data_dir() == HOME / data


class TestSockets:
    def test_on_windows(self) -> None:
        assert sockets_folder({"LOCALAPPDATA": "/l", "XDG_RUNTIME_DIR": "/x"}, WINDOWS) == Path("/l/Scumble/run")

    @posix
    @pytest.mark.parametrize("platform", [LINUX, MACOS])
    def test_elsewhere_the_session_s_own_folder_if_it_can_be_written(self, tmp_path: Path, platform: str) -> None:
        assert sockets_folder({"XDG_RUNTIME_DIR": str(tmp_path)}, platform) == tmp_path / "scumble"
        for named in ({}, {"XDG_RUNTIME_DIR": str(tmp_path / "none")}):
            assert sockets_folder(named, platform).name == f"scumble-{os.getuid()}"

    @posix
    def test_of_a_flatpak(self) -> None:
        assert flatpak_sockets("org.x", {"XDG_RUNTIME_DIR": "/run/user/7"}) == "/run/user/7/app/org.x/scumble"
        assert flatpak_sockets("org.x", {}) == f"/run/user/{os.getuid()}/app/org.x/scumble"


@pytest.mark.parametrize(
    ("platform", "least", "most", "name"),
    [
        (LINUX, "/etc/xdg/pip/pip.conf", ".config/pip/pip.conf", "pip.conf"),
        (WINDOWS, r"C:\ProgramData/pip/pip.ini", "AppData/Roaming/pip/pip.ini", "pip.ini"),
        (MACOS, "/Library/Application Support/pip/pip.conf", "Library/Application Support/pip/pip.conf", "pip.conf"),
    ],
)
def test_pips_configuration(platform: str, least: str, most: str, name: str) -> None:
    found = pip_files({}, HOME, platform)
    assert (found[0], found[-1]) == (Path(least), HOME / most)
    assert {path.name for path in found} == {name}
    assert pip_files({"PIP_CONFIG_FILE": "/x"}, HOME, platform) == (Path("/x"),)


def test_an_environments_python() -> None:
    found = {platform: python_in(Path("env"), platform).as_posix() for platform in SYSTEMS}
    assert found == {LINUX: "env/bin/python", MACOS: "env/bin/python", WINDOWS: "env/Scripts/python.exe"}
