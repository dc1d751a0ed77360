"""Pages that are made from the code: every command and option, every strip of the demo."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from documentation import command_line, gallery
from tests.support.commands import Call

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def commands() -> str:
    return command_line.page()


def test_every_command_has_a_heading(commands: str, calling: Call) -> None:
    said = calling("--help").done().out.partition("Commands")[2]
    names = re.findall(r"^ {2}([a-z]+) ", said, re.MULTILINE)
    assert "run" in names
    for name in names:
        assert re.search(rf"^## scumble {name}\b", commands, re.MULTILINE), name
    assert "## scumble weights pull\n" in commands


def test_every_option_is_told(commands: str, calling: Call) -> None:
    section = commands.partition("## scumble batch\n")[2].partition("\n## ")[0]
    options = set(re.findall(r"^ {2}(--[a-z-]+)", calling("batch", "--help").done().out, re.MULTILINE)) - {"--help"}
    assert "--mask-from" in options
    for option in options:
        assert f"`{option}" in section or f"<code>{option}" in section, option


def test_every_row_says_something(commands: str) -> None:
    assert re.findall(r"^\|.*\| \|$", commands, re.MULTILINE) == []


def test_bounds_defaults_and_what_is_needed(commands: str) -> None:
    assert "| `--quality NUMBER` | Of JPEG files. 1 to 100. Default: `95`. |" in commands
    assert "| `--image FILE` | The picture to work on. **Needed.** |" in commands
    assert "```\nscumble run OPERATION --image FILE [options]\n```" in commands
    assert "| `--source FILE` | A source mask, for `inpaint`. |" in commands


def test_the_gallery_shows_each_strip_there_is() -> None:
    shown = re.findall(r"\]\((pictures/demo-[a-z-]+\.jpg)\)", gallery.page())
    assert sorted(shown) == sorted(f"pictures/{path.name}" for path in (DOCS / "pictures").glob("demo-*.jpg"))


def test_the_gallery_leads_to_the_pages_about_it() -> None:
    for page in re.findall(r"\[More about it\]\(([a-z-]+\.md)\)", gallery.page()):
        assert (DOCS / page).is_file()
