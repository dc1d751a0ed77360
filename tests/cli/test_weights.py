"""`scumble weights`: list, pull and verify against a web server on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.progress import Progress

from scumble.weights import Manifest, parse_manifest, store
from scumble.weights.manifest import load_manifest
from tests.support.commands import Call
from tests.support.daemon import Folders
from tests.support.pictures import put
from tests.weights.conftest import CONTENT, SHA256, FileServer, answers
from tests.weights.conftest import server as server  # the fixture

ENTRY = """
[[weights]]
name = "{name}"
title = "The {name} one"
architecture = "unet"
licence = "{licence}"
file = "{name}.bin"
url = "{url}"
operations = ["inpaint"]
size = {size}
sha256 = "{sha256}"
{more}
"""


@pytest.fixture
def here(server: FileServer, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of weights, where the manifest names two files of the server."""
    facts = {"url": server.url, "size": len(CONTENT), "sha256": SHA256}
    text = ENTRY.format(name="free", licence="MIT", more="", **facts)
    text += ENTRY.format(name="research", licence="CC BY-NC 4.0", more="non_commercial = true", **facts)
    manifest: Manifest = parse_manifest(text, folders.base)
    monkeypatch.setattr(store, "load_manifest", lambda: manifest)
    folder = folders.base / "weights"
    folder.mkdir()
    return folder


class TestTrust:
    def test_it_says_what_it_means_and_holds_for_this_file_only(self, alone: Call, here: Path) -> None:
        path = put(here, "free.bin", CONTENT[::-1])
        said = " ".join(alone("weights", "trust", "free").done().out.split())
        assert "whatever you can" in said
        assert store.WeightStore(here).may_run("free")
        path.write_bytes(CONTENT[1:] + b"x")
        assert not store.WeightStore(here).may_run("free")

    def test_what_is_not_here(self, alone: Call, here: Path) -> None:
        assert "not on this machine" in alone("weights", "trust", "free").refused(3)


class TestList:
    def test_a_fresh_machine(self, alone: Call, here: Path) -> None:
        lines = [line.split() for line in alone("weights", "list").done().out.splitlines()]
        assert lines[0] == ["name", "state", "size", "licence", "what"]
        assert lines[1] == ["free", "missing", "300", "kB", "MIT", "The", "free", "one"]
        assert lines[2][:2] == ["research", "missing"]

    def test_json_has_states_and_terms(self, alone: Call, here: Path) -> None:
        put(here, "free.bin", CONTENT)
        put(here, "research.bin.part", CONTENT[:1000])
        free, research = alone("weights", "list", "--json").done().json
        assert free == {
            "name": "free",
            "title": "The free one",
            "state": "present",
            "size": 300_000,
            "licence": "MIT",
            "non_commercial": False,
            "operations": ["inpaint"],
            "path": str(here / "free.bin"),
        }
        assert (research["state"], research["non_commercial"]) == ("partial", True)

    def test_the_shipped_manifest(self, alone: Call, folders: Folders) -> None:
        found = alone("weights", "list", "--json").done().json
        assert {"ian-simple", "big-lama"} <= {entry["name"] for entry in found}
        assert all(entry["licence"] for entry in found)


