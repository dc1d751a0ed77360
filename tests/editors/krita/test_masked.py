"""A result as a new layer with a mask: what one sees, what the mask holds, and one undo."""

from __future__ import annotations

from typing import Any

from .harness.session import Krita
from .test_docker import _docker


def _masked(k: Any) -> Any:
    """The same run without and with a mask, chosen in the docker; then black is put on the mask."""
    docker = k.module("harness_docker")(k)
    can = k.module("writing").CAN_MASK
    docker.fold.setChecked(True)
    yield 0.1
    offered = docker.output.isVisible()
    document = yield from k.new(48, 48, pixels=bytes((50, 100, 200, 255)) * 48 * 48)
    picture = document.topLevelNodes()[0]
    picture.setPixelData(k.bytes(bytes((250, 10, 20, 255)) * 64), 20, 20, 8, 8)
    k.select(document, 16, 16, 16, 16, 100)
    docker.show_operation(k.studio.catalogue.find("inpaint"))
    k.studio.settings.set_option("new_seed", False)

    def seen() -> Any:
        document.refreshProjection()
        document.waitForDone()
        return bytes(document.pixelData(0, 0, 48, 48))

    out = []
    for place in (0, 1):
        docker.output.setCurrentIndex(place)
        docker.output.activated.emit(place)
        before = seen()
        k.trigger("scumble_inpaint")
        yield lambda: len(k.layers(document)) == 2
        yield k.idle
        layer = next(n for n in document.topLevelNodes() if n.name().startswith("Inpaint"))
        masks = [one for one in layer.childNodes() if one.type() == "transparencymask"]
        alphas = [set(bytes(layer.pixelData(16, 16, 16, 16))[3::4])]
        alphas += [set(bytes(one.pixelData(16, 16, 16, 16))) for one in masks]
        shown = seen()
        taken = None
        if masks:
            masks[0].setPixelData(k.bytes(bytes(48 * 48)), 0, 0, 48, 48)
            taken = seen() == before
        active = document.activeNode() == picture
        k.trigger("edit_undo")
        yield lambda: k.layers(document) == ["Background"]
        out.append([shown, seen() == before, shown != before, [sorted(one) for one in alphas], taken, active])
    docker.output.setCurrentIndex(0)
    docker.output.activated.emit(0)
    k.studio.settings.set_option("new_seed", True)
    different = max(abs(a - b) for a, b in zip(out[0][0], out[1][0]))  # noqa: B905  (Python 3.8)
    return can, offered, different, [one[1:] for one in out]


def test_what_is_transparent_in_a_result_becomes_its_mask(krita: Krita) -> None:
    krita.lend(_docker)
    can, offered, different, (plain, masked) = krita.run(_masked)
    assert offered == can
    assert different <= 1, "it looks the same"
    assert plain == [True, True, [[100]], None, True]
    if can:
        assert masked == [True, True, [[255], [100]], True, True]
    else:
        assert masked == plain
