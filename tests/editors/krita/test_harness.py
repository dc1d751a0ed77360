"""The harness sees failures: each kind of breakage, made on purpose, fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.daemon import Daemon

from .conftest import SharedKrita
from .harness.session import Krita
from .test_inpaint import test_the_action_makes_a_new_layer_above_the_source as the_main_test

SHIFT = """
def main(k):
    writing = k.module("writing")
    right = writing.write
    def wrong(document, node, pixels):
        pixels.x += 1
        return right(document, node, pixels)
    writing.write = wrong
"""

SLOT = """
def main(k):
    k.qt.QtCore.QTimer.singleShot(0, lambda: 1 / 0)
    yield 0.2
"""

CRASH = """
def main(k):
    import ctypes
    ctypes.string_at(0)
"""

NEVER = """
def main(k):
    yield lambda: False
"""


def test_a_plugin_that_puts_the_layer_one_pixel_beside_its_place_fails(
    krita_daemon: Daemon, start_krita: Callable[..., Krita]
) -> None:
    krita = start_krita(krita_daemon.folders)
    the_main_test(krita)
    krita.run("def main(k):\n    for d in k.app.documents():\n        yield from k.close(d)")
    krita.run(SHIFT)
    with pytest.raises(AssertionError):
        the_main_test(krita)


def test_an_exception_in_a_slot_fails(krita: Krita) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        krita.run(SLOT)


def test_waiting_in_vain_fails_and_leaves_a_screenshot(krita: Krita) -> None:
    assert krita.failures
    before = set(krita.failures.glob("*.png"))
    with pytest.raises(AssertionError, match="waited in vain"):
        krita.run(NEVER, timeout=0.5)
    made = set(krita.failures.glob("*.png")) - before
    for path in made:
        assert path.stat().st_size > 1000
        path.unlink()
    assert made


def _hides(k: Any, shown: bool) -> Any:
    """A picture is closed with the docker in one state; without one it gets the other; the next picture is opened."""
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    document = yield from k.new(40, 30)
    docker.setVisible(not shown)
    yield from k.close(document)
    docker.setVisible(shown)
    docker.setFloating(shown)
    yield from k.new(40, 30)
    yield 0.3
    return [docker.isVisible(), docker.isFloating()]


@pytest.mark.parametrize("shown", [True, False])
def test_the_docker_stays_as_a_test_has_left_it(krita: Krita, shown: bool) -> None:
    """Krita brings dockers back as they were when the last picture was closed; a docker that is hidden looks at nothing."""
    assert krita.run(_hides, shown=shown) == [shown, shown]


def test_a_shared_krita_that_has_died_is_followed_by_another(shared_krita: SharedKrita) -> None:
    first = shared_krita.get()
    with pytest.raises(AssertionError, match="Krita went away"):
        first.run(CRASH)
    second = shared_krita.get()
    assert second is not first
    assert second.run("def main(k):\n    return len(k.app.documents())") == 0


def test_a_krita_that_crashes_fails(krita_daemon: Daemon, start_krita: Callable[..., Krita]) -> None:
    krita = start_krita(krita_daemon.folders)
    with pytest.raises(AssertionError, match="Krita went away"):
        krita.run(CRASH)
