"""From an empty Krita to an engine, without a terminal: the archive imported, two buttons, the first layer."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble.installers import kritarc
from scumble_client.paths import ConnectionFile
from scumble_client.setup.state import State
from tests.editors import setting_up
from tests.editors.daemon import private_folders
from tests.editors.display import Display
from tests.support.daemon import Folders, wait_for
from tests.support.package_index import PackageIndex, serving
from tests.support.small_engine import small_index

from .conftest import FAILURES
from .harness.session import Home, Krita

SLOWLY = 120.0
"""Seconds for what waits for another process, on a busy machine."""


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


def _import(k: Any, archive: str) -> Any:
    from plugin_importer.plugin_importer import PluginImporter

    return [
        one["name"] for one in PluginImporter(archive, k.app.getAppDataLocation(), lambda plugin: True).import_all()
    ]


def imported(home: Home, display: Display, release: Path, environment: dict[str, str]) -> None:
    """As Tools ▸ Scripts ▸ Import Python Plugin from File does, with a yes to its question whether to enable it."""
    home.add_driver()
    with Krita(home, display, environment, FAILURES) as krita:
        assert krita.run(_import, archive=str(setting_up.archive("krita", release))) == ["scumble"]
        assert krita.quit() == 0
    kritarc.enable(home.kritarc)


@pytest.fixture
def start(
    display: Display, template: Path, tmp_path: Path, folders: Folders, index: PackageIndex
) -> Iterator[Callable[..., Krita]]:
    """`start(release, theme)`: a Krita with the plugin out of that release, on a machine without an engine; again: the same one."""
    homes: list[Home] = []
    started: list[Krita] = []

    def begin(release: Path, theme: str = "Krita dark") -> Krita:
        environment = setting_up.surroundings(folders, index)
        if not homes:
            homes.append(Home(tmp_path / "krita", template))
            homes[0].kritarc.write_text(f"[theme]\nTheme={theme}\n[python]\n")
            imported(homes[0], display, release, environment)
        started.append(Krita(homes[0], display, environment, FAILURES))
        started[-1].lend(_docker)
        return started[-1]

    yield begin
    for one in started:
        one.close()
    setup = folders.base / "data" / "setup"
    if setup.exists():
        (setup / "cancel").touch()  # what was begun ends with its test


def _docker(k: Any) -> Any:
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    docker.setFloating(True)
    docker.setVisible(True)
    docker.move(60, 60)
    docker.resize(320, 640)
    return docker


def _offer(k: Any) -> Any:
    docker = k.module("harness_docker")(k)
    setup = docker.setup
    yield lambda: k.studio.setup.facts is not None and setup.choices.isVisible()
    yield 0.4
    buttons = [b.text() for b in setup.buttons.findChildren(k.qt.QtWidgets.QPushButton)]
    beyond = [
        w.objectName() or type(w).__name__
        for w in setup.findChildren(k.qt.QtWidgets.QWidget)
        if w.isVisible() and w.mapTo(docker, w.rect().topRight()).x() > docker.width()
    ]
    return {
        "sentence": setup.sentence.text(),
        "detail": setup.detail.text(),
        "buttons": buttons,
        "beyond": beyond,
        "usual": [one.isVisible() for one in docker._usual],
        "compute": [setup.compute.currentText(), setup.compute.isVisible()],
    }


def _press(k: Any, name: str) -> None:
    """A click with the mouse on one of the buttons."""
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    button = docker.setup.findChild(k.qt.QtWidgets.QPushButton, "scumble_setup_" + name)
    k.qt.QtTest.QTest.mouseClick(button, k.qt.QtCore.Qt.MouseButton.LeftButton)


def _kind(k: Any, kind: str) -> Any:
    """Wait until the docker shows that."""
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    yield lambda: docker.setup._view.kind == kind
    yield 0.2
    return docker.setup.sentence.text(), docker.setup.detail.text(), docker.setup.covering


def _tell(k: Any) -> Any:
    """An action, with no engine."""
    document = yield from k.new(32, 32)
    k.select(document, 4, 4, 8, 8)
    k.trigger("scumble_inpaint")
    yield lambda: k.said()
    return k.said()[-1]


def _watch(k: Any) -> None:
    k.watch()


def _longest(k: Any) -> float:
    return float(k.unwatch())


def test_two_clicks_from_the_docker_and_krita_never_stands_still(
    start: Callable[..., Krita], release: Path, index: PackageIndex
) -> None:
    krita = start(release)
    shown = krita.run(_offer)
    assert shown["buttons"] == ["Set Up Scumble"]
    assert shown["sentence"].startswith("Scumble needs its engine")
    assert "Download: about 330 MB. On the disk: about 1.2 GB" in shown["detail"]
    assert shown["usual"] == [False, False]
    assert shown["beyond"] == []
    assert shown["compute"] == ["CPU: works everywhere", False]  # there is no choice
    said = krita.run(_tell)
    assert said.startswith("Scumble's engine is not set up yet. Press “Set Up Scumble” in the docker")
    _shot(krita, "offer")
    index.bytes_per_second = 300_000
    krita.run(_watch)
    krita.run(_press, name="go")
    krita.run(_kind, kind="busy", timeout=SLOWLY)
    krita.run(_fetching, timeout=SLOWLY)
    _shot(krita, "busy")
    index.bytes_per_second = 0
    sentence, _, covering = krita.run(_kind, kind="ready", timeout=SLOWLY)
    assert krita.run(_longest) < 1.0
    assert sentence.startswith("Scumble is ready: it has filled its first picture")
    assert not covering
    _shot(krita, "ready")
    krita.run(_press, name="close")
    krita.run(_kind, kind="nothing")


def _fetching(k: Any) -> Any:
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    yield lambda: " of 2 MB" in docker.setup.detail.text()
    yield 0.3


def _shot(krita: Krita, name: str) -> None:
    """For whoever wants to look: SCUMBLE_TEST_SHOTS names a folder."""
    folder = os.environ.get("SCUMBLE_TEST_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        krita.picture(Path(folder) / f"krita-{name}.png")


def test_krita_is_closed_in_the_middle_and_opened_again(
    start: Callable[..., Krita], release: Path, index: PackageIndex, folders: Folders
) -> None:
    index.bytes_per_second = 200_000
    first = start(release)
    first.run(_offer)
    first.run(_press, name="go")
    first.run(_fetching, timeout=SLOWLY)
    assert first.quit() == 0
    second = start(release)
    second.run(_offer_or_busy)
    index.bytes_per_second = 0
    second.run(_kind, kind="ready", timeout=SLOWLY)
    assert State.read(folders.base / "data" / "setup").phase == "done"


def _offer_or_busy(k: Any) -> Any:
    docker = k.module("harness_docker")(k)
    yield lambda: docker.setup._view.kind in ("busy", "ready")
    return docker.setup._view.kind


def test_cancel_and_what_went_wrong_in_the_bright_theme(
    start: Callable[..., Krita], release: Path, index: PackageIndex, folders: Folders
) -> None:
    index.bytes_per_second = 100_000
    krita = start(release, "Krita bright")
    assert krita.run(_offer)["beyond"] == []
    _shot(krita, "offer-bright")
    krita.run(_press, name="go")
    krita.run(_fetching, timeout=SLOWLY)
    krita.run(_press, name="cancel")
    sentence, _, _ = krita.run(_kind, kind="offer", timeout=SLOWLY)
    assert sentence.startswith("It was cancelled; nothing was left behind.")
    assert not list((folders.base / "data").glob("engine-*"))
    index.wrong_sum, index.bytes_per_second = "torch", 0
    krita.run(_press, name="go")
    sentence, detail, _ = krita.run(_kind, kind="broken", timeout=SLOWLY)
    assert "arrived damaged" in sentence
    assert detail.startswith("Try again.")
    _shot(krita, "broken-bright")
    text = krita.run(_report, timeout=240.0)
    assert "WRONG engine: Scumble's daemon is not installed" in text
    assert "arrived damaged" in text
    _shot(krita, "report-bright")
    index.wrong_sum = ""
    krita.run(_press, name="again")
    krita.run(_kind, kind="ready", timeout=SLOWLY)


def _report(k: Any) -> Any:
    """The report, by its button; what its Copy puts where it can be pasted."""
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    docker.setup.press("report")
    window = docker.setup._windows[-1]
    yield lambda: "plugin" in window.text.toPlainText()
    window.copy_button.click()
    yield 0.3
    return k.qt.QtWidgets.QApplication.clipboard().text()


def test_update_repair_and_remove(
    start: Callable[..., Krita], release: Path, index: PackageIndex, folders: Folders
) -> None:
    krita = start(release)
    krita.run(_offer)
    krita.run(_press, name="go")
    krita.run(_kind, kind="ready", timeout=SLOWLY)
    krita.run(_press, name="close")
    setup = folders.base / "data" / "setup"
    state = State.read(setup)
    state.engine["version"] = "0.0.9"  # as if the plugin had been brought up to date
    state.write(setup)
    sentence, _, covering = krita.run(_kind, kind="newer")
    assert "its engine 0.0.9" in sentence
    assert not covering
    _shot(krita, "newer")
    krita.run(_press, name="go")
    krita.run(_kind, kind="ready", timeout=SLOWLY)
    krita.run(_press, name="close")
    assert [one.name for one in (folders.base / "data").glob("engine-*")] == ["engine-2"]
    krita.run(_ask, task="repair")
    krita.run(_press, name="later")
    krita.run(_kind, kind="nothing")
    krita.run(_ask, task="remove")
    sentence, _, _ = krita.run(_kind, kind="asked")
    assert sentence.startswith("Remove Scumble's engine?")
    _shot(krita, "asked")
    krita.run(_press, name="go")
    _, _, covering = krita.run(_kind, kind="offer", timeout=SLOWLY)
    assert covering
    assert not list((folders.base / "data").glob("engine-*"))


def _ask(k: Any, task: str) -> Any:
    """By the menu."""
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    menu = docker.setup.menu_button.menu()
    menu.aboutToShow.emit()
    title = {"repair": "Repair...", "remove": "Remove..."}[task]
    action = next(one for one in menu.actions() if one.text() == title)
    assert action.isEnabled()
    action.trigger()
    yield lambda: docker.setup._view.kind == "asked"


# -- the whole way, with the engine that artists get


def _fill(k: Any) -> Any:
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    pixels = b"".join(bytes((x, y, x + y, 255)) for y in range(48) for x in range(64))
    document = yield from k.new(64, 48, pixels=pixels)
    k.select(document, 20, 20, 8, 8)
    yield lambda: docker.run_button.isVisible() and docker.run_button.isEnabled()
    k.qt.QtTest.QTest.mouseClick(docker.run_button, k.qt.QtCore.Qt.MouseButton.LeftButton)
    yield lambda: k.layers(document)[0].startswith("Inpaint")
    yield k.idle
    return k.said()[-1]


@pytest.mark.timeout(1800)
def test_from_an_empty_home_to_the_first_layer(
    display: Display, template: Path, tmp_path: Path, folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive, three clicks, a layer; in less than four minutes where nothing else runs."""
    release = setting_up.real_release(tmp_path / "release")
    with serving(setting_up.real_packages(release)) as index:
        environment = setting_up.surroundings(folders, index)
        home = Home(tmp_path / "krita", template)
        begun, used = time.monotonic(), _processor_seconds()
        imported(home, display, release, environment)
        clicks = 0
        with Krita(home, display, environment, FAILURES) as krita:
            krita.lend(_docker)
            krita.run(_offer)
            for name, kind in (("go", "ready"), ("close", "nothing")):
                krita.run(_press, name=name)
                clicks += 1
                krita.run(_kind, kind=kind, timeout=1200.0)
            said = krita.run(_fill, timeout=300.0)
            clicks += 1
            _shot(krita, "first-layer")
        took, used = time.monotonic() - begun, _processor_seconds() - used
    engine = State.read(folders.base / "data" / "setup").engine
    with capsys.disabled():
        print(
            f"\nempty home to the first layer: {took:.0f} s, the machine's processors {used:.0f} s; {engine['bytes'] / 1e6:.0f} MB"
        )
    assert said.startswith("New layer: Inpaint ")
    assert clicks <= 4
    connection = ConnectionFile.read(folders.runtime)
    assert connection
    command = Path(f"/proc/{connection.pid}/cmdline").read_bytes().decode().split("\0")
    assert command[0] == engine["python"]
    if used < 1.2 * took:  # else others have had the processors, and the time says nothing
        assert took < 240
    folder = Path(engine["folder"])
    subprocess.run(
        [engine["python"], "-m", "scumble.cli", "stop"], env={**os.environ, **environment}, timeout=60, check=True
    )
    wait_for(lambda: not Path(f"/proc/{connection.pid}").exists(), 30)
    assert folder.is_dir()


def _processor_seconds() -> float:
    """That all of this machine's processors have worked since its start."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    busy = sum(int(one) for one in words) - int(words[3]) - int(words[4])
    return busy / os.sysconf("SC_CLK_TCK")
