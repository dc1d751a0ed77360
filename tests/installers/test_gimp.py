"""Installing into GIMP 3: every system's folders on a fake home, several versions, the executable bit, and out again."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scumble.cli.app import call
from scumble.installers import gimp
from scumble.installers.gimp_check import check
from scumble.installers.gimp_places import Place, given, present
from scumble.installers.record import RECORD_FILE, read_record
from scumble_client.editor.catalogue import usable
from scumble_client.errors import ScumbleError
from scumble_client.paths import config_dir
from tests.support.daemon import ROOT

REGISTERED = '(plug-in-def "{script}" {time}\n    (proc-def "scumble-inpaint" 1\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without anything; no GIMP on the PATH."""
    for name in ("XDG_CONFIG_HOME", "APPDATA", "GIMP3_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("SCUMBLE_CONFIG_DIR", str(tmp_path / "scumble-config"))
    return tmp_path


@pytest.fixture
def place(home: Path) -> Place:
    """A GIMP that ran once."""
    (home / ".config/GIMP/3.0/plug-ins").mkdir(parents=True)
    (found,) = present()
    return found


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
    assert present({**filled, "PATH": ""}, home, platform) == [Place("native", home / folder, "3.0")]


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
    assert present() == [Place("native", home / ".config/GIMP/3.2/plug-ins", "3.2")]


def test_gimp_2_is_no_gimp_3(home: Path) -> None:
    (home / "bin").mkdir()
    program = home / "bin" / "gimp"
    program.write_text("#!/bin/sh\necho 'GNU Image Manipulation Program version 2.10.34'\n")
    program.chmod(0o755)
    assert present() == []


def test_gimps_own_variable_names_the_one_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIMP3_DIRECTORY", str(home / "elsewhere"))
    assert present() == [Place("given", home / "elsewhere/plug-ins")]


def test_a_given_folder_is_that_of_the_plug_ins_or_the_one_around_it(home: Path) -> None:
    (home / "profile" / "plug-ins").mkdir(parents=True)
    assert given(home / "profile").plugins == home / "profile" / "plug-ins"
    assert given(home / "profile" / "plug-ins").plugins == home / "profile" / "plug-ins"


def test_without_gimp_the_error_says_what_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["install", "gimp"]) == 2
    assert "GIMP 3 was not found. Start GIMP 3 once" in " ".join(capsys.readouterr().err.split())


def test_installing_makes_a_folder_that_gimp_accepts(place: Place) -> None:
    assert call(["install", "gimp"]) == 0
    folder = place.plugins / "scumble"
    script = folder / "scumble.py"
    assert stat.S_IMODE(script.stat().st_mode) == 0o755
    assert script.read_text().startswith("#!/usr/bin/env python3\n")
    assert (folder / "scumble_client" / "version.py").is_file()
    described = json.loads((folder / "operations.json").read_text())
    assert {"inpaint", "identity"} <= {operation["name"] for operation in described}
    assert usable(described) == described
    assert json.loads((folder / "launch.json").read_text())["command"] == [sys.executable, "-m", "scumble.daemon"]
    assert not list(folder.rglob("__pycache__"))
    assert [entry.name for entry in place.plugins.iterdir()] == ["scumble"]


def test_no_binary_comes_along(place: Place) -> None:
    gimp.install([place])
    endings = {file.suffix for file in (place.plugins / "scumble").rglob("*") if file.is_file()}
    assert endings <= {".py", ".json", ".txt", ""}


def test_every_version_gets_it(home: Path) -> None:
    for version in ("3.0", "3.2"):
        (home / ".config/GIMP" / version).mkdir(parents=True)
    assert call(["install", "gimp"]) == 0
    assert all(gimp.inspect(place).here for place in present())
    assert len(read_record()["gimp"]) == 2


def test_a_flatpak_starts_the_daemon_outside(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".var/app/org.gimp.GIMP/config/GIMP/3.0").mkdir(parents=True)
    assert call(["install", "gimp"]) == 0
    (place,) = present()
    command = json.loads((place.plugins / "scumble" / "launch.json").read_text())["command"]
    assert command[:2] == ["flatpak-spawn", "--host"]
    assert command[-2:] == ["-m", "scumble.daemon"]
    assert "flatpak override --user --talk-name=org.freedesktop.Flatpak org.gimp.GIMP" in capsys.readouterr().out


def test_installing_again_takes_what_is_old_away_and_leaves_others_alone(place: Place) -> None:
    (place.plugins / "other").mkdir()
    gimp.install([place])
    (place.plugins / "scumble" / "old.py").write_text("")
    gimp.install([place])
    assert not (place.plugins / "scumble" / "old.py").exists()
    assert (place.plugins / "other").is_dir()


def test_a_link_for_development_is_replaced_and_not_followed(place: Place, home: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "kept").write_text("")
    (place.plugins / "scumble").symlink_to(home / "mine")
    gimp.install([place])
    assert (home / "mine" / "kept").exists()
    assert not (place.plugins / "scumble").is_symlink()


def test_uninstalling_leaves_nothing(place: Place) -> None:
    gimp.install([place])
    assert call(["uninstall", "gimp"]) == 0
    assert not place.plugins.exists()
    assert not (config_dir() / RECORD_FILE).exists()


def test_uninstalling_remembers_a_folder_that_was_given(home: Path) -> None:
    assert call(["install", "gimp", "--resources", str(home / "odd")]) == 0
    assert (home / "odd" / "scumble" / "scumble.py").exists()
    assert call(["uninstall", "gimp"]) == 0
    assert not (home / "odd" / "scumble").exists()


def test_uninstalling_what_is_not_there_says_so(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["uninstall", "gimp"]) == 0
    assert "It was not installed." in capsys.readouterr().out


