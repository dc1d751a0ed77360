"""Downloads over lines that break and from servers that lie."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from scumble.weights.download import Expected, Patience, Progress, download, part_path
from scumble_client.errors import ScumbleError

from .conftest import (
    CONTENT,
    MD5,
    SHA256,
    Behaviour,
    FileServer,
    Handler,
    answers,
    breaks_off_after,
    hangs_up,
    ignores_ranges,
    serve,
    stalls_after,
)

KNOWN = Expected(size=len(CONTENT), sha256=SHA256)
UNKNOWN = Expected()
HALF = len(CONTENT) // 2


class Clock:
    """Counts the sleeps instead of sleeping."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.sleeps.append(seconds)


class Fetcher:
    def __init__(self, server: FileServer, folder: Path) -> None:
        self.server = server
        self.target = folder / "weights.bin"
        self.clock = Clock()
        self.stall_timeout = 30.0

    def __call__(self, expected: Expected = KNOWN, url: str = "", progress: Progress | None = None) -> None:
        download(
            url or self.server.url,
            self.target,
            expected,
            title="The network",
            again="scumble weights pull net",
            progress=progress,
            patience=Patience(attempts=4, stall_timeout=self.stall_timeout, sleep=self.clock),
        )

    def fails(self, expected: Expected = KNOWN, url: str = "", code: str = "weights_missing") -> ScumbleError:
        with pytest.raises(ScumbleError) as caught:
            self(expected, url)
        assert caught.value.code == code
        assert caught.value.message.endswith(".")
        assert caught.value.hint.endswith(".")
        assert not self.target.exists()
        return caught.value

    def leave_part(self, count: int = HALF) -> None:
        """An earlier download that was cut off after about `count` bytes."""

        def stop(done: int, _: int | None) -> None:
            if done >= count:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self(progress=stop)
        assert self.part.stat().st_size > 0
        self.server.requests.clear()

    @property
    def part(self) -> Path:
        return part_path(self.target)

    def check(self) -> None:
        """The file is there, and nothing but the file."""
        assert self.target.read_bytes() == self.server.content
        assert list(self.target.parent.iterdir()) == [self.target]


@pytest.fixture
def fetch(server: FileServer, tmp_path: Path) -> Fetcher:
    return Fetcher(server, tmp_path)


@pytest.mark.parametrize(
    "expected", [KNOWN, UNKNOWN, Expected(sha256_prefix=SHA256[:8]), Expected(md5=MD5), Expected(size=len(CONTENT))]
)
def test_a_good_line(fetch: Fetcher, expected: Expected) -> None:
    seen: list[tuple[int, int | None]] = []
    fetch(expected, progress=lambda done, total: seen.append((done, total)))
    fetch.check()
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


