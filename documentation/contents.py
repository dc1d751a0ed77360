"""Which pages the site has, and where each comes from: docs/, files beside it, and pages that are made when it is built.

On GitHub the same files are read where they lie; so their links are relative to the repository, and the site translates them.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from .markdown import Link, anchors, links, with_links

ROOT = Path(__file__).parents[1]

BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "SECURITY.md": "reporting-a-weakness.md",
    "backend/scumble/pictures/SOURCES.md": "pictures/bundled.md",
}
"""Pages out of docs/: by file, from the repository's root, their place in the site. The weights' cards come along in `pages`."""


@cache
def pages() -> Mapping[str, str]:
    """Files of Markdown by their place in the repository: their place in the site."""
    cards = {f"weights/{path.name}": f"weights/{path.name}" for path in sorted((ROOT / "weights").glob("*.md"))}
    own = {
        path.relative_to(ROOT).as_posix(): path.relative_to(ROOT / "docs").as_posix()
        for path in sorted((ROOT / "docs").rglob("*.md"))
    }
    return BESIDE | cards | own


def target(origin: str, link: Link) -> str:
    """The file or folder, from the repository's root, that a link in the file `origin` leads to."""
    if not link.path:
        return origin
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), unquote(link.path)))


def for_site(text: str, origin: str, repository: str) -> str:
    """A page with the links that the site needs.

    Parameters
    ----------
    text, origin
        The page, and its file from the repository's root.
    repository
        Where the repository's files can be looked at, such as `https://…/blob/main/`. Where it is empty, links to what is no page
        are left out, and their words stay.
    """
    here = pages()[origin]

    def change(link: Link) -> str:
        if link.outward:
            return text[link.start : link.end]
        # pictures may stand in a link's words
        words = for_site(link.text, origin, repository) if not link.image else link.text
        found = target(origin, link)
        if found in pages() and words.removeprefix("docs/").endswith(".md") and not link.image:
            words = _title(found)  # on GitHub a file's name says where one goes; here it would be one that is not there
        anchor = f"#{link.anchor}" if link.anchor else ""
        if found in pages() or found.startswith("docs/"):
            there = pages().get(found, found.removeprefix("docs/"))
            relative = posixpath.relpath(there, posixpath.dirname(here) or ".")
            return f"{'!' if link.image else ''}[{words}]({relative}{anchor})"
        if repository and not link.image:
            return f"[{words}]({repository}{found}{anchor})"
        return words

    return with_links(text, change)


@cache
def _title(file: str) -> str:
    """A page's first heading."""
    match = re.search(r"^# +(.+)$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else file


def write(folder: Path, made: Mapping[str, str], repository: str = "") -> None:
    """Put settings, pages and pictures into `folder`, for the program that builds the site.

    Parameters
    ----------
    made
        Pages that are made from the code, by their place in the site.
    repository
        As in `for_site`.
    """
    if folder.exists():
        shutil.rmtree(folder)
    texts = {
        place: for_site((ROOT / origin).read_text("utf-8"), origin, repository) for origin, place in pages().items()
    }
    for place, text in {**texts, **made}.items():
        path = folder / "pages" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in (ROOT / "docs").rglob("*"):
        if path.is_file() and path.suffix != ".md":
            copy = folder / "pages" / path.relative_to(ROOT / "docs")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    shutil.copyfile(ROOT / "documentation" / "mkdocs.yml", folder / "mkdocs.yml")


def faults() -> list[str]:
    """Links of all pages that lead nowhere, pictures that are missing or have no words; in sentences."""
    tracked = _carried()
    found = []
    for origin in pages():
        text = (ROOT / origin).read_text(encoding="utf-8")
        for link in links(text):
            where = f"{origin}: “{link.target}”"
            if link.image and not link.text.strip():
                found.append(f"{where} is a picture that nothing is said of")
            if link.outward:
                continue
            there = target(origin, link)
            if there not in tracked:
                found.append(f"{where} leads to no file of the repository")
            elif link.anchor and there.endswith(".md") and link.anchor not in _anchors(there):
                found.append(f"{where} leads to no heading")
    return found


@cache
def _anchors(file: str) -> set[str]:
    return anchors((ROOT / file).read_text(encoding="utf-8"))


def _carried() -> set[str]:
    """Files that git has or would take, and the folders that they are in; where there is no git, what lies here."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        names = [name for name in listed if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()]
    folders = {parent.as_posix() for name in names for parent in Path(name).parents}
    return {*names, *folders}
