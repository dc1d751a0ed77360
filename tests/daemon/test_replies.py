"""What strangers say, before it goes to the log."""

from __future__ import annotations

from pathlib import Path

from scumble.daemon.jobs import Client
from scumble.daemon.replies import MAX_NAMES, Replies, one_line


def test_it_is_one_printable_line() -> None:
    forged = "krita\n2026-01-01 00:00:00 1 INFO scumble.daemon: hello from root\x1b[2J"
    said = one_line(forged)
    assert said.isprintable()
    assert said.startswith("krita?2026")
    assert len(one_line("x" * 10_000_000)) == 300
    assert one_line(None) == "None"


def test_names_are_forgotten_in_time() -> None:
    replies = Replies(Path("log"))
    for number in range(MAX_NAMES + 10):
        replies.remember(Client(None, str(number).encode()), f"client {number}")
    assert replies.named(Client(None, b"3")).name == ""
    assert replies.named(Client(None, b"500")).name == "client 500"
