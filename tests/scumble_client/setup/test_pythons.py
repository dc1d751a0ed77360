"""Which Python an engine is made of: looked for on every system, and what is said where there is none."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from scumble_client.setup import python_places
from scumble_client.setup.python_places import how_to_get
from scumble_client.setup.pythons import Python, Search, candidates, probe, search, what_is_missing


def script(path: Path, version: str = "3.12.1", **more: object) -> str:
    """A program that answers as a Python of this version would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"program": str(path), "version": [int(n) for n in version.split(".")], "bits": 64, "machine": "x86_64"}
    answer = json.dumps({**facts, "kind": "linux-x86_64", "venv": True, "pip": True, **more})
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return str(path)


def found_in(tmp_path: Path, **more: str) -> Search:
    return search({"PATH": str(tmp_path / "bin"), **more}, "linux-test", tmp_path)


@pytest.fixture(autouse=True)
def _no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's own Pythons are not looked for."""
    patterns = python_places.patterns
    monkeypatch.setattr(
        python_places, "patterns", lambda e, p, home: [one for one in patterns(e, p, home) if one.startswith(str(home))]
    )


def test_this_very_python_is_known() -> None:
    found = probe([sys.executable])
    assert found is not None
    assert list(found.version) == list(sys.version_info[:3])
    assert (found.bits, found.fits) == (64, True)


def test_the_first_that_fits_is_taken(tmp_path: Path) -> None:
    script(tmp_path / "bin/python3", "3.9.18")
    good = script(tmp_path / "bin/python3.11", "3.11.2")
    found = found_in(tmp_path)
    assert found.best is not None
    assert found.best.program == good
    assert found.usable
    assert what_is_missing(found) == ""


def test_one_that_can_install_comes_before_a_newer_one_that_cant(tmp_path: Path) -> None:
    script(tmp_path / "bin/python3", "3.13.0", venv=False, pip=False)
    good = script(tmp_path / "bin/python3.10", "3.10.4")
    best = found_in(tmp_path).best
    assert best is not None
    assert best.program == good


def test_the_one_that_is_named_is_taken(tmp_path: Path) -> None:
    script(tmp_path / "bin/python3", "3.13.0")
    mine = script(tmp_path / "mine", "3.10.4")
    best = found_in(tmp_path, SCUMBLE_PYTHON=mine).best
    assert best is not None
    assert best.program == mine


@pytest.mark.parametrize(
    ("version", "more", "sentence"),
    [
        ("3.8.10", {}, "Scumble needs Python 3.10 or newer; the one that is here, 3.8.10, is too old."),
        ("3.9.2", {"bits": 32}, "Scumble needs Python 3.10 or newer; the one that is here, 3.9.2, is too old."),
        ("3.12.0", {"bits": 32}, "Scumble needs Python 3.10 or newer; the one that is here, 3.12.0, is of 32 bits."),
        (
            "3.12.0",
            {"kind": "mingw_x86_64_ucrt_gnu"},
            "Scumble needs Python 3.10 or newer; the one that is here, 3.12.0, is not one that PyTorch is built for.",
        ),
    ],
)
def test_one_that_does_not_do(tmp_path: Path, version: str, more: dict[str, object], sentence: str) -> None:
    script(tmp_path / "bin/python3", version, **more)
    found = found_in(tmp_path)
    assert found.best is None
    assert not found.usable
    assert what_is_missing(found) == sentence


def test_none_at_all_and_one_without_any_means_to_install(tmp_path: Path) -> None:
    assert what_is_missing(found_in(tmp_path)) == "Scumble needs Python 3.10 or newer, and none was found."
    script(tmp_path / "bin/python3", "3.12.0", venv=False, pip=False)
    assert what_is_missing(found_in(tmp_path)).endswith("it can't install anything: it lacks pip and venv.")
    script(tmp_path / ".local/bin/uv")
    assert found_in(tmp_path).usable  # uv does
    assert found_in(tmp_path).uv == str(tmp_path / ".local/bin/uv")