def test_a_file_in_the_way_is_said(home: Path) -> None:
    (home / ".config/GIMP/3.0").mkdir(parents=True)
    (home / ".config/GIMP/3.0/plug-ins").write_text("")
    with pytest.raises(ScumbleError, match=r"GIMP's folder can't be written: .+\."):
        gimp.install(present())


def test_an_archive_is_refused(place: Place, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["install", "gimp", "--zip", str(home / "a.zip")]) == 2
    assert "GIMP does not import archives." in capsys.readouterr().err
    assert not (home / "a.zip").exists()


# -- what the doctor says


def test_the_doctor_knows_when_there_is_no_gimp_and_when_the_plug_in_is_missing(home: Path) -> None:
    assert check() == "not on this machine"
    (home / ".config/GIMP/3.0").mkdir(parents=True)
    assert check() == "found, without the plug-in; to have it: scumble install gimp"


def _registered(place: Place, text: str, later: float) -> None:
    script = place.plugins / "scumble" / "scumble.py"
    place.pluginrc.write_text(text.format(script=script, time=1))
    when = script.stat().st_mtime + later
    os.utime(place.pluginrc, (when, when))


def test_the_doctor_waits_for_gimps_next_start(place: Place) -> None:
    gimp.install([place])
    assert check().endswith("; GIMP will register it at its next start")
    _registered(place, "(other)", -10)
    assert check().endswith("; GIMP will register it at its next start")


def test_the_doctor_sees_that_gimp_has_registered_it(place: Place) -> None:
    gimp.install([place])
    _registered(place, REGISTERED, 10)
    assert check().endswith(", and GIMP has registered it")


@pytest.mark.parametrize(
    "text", ["(other)", '(plug-in-def "{script}" {time})\n(plug-in-def "/x/other.py" 1\n (proc-def "scumble-x"']
)
def test_the_doctor_sees_that_gimp_has_refused_it(place: Place, text: str) -> None:
    gimp.install([place])
    _registered(place, text, 10)
    with pytest.raises(ScumbleError, match="could not register it"):
        check()


def test_the_doctor_sees_a_lost_executable_bit(place: Place) -> None:
    gimp.install([place])
    (place.plugins / "scumble" / "scumble.py").chmod(0o644)
    with pytest.raises(ScumbleError, match="is not executable") as caught:
        check()
    assert caught.value.hint == "Install it again: scumble install gimp"


def test_the_doctor_sees_a_missing_file_and_another_version(place: Place) -> None:
    gimp.install([place])
    version = place.plugins / "scumble" / "scumble_client" / "version.py"
    version.write_text('__version__ = "0.0.1"\n')
    with pytest.raises(ScumbleError, match=r"version 0\.0\.1"):
        check()
    (place.plugins / "scumble" / "dialog.py").unlink()
    with pytest.raises(ScumbleError, match=r"dialog\.py is missing"):
        check()


# -- what GIMP's Python must bear


def test_the_plug_ins_modules_compile_and_use_nothing_but_gimps_libraries(tmp_path: Path) -> None:
    allowed = {"gi", "scumble_client"}
    modules = sorted((ROOT / "gimp_plugin" / "scumble").glob("*.py"))
    own = {module.stem for module in modules}
    assert not own & set(sys.stdlib_module_names), "it would hide a module of Python's"
    for module in modules:
        py_compile.compile(str(module), str(tmp_path / "compiled"), doraise=True)
        for line in module.read_text().splitlines():
            words = line.split()
            if len(words) > 1 and words[0] in ("import", "from") and line[0] != " ":
                name = words[1].partition(".")[0]
                assert name in own | allowed | set(sys.stdlib_module_names), f"{module.name}: {line}"


def test_looking_for_scumble_beside_the_script_starts_nothing(place: Place) -> None:
    """The client asks whether its Python has Scumble, and in GIMP finds the plug-in's own script."""
    gimp.install([place])
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import scumble_client.launch as l; print(l._has_scumble())"],
        cwd=place.plugins / "scumble",
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


# -- which operations GIMP is told of


def _catalogue(place: Place) -> Any:
    """The installed plug-in's own module; it needs nothing of GIMP's."""
    spec = importlib.util.spec_from_file_location("gimp_catalogue", place.plugins / "scumble" / "catalogue.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _names(described: list[dict[str, Any]]) -> set[str]:
    return {operation["name"] for operation in described}


def test_a_run_declares_what_gimp_was_told_and_a_new_list_waits_for_the_next_question(place: Place) -> None:
    gimp.install([place])
    script = place.plugins / "scumble" / "scumble.py"
    os.utime(script, (1, 1))
    catalogue = _catalogue(place)
    told = catalogue.to_register()
    assert "inpaint" in _names(told)
    new = [*told, {**told[0], "name": "brand-new"}]
    catalogue.refresh(new)
    assert catalogue.registered() == told
    assert script.stat().st_mtime > 1, "GIMP asks again only where the date is another"
    assert "brand-new" in _names(catalogue.to_register())
    assert "brand-new" in _names(catalogue.registered())


def test_the_same_list_makes_gimp_ask_nothing(place: Place) -> None:
    gimp.install([place])
    catalogue = _catalogue(place)
    told = catalogue.to_register()
    catalogue.refresh(told)
    script = place.plugins / "scumble" / "scumble.py"
    os.utime(script, (1, 1))
    catalogue.refresh(told)
    assert script.stat().st_mtime == 1


def test_a_damaged_note_of_what_was_told_gives_the_installed_list(place: Place) -> None:
    gimp.install([place])
    catalogue = _catalogue(place)
    (place.plugins / "scumble" / "registered.json").write_text("{")
    assert "inpaint" in _names(catalogue.registered())
