"""Which results stay at hand."""

from __future__ import annotations

from scumble_client import Pixels
from scumble_client.editor.provenance import Provenance
from scumble_client.editor.recent_results import RecentResult, RecentResults


def kept(name: str, group: str = "1", size: int = 0, layer: str = "", document: object = "d") -> RecentResult:
    pixels = Pixels(bytes(size), size, 1, "gray") if size else None
    return RecentResult(name, Provenance("inpaint", {}, 1), document, None, group, pixels=pixels, layer=layer)


def test_the_newest_comes_first_and_the_oldest_goes() -> None:
    results = RecentResults(count=2)
    for name in "abc":
        results.add(kept(name))
    assert [one.name for one in results] == ["c", "b"]
    assert [one.name for one in results.numbered().values()] == ["c", "b"]


def test_beyond_the_limit_layers_lose_their_pixels_and_the_others_go() -> None:
    results = RecentResults(count=9, limit=150)
    results.add(kept("layer", size=100, layer="1"))
    results.add(kept("variation", size=100))
    results.add(kept("new", size=100))
    assert [(one.name, one.bytes) for one in results] == [("new", 100), ("layer", 0)]


def test_the_newest_stays_however_large() -> None:
    results = RecentResults(limit=1)
    results.add(kept("huge", size=1000))
    assert [one.bytes for one in results] == [1000]


def test_siblings_are_of_the_same_run() -> None:
    results = RecentResults()
    numbers = [results.add(kept(name, group)) for name, group in (("a", "1"), ("b", "1"), ("c", "2"))]
    assert [one.name for one in results.siblings(numbers[0])] == ["b"]


def test_a_closed_documents_results_are_forgotten() -> None:
    results = RecentResults()
    results.add(kept("a", document="x"))
    results.add(kept("b", document="y"))
    results.forget_document("x")
    assert [one.name for one in results] == ["b"]


def test_a_removed_result_is_gone() -> None:
    results = RecentResults()
    number = results.add(kept("a"))
    removed = results.remove(number)
    assert removed is not None
    assert results.get(number) is None
    assert results.remove(number) is None
    assert len(results) == 0