def test_what_only_looks_like_a_python_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "bin" / "python3"
    path.parent.mkdir()
    for text in ("#!/bin/sh\necho hello\n", "#!/bin/sh\nexit 9\n", "no program", '#!/bin/sh\necho "[1, 2]"\n'):
        path.write_text(text)
        path.chmod(0o755)
        assert found_in(tmp_path).best is None


def test_windows_launcher_comes_first_and_the_shops_stub_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    script(folder / "py")
    stub = script(tmp_path / "WindowsApps" / "python")
    own = tmp_path / "AppData/Local/Programs/Python/Python312/python.exe"
    script(own)
    path = os.pathsep.join(map(str, (folder, tmp_path / "WindowsApps")))
    found = list(candidates({"PATH": path, "LOCALAPPDATA": str(tmp_path / "AppData/Local")}, "win32", tmp_path))
    assert found[0] == [str(folder / "py"), "-3"]
    assert [stub] not in found
    assert [str(own)] in found


def test_a_mac_has_homebrews_and_python_orgs_but_not_the_one_that_opens_an_installer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    patterns = python_places.patterns({}, "darwin", Path("/Users/x"))
    assert any(one.startswith("/opt/homebrew/bin/") for one in patterns)
    assert any(one.startswith("/Library/Frameworks/Python.framework/") for one in patterns)
    assert python_places.is_stub("/usr/bin/python3", "darwin")
    assert not python_places.is_stub("/usr/bin/python3", "linux")


def test_what_an_appimage_brings_is_not_taken(tmp_path: Path) -> None:
    inside = tmp_path / "mount"
    script(inside / "usr/bin/python3")
    good = script(tmp_path / "bin/python3")
    path = os.pathsep.join(map(str, (inside / "usr/bin", tmp_path / "bin")))
    names = list(candidates({"PATH": path, "APPDIR": str(inside)}, "linux", tmp_path))
    assert names == [[good]]


def test_out_of_a_flatpak_the_systems_pythons_are_asked(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> str | None:
        asked.append(command)
        if command[2] != "python3.11":
            return None
        facts = {"program": "/usr/bin/python3.11", "version": [3, 11, 2], "bits": 64, "machine": "x86_64"}
        return json.dumps({**facts, "venv": True, "pip": True})

    found = search({"PATH": ""}, "linux", tmp_path, ("flatpak-spawn", "--host"), ask)
    assert found.best is not None
    assert found.best.program == "/usr/bin/python3.11"
    assert all(
        command[:2] == ("flatpak-spawn", "--host") or list(command[:2]) == ["flatpak-spawn", "--host"]
        for command in asked
    )


def test_there_is_a_sentence_for_every_system() -> None:
    said = {
        how_to_get("win32"),
        how_to_get("darwin"),
        *(how_to_get("linux", {"ID": one}) for one in ("debian", "fedora", "arch", "nixos")),
        how_to_get("linux", {"ID": "opensuse-leap", "ID_LIKE": "suse"}),
        how_to_get("linux", {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}),
    }
    assert len(said) == 7
    assert all(one.startswith("Install") for one in said)
    assert "sudo apt install python3-venv" in how_to_get("linux", {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"})


def test_an_unknown_newer_python_is_taken_only_where_there_is_no_other(tmp_path: Path) -> None:
    new = script(tmp_path / "bin/python3", "3.19.0")
    best = found_in(tmp_path).best
    assert best is not None
    assert best.program == new
    known = script(tmp_path / "bin/python3.12", "3.12.0")
    best = found_in(tmp_path).best
    assert best is not None
    assert best.program == known


def test_versions_are_compared_as_numbers() -> None:
    old = Python("a", [3, 9, 1], 64, "", True, True)
    new = Python("b", [3, 10, 0], 64, "", True, True)
    assert not old.fits
    assert new.fits
