"""One Krita and one daemon for most tests; a test that ends or breaks them has its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
import pytest

from tests.editors import roots
from tests.editors.daemon import running_daemon
from tests.editors.display import Display, absent, end
from tests.support.daemon import ROOT, Daemon, Folders

from .harness.session import PROGRAMS, Home, Krita, krita_root

SETUP = ROOT / "tests" / "editors" / "setup.sh"
FAILURES = ROOT / "build" / "krita-failures"
OPERATIONS = "tests.support.operations,tests.support.editor_operations"


def _give_up(reason: str) -> None:
    if os.environ.get("SCUMBLE_CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def programs() -> None:
    """Krita and what drives it are here, or a clear reason why these tests are skipped (in CI: why they fail)."""
    host = roots.wanted("krita") == roots.HOST
    needed = [*PROGRAMS, *(["krita"] if host else ["unshare"])]
    if absent(needed):
        subprocess.run([str(SETUP)], check=False, timeout=900)
    missing = absent(needed)
    if missing:
        _give_up(f"not installed: {', '.join(missing)}; as root, run: tests/editors/setup.sh")
    found, reason = roots.build("krita")
    if found is None:
        _give_up(reason)
    elif not host and os.geteuid() != 0:
        _give_up("The tests in Krita need root, to run it in a folder of its own.")


@pytest.fixture(scope="session")
def display(programs: None) -> Iterator[Display]:
    made = Display()
    yield made
    made.close()


@pytest.fixture(scope="session")
def template(display: Display, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Krita's own data after its first start, which takes long; every Krita of the tests gets a copy.

    It is kept from one test run to the next, for the same Krita.
    """
    program = krita_root() / "usr" / "bin" / "krita"
    stamp = f"{program.stat().st_size}-{program.stat().st_mtime_ns}"
    kept = Path(platformdirs.user_cache_dir("scumble-tests")) / f"krita-{stamp}"
    if not kept.is_dir():
        home = Home(tmp_path_factory.mktemp("profile"))
        home.add_driver()
        with Krita(home, display, failures=FAILURES) as first:
            assert first.quit() == 0, first.said()
        shutil.rmtree(home.resources / "pykrita")
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}")
        shutil.copytree(home.base / "data", part)
        try:
            part.rename(kept)
        except OSError:  # another test run was quicker
            shutil.rmtree(part)
    return kept


@pytest.fixture(scope="session")
def krita_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running_daemon(tmp_path_factory.mktemp("krita-daemon"), OPERATIONS) as running:
        yield running


StartKrita = Callable[..., Krita]


def make_krita(home: Home, display: Display, folders: Folders, **environment: str) -> Krita:
    """A Krita with the plugin, whose daemon is in these folders."""
    ours = {name: value for name, value in folders.environment.items() if name.startswith("SCUMBLE_")}
    home.install({**ours, "PYTHONPATH": folders.environment["PYTHONPATH"]})
    home.add_driver()
    return Krita(home, display, {**ours, **environment}, FAILURES)


class SharedKrita:
    """The Krita that most tests share. One that has died is followed by another: it costs its own test alone."""

    def __init__(self, start: Callable[[], Krita]) -> None:
        self._start = start
        self._running: Krita | None = None

    def get(self) -> Krita:
        if self._running is None or self._running.process.poll() is not None:
            self.close()
            self._running = self._start()
        return self._running

    def close(self) -> None:
        if self._running is not None:
            self._running.close()


@pytest.fixture(scope="session")
def shared_krita(
    display: Display, template: Path, krita_daemon: Daemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedKrita]:
    def start() -> Krita:
        return make_krita(Home(tmp_path_factory.mktemp("krita"), template), display, krita_daemon.folders)

    shared = SharedKrita(start)
    yield shared
    shared.close()


@pytest.fixture
def krita(shared_krita: SharedKrita) -> Iterator[Krita]:
    """The shared Krita; after the test it has no document and nothing to do."""
    running = shared_krita.get()
    yield running
    if running.process.poll() is None:
        running.run(_tidy)


def _tidy(k):  # type: ignore[no-untyped-def]
    """As after the start: a test that had the parameters of another one would do three times its work, or fail."""
    if k.studio.live.on:
        k.studio.live.stop()
    k.studio.preview.switch(False)
    for entry in list(k.studio.entries):
        k.studio.cancel(entry)
    yield k.idle
    for document in k.app.documents():
        yield from k.close(document)
    k.studio.results.tidy()
    for docker in k.app.dockers():
        if docker.windowTitle() == "Scumble":
            docker.setFloating(False)
            docker.setVisible(False)
    k.studio._save()  # now, and not a moment after the file was removed
    k.studio.settings.path.unlink(missing_ok=True)
    k.studio._parameters.clear()
    k.studio._sources.clear()
    del k.studio.messages[:]
    k.studio.parameters_changed.emit()


@pytest.fixture
def start_krita(display: Display, template: Path, tmp_path: Path) -> Iterator[Callable[..., Krita]]:
    """Starts Kritas of the test's own, with a copy of the profile: `start_krita(folders, NAME=value)`."""
    started: list[Krita] = []

    def start(folders: Folders, **environment: str) -> Krita:
        home = Home(tmp_path / f"krita-{len(started)}", template)
        started.append(make_krita(home, display, folders, **environment))
        return started[-1]

    yield start
    for one in started:
        one.close()
        end(one.process)
