"""What is read out of a page of Markdown: its links, and the anchors of its headings, as GitHub and the site name them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|!?\[[^\[\]]*\](?:\([^()]*\))?)*)\]\((?P<target>[^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#* *$", re.MULTILINE)


@dataclass(frozen=True)
class Link:
    """One link or picture."""

    text: str
    target: str
    """As it is written: a relative path, an address, `#anchor`."""
    image: bool
    start: int
    end: int
    """Where it stands in the page, in characters."""

    @property
    def path(self) -> str:
        """The target without its anchor."""
        return self.target.partition("#")[0]

    @property
    def anchor(self) -> str:
        return self.target.partition("#")[2]

    @property
    def outward(self) -> bool:
        """Whether it leads out into the net."""
        return re.match(r"[a-z][a-z0-9+.-]*:|//", self.target) is not None


def links(page: str) -> list[Link]:
    """Every link and picture that is no example in code."""
    plain = _without_code(page)
    return [
        Link(page[m.start("text") : m.end("text")], m["target"], bool(m["image"]), m.start(), m.end())
        for m in _LINK.finditer(plain)
    ]


def with_links(page: str, change: Callable[[Link], str]) -> str:
    """The page with each link replaced by what `change` gives for it."""
    parts, at = [], 0
    for link in links(page):
        parts += [page[at : link.start], change(link)]
        at = link.end
    return "".join([*parts, page[at:]])


def anchors(page: str) -> set[str]:
    """The anchors of its headings; of equal ones the second ends in `-1`, as on GitHub."""
    found: set[str] = set()
    without_fences = _FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), page)
    for heading in _HEADING.findall(without_fences):
        anchor = unique = slug(heading)
        number = 0
        while unique in found:
            number += 1
            unique = f"{anchor}-{number}"
        found.add(unique)
    return found


def slug(heading: str) -> str:
    """A heading's anchor: letters, digits, `-` and `_`, in lower case, as on GitHub."""
    plain = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def _without_code(page: str) -> str:
    """The page with examples blanked, character for character."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    def blank_in_text(text: str) -> str:
        # what stands in backticks within a link's words may stay: only targets matter there
        return _CODE.sub(lambda m: re.sub(r"[\[\]()!]", " ", m[0]), text)

    return blank_in_text(_FENCE.sub(blank, page))