class TestPull:
    def test_the_licence_is_shown_and_the_file_comes(self, alone: Call, here: Path) -> None:
        ran = alone("weights", "pull", "free").done()
        assert ran.notes == ["The free one: licence MIT."]
        assert ran.out == f"free: {here / 'free.bin'}\n"
        assert (here / "free.bin").read_bytes() == CONTENT

    def test_it_goes_on_where_it_broke_off(self, alone: Call, here: Path, server: FileServer) -> None:
        put(here, "free.bin.part", CONTENT[:1000])
        alone("weights", "pull", "free").done()
        assert server.ranges == ["bytes=1000-"]
        assert (here / "free.bin").read_bytes() == CONTENT
        assert not (here / "free.bin.part").exists()

    def test_non_commercial_ones_want_a_yes(self, alone: Call, here: Path, server: FileServer) -> None:
        line = alone("weights", "pull", "research").refused()
        assert "non-commercially only" in line
        assert "scumble weights pull research --accept-non-commercial" in line
        assert server.requests == []
        alone("weights", "pull", "research", "--accept-non-commercial").done()
        assert (here / "research.bin").exists()

    def test_an_unknown_name_is_said_before_anything_is_fetched(
        self, alone: Call, here: Path, server: FileServer
    ) -> None:
        assert "Did you mean free?" in alone("weights", "pull", "free", "fre").refused()
        assert server.requests == []

    def test_none_named(self, alone: Call, here: Path) -> None:
        alone("weights", "pull").refused()

    def test_what_is_not_there_any_more(self, alone: Call, here: Path, server: FileServer) -> None:
        server.script = [answers(404)]
        assert "404" in alone("weights", "pull", "free").refused(3)
        assert not (here / "free.bin").exists()

    def test_wrong_bytes(self, alone: Call, here: Path, server: FileServer) -> None:
        server.content = bytes(len(CONTENT))
        alone("weights", "pull", "free").refused(3)
        assert not (here / "free.bin").exists()

    def test_ctrl_c_keeps_the_part_for_the_next_time(
        self, alone: Call, here: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It comes while the progress is shown, as a signal would, but always at the same place."""

        def update(*_: object, completed: float = 0, **__: object) -> None:
            if completed >= 70_000:
                raise KeyboardInterrupt

        with monkeypatch.context() as interrupted:
            interrupted.setattr(Progress, "update", update)
            assert alone("weights", "pull", "free").refused(130) == "Cancelled."
        assert not (here / "free.bin").exists()
        kept = (here / "free.bin.part").stat().st_size
        assert kept >= 70_000
        alone("weights", "pull", "free").done()
        assert server.ranges[-1:] == [f"bytes={kept}-"] or kept == len(CONTENT)
        assert (here / "free.bin").read_bytes() == CONTENT


class TestVerify:
    def test_nothing_is_here(self, alone: Call, here: Path) -> None:
        said = alone("weights", "verify").done().out
        assert said == "There is nothing to check: no weights are here.\n"

    def test_all_is_well(self, alone: Call, here: Path) -> None:
        put(here, "free.bin", CONTENT)
        assert alone("weights", "verify").done().out == "The free one is as it should be.\n"

    def test_a_damaged_file_names_the_command_that_mends_it(self, alone: Call, here: Path) -> None:
        put(here, "free.bin", CONTENT[:-1] + b"?")
        line = alone("weights", "verify").refused(3)
        assert "SHA-256" in line
        assert "scumble weights verify --repair free" in line

    def test_repair_mends_it(self, alone: Call, here: Path) -> None:
        put(here, "free.bin", CONTENT[:500])
        assert "was downloaded again" in alone("weights", "verify", "--repair", "free").done().out
        assert (here / "free.bin").read_bytes() == CONTENT

    def test_json(self, alone: Call, here: Path) -> None:
        put(here, "free.bin", CONTENT)
        put(here, "research.bin", b"half")
        ran = alone("weights", "verify", "--json")
        assert ran.code == 3
        assert ran.err == ""
        assert [(c["name"], c["ok"], c["repaired"]) for c in ran.json] == [
            ("free", True, False),
            ("research", False, False),
        ]

    def test_what_is_missing_by_name(self, alone: Call, here: Path) -> None:
        assert "scumble weights pull free" in alone("weights", "verify", "free").refused(3)

    def test_an_unknown_name(self, alone: Call, here: Path) -> None:
        assert "no weights called “nope”" in alone("weights", "verify", "nope").refused()


class TestAdd:
    def test_files_that_one_has(self, alone: Call, here: Path, tmp_path: Path) -> None:
        (tmp_path / "mine.pth").write_bytes(CONTENT)
        assert (
            "“mine.pth” is The free one: ready to use."
            in alone("weights", "add", str(tmp_path / "mine.pth")).done().out
        )
        assert (here / "free.bin").read_bytes() == CONTENT

    def test_nothing_known(self, alone: Call, here: Path, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "x.pth").write_bytes(b"x" * 5000)
        assert "is one that Scumble knows" in alone("weights", "add", str(tmp_path / "mine")).refused(3)


class TestShow:
    @pytest.mark.parametrize("name", [entry.name for entry in load_manifest() if entry.embedded])
    def test_the_card_of_what_comes_along(self, calling: Call, name: str) -> None:
        said = calling("weights", "show", name).done().out
        path = Path(calling("weights", "show", name, "--json").done().json["path"])
        assert said == path.with_suffix(".md").read_text("utf-8")

    def test_what_is_known_of_published_ones(self, here: Path, calling: Call) -> None:
        said = calling("weights", "show", "research").done().out
        assert "The research one" in said
        assert "CC BY-NC 4.0 (not for commercial use)" in said
        assert "`inpaint`" in said
        assert "missing" in said

    def test_an_unknown_name(self, calling: Call) -> None:
        assert "nothing-like-it" in calling("weights", "show", "nothing-like-it").refused()
