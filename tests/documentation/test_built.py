"""What the built site is refused for: dead links, pictures that are missing or silent, whatever is loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from documentation.built import LARGEST, faults

GOOD = '<h1 id="top">A</h1><a href="sub/b.html#part">b</a><a href="#top">up</a><a href="https://example.org/">out</a><img src="p.png" alt="p">'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "sub" / "b.html").write_text(
        '<h2 id="part">B</h2><a href="../">home</a><link rel="stylesheet" href="../s.css">'
    )
    (tmp_path / "p.png").write_bytes(b"x")
    (tmp_path / "s.css").write_text("a { background: url(p.png) }")
    return tmp_path


def test_a_good_one(site: Path) -> None:
    assert faults(site) == []


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('<a href="gone.html">x</a>', "gone.html is not there"),
        ('<a href="sub/b.html#gone">x</a>', "leads to no heading"),
        ('<img src="gone.png" alt="x">', "gone.png is not there"),
        ('<img src="p.png">', "nothing is said of the picture"),
        ('<script src="https://cdn.example/x.js"></script>', "from elsewhere"),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', "from elsewhere"),
        ('<link rel="preconnect" href="https://fonts.example">', "from elsewhere"),
    ],
)
def test_a_fault(site: Path, added: str, said: str) -> None:
    (site / "index.html").write_text(GOOD + added)
    found = faults(site)
    assert found
    assert all(said in fault for fault in found)


def test_a_style_sheet_that_loads_from_elsewhere(site: Path) -> None:
    (site / "s.css").write_text("@font-face { src: url('https://fonts.example/x.woff') }")
    assert faults(site) == ["s.css loads from elsewhere"]


def test_a_picture_that_is_too_large(site: Path) -> None:
    (site / "p.png").write_bytes(b"x" * (LARGEST + 1))
    [fault] = faults(site)
    assert fault.startswith("p.png has")


def test_an_empty_folder_is_no_site(tmp_path: Path) -> None:
    assert len(faults(tmp_path)) == 1
