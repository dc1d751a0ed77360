"""One GIMP without windows, one with, and one daemon for most tests; a test that ends or breaks them has its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors import roots
from tests.editors.daemon import private_folders, running_daemon
from tests.editors.display import TOGETHER, Display, absent, end
from tests.support.daemon import ROOT, Daemon, Folders

from .harness.session import Gimp, Home

SETUP = ROOT / "tests" / "editors" / "setup.sh"
FAILURES = ROOT / "build" / "gimp-failures"
OPERATIONS = "tests.support.operations,tests.support.editor_operations,tests.support.gimp_operations"
WITH_WINDOWS = ("Xvfb", "openbox", "xdotool", "import", "setpriv")


def _give_up(reason: str) -> None:
    if os.environ.get("SCUMBLE_CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def gimp_root() -> Path:
    """The folder with GIMP 3, or a clear reason why these tests are skipped (in CI: why they fail)."""
    found, reason = roots.build("gimp")
    if found is None:
        _give_up(reason)
    elif absent(["unshare", "setpriv"]) or os.geteuid() != 0:
        _give_up("The tests in GIMP need root, to run it in a folder of its own.")
    assert found
    return found


@pytest.fixture(scope="session")
def gimp_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running_daemon(tmp_path_factory.mktemp("gimp-daemon"), OPERATIONS) as running:
        yield running


def surroundings(home: Home, folders: Folders) -> dict[str, str]:
    """The environment in which a GIMP of this home finds the daemon of these folders."""
    ours = {name: value for name, value in folders.environment.items() if name.startswith("SCUMBLE_")}
    ours["SCUMBLE_CONFIG_DIR"] = str(home.base / "config" / "scumble")
    ours["SCUMBLE_LOG_DIR"] = str(home.base / "log")
    return ours


def prepare(home: Home, folders: Folders) -> dict[str, str]:
    """Install the plug-in; the environment for GIMP."""
    ours = surroundings(home, folders)
    home.install({**ours, "PYTHONPATH": folders.environment["PYTHONPATH"]})
    return ours


@pytest.fixture(scope="session")
def gimp_home(gimp_root: Path) -> Iterator[Home]:
    made = Home(gimp_root)
    yield made
    made.remove()


@pytest.fixture(scope="session")
def gimp_environment(gimp_home: Home, gimp_daemon: Daemon) -> dict[str, str]:
    return prepare(gimp_home, gimp_daemon.folders)


@pytest.fixture(scope="session")
def session_gimp(gimp_home: Home, gimp_environment: dict[str, str]) -> Iterator[Gimp]:
    with Gimp(gimp_home, gimp_environment) as running:
        yield running


@pytest.fixture
def gimp(session_gimp: Gimp) -> Iterator[Gimp]:
    """The shared GIMP without windows; after the test it has no picture."""
    yield session_gimp
    if session_gimp.process.poll() is None:
        session_gimp.run("def main(g):\n    g.clear()")


@pytest.fixture(scope="session")
def windows(session_gimp: Gimp, gimp_environment: dict[str, str]) -> Iterator[Gimp]:
    """The GIMP with windows. (It starts after the other, whose profile it shares: so the plug-ins are known.)"""
    missing = absent(WITH_WINDOWS)
    if missing:
        subprocess.run([str(SETUP)], check=False, timeout=900)
        missing = absent(WITH_WINDOWS)
    if missing:
        _give_up(f"not installed: {', '.join(missing)}; as root, run: tests/editors/setup.sh")
    display = Display()
    manager = subprocess.Popen(
        [*TOGETHER, "openbox"], env={**os.environ, "DISPLAY": display.name}, stderr=subprocess.DEVNULL
    )
    try:
        with Gimp(session_gimp.home, gimp_environment, display, FAILURES) as running:
            yield running
    finally:
        end(manager)
        display.close()


def close_errors(gimp: Gimp) -> list[str]:
    """Away with the windows in which GIMP tells what went wrong; their ids."""
    errors = gimp.error_windows()
    for one in errors:
        gimp.xdotool("windowactivate", "--sync", one, check=False)
        gimp.xdotool("key", "Escape", check=False)
    return errors


@pytest.fixture
def shown_gimp(windows: Gimp) -> Iterator[Gimp]:
    """The shared GIMP with windows; after the test it has no picture and no dialog. A window with an error fails the test."""
    yield windows
    if windows.process.poll() is None:
        errors = windows.error_windows()
        shown = windows.screenshot("error") if errors else None
        close_errors(windows)
        windows.run("def main(g):\n    g.clear()")
        assert not errors, f"GIMP has shown an error: {shown}"


@pytest.fixture(scope="module")
def own_folders(gimp_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folders]:
    """Folders without a daemon, for a GIMP whose daemon may be killed."""
    with private_folders(tmp_path_factory.mktemp("gimp-own"), OPERATIONS) as folders:
        yield folders


@pytest.fixture(scope="module")
def own_gimp(gimp_root: Path, own_folders: Folders) -> Iterator[Gimp]:
    """A GIMP without windows of a test module's own."""
    home = Home(gimp_root)
    try:
        with Gimp(home, prepare(home, own_folders)) as running:
            yield running
    finally:
        home.remove()
