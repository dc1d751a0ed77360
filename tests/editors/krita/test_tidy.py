"""Tests that share a Krita find it as after its start, whatever came before."""

from __future__ import annotations

from typing import Any

from .conftest import _tidy
from .harness.session import Krita
from .test_docker import _docker


def _state(k: Any) -> Any:
    operation = k.studio.operation("inpaint")
    return {
        "parameters": k.studio.parameters(operation),
        "options": [k.studio.settings.option(name) for name in ("new_seed", "seed", "operation")],
        "file": k.studio.settings.path.exists(),
        "documents": len(k.app.documents()),
        "chosen": len(k.studio._sources),
        "windows": sorted(
            type(one).__name__ for one in k.qt.QtWidgets.QApplication.topLevelWidgets() if one.isVisible()
        ),
        "said": k.said(),
        "results": len(k.studio.results._results),
        "live": k.studio.live.on,
    }


def _disorder(k: Any) -> Any:
    k.module("harness_docker")(k)
    document = yield from k.new(32, 24)
    operation = k.studio.operation("inpaint")
    k.studio.set_parameters(operation, {**k.studio.parameters(operation), "variations": 3, "patch": 9})
    k.studio.settings.set_option("new_seed", False)
    k.studio.settings.set_option("operation", "test-follow")
    k.studio.choose(document, "inpaint", "mask", k.module("scumble_client.editor.roles").Source("none"))
    k.trigger("scumble_run_again")
    yield lambda: k.said()


def _later(k: Any) -> Any:
    yield 1.0  # longer than settings wait for the next change


def test_what_a_test_has_left_is_gone_for_the_next(krita: Krita) -> None:
    krita.run(_tidy)
    before = krita.run(_state)
    krita.lend(_docker)
    krita.run(_disorder)
    assert krita.run(_state) != before
    krita.run(_tidy)
    krita.run(_later)
    assert krita.run(_state) == before
