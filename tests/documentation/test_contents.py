"""The pages as they lie in the repository, without what builds the site: no dead link, each in the navigation, links translated."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from documentation.__main__ import main
from documentation.contents import ROOT, for_site, pages, write
from documentation.made import MADE

from documentation import contents

SETTINGS = (ROOT / "documentation" / "mkdocs.yml").read_text(encoding="utf-8")


def in_navigation(settings: str) -> list[str]:
    """Pages that mkdocs' settings name."""
    nav = settings.partition("\nnav:\n")[2].partition("\nplugins:")[0]
    return re.findall(r"^ +- [^:\n]+: (\S+)$", nav, re.MULTILINE)


def test_nothing_is_wrong_with_the_pages() -> None:
    assert contents.faults() == []
    assert main(["check"]) == 0


def test_each_page_is_in_the_navigation_once() -> None:
    named = in_navigation(SETTINGS)
    assert sorted(named) == sorted({*pages().values(), *MADE})


def test_each_module_of_the_reference_is_there() -> None:
    named = re.findall(r"^::: (\S+)$", MADE["modules.md"](), re.MULTILINE)
    assert len(named) > 8
    for name in named:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name


@pytest.mark.parametrize(
    ("origin", "text", "wanted"),
    [
        ("README.md", "[a](docs/inpaint.md#methods)", "[a](inpaint.md#methods)"),
        ("README.md", "![a](docs/pictures/demo-inpaint.jpg)", "![a](pictures/demo-inpaint.jpg)"),
        ("docs/inpaint.md", "[a](../README.md)", "[a](index.md)"),
        ("README.md", "[docs/setup.md](docs/setup.md)", "[Setting up from the editor](setup.md)"),
        ("docs/mosaic.md", "[a](../weights/scumble-mosaic.md)", "[a](weights/scumble-mosaic.md)"),
        ("weights/scumble-mosaic.md", "[a](../docs/mosaic.md)", "[a](../mosaic.md)"),
        ("docs/inpaint.md", "[a](#methods)", "[a](inpaint.md#methods)"),
        (
            "docs/platforms.md",
            "[a `b`](../.github/workflows/tests.yml)",
            "[a `b`](https://x/.github/workflows/tests.yml)",
        ),
        ("docs/inpaint.md", "[a](https://example.org/#b) `[c](d.md)`", "[a](https://example.org/#b) `[c](d.md)`"),
    ],
)
def test_a_link_leads_to_the_same_on_the_site(origin: str, text: str, wanted: str) -> None:
    assert for_site(text, origin, "https://x/") == wanted


def test_without_a_repository_code_is_not_linked() -> None:
    assert for_site("see [the code](../Makefile).", "docs/inpaint.md", "") == "see the code."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a](gone.md)", "leads to no file"),
        ("[a](inpaint.md#nowhere)", "leads to no heading"),
        ("![a](pictures/gone.png)", "leads to no file"),
        ("![](pictures/demo-inpaint.jpg)", "nothing is said of"),
        ("[a](../../elsewhere.md)", "leads to no file"),
    ],
)
def test_a_fault_is_found(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = tmp_path / "docs"
    (docs / "pictures").mkdir(parents=True)
    (docs / "page.md").write_text(text)
    (docs / "inpaint.md").write_text("# Inpaint\n")
    (docs / "pictures" / "demo-inpaint.jpg").write_bytes(b"")
    monkeypatch.setattr(contents, "ROOT", tmp_path)
    monkeypatch.setattr(contents, "pages", lambda: {"docs/page.md": "page.md"})
    contents._anchors.cache_clear()
    try:
        [fault] = contents.faults()
    finally:
        contents._anchors.cache_clear()
    assert said in fault
    assert fault.startswith("docs/page.md: ")


def test_all_pages_and_pictures_are_put_together(tmp_path: Path) -> None:
    write(tmp_path / "site", {"made.md": "# Made\n"})
    there = {
        path.relative_to(tmp_path / "site" / "pages").as_posix()
        for path in (tmp_path / "site" / "pages").rglob("*")
        if path.is_file()
    }
    assert {*pages().values(), "made.md", "pictures/demo-inpaint.jpg", "pictures/how-it-works.svg"} <= there
    assert "docs_dir: pages" in (tmp_path / "site" / "mkdocs.yml").read_text("utf-8")


def test_what_was_there_before_goes(tmp_path: Path) -> None:
    write(tmp_path / "site", {"old.md": "# Old\n"})
    write(tmp_path / "site", {"new.md": "# New\n"})
    assert not (tmp_path / "site" / "pages" / "old.md").exists()
