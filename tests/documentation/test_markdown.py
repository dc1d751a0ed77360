"""What is read out of a page: links, not those in examples, and anchors as GitHub names them."""

from __future__ import annotations

import pytest
from documentation.markdown import anchors, links, slug, with_links

PAGE = """# A page

[One](one.md#part), ![a picture](pictures/a.png) and `[none](none.md)`.

```
[also none](none.md)
```

[![both](small.png)](large.md) [out](https://example.org/x) <https://example.org>
[`code`](two.md)
"""


def test_links_and_pictures_but_no_examples() -> None:
    found = [(link.target, link.image) for link in links(PAGE)]
    assert found == [
        ("one.md#part", False),
        ("pictures/a.png", True),
        ("large.md", False),
        ("https://example.org/x", False),
        ("two.md", False),
    ]


def test_the_parts_of_a_link() -> None:
    one = links(PAGE)[0]
    assert (one.text, one.path, one.anchor, one.outward) == ("One", "one.md", "part", False)
    assert links(PAGE)[3].outward


def test_words_in_backticks_are_kept() -> None:
    assert [link.text for link in links(PAGE)][-1] == "`code`"


def test_changing_links_leaves_the_rest() -> None:
    changed = with_links(PAGE, lambda link: "X" if link.path == "one.md" else PAGE[link.start : link.end])
    assert changed == PAGE.replace("[One](one.md#part)", "X")


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("What it can't do", "what-it-cant-do"),
        ("Face brush (`face-brush`)", "face-brush-face-brush"),
        ("A studio’s machines – two", "a-studios-machines--two"),
        ("[Linked](x.md) words", "linked-words"),
        ("Größe & Maß", "größe--maß"),
    ],
)
def test_an_anchor_is_github_s(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_equal_headings_are_numbered_and_examples_have_none() -> None:
    page = "# One\n\n## Same\n\n```\n# no heading\n```\n\n## Same\n"
    assert anchors(page) == {"one", "same", "same-1"}