class TestBrokenLines:
    def test_goes_on_where_it_broke_off(self, fetch: Fetcher, server: FileServer) -> None:
        server.script = [breaks_off_after(100_000), breaks_off_after(50_000)]
        fetch(UNKNOWN)
        fetch.check()
        assert server.ranges[0] is None
        assert len(server.requests) == 3
        starts = [int(value.removeprefix("bytes=").rstrip("-")) for value in server.ranges[1:] if value]
        assert 0 < starts[0] <= 100_000 < starts[1] <= 150_000

    @pytest.mark.parametrize("behaviour", [hangs_up, answers(500), answers(503), answers(429), answers(408)])
    def test_tries_again_with_growing_pauses(self, fetch: Fetcher, server: FileServer, behaviour: Behaviour) -> None:
        server.script = [behaviour] * 3
        fetch()
        fetch.check()
        assert fetch.clock.sleeps == [2, 4, 8]

    def test_waits_as_long_as_the_server_asks(self, fetch: Fetcher, server: FileServer) -> None:
        server.script = [answers(503, {"Retry-After": "17"})]
        fetch()
        assert fetch.clock.sleeps == [17]

    def test_gives_up_in_the_end_and_keeps_the_part(self, fetch: Fetcher, server: FileServer) -> None:
        server.script = [breaks_off_after(HALF), *[hangs_up] * 10]
        error = fetch.fails()
        assert "broke off" in error.message
        assert "scumble weights pull net" in error.hint
        assert len(server.requests) == 5
        arrived = fetch.part.stat().st_size
        assert 0 < arrived <= HALF
        server.script = []
        fetch()
        fetch.check()
        assert server.ranges[-1] == f"bytes={arrived}-"

    def test_progress_renews_the_patience(self, fetch: Fetcher, server: FileServer) -> None:
        server.script = [breaks_off_after(70_000), hangs_up, hangs_up, hangs_up] * 3
        fetch()
        fetch.check()

    def test_a_server_that_never_gets_further_is_given_up(self, fetch: Fetcher, server: FileServer) -> None:
        server.headers = {}
        server.script = [breaks_off_after(HALF)] * 20
        fetch.fails(UNKNOWN)  # neither ETag nor digest: each attempt begins anew
        assert len(server.requests) == 5
        assert set(server.ranges) == {None}

    def test_a_stalled_line_counts_as_broken(self, fetch: Fetcher, server: FileServer) -> None:
        fetch.stall_timeout = 0.3
        server.script = [stalls_after(100_000)]
        fetch()
        fetch.check()
        assert server.ranges[1] is not None

    def test_an_end_without_a_length_is_no_end_while_bytes_are_missing(
        self, fetch: Fetcher, server: FileServer
    ) -> None:
        def stops_early(handler: Handler) -> None:
            handler.send_response(200)
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(CONTENT[:1000])
            handler.close_connection = True

        server.script = [stops_early]
        fetch()
        fetch.check()
        assert server.ranges == [None, "bytes=1000-"]

    def test_nobody_listens(self, fetch: Fetcher, server: FileServer) -> None:
        server.script = []
        error = fetch.fails(url="http://127.0.0.1:1/weights.bin")
        assert "127.0.0.1" in error.message
        assert len(fetch.clock.sleeps) == 3

    @pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
    def test_a_refusal_is_final(self, fetch: Fetcher, server: FileServer, status: int) -> None:
        server.script = [answers(status, body=b"<html>no</html>")] * 3
        error = fetch.fails()
        assert str(status) in error.message
        assert server.url in error.hint
        assert len(server.requests) == 1
        assert not fetch.clock.sleeps

    def test_follows_redirects(self, fetch: Fetcher, server: FileServer) -> None:
        server.script = [answers(302, {"Location": "/elsewhere"})]
        fetch()
        fetch.check()
        assert [path for path, _ in server.requests] == ["/weights.bin", "/elsewhere"]


