"""Installing into GIMP 3: every system's folders on a fake home, several versions, the executable bit, and out again."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scumble.cli.app import call
from scumble.installers import GIMP
from scumble.installers.gimp_homes import GimpHome, given, present
from scumble.installers.record import read_record
from scumble_client.editor.catalogue import usable
from scumble_client.errors import ScumbleError

REGISTERED = '(plug-in-def "{script}" {time}\n    (proc-def "scumble-inpaint" 1\n'


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {}, ".config/GIMP/3.0/plug-ins"),
        ("linux", {"XDG_CONFIG_HOME": "{home}/c"}, "c/GIMP/3.0/plug-ins"),
        ("win32", {"APPDATA": "{home}/Roaming"}, "Roaming/GIMP/3.0/plug-ins"),
        ("win32", {}, "AppData/Roaming/GIMP/3.0/plug-ins"),
        ("darwin", {}, "Library/Application Support/GIMP/3.0/plug-ins"),
    ],
)
def test_every_systems_folder(home: Path, platform: str, environment: dict[str, str], folder: str) -> None:
    filled = {name: value.format(home=home) for name, value in environment.items()}
    assert present({**filled, "PATH": ""}, home, platform) == []
    (home / folder).parent.mkdir(parents=True)
    assert present({**filled, "PATH": ""}, home, platform) == [GimpHome("native", home / folder, "3.0")]


def test_several_versions_and_the_flatpak_are_found_side_by_side(home: Path) -> None:
    for folder in (".config/GIMP/3.10", ".config/GIMP/3.2", ".config/GIMP/3.0", ".config/GIMP/2.10"):
        (home / folder).mkdir(parents=True)
    (home / ".var/app/org.gimp.GIMP/config/GIMP/3.0").mkdir(parents=True)
    found = [(one.kind, one.version) for one in present()]
    assert found == [("native", "3.0"), ("native", "3.2"), ("native", "3.10"), ("flatpak", "3.0")]


def test_a_gimp_that_never_ran_is_found_by_its_program(home: Path) -> None:
    (home / "bin").mkdir()
    program = home / "bin" / "gimp"
    program.write_text("#!/bin/sh\necho 'GNU Image Manipulation Program version 3.2.4'\n")
    program.chmod(0o755)
    assert present() == [GimpHome("native", home / ".config/GIMP/3.2/plug-ins", "3.2")]
    # its folder, made before its first start, would keep it from taking over the settings of an older one
    with pytest.raises(ScumbleError, match=r"GIMP 3\.2 has never been started\. Start GIMP once first"):
        GIMP.install(present())
    assert not (home / ".config/GIMP").exists()


def test_gimp_2_is_no_gimp_3(home: Path) -> None:
    (home / "bin").mkdir()
    program = home / "bin" / "gimp"
    program.write_text("#!/bin/sh\necho 'GNU Image Manipulation Program version 2.10.34'\n")
    program.chmod(0o755)
    assert present() == []


def test_gimps_own_variable_names_the_one_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIMP3_DIRECTORY", str(home / "elsewhere"))
    assert present() == [GimpHome("given", home / "elsewhere/plug-ins")]


def test_a_given_folder_is_that_of_the_plug_ins_or_the_one_around_it(home: Path) -> None:
    (home / "profile" / "plug-ins").mkdir(parents=True)
    assert given(home / "profile").plugins == home / "profile" / "plug-ins"
    assert given(home / "profile" / "plug-ins").plugins == home / "profile" / "plug-ins"


def test_installing_makes_a_folder_that_gimp_accepts(gimp_home: GimpHome) -> None:
    assert call(["install", "gimp"]) == 0
    folder = gimp_home.plugins / "scumble"
    script = folder / "scumble.py"
    assert stat.S_IMODE(script.stat().st_mode) == 0o755
    assert script.read_text().startswith("#!/usr/bin/env python3\n")
    assert (folder / "scumble_client" / "version.py").is_file()
    described = json.loads((folder / "operations.json").read_text())
    assert {"inpaint", "identity"} <= {operation["name"] for operation in described}
    assert usable(described) == described
    assert json.loads((folder / "launch.json").read_text())["command"] == [sys.executable, "-m", "scumble.daemon"]
    assert not list(folder.rglob("__pycache__"))
    assert [entry.name for entry in gimp_home.plugins.iterdir()] == ["scumble"]


def test_every_version_gets_it(home: Path) -> None:
    for version in ("3.0", "3.2"):
        (home / ".config/GIMP" / version).mkdir(parents=True)
    assert call(["install", "gimp"]) == 0
    assert all(GIMP.inspect(one).here for one in present())
    assert len(read_record()["gimp"]) == 2


def test_an_archive_is_refused(gimp_home: GimpHome, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["install", "gimp", "--zip", str(home / "a.zip")]) == 2
    assert "GIMP does not import archives." in capsys.readouterr().err
    assert not (home / "a.zip").exists()


# -- what the doctor says


def _registered(gimp_home: GimpHome, text: str, later: float) -> None:
    script = gimp_home.plugins / "scumble" / "scumble.py"
    gimp_home.pluginrc.write_text(text.format(script=script, time=1))
    when = script.stat().st_mtime + later
    os.utime(gimp_home.pluginrc, (when, when))


def test_the_doctor_waits_for_gimps_next_start(gimp_home: GimpHome) -> None:
    GIMP.install([gimp_home])
    assert GIMP.check().endswith("; GIMP will register it at its next start")
    _registered(gimp_home, "(other)", -10)
    assert GIMP.check().endswith("; GIMP will register it at its next start")


def test_the_doctor_sees_that_gimp_has_registered_it(gimp_home: GimpHome) -> None:
    GIMP.install([gimp_home])
    _registered(gimp_home, REGISTERED, 10)
    assert GIMP.check().endswith(", and GIMP has registered it")


@pytest.mark.parametrize(
    "text", ["(other)", '(plug-in-def "{script}" {time})\n(plug-in-def "/x/other.py" 1\n (proc-def "scumble-x"']
)
def test_the_doctor_sees_that_gimp_has_refused_it(gimp_home: GimpHome, text: str) -> None:
    GIMP.install([gimp_home])
    _registered(gimp_home, text, 10)
    with pytest.raises(ScumbleError, match="could not register it"):
        GIMP.check()


def test_the_doctor_sees_a_lost_executable_bit(gimp_home: GimpHome) -> None:
    GIMP.install([gimp_home])
    (gimp_home.plugins / "scumble" / "scumble.py").chmod(0o644)
    with pytest.raises(ScumbleError, match="is not executable") as caught:
        GIMP.check()
    assert caught.value.hint == "Install it again: scumble install gimp"


# -- what GIMP's Python must bear


def test_looking_for_scumble_beside_the_script_starts_nothing(gimp_home: GimpHome) -> None:
    """The client asks whether its Python has Scumble, and in GIMP finds the plug-in's own script."""
    GIMP.install([gimp_home])
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import scumble_client.launch as l; print(l._has_scumble())"],
        cwd=gimp_home.plugins / "scumble",
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


