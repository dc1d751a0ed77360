"""From an empty GIMP to an engine, without a terminal: the archive unpacked, a window that sets up, the first layer."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble_client.setup.lock import is_held
from scumble_client.setup.state import State
from tests.editors import setting_up
from tests.editors.daemon import private_folders
from tests.editors.display import TOGETHER, Display, absent, end
from tests.support.daemon import Folders, wait_for
from tests.support.package_index import PackageIndex, serving
from tests.support.small_engine import small_index

from .conftest import FAILURES, SETUP, WITH_WINDOWS, _give_up
from .harness.session import Gimp, Home
from .test_windows import _call, gone, press, window

SLOWLY = 240.0
"""Seconds for what waits for another process, on a busy machine."""

TITLE = "Scumble: the engine"


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Folders]:
    with private_folders(tmp_path / "folders", None) as made:
        made.base.mkdir(exist_ok=True)
        yield made


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with serving(small_index()) as made:
        yield made


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return setting_up.small_release(tmp_path_factory.mktemp("release") / "small")


@pytest.fixture(scope="module")
def screen(gimp_root: Path) -> Iterator[Display]:
    if absent(WITH_WINDOWS):
        subprocess.run([str(SETUP)], check=False, timeout=900)
    if absent(WITH_WINDOWS):
        _give_up(f"not installed: {', '.join(absent(WITH_WINDOWS))}; as root, run: tests/editors/setup.sh")
    display = Display()
    manager = subprocess.Popen(
        [*TOGETHER, "openbox"], env={**os.environ, "DISPLAY": display.name}, stderr=subprocess.DEVNULL
    )
    yield display
    end(manager)
    display.close()


@pytest.fixture
def start(gimp_root: Path, screen: Display, folders: Folders) -> Iterator[Callable[..., Gimp]]:
    """`start(release, index, theme)`: a GIMP with the plug-in out of that release, on a machine without an engine."""
    home = Home(gimp_root)
    started: list[Gimp] = []

    def begin(release: Path, index: PackageIndex, theme: str = "") -> Gimp:
        if theme:
            rc = home.profile / "gimprc"
            rc.write_text(f"{rc.read_text()}(theme-color-scheme {theme})\n")
        if not home.plugin.exists():
            setting_up.unpacked(setting_up.archive("gimp", release), home.profile / "plug-ins")
        started.append(Gimp(home, setting_up.surroundings(folders, index), screen, FAILURES))
        return started[-1]

    yield begin
    for one in started:
        one.close()
    setup = folders.base / "data" / "setup"
    if setup.exists():
        (setup / "cancel").touch()  # what was begun ends with its test
    home.remove()


def _picture(g: Any) -> None:
    image = g.new(64, 48)
    g.layer(image, "Background", (0, 0, 64, 48), colour=(90, 120, 60, 255))
    image.undo_enable()
    g.select(image, (20, 20, 8, 8))
    g.store["image"] = image
    g.store["display"] = g.show(image)


def _shot(gimp: Gimp, name: str) -> None:
    """For whoever wants to look: SCUMBLE_TEST_SHOTS names a folder."""
    folder = os.environ.get("SCUMBLE_TEST_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        time.sleep(0.5)  # drawn
        gimp.picture(Path(folder) / f"gimp-{name}.png")


def _phase(folders: Folders) -> str:
    return State.read(folders.base / "data" / "setup").phase


def _ended(folders: Folders, phase: str) -> None:
    """The process has ended in this way."""
    setup = folders.base / "data" / "setup"
    wait_for(lambda: _phase(folders) in ("done", "failed", "cancelled") and not is_held(setup), SLOWLY)
    assert _phase(folders) == phase, State.read(setup).error


def _press_until(gimp: Gimp, where: str, condition: Callable[[], object]) -> None:
    """Return, on the button that is offered, as soon as the window offers it."""

    def pressed() -> object:
        if condition():
            return True
        gimp.xdotool("windowactivate", "--sync", where, check=False)
        gimp.xdotool("key", "Return", check=False)
        time.sleep(0.5)
        return condition()

    wait_for(pressed, SLOWLY)


def _shows(gimp: Gimp, title: str) -> bool:
    return bool(gimp.xdotool("search", "--onlyvisible", "--name", f"^{title}", check=False))


def test_an_operation_opens_the_window_and_goes_on_when_it_is_done(
    start: Callable[..., Gimp], release: Path, index: PackageIndex, folders: Folders
) -> None:
    index.bytes_per_second = 300_000
    gimp = start(release, index)
    gimp.run(_picture)
    gimp.begin(_call, name="scumble-inpaint")
    where = window(gimp, TITLE)
    _shot(gimp, "offer")
    press(gimp, where, "Return")  # Set Up Scumble
    wait_for(lambda: State.read(folders.base / "data" / "setup").bytes_done > 0, SLOWLY)
    _shot(gimp, "busy")
    index.bytes_per_second = 0
    _ended(folders, "done")
    _shot(gimp, "ready")
    _press_until(gimp, where, lambda: not _shows(gimp, TITLE))  # Begin
    press(gimp, window(gimp, "Scumble: Inpaint"), "Escape")  # the small engine can't do it
    assert gimp.answer() == ["cancel", "cancelled", ["Background"]]


def test_a_script_is_told_and_no_window_opens(start: Callable[..., Gimp], release: Path, index: PackageIndex) -> None:
    gimp = start(release, index)
    gimp.run(_picture)
    status, error, layers = gimp.run(_call, name="scumble-inpaint", mode="NONINTERACTIVE")
    assert (status, layers) == ("execution-error", ["Background"])
    assert "not installed" in error


def test_the_window_closed_in_the_middle_finds_it_done_the_next_time(
    start: Callable[..., Gimp], release: Path, index: PackageIndex, folders: Folders
) -> None:
    index.bytes_per_second = 200_000
    gimp = start(release, index, theme="light")
    gimp.run(_picture)
    gimp.begin(_call, name="scumble-inpaint")
    where = window(gimp, TITLE)
    press(gimp, where, "Return")
    wait_for(lambda: State.read(folders.base / "data" / "setup").bytes_done > 0, SLOWLY)
    press(gimp, where, "Escape")
    assert gimp.answer()[0] == "cancel"
    gone(gimp, TITLE)
    assert _phase(folders) == "running"
    index.bytes_per_second = 0
    _ended(folders, "done")
    gimp.begin(_call, name="scumble-engine")
    where = window(gimp, TITLE)
    _shot(gimp, "ready-light")
    setup = folders.base / "data" / "setup"
    _press_until(gimp, where, lambda: State.read(setup).seen)  # Begin
    _shot(gimp, "engine-light")
    press(gimp, where, "Escape")
    assert gimp.answer()[0] == "success"


def test_what_went_wrong_is_said_and_tried_again(
    start: Callable[..., Gimp], release: Path, index: PackageIndex, folders: Folders
) -> None:
    index.wrong_sum = "torch"
    gimp = start(release, index)
    gimp.run(_picture)
    gimp.begin(_call, name="scumble-inpaint")
    where = window(gimp, TITLE)
    press(gimp, where, "Return")
    _ended(folders, "failed")
    time.sleep(1.0)  # shown
    _shot(gimp, "broken")
    index.wrong_sum = ""
    _press_until(gimp, where, lambda: _phase(folders) != "failed")  # Try Again
    _ended(folders, "done")
    _press_until(gimp, where, lambda: not _shows(gimp, TITLE))
    press(gimp, window(gimp, "Scumble: Inpaint"), "Escape")
    gimp.answer()


@pytest.mark.timeout(1800)
def test_from_an_empty_home_to_the_first_layer(
    start: Callable[..., Gimp], tmp_path: Path, folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive, three keys in place of clicks, a layer, with the engine that artists get."""
    release = setting_up.real_release(tmp_path / "release")
    with serving(setting_up.real_packages(release)) as index:
        begun = time.monotonic()
        gimp = start(release, index)
        gimp.run(_picture)
        gimp.begin(_call, name="scumble-inpaint")
        where = window(gimp, TITLE)
        clicks = 1
        press(gimp, where, "Return")
        wait_for(lambda: _phase(folders) in ("done", "failed"), 1200)
        _ended(folders, "done")
        clicks += 1
        _press_until(gimp, where, lambda: not _shows(gimp, TITLE))
        clicks += 1
        press(gimp, window(gimp, "Scumble: Inpaint", 120), "Return")
        status, error, layers = gimp.answer(300)
    with capsys.disabled():
        print(f"\nempty home to the first layer: {time.monotonic() - begun:.0f} s")
    assert (status, error, len(layers)) == ("success", "", 2)
    assert clicks <= 5
