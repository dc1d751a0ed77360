"""Fixtures that all tests share. Starting a daemon's worker takes seconds, so most tests use one daemon."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Read once, when torch is imported, and by each process that a test starts. Tests run side by side, and their pictures are small: threads
# would wait for each other longer than they work, and in what order they add decides the last bit of a sum.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from scumble.cli.app import call
from scumble.operations.registry import forget
from scumble_client import Client

from .support.commands import Call, Ran
from .support.daemon import Daemon, Folders, ending, status, wait_for
from .support.devices import DEVICES, entered
from .support.needs import missing

SLOW = (
    "editors",
    "soak",
    "scumble_training",
    "cli",
    "daemon/pools",
    "daemon/test_broker.py",
    "daemon/test_lifecycle.py",
    "daemon/test_parts.py",
    "daemon/test_previews.py",
    "daemon/test_saved_options.py",
    "daemon/test_scheduler_machine.py",
    "daemon/test_security.py",
    "faces/detection/test_search.py",
    "faces/exemplars",
    "faces/finishing",
    "faces/latent/test_photographic.py",
    "faces/operations",
    "faces/parsing",
    "inpainting/test_",
    "mosaic",
    "style/paint",
    "style/photo",
    "scumble_client/test_client.py",
    "scumble_client/test_hostile_daemon.py",
    "scumble_client/test_protocol_page.py",
    "scumble_client/test_zmtp.py",
    "scumble_client/setup/test_environment.py",
    "scumble_client/setup/test_setting_up.py",
    "releasing",
    "installers",
    "test_networks_on_devices.py",
    "test_operations_on_devices.py",
    "test_package.py",
    "test_what_is_not_seen.py",
    "worker/test_lost_device.py",
    "worker/test_process.py",
    "worker/test_view.py",
)
"""Where tests are that run whole operations, daemons, editors or trainings: beginnings of paths below this folder."""


LEFT_OUT: dict[str, str] = {}
"""Files that this system has not what they need for, with the reason."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    path = (
        collection_path.relative_to(Path(__file__).parent).as_posix()
        if collection_path != Path(__file__).parent
        else ""
    )
    why = missing(path)
    if why:
        LEFT_OUT[path] = why
    return True if why else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for path, why in sorted(LEFT_OUT.items()):
        terminalreporter.write_line(f"LEFT OUT tests/{path}: {why}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _no_own_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operation copies must not depend on whose machine this is."""
    monkeypatch.setenv("SCUMBLE_FACES", str(tmp_path / "no-faces"))
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path / "no-weights"))


def _enter(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process's clients and commands look into these folders."""
    for name, value in folders.environment.items():
        if name.startswith("SCUMBLE_") or name == "PYTHONPATH":
            monkeypatch.setenv(name, value)
    monkeypatch.delenv("SCUMBLE_DAEMON", raising=False)


@pytest.fixture(scope="session")
def session_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folders = Folders(tmp_path_factory.mktemp("shared"))
    with ending(folders):
        running = Daemon(folders, "--device", "cpu")
        yield running
        running.stop()
    shutil.rmtree(folders.runtime, ignore_errors=True)


@pytest.fixture
def shared(session_daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """The daemon that most tests use; nothing may end it."""
    _enter(session_daemon.folders, monkeypatch)
    return session_daemon


@pytest.fixture
def client(shared: Daemon) -> Iterator[Client]:
    """A client of the shared daemon. When it has gone, none of its jobs is left."""
    with Client("test", launch=False) as one:
        yield one
    with Client("tidying up", launch=False) as one:
        wait_for(lambda: status(one)["jobs"] == [])


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folders]:
    """Private folders without a daemon."""
    made = Folders(tmp_path)
    _enter(made, monkeypatch)
    with ending(made):
        yield made
    shutil.rmtree(made.runtime, ignore_errors=True)


@pytest.fixture
def start_daemon(folders: Folders) -> Iterator[Callable[..., Daemon]]:
    """Starts daemons of the test's own, with options; all are ended."""
    started: list[Daemon] = []

    def start(*options: str) -> Daemon:
        started.append(Daemon(folders, "--device", "cpu", *options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def calling(capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs the command line in this process, with the operations that the environment names."""

    def run(*arguments: object) -> Ran:
        forget()
        capsys.readouterr()
        code = call([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return Ran(code, written.out, written.err)

    yield run
    forget()


@pytest.fixture
def scumble(shared: Daemon, calling: Call) -> Call:
    """`scumble …` where the shared daemon runs."""
    return calling


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.gpu) if name == "cuda" else name for name in DEVICES])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a device: the test runs on each, real or pretended (`support/pretended_device.py`)."""
    with entered(request.param) as name:
        yield name