# -- which operations GIMP is told of


def _catalogue(gimp_home: GimpHome) -> Any:
    """The installed plug-in's own module; it needs nothing of GIMP's."""
    spec = importlib.util.spec_from_file_location("gimp_catalogue", gimp_home.plugins / "scumble" / "catalogue.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _names(described: list[dict[str, Any]]) -> set[str]:
    return {operation["name"] for operation in described}


def test_a_run_declares_what_gimp_was_told_and_a_new_list_waits_for_the_next_question(gimp_home: GimpHome) -> None:
    GIMP.install([gimp_home])
    script = gimp_home.plugins / "scumble" / "scumble.py"
    os.utime(script, (1, 1))
    catalogue = _catalogue(gimp_home)
    told = catalogue.to_register()
    assert "inpaint" in _names(told)
    new = [*told, {**told[0], "name": "brand-new"}]
    catalogue.refresh(new)
    assert catalogue.registered() == told
    assert script.stat().st_mtime > 1, "GIMP asks again only where the date is another"
    assert "brand-new" in _names(catalogue.to_register())
    assert "brand-new" in _names(catalogue.registered())


def test_the_same_list_makes_gimp_ask_nothing(gimp_home: GimpHome) -> None:
    GIMP.install([gimp_home])
    catalogue = _catalogue(gimp_home)
    told = catalogue.to_register()
    catalogue.refresh(told)
    script = gimp_home.plugins / "scumble" / "scumble.py"
    os.utime(script, (1, 1))
    catalogue.refresh(told)
    assert script.stat().st_mtime == 1


def test_a_damaged_note_of_what_was_told_gives_the_installed_list(gimp_home: GimpHome) -> None:
    GIMP.install([gimp_home])
    catalogue = _catalogue(gimp_home)
    (gimp_home.plugins / "scumble" / "registered.json").write_text("{")
    assert "inpaint" in _names(catalogue.registered())
