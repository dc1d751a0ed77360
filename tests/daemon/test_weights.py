"""Weights that a daemon fetches for its clients: from a server that misbehaves, for several at once, cancelled, forbidden."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble_client import Client, Pixels, Request, ScumbleError
from scumble_client.client import Event
from scumble_client.fetching import Fetch
from scumble_client.paths import process_alive
from tests.inpainting.weights.test_loading import Lama, script
from tests.support.daemon import Daemon, Folders, ending, request, square, status, wait_for
from tests.support.file_server import CONTENT, FileServer, answers, breaks_off_after, stalls_after
from tests.support.own_manifest import entry, write
from tests.weights.conftest import server as server  # the fixture

LONG = 120.0
"""Seconds for what waits for processes, on a busy machine."""

Start = Callable[..., Daemon]


@pytest.fixture
def folders(tmp_path: Path, server: FileServer) -> Iterator[Folders]:
    made = Folders(tmp_path)
    made.environment["SCUMBLE_MANIFEST"] = str(write(tmp_path / "own.toml", server))
    with ending(made):
        yield made
    shutil.rmtree(made.runtime, ignore_errors=True)


@pytest.fixture
def start(folders: Folders) -> Iterator[Start]:
    started: list[Daemon] = []

    def begin(*options: str) -> Daemon:
        started.append(Daemon(folders, "--device", "cpu", *options))
        return started[-1]

    yield begin
    for daemon in started:
        daemon.stop()


@pytest.fixture
def connect(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Client]]:
    for name in ("SCUMBLE_RUNTIME_DIR", "SCUMBLE_CONFIG_DIR"):
        monkeypatch.setenv(name, folders.environment[name])
    made: list[Client] = []

    def client() -> Client:
        made.append(Client("test", launch=False))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def client(start: Start, connect: Callable[[], Client]) -> Client:
    start()
    return connect()


def listed(client: Client) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in client.call("weights").body["weights"]}


def refusal(fetch: Fetch) -> ScumbleError:
    with pytest.raises(ScumbleError) as caught:
        fetch.wait(LONG)
    return caught.value


def stored(folders: Folders, name: str = "free.bin") -> Path:
    return folders.base / "weights" / name


def test_what_there_is_comes_with_size_and_licence(client: Client) -> None:
    answer = client.call("weights").body
    assert answer["get"]
    assert answer["add"]
    found = {one["name"]: one for one in answer["weights"]}
    assert found["scumble-features"]["state"] == "embedded"
    free = found["free"]
    assert (free["state"], free["size"], free["licence"]) == ("missing", len(CONTENT), "MIT")
    assert not found["research"]["accepted"]
    assert found["by-hand"]["page"] == "http://nowhere.invalid/page"
    assert free["page"] == ""


def test_a_file_comes_with_progress_and_is_here_then(client: Client, folders: Folders) -> None:
    fetch = client.get_weights("free")
    fetch.wait(LONG)
    assert (fetch.done, fetch.total, fetch.fraction) == (len(CONTENT), len(CONTENT), 1.0)
    assert stored(folders).read_bytes() == CONTENT
    assert listed(client)["free"]["state"] == "present"
    kinds = {event.kind for event in client.poll()}
    assert "fetch" in kinds


def test_what_is_here_is_not_fetched_again(client: Client, server: FileServer) -> None:
    for _ in range(2):
        client.get_weights("free").wait(LONG)
    assert len(server.requests) == 1


def test_a_line_that_breaks_costs_nothing_that_has_come(client: Client, server: FileServer, folders: Folders) -> None:
    server.script = [breaks_off_after(100_000), breaks_off_after(100_000)]
    client.get_weights("free").wait(LONG)
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]
    assert stored(folders).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("changed", None, "what arrived is not what was published (its SHA-256 is not the one on record)"),
        ("huge", lambda handler: handler.answer(200, {}, b"x", length=10**15), "The disk is full"),
        ("nowhere", None, "nowhere.invalid was not found, so there may be no connection to the internet"),
        ("free", answers(403), "the server answered 403"),
    ],
)
def test_what_goes_wrong_is_said_to_an_artist(
    client: Client, server: FileServer, folders: Folders, name: str, answer: Any, said: str
) -> None:
    server.script = [answer] if answer else []
    error = refusal(client.get_weights(name))
    assert said in error.message
    assert "press “Get It” once more" in error.hint
    assert "scumble weights" not in str(error), "there is no terminal in an editor"
    assert not stored(folders, f"{name}.bin").exists()
    assert listed(client)[name]["state"] in ("missing", "partial")


def test_a_licence_is_asked_about_once(client: Client, folders: Folders) -> None:
    error = refusal(client.get_weights("research"))
    assert error.code == "bad_request"
    assert "non-commercial use only (licence: CC BY-NC 4.0)" in error.message
    client.get_weights("research", accepted=True).wait(LONG)
    stored(folders, "research.bin").unlink()
    assert listed(client)["research"]["accepted"]
    client.get_weights("research").wait(LONG)
    assert stored(folders, "research.bin").exists()


@pytest.mark.parametrize("name", ["http://127.0.0.1/weights.bin", "../free", "--accepted", "unknown", ""])
def test_only_what_the_manifest_names_can_be_had(client: Client, server: FileServer, name: str) -> None:
    assert refusal(client.get_weights(name)).code == "invalid_parameter"
    assert server.requests == []


def test_what_has_to_be_fetched_by_hand_says_where(client: Client) -> None:
    error = refusal(client.get_weights("by-hand"))
    assert "http://nowhere.invalid/page" in error.hint
    assert refusal(client.get_weights("scumble-features")).message.endswith("comes with Scumble.")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("get_weights", {}),
        ("get_weights", {"weights": 3}),
        ("get_weights", {"weights": "free", "accepted": "yes"}),
        ("add_weights", {}),
        ("add_weights", {"folder": "a\0b"}),
        ("add_weights", {"folder": "x" * 5000}),
        ("cancel_weights", {"get": None}),
    ],
)
def test_odd_messages_are_refused(client: Client, kind: str, body: dict[str, Any]) -> None:
    client.connect()
    with pytest.raises(ScumbleError) as caught:
        client.call(kind, body)
    assert caught.value.code == "bad_request"


class TestTwo:
    def test_clients_share_what_they_ask_for(
        self, client: Client, connect: Callable[[], Client], server: FileServer
    ) -> None:
        server.script = [stalls_after(100_000)]
        other = connect()
        first = client.get_weights("free")
        wait_for(lambda: first.done > 0)
        second = other.get_weights("free")
        wait_for(lambda: second.done > 0)
        client.cancel_weights(first)
        assert refusal(first).code == "cancelled"
        assert not second.ended, "the other one still wants it"
        server.release.set()
        second.wait(LONG)
        assert [r for r in server.ranges if r is None] == [None], "it was begun once"

    def test_a_cancelled_one_ends_and_goes_on_where_it_was(
        self, client: Client, server: FileServer, folders: Folders
    ) -> None:
        server.script = [stalls_after(100_000)]
        first = client.get_weights("free")
        wait_for(lambda: first.done >= 65536)
        client.cancel_weights(first)
        assert refusal(first).code == "cancelled"
        wait_for(lambda: status(client)["fetching"] == {})
        part = stored(folders, "free.bin.part").stat().st_size
        assert part > 0
        client.get_weights("free").wait(LONG)
        assert server.ranges == [None, f"bytes={part}-"]

    def test_it_goes_on_when_the_window_is_closed(
        self, client: Client, connect: Callable[[], Client], server: FileServer, folders: Folders
    ) -> None:
        server.script = [stalls_after(100_000)]
        asked = connect()
        first = asked.get_weights("free")
        wait_for(lambda: first.done > 0)
        asked.close()
        assert listed(client)["free"]["fetching"]["total"] == len(CONTENT)
        assert list(status(client)["fetching"]) == ["free"]
        server.release.set()
        wait_for(stored(folders).exists)

    def test_another_window_may_cancel_what_a_closed_one_began(
        self, client: Client, connect: Callable[[], Client], server: FileServer
    ) -> None:
        server.script = [stalls_after(100_000)]
        asked = connect()
        first = asked.get_weights("free")
        wait_for(lambda: first.done > 0)
        asked.cancel_weights(first, keep=True)
        second = client.get_weights("free")
        wait_for(lambda: second.done > 0)
        client.cancel_weights(second)
        assert refusal(second).code == "cancelled"
        wait_for(lambda: status(client)["fetching"] == {})

    def test_more_than_two_wait_for_each_other(self, client: Client, server: FileServer) -> None:
        server.script = [stalls_after(1000), stalls_after(1000)]
        fetches = [client.get_weights(name, accepted=True) for name in ("free", "research")]
        wait_for(lambda: all(one.done > 0 for one in fetches))
        third = client.get_weights("big-lama")
        wait_for(lambda: third.message == "Waiting for another download")
        client.cancel_weights(fetches[0])
        third.wait(LONG)


def test_jobs_do_not_wait_for_it(client: Client, server: FileServer) -> None:
    server.script = [stalls_after(100_000)]
    fetch = client.get_weights("free")
    wait_for(lambda: fetch.done > 0)
    client.wait(client.submit(request("identity")), LONG)
    assert not fetch.ended


def test_the_daemon_waits_for_it_and_ends_it_when_it_is_stopped(
    start: Start, connect: Callable[[], Client], server: FileServer
) -> None:
    daemon = start("--idle-exit", "0.08")  # 4.8 seconds
    client = connect()
    server.script = [stalls_after(100_000)]
    fetch = client.get_weights("free")
    wait_for(lambda: fetch.done > 0)
    client.poll()
    told: list[Event] = []

    def told_enough() -> bool:
        """It tells again every two seconds how far it is; nobody asks it anything meanwhile."""
        told.extend(client.poll())
        return len(told) >= 4 or daemon.process.poll() is not None

    wait_for(told_enough)
    children = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")
    pids = [int(pid) for pid in children.read_text().split()] if children.exists() else []
    assert daemon.process.poll() is None
    assert daemon.stop() == 0
    assert refusal(fetch).message in ("The daemon was stopped.", "The daemon went away before the file was here.")
    wait_for(lambda: not any(map(process_alive, pids)))


def test_an_operator_may_forbid_it(
    start: Start, connect: Callable[[], Client], server: FileServer, tmp_path: Path
) -> None:
    start("--get-weights", "none")
    client = connect()
    answer = client.call("weights").body
    assert (answer["get"], answer["add"]) == (False, False)
    for fetch in (client.get_weights("free"), client.add_weights(str(tmp_path))):
        assert refusal(fetch).code == "unauthorized"
    assert server.requests == []


def test_a_worker_that_runs_finds_what_has_come(
    folders: Folders, start: Start, connect: Callable[[], Client], server: FileServer, tmp_path: Path
) -> None:
    program = script(Lama(), tmp_path / "lama.pt").read_bytes()
    sha256 = hashlib.sha256(program).hexdigest()
    table = entry("big-lama", server.url, file="big-lama.pt", size=len(program), sha256=sha256)
    (tmp_path / "own.toml").write_text(table, encoding="utf-8")
    server.content = program
    start()
    client = connect()
    roles = {"image": square(200, 64), "mask": Pixels(bytes([255]) * 256, 16, 16, "gray", x=20, y=20)}
    wanted = Request("inpaint", roles, {"method": "network", "weights": "big-lama"})
    with pytest.raises(ScumbleError) as missing:
        client.wait(client.submit(wanted), LONG)
    assert missing.value.code == "weights_missing"
    worker = status(client)["workers"][0]["worker"]
    client.get_weights("big-lama").wait(LONG)
    result = client.wait(client.submit(wanted), LONG)
    assert result.layers
    assert result.request["weights"] == {"big-lama": sha256}
    assert status(client)["workers"][0]["worker"] == worker, "nothing was started anew"


class TestFolder:
    def test_a_file_is_known_by_its_content(self, client: Client, folders: Folders, tmp_path: Path) -> None:
        there = tmp_path / "mine" / "deep"
        there.mkdir(parents=True)
        (there / "renamed.pth").write_bytes(CONTENT)
        (there / "else.pth").write_bytes(CONTENT[:-1])
        (there / "notes.txt").write_text("nothing" * 1000)
        fetch = client.add_weights(str(tmp_path / "mine"))
        fetch.wait(LONG)
        assert [one["weights"] for one in fetch.files] == ["big-lama"]
        assert fetch.files[0]["message"] == "“renamed.pth” is Big-LaMa: ready to use."
        assert stored(folders, "big-lama.pt").read_bytes() == CONTENT
        assert (there / "renamed.pth").exists(), "what is the artist's stays"
        assert listed(client)["big-lama"]["state"] == "present"

    @pytest.mark.parametrize("make", [False, True])
    def test_where_there_is_nothing_it_says_so(self, client: Client, tmp_path: Path, make: bool) -> None:
        if make:
            (tmp_path / "empty").mkdir()
        error = refusal(client.add_weights(str(tmp_path / "empty")))
        assert error.code == "invalid_parameter"
        assert error.message.startswith("There are no files of weights in" if make else "There is no folder")
