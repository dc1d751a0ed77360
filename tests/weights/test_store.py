"""The store: states, downloads, digests, repair."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scumble.weights import Manifest, Patience, WeightStore, default_directory, parse_manifest
from scumble.weights.store import TRUSTED_FILE
from scumble_client.errors import ScumbleError

from .conftest import CONTENT, MD5, SHA256, FileServer, Handler, answers, breaks_off_after, serve


def manifest(server: FileServer, folder: Path) -> Manifest:
    (folder / "shipped").mkdir(exist_ok=True)
    (folder / "shipped" / "small.bin").write_bytes(b"small")
    common = f'architecture = "unet"\nurl = "{server.url}"\n'
    return parse_manifest(
        f"""
        [[weights]]
        name = "free"
        title = "The free one"
        licence = "MIT"
        file = "free.bin"
        sha256 = "{SHA256}"
        {common}
        [[weights]]
        name = "unpublished"
        title = "The one without a digest"
        licence = "MIT"
        file = "unpublished.bin"
        {common}
        [[weights]]
        name = "research"
        title = "The one for research"
        licence = "CC BY-NC 4.0"
        non_commercial = true
        file = "research.bin"
        md5 = "{MD5}"
        {common}
        [[weights]]
        name = "small"
        title = "The one that comes along"
        licence = "MIT"
        file = "small.bin"
        architecture = "unet"
        embedded = true
        size = 5
        """,
        folder / "shipped",
    )


@pytest.fixture
def store(server: FileServer, tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "store", manifest(server, tmp_path), Patience(attempts=3, sleep=lambda _: None))


def refusal(store: WeightStore, name: str) -> ScumbleError:
    with pytest.raises(ScumbleError) as caught:
        store.path(name)
    return caught.value


class TestStates:
    def test_of_a_fresh_machine(self, store: WeightStore) -> None:
        assert [(status.weights.name, status.state) for status in store.list()] == [
            ("free", "missing"),
            ("unpublished", "missing"),
            ("research", "missing"),
            ("small", "embedded"),
        ]
        assert not store.directory.exists(), "looking makes nothing"

    def test_missing_weights_name_the_command_that_gets_them(self, store: WeightStore) -> None:
        error = refusal(store, "free")
        assert error.code == "weights_missing"
        assert error.hint == "Get it with: scumble weights pull free"
        assert refusal(store, "research").hint.endswith("scumble weights pull research --accept-non-commercial")

    def test_an_unknown_name_gets_the_nearest_one(self, store: WeightStore) -> None:
        error = refusal(store, "reserch")
        assert error.code == "invalid_parameter"
        assert error.hint == "Did you mean research?"

    def test_embedded_weights_lie_beside_the_manifest(self, store: WeightStore) -> None:
        assert store.path("small").read_bytes() == b"small"
        assert store.pull("small") == store.path("small")
        store.path("small").unlink()
        assert refusal(store, "small").hint == "Install Scumble again."

    def test_an_interrupted_download_is_partial(self, store: WeightStore, server: FileServer) -> None:
        server.script = [breaks_off_after(100_000), *[answers(500)] * 5]
        with pytest.raises(ScumbleError):
            store.pull("free")
        status = store.status("free")
        assert status.state == "partial"
        assert 0 < status.bytes_here <= 100_000
        assert "partly" in refusal(store, "free").message
        server.script = []
        store.pull("free")
        assert store.status("free").state == "present"

    def test_a_file_of_another_size_is_damaged(self, store: WeightStore) -> None:
        path = store.pull("unpublished")
        path.write_bytes(CONTENT[:-1])
        assert store.status("unpublished").state == "damaged"
        assert refusal(store, "unpublished").hint == "Mend it with: scumble weights verify --repair unpublished"

    def test_an_empty_file_is_damaged(self, store: WeightStore) -> None:
        store.directory.mkdir()
        (store.directory / "free.bin").touch()
        assert store.status("free").state == "damaged"


class TestPull:
    def test_brings_the_file_and_reports_progress(self, store: WeightStore) -> None:
        seen: list[tuple[int, int | None]] = []
        path = store.pull("free", progress=lambda done, total: seen.append((done, total)))
        assert path == store.path("free")
        assert path.read_bytes() == CONTENT
        assert seen[-1] == (len(CONTENT), len(CONTENT))

    def test_what_is_here_is_not_fetched_again(self, store: WeightStore, server: FileServer) -> None:
        store.pull("free")
        store.pull("free")
        assert len(server.requests) == 1

    def test_a_non_commercial_licence_has_to_be_accepted(self, store: WeightStore, server: FileServer) -> None:
        with pytest.raises(ScumbleError) as caught:
            store.pull("research")
        assert caught.value.code == "bad_request"
        assert "CC BY-NC 4.0" in caught.value.message
        assert "--accept-non-commercial" in caught.value.hint
        assert not server.requests
        assert store.pull("research", accept_non_commercial=True).read_bytes() == CONTENT

    def test_wrong_bytes_are_not_let_in(self, store: WeightStore, server: FileServer) -> None:
        server.content = bytes(len(CONTENT))
        with pytest.raises(ScumbleError, match="not what was published"):
            store.pull("free")
        assert store.status("free").state == "missing"

    def test_stopping_keeps_the_part(self, store: WeightStore, server: FileServer) -> None:
        def stop(done: int, _: int | None) -> None:
            if done > 0:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.pull("free", progress=stop)
        assert store.status("free").state == "partial"
        store.pull("free")
        assert server.ranges[1] is not None

    def test_a_folder_that_cannot_be_made(self, store: WeightStore, tmp_path: Path) -> None:
        store.directory = tmp_path / "shipped" / "small.bin" / "store"  # below a file
        with pytest.raises(ScumbleError) as caught:
            store.pull("free")
        assert caught.value.code == "internal"
        assert "SCUMBLE_WEIGHTS" in caught.value.hint

    def test_of_two_processes_one_downloads(self, server: FileServer, tmp_path: Path) -> None:
        program = (
            "import sys, pathlib; from scumble.weights import *\n"
            "folder = pathlib.Path(sys.argv[1])\n"
            "store = WeightStore(folder, load_manifest(folder / 'manifest.toml'))\n"
            "print('ready', flush=True); store.pull('net')\n"
        )
        (tmp_path / "manifest.toml").write_text(
            '[[weights]]\nname = "net"\ntitle = "Net"\narchitecture = "a"\nlicence = "MIT"\nfile = "net.bin"\n'
            f'url = "{server.url}"\nsha256 = "{SHA256}"\n'
        )
        both_ready = threading.Event()

        def serve_when_both_are_ready(handler: Handler) -> None:
            both_ready.wait(60)
            serve(handler)

        server.script = [serve_when_both_are_ready]
        command = [sys.executable, "-c", program, str(tmp_path)]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        both_ready.set()
        for process in processes:
            process.communicate()
            assert process.returncode == 0
        assert len(server.requests) == 1
        assert (tmp_path / "net.bin").read_bytes() == CONTENT


class TestDigests:
    def test_the_first_download_is_recorded(self, store: WeightStore) -> None:
        store.pull("unpublished")
        records = json.loads((store.directory / "digests.json").read_text())
        assert records == {"unpublished.bin": {"sha256": SHA256, "size": len(CONTENT)}}
        assert store.digest("unpublished") == SHA256

    def test_of_a_file_that_someone_put_there(self, store: WeightStore) -> None:
        store.directory.mkdir()
        (store.directory / "unpublished.bin").write_bytes(CONTENT)
        assert store.digest("unpublished") == SHA256
        assert len(store.digest("small")) == 64

    def test_a_record_that_is_broken_is_as_none(self, store: WeightStore) -> None:
        store.pull("unpublished")
        for text in ("", "{", "[]", '{"unpublished.bin": 3}', '{"unpublished.bin": {"sha256": 1, "size": "x"}}'):
            (store.directory / "digests.json").write_text(text)
            assert store.status("unpublished").state == "present"
            assert store.digest("unpublished") == SHA256


class TestVerify:
    def damage(self, path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[1000] ^= 1
        path.write_bytes(bytes(data))

    def test_says_that_all_is_well(self, store: WeightStore) -> None:
        store.pull("free")
        checks = store.verify()
        assert [(check.weights.name, check.ok, check.repaired) for check in checks] == [
            ("free", True, False),
            ("small", True, False),
        ]

    @pytest.mark.parametrize("name", ["free", "unpublished", "research"])
    def test_finds_one_flipped_bit_and_repairs_it(self, store: WeightStore, server: FileServer, name: str) -> None:
        path = store.pull(name, accept_non_commercial=True)
        self.damage(path)
        assert store.status(name).state == "present", "the size is right, so only reading it shows"
        [check] = store.verify(names=[name])
        assert not check.ok
        assert check.message.endswith(f"mend it with: scumble weights verify --repair {name}")
        [check] = store.verify(repair=True, names=[name])
        assert check.ok
        assert check.repaired
        assert path.read_bytes() == CONTENT
        assert len(server.requests) == 2

    def test_a_failed_repair_leaves_the_file_and_says_why(self, store: WeightStore, server: FileServer) -> None:
        path = store.pull("free")
        self.damage(path)
        server.script = [answers(404)]
        [check] = store.verify(repair=True, names=["free"])
        assert not check.ok
        assert "404" in check.message
        assert path.exists()

    def test_finishes_what_was_interrupted(self, store: WeightStore, server: FileServer) -> None:
        server.script = [breaks_off_after(100_000), *[answers(500)] * 5]
        with pytest.raises(ScumbleError):
            store.pull("free")
        server.script = []
        assert [check.ok for check in store.verify() if check.weights.name == "free"] == [False]
        assert [check.repaired for check in store.verify(repair=True) if check.weights.name == "free"] == [True]
        assert store.path("free").read_bytes() == CONTENT

    def test_what_was_never_downloaded_is_looked_at_only_by_name(self, store: WeightStore) -> None:
        [check] = store.verify(names=["free"])
        assert not check.ok
        assert "scumble weights pull free" in check.message
        [check] = store.verify(repair=True, names=["free"])
        assert check.repaired

    def test_repair_accepts_no_licence_on_its_own(self, store: WeightStore, server: FileServer) -> None:
        [check] = store.verify(repair=True, names=["research"])
        assert not check.ok
        assert "--accept-non-commercial" in check.message
        assert not server.requests

    def test_damaged_embedded_weights_want_a_new_installation(self, store: WeightStore) -> None:
        store.path("small").write_bytes(b"smaller")
        [check] = store.verify(repair=True)
        assert not check.ok
        assert "install Scumble again" in check.message


def test_the_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    assert default_directory() == tmp_path
    monkeypatch.delenv("SCUMBLE_WEIGHTS")
    assert default_directory().parts[-2:] == ("scumble", "weights")


class TestPrograms:
    """TorchScript is a program: only the published one runs, or one that was allowed."""

    def test_the_published_file_may_run_and_another_may_not(self, store: WeightStore) -> None:
        store.pull("free")
        assert store.may_run("free")
        path = store.path("free")
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        assert not store.may_run("free")

    def test_only_a_whole_sha256_tells(self, tmp_path: Path) -> None:
        """A few digits of one are found in hours."""
        text = """
        [[weights]]
        name = "short"
        title = "Short"
        architecture = "lama"
        file = "short.pt"
        url = "http://127.0.0.1/short.pt"
        licence = "MIT"
        DIGEST
        """
        content = b"a program"
        whole = hashlib.sha256(content).hexdigest()
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        for digest, may in (
            (f'sha256_prefix = "{whole[:8]}"', False),
            (f'md5 = "{md5}"', False),
            (f'sha256 = "{whole}"', True),
        ):
            (tmp_path / "short.pt").write_bytes(content)
            store = WeightStore(tmp_path, parse_manifest(text.replace("DIGEST", digest), tmp_path / "shipped"))
            assert store.may_run("short") is may

    def test_it_is_asked_about_bytes_and_not_about_a_file(self, store: WeightStore) -> None:
        store.pull("free")
        assert not store.may_run("free", "0" * 64)

    def test_where_nothing_is_published_it_has_to_be_allowed(self, store: WeightStore) -> None:
        store.pull("unpublished")
        assert not store.may_run("unpublished")
        store.trust("unpublished")
        assert store.may_run("unpublished")
        path = store.path("unpublished")
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        assert not store.may_run("unpublished")

    @pytest.mark.parametrize("content", ["", "{}", "[1, null]", "\x00"])
    def test_a_damaged_record_allows_nothing(self, store: WeightStore, content: str) -> None:
        store.pull("unpublished")
        (store.directory / TRUSTED_FILE).write_text(content)
        assert not store.may_run("unpublished")

    def test_what_is_not_here_can_t_be_allowed(self, store: WeightStore) -> None:
        with pytest.raises(ScumbleError) as raised:
            store.trust("unpublished")
        assert raised.value.code == "weights_missing"


class TestAccepting:
    def test_a_licence_is_accepted_once(self, store: WeightStore) -> None:
        assert store.accepted("free")
        assert not store.accepted("research")
        store.pull("research", accept_non_commercial=True)
        assert store.accepted("research")
        store.status("research").path.unlink()
        assert store.pull("research").read_bytes() == CONTENT

    @pytest.mark.parametrize("noted", ["nonsense", "{}", "[1, 2]"])
    def test_what_can_t_be_read_accepts_nothing(self, store: WeightStore, noted: str) -> None:
        store.directory.mkdir()
        (store.directory / "accepted.json").write_text(noted)
        assert not store.accepted("research")


def writing(content: bytes) -> Callable[[Path], None]:
    def write(to: Path) -> None:
        to.write_bytes(content)

    return write


class TestPut:
    def test_a_file_that_is_the_published_one(self, store: WeightStore) -> None:
        assert store.put("free", writing(CONTENT)).read_bytes() == CONTENT
        assert store.status("free").state == "present"
        assert store.digest("free") == SHA256

    def test_another_file_is_not_kept(self, store: WeightStore) -> None:
        with pytest.raises(ScumbleError, match="This is not The free one: its SHA-256"):
            store.put("free", writing(CONTENT[1:]))
        assert store.status("free").state == "missing"
        assert list(store.directory.glob("*.part")) == []

    def test_what_is_here_stays_where_the_new_one_fails(self, store: WeightStore) -> None:
        store.pull("free")

        def fails(to: Path) -> None:
            to.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        with pytest.raises(ScumbleError, match="The disk is full"):
            store.put("free", fails)
        assert store.path("free").read_bytes() == CONTENT

    def test_what_comes_with_scumble_is_not_put(self, store: WeightStore) -> None:
        with pytest.raises(ScumbleError, match="no file that can be added"):
            store.put("small", lambda to: None)


def test_a_failure_says_how_to_try_again_where_there_is_no_terminal(server: FileServer, tmp_path: Path) -> None:
    made = WeightStore(tmp_path / "store", manifest(server, tmp_path), again="press the button")
    server.script = [answers(403)]
    with pytest.raises(ScumbleError) as caught:
        made.pull("free")
    assert caught.value.hint.endswith("press the button.")
