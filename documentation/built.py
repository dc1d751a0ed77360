"""What the built site must be: every link and picture within it there, nothing fetched from elsewhere, no picture too large."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LARGEST = 500_000
"""Bytes of a picture."""

_LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "srcset", "video": "src"}
_NAMED_ONLY = {"canonical", "next", "prev", "alternate", "edit"}
"""Relations of a `link` that load nothing."""


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.leads: list[str] = []
        self.loads: list[str] = []
        self.bare: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        for name in ("id", "name"):
            if has.get(name):
                self.anchors.add(has[name])
        if tag == "a" and "href" in has:
            self.leads.append(has["href"])
        named_only = tag == "link" and _NAMED_ONLY & set(has.get("rel", "").split())
        if tag in _LOADED and has.get(_LOADED[tag]) and not named_only:
            self.loads.append(has[_LOADED[tag]])
        if tag == "img" and not has.get("alt", "").strip():
            self.bare.append(has.get("src", ""))


def faults(folder: Path) -> list[str]:
    """What is wrong with the site in `folder`, in sentences."""
    read: dict[Path, _Page] = {}
    for path in sorted(folder.rglob("*.html")):
        page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
        read[path.resolve()] = page
    if not read:
        return [f"there is no page in {folder}"]
    found = []
    for path, page in read.items():
        where = path.relative_to(folder.resolve()).as_posix()
        found += [f"{where} loads {address} from elsewhere" for address in page.loads if _outward(address)]
        found += [f"{where}: nothing is said of the picture {address}" for address in page.bare]
        if path.name == "404.html":
            continue  # it may be shown anywhere, so its links begin at the site's root
        for address in [*page.leads, *page.loads]:
            if _outward(address):
                continue
            bare, anchor = urldefrag(address)
            there = (path.parent / unquote(bare)).resolve() if bare else path
            there = there / "index.html" if there.is_dir() else there
            if not there.is_file():
                found.append(f"{where}: {address} is not there")
            elif anchor and there in read and unquote(anchor) not in read[there].anchors:
                found.append(f"{where}: {address} leads to no heading")
    pictures = [path for path in folder.rglob("*") if path.suffix in (".png", ".jpg", ".jpeg", ".webp", ".svg")]
    found += [f"{path.name} has {path.stat().st_size} bytes" for path in pictures if path.stat().st_size > LARGEST]
    return [*found, *_styles(folder)]


def _styles(folder: Path) -> list[str]:
    """Style sheets that load from elsewhere."""
    return [
        f"{path.name} loads from elsewhere"
        for path in folder.rglob("*.css")
        if any(
            f"url({quote}{scheme}" in path.read_text("utf-8")
            for quote in ("", "'", '"')
            for scheme in ("http:", "https:", "//")
        )
    ]


def _outward(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "file")