class TestResuming:
    def test_asks_for_the_rest_of_the_same_version(self, fetch: Fetcher, server: FileServer) -> None:
        fetch.leave_part()
        arrived = fetch.part.stat().st_size
        fetch()
        fetch.check()
        [(_, headers)] = server.requests
        assert headers["Range"] == f"bytes={arrived}-"
        assert headers["If-Range"] == '"one"'

    def test_begins_anew_when_the_file_has_changed(self, fetch: Fetcher, server: FileServer) -> None:
        fetch.leave_part()
        server.content, server.headers = CONTENT[::-1], {"ETag": '"two"'}
        fetch(UNKNOWN)
        fetch.check()
        assert len(server.requests) == 1

    def test_a_weak_etag_vouches_for_nothing(self, fetch: Fetcher, server: FileServer) -> None:
        server.headers = {"ETag": 'W/"one"'}
        fetch.leave_part()
        fetch(UNKNOWN)
        fetch.check()
        assert server.ranges == [None]

    def test_without_a_validator_the_digest_has_to_do(self, fetch: Fetcher, server: FileServer) -> None:
        server.headers = {}
        fetch.leave_part()
        fetch()
        fetch.check()
        assert server.ranges[0] is not None
        assert "If-Range" not in server.requests[0][1]

    def test_halves_of_two_versions_are_noticed(self, fetch: Fetcher, server: FileServer) -> None:
        server.headers = {}
        server.content = bytes(len(CONTENT))
        fetch.leave_part()
        server.content = CONTENT
        fetch()
        fetch.check()
        assert server.ranges[0] is not None
        assert server.ranges[1:] == [None]

    def test_a_server_that_ignores_ranges(self, fetch: Fetcher, server: FileServer) -> None:
        fetch.leave_part()
        server.script = [ignores_ranges]
        fetch()
        fetch.check()

    @pytest.mark.parametrize(
        "content_range",
        [f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}", "bytes 5-9/10", "bytes */*", "lies", "", "bytes 65536-9/*"],
    )
    def test_a_server_that_lies_about_ranges(self, fetch: Fetcher, server: FileServer, content_range: str) -> None:
        fetch.leave_part()
        server.script = [answers(206, {"Content-Range": content_range}, CONTENT)]
        fetch()
        fetch.check()
        assert server.ranges[1:] == [None]

    def test_a_liar_who_sends_other_bytes(self, fetch: Fetcher, server: FileServer) -> None:
        fetch.leave_part()

        def lies(handler: Handler) -> None:
            place = f"bytes {handler.first}-{len(CONTENT) - 1}/{len(CONTENT)}"
            handler.answer(206, {"Content-Range": place}, bytes(len(CONTENT) - handler.first))

        server.script = [lies]
        fetch()
        fetch.check()
        assert server.ranges[1:] == [None]

    def test_a_piece_that_nobody_asked_for(self, fetch: Fetcher, server: FileServer) -> None:
        server.script = [answers(206, {"Content-Range": "bytes 5-9/10"}, b"12345")]
        assert "206" in fetch.fails().message

    def test_a_part_that_is_whole_already(self, fetch: Fetcher, server: FileServer) -> None:
        fetch.part.write_bytes(CONTENT)
        fetch(Expected(sha256=SHA256))
        fetch.check()
        assert server.ranges == [f"bytes={len(CONTENT)}-"], "answered with 416"

    def test_a_whole_part_of_known_size_needs_no_network(self, fetch: Fetcher, server: FileServer) -> None:
        fetch.part.write_bytes(CONTENT)
        fetch()
        fetch.check()
        assert not server.requests

    @pytest.mark.parametrize("expected", [KNOWN, Expected(sha256=SHA256)])
    def test_a_part_that_is_too_long(self, fetch: Fetcher, server: FileServer, expected: Expected) -> None:
        fetch.part.write_bytes(CONTENT + b"more")
        fetch(expected)
        fetch.check()
        assert server.ranges[-1] is None


class TestWrongBytes:
    @pytest.mark.parametrize(
        ("expected", "words"),
        [
            (Expected(sha256="0" * 64), "SHA-256"),
            (Expected(sha256_prefix="0" * 8), "SHA-256"),
            (Expected(md5="0" * 32), "MD5"),
            (Expected(size=len(CONTENT) + 1), "bytes instead of"),
        ],
    )
    def test_never_get_the_final_name(self, fetch: Fetcher, server: FileServer, expected: Expected, words: str) -> None:
        error = fetch.fails(expected)
        assert words in error.message
        assert not fetch.part.exists()
        assert len(server.requests) == 1

    def test_more_bytes_than_there_should_be(self, fetch: Fetcher, server: FileServer) -> None:
        def endless(handler: Handler) -> None:
            handler.send_response(200)
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(CONTENT + CONTENT)
            handler.close_connection = True

        server.script = [endless]
        assert "more than" in fetch.fails().message

    def test_an_answer_that_is_a_web_page(self, fetch: Fetcher, server: FileServer) -> None:
        server.script = [answers(200, {"Content-Type": "text/html"}, b"<html>please log in</html>")]
        assert "26 bytes instead of 300000" in fetch.fails().message


class TestDisk:
    def test_too_little_room_is_seen_before_anything_is_fetched(
        self, fetch: Fetcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(fetch.target.parent)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=len(CONTENT) - 1))
        error = fetch.fails(code="internal")
        assert "disk is full" in error.message
        assert not fetch.part.exists()

    def test_the_disk_fills_up_on_the_way(self, fetch: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
        def fsync(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            assert "disk is full" in fetch.fails(code="internal").message
        fetch()
        fetch.check()

    def test_the_folder_is_gone(self, fetch: Fetcher) -> None:
        fetch.target = fetch.target.parent / "gone" / "weights.bin"
        assert "could not be stored" in fetch.fails(code="internal").message


def test_goes_through_the_proxy_of_the_environment(
    fetch: Fetcher, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("http://", "http://me:secret@"))
    fetch(url="http://weights.invalid/weights.bin")
    fetch.check()
    [(path, headers)] = server.requests
    assert path == "http://weights.invalid/weights.bin"
    assert {name.lower(): value for name, value in headers.items()}["proxy-authorization"].startswith("Basic ")


def test_the_helper_serves_ranges_as_a_good_server_does(fetch: Fetcher, server: FileServer) -> None:
    server.script = [breaks_off_after(10), serve]
    fetch(UNKNOWN)
    fetch.check()
