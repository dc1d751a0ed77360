"""`make release`, twice: the same bytes; what lies in each file; and Krita's own rules for what it imports."""

from __future__ import annotations

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from releasing.__main__ import ROOT, SUMS, main

from scumble.installers import GIMP, KRITA
from scumble.installers.gimp_homes import given
from scumble.installers.krita_homes import KritaHome
from scumble_client.setup.bundled import bundled
from scumble_client.version import __version__

WHEEL = f"scumble-{__version__}-py3-none-any.whl"
PLUGIN_LARGEST = 1_500_000
"""Bytes of a plugin's archive without the wheel."""

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(),
    reason="A release is built out of a commit; this is none.",
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    assert main(["--out", str(out)]) == 0
    return out


def test_the_same_commit_gives_the_same_bytes(dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere, under another umask, at another time, in another zone."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    old = os.umask(0o077)
    try:
        assert main(["--out", str(tmp_path / "again")]) == 0
    finally:
        os.umask(old)
    first = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in dist.iterdir()}
    second = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (tmp_path / "again").iterdir()}
    assert first == second
    assert set(first) == {
        WHEEL,
        f"scumble-{__version__}.tar.gz",
        f"scumble-krita-{__version__}.zip",
        f"scumble-gimp-{__version__}.zip",
        SUMS,
    }


def test_the_sums_are_those_of_the_files(dist: Path) -> None:
    lines = dict(line.split("  ")[::-1] for line in (dist / SUMS).read_text().splitlines())
    assert lines == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in dist.iterdir() if file.name != SUMS
    }


@pytest.mark.parametrize("editor", ["krita", "gimp"])
def test_each_archive_carries_the_wheel_and_is_small_without(dist: Path, editor: str, tmp_path: Path) -> None:
    path = dist / f"scumble-{editor}-{__version__}.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.read(f"scumble/engine/{WHEEL}") == (dist / WHEEL).read_bytes()
        names = archive.namelist()
        assert names == sorted(names)
        assert path.stat().st_size - archive.getinfo(f"scumble/engine/{WHEEL}").compress_size < PLUGIN_LARGEST
        assert not [name for name in names if name.endswith(("launch.json", ".pyc", ".so"))]
        text = b"".join(archive.read(name) for name in names if not name.endswith((".whl", ".png")))
        archive.extractall(tmp_path)
    assert str(ROOT).encode() not in text  # nothing of the machine that built it
    bundle = bundled(tmp_path / "scumble")
    assert bundle is not None
    assert bundle.version == __version__
    assert bundle.torch
    pins = bundle.constraints.read_text().splitlines()
    assert all("python_version" in line for line in pins if not line.startswith("torch=="))
    assert {"numpy", "pyzmq", "torch"} <= {line.partition("==")[0] for line in pins}
    assert "pytest" not in " ".join(pins)


def test_gimps_archive_is_one_folder_whose_script_can_be_run(dist: Path) -> None:
    with zipfile.ZipFile(dist / f"scumble-gimp-{__version__}.zip") as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"scumble"}
        assert archive.getinfo("scumble/scumble.py").external_attr >> 16 & 0o777 == 0o755
        assert archive.getinfo("scumble/dialog.py").external_attr >> 16 & 0o777 == 0o644


def test_kritas_archive_has_what_the_importer_looks_for(dist: Path) -> None:
    """A .desktop file that names the module, that module's folder as an entry with an __init__.py in it, and its actions."""
    with zipfile.ZipFile(dist / f"scumble-krita-{__version__}.zip") as archive:
        names = archive.namelist()
        [desktop] = [name for name in names if name.endswith(".desktop")]
        described = configparser.ConfigParser()
        described.read_string(archive.read(desktop).decode())
        module = described["Desktop Entry"]["X-KDE-Library"]
        assert described["Desktop Entry"]["Name"] == "Scumble"
        assert f"{module}/" in names
        assert f"{module}/__init__.py" in names
        actions = archive.read(f"{module}.action").decode()
        assert '<Action name="scumble_inpaint">' in actions


def test_the_doctor_is_content_with_what_came_out_of_a_release(dist: Path, tmp_path: Path) -> None:
    """Their command is in the folder of settings once the engine is set up, not in the plugin."""
    home = KritaHome("given", tmp_path, tmp_path / "kritarc", tmp_path / "config")
    with zipfile.ZipFile(dist / f"scumble-krita-{__version__}.zip") as archive:
        archive.extractall(home.plugins)
    home.actions.mkdir()
    (home.plugins / "scumble.action").rename(home.actions / "scumble.action")
    assert KRITA.inspect(home).missing == ()
    assert KRITA.inspect(home).version == __version__
    (tmp_path / "plug-ins").mkdir()
    gimp = given(tmp_path / "plug-ins")
    with zipfile.ZipFile(dist / f"scumble-gimp-{__version__}.zip") as archive:
        archive.extractall(gimp.plugins)
    assert GIMP.inspect(gimp).missing == ()


def test_the_client_in_it_needs_nothing_but_the_standard_library(dist: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(dist / f"scumble-gimp-{__version__}.zip") as archive:
        archive.extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['msgpack'] = None\n"
        "import scumble_client.setup.panel, scumble_client.setup.findings, scumble_client.setup.tasks\n"
        "assert not {'numpy', 'zmq', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(tmp_path / "scumble")], check=True, timeout=60)


def test_what_is_no_commit_is_said(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        main(["--out", str(tmp_path), "--commit", "no-such-commit"])
    assert not list(tmp_path.iterdir())
