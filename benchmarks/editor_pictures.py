"""The pictures of the editors' menus, of the docker and of a dialog for the documentation, taken in the real Krita and the real GIMP.

python -m benchmarks.editor_pictures [--docs FOLDER]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from tests.editors import roots
from tests.editors.display import TOGETHER, Display, end
from tests.editors.gimp.conftest import prepare
from tests.editors.gimp.harness.session import Gimp
from tests.editors.gimp.harness.session import Home as GimpHome
from tests.editors.gimp.test_windows import press, window
from tests.editors.krita.conftest import make_krita
from tests.editors.krita.harness.session import Home
from tests.support.daemon import Daemon, Folders, ending

from scumble.pictures import picture

SETTLED = 2.0
"""Seconds for a menu to be drawn."""

PREVIEWED = 20.0
"""For a dialog's first preview, with a daemon that has to load its networks."""


@contextmanager
def _daemon() -> Iterator[Folders]:
    base = Path(tempfile.mkdtemp(prefix="scumble-pictures-"))
    folders = Folders(base)
    folders.environment["SCUMBLE_OPERATIONS"] = ""  # those of the tests are not for the documentation
    try:
        with ending(folders):
            daemon = Daemon(folders, "--device", "cpu")
            yield folders
            daemon.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)
        shutil.rmtree(folders.runtime, ignore_errors=True)


def _krita_scene(k: Any, path: str, docker: str) -> Any:
    document = yield from k.open(path)
    k.select(document, 160, 78, 108, 98)
    k.app.activeWindow().qwindow().resize(1180, 560)
    k.app.activeWindow().qwindow().move(0, 0)
    k.trigger("scumble_inpaint")
    yield lambda: len(k.layers(document)) == 2
    yield k.idle
    ours = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    ours.setVisible(True)
    ours.setFloating(True)
    ours.resize(320, 860)
    yield lambda: not ours.problem.text()
    yield 1.0
    ours.grab().save(docker)
    ours.setFloating(False)
    yield 0.5
    # there is no window manager here, so keys go nowhere: the menus are opened one by one, side by side
    point = k.qt.QtCore.QPoint
    entries = k.app.action("scumble_menu").menu()
    bar = k.app.activeWindow().qwindow().menuBar()
    tools = next(action.menu() for action in bar.actions() if action.text().replace("&", "") == "Tools")
    scripts = next(action.menu() for action in tools.actions() if action.text().replace("&", "") == "Scripts")
    where = point(340, 22)
    for menu, entry in ((tools, scripts), (scripts, entries), (entries, None)):
        menu.popup(where)
        yield 0.5
        if entry is not None:
            menu.setActiveAction(entry.menuAction())
            where = menu.mapToGlobal(point(menu.width(), menu.actionGeometry(entry.menuAction()).y()))


def _krita_weights(k: Any, path: str, docker: str) -> Any:
    document = yield from k.open(path)
    k.select(document, 160, 78, 108, 98)
    ours = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    ours.setVisible(True)
    ours.setFloating(True)
    ours.resize(320, 640)
    yield lambda: k.studio.weights.entries
    ours.show_operation(k.studio.catalogue.find("inpaint"))
    ours.fold.setChecked(True)
    field = ours.form.fields["weights"]
    field.widget.setCurrentIndex(field._choices.index("big-lama"))
    yield lambda: ours.weights.isVisible() and not ours.problem.text()
    yield 1.0
    ours.grab().save(docker)


def krita_weights(out: Path) -> None:
    display = Display("1180x760x24")
    try:
        with _daemon() as folders, make_krita(Home(folders.base / "krita"), display, folders) as krita:
            krita.run(_krita_weights, timeout=120, path=str(picture("wren")), docker=str(out.resolve()))
    finally:
        display.close()


def _close_menus(k: Any) -> Any:
    application = k.qt.QtWidgets.QApplication
    while application.activePopupWidget() is not None:
        application.activePopupWidget().close()


def krita_menu(out: Path, docker: Path) -> None:
    display = Display("1180x560x24")
    try:
        with _daemon() as folders, make_krita(Home(folders.base / "krita"), display, folders) as krita:
            krita.run(_krita_scene, timeout=120, path=str(picture("wren")), docker=str(docker.resolve()))
            time.sleep(SETTLED)
            krita.picture(out)
            krita.run(_close_menus)
    finally:
        display.close()


def _gimp_scene(g: Any, path: str) -> Any:
    image = g.open(path)
    g.select(image, (160, 78, 108, 98))
    g.store["display"] = g.show(image)


def _gimp_weights(g: Any, path: str, plugin: str) -> Any:
    image = g.open(path)
    g.select(image, (160, 78, 108, 98))
    dialog = g.store["dialog"] = g.dialog("inpaint", plugin, image, image.get_layers()[0])
    g.pump(lambda: dialog.preview.pair)
    dialog.advanced.set_expanded(True)
    g.pump(lambda: dialog.weights.panel.entries)
    dialog.config.set_property("weights", "big-lama")
    g.pump(lambda: dialog.weights.widget.get_mapped())
    end = g.GLib.get_monotonic_time() + 2_000_000
    g.pump(lambda: g.GLib.get_monotonic_time() > end)  # for what is drawn


def _gimp_close(g: Any) -> Any:
    g.store.pop("dialog").close()
    g.clear()


def gimp_menu(out: Path, dialog: Path, weights: Path) -> None:
    found, reason = roots.build("gimp")
    if found is None:
        raise RuntimeError(reason)
    home = GimpHome(found)
    display = Display("1000x760x24")
    manager = subprocess.Popen([*TOGETHER, "openbox"], env={**os.environ, "DISPLAY": display.name})
    try:
        with _daemon() as folders:
            surroundings = prepare(home, folders)
            with Gimp(home, surroundings):
                pass  # plug-ins are registered once, which takes long
            shown = home.base / "wren.jpg"
            shutil.copy(picture("wren"), shown)
            with Gimp(home, surroundings, display) as gimp:
                gimp.run(_gimp_scene, path=str(shown))
                main = window(gimp, ".*GIMP$")
                press(gimp, main, "alt+r", "Up", "Right")
                time.sleep(SETTLED)
                gimp.picture(out)
                gimp.xdotool("key", "i")
                where = window(gimp, "Scumble: Inpaint")
                time.sleep(PREVIEWED)
                command = ["import", "-frame", "-window", where, str(dialog)]
                subprocess.run(command, env=gimp.environment, check=True, timeout=30)
                press(gimp, where, "Escape")
                time.sleep(SETTLED)
                gimp.run("def main(g):\n    g.clear()")
                gimp.run(_gimp_weights, path=str(shown), plugin=str(home.plugin))
                command = ["import", "-frame", "-window", window(gimp, "Scumble: Inpaint"), str(weights)]
                subprocess.run(command, env=gimp.environment, check=True, timeout=30)
                gimp.run(_gimp_close)
    finally:
        end(manager)
        display.close()
        home.remove()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.editor_pictures")
    parser.add_argument("--docs", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    krita_menu(options.docs / "krita-menu.png", options.docs / "krita-docker.png")
    krita_weights(options.docs / "krita-weights.png")
    gimp_menu(*(options.docs / name for name in ("gimp-menu.png", "gimp-dialog.png", "gimp-weights.png")))
    names = (
        "krita-menu.png",
        "krita-docker.png",
        "krita-weights.png",
        "gimp-menu.png",
        "gimp-dialog.png",
        "gimp-weights.png",
    )
    for name in names:
        with Image.open(options.docs / name) as taken:
            print(name, taken.size)
