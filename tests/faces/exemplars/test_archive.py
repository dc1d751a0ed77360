"""Archives from elsewhere: only pictures of the folders that are meant, and nothing without bounds."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scumble.faces.exemplars import archive
from scumble.faces.exemplars.archive import pictures_in
from scumble_client.errors import ScumbleError
from tests.support.exemplars import tarred, zipped

Read = Callable[[bytes], dict[str, bytes]]

INNER = ("female/512", "male/512")
FILES = {
    "repo-1/README.md": b"text",
    "repo-1/female/512/0.jpg": b"zero",
    "repo-1/female/512/0.json": b"{}",
    "repo-1/female/128/0.jpg": b"small",
    "repo-1/female/512/more/1.jpg": b"deeper",
    "repo-1/male/512/2.PNG": b"two",
    "female/512/3.jpg": b"outermost",
}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def pictures(content: bytes) -> dict[str, bytes]:
        path = tmp_path / "archive"
        path.write_bytes(content)
        before = set(tmp_path.rglob("*"))
        try:
            return dict(pictures_in(path, INNER))
        finally:
            assert set(tmp_path.rglob("*")) == before, "nothing is unpacked"

    return pictures


def refused(read: Read, content: bytes) -> str:
    with pytest.raises(ScumbleError) as caught:
        read(content)
    assert caught.value.code == "weights_missing"
    return str(caught.value)


@pytest.mark.parametrize("content", [tarred(FILES), tarred(FILES, "w"), tarred(FILES, "w:xz"), zipped(FILES)])
def test_only_pictures_of_these_folders(read: Read, content: bytes) -> None:
    assert read(content) == {"female/512/0.jpg": b"zero", "male/512/2.PNG": b"two"}


@pytest.mark.parametrize(
    "name",
    ["../repo/female/512/0.jpg", "/repo/female/512/0.jpg", "repo/../repo/female/512/0.jpg", "repo//female/512/0.jpg",
     "repo/female/512/../512/0.jpg", "repo\\..\\female\\512\\0.jpg", "repo/./female/512/0.jpg"],
)  # fmt: skip
def test_names_that_are_not_plain(read: Read, name: str) -> None:
    assert read(tarred({name: b"x"})) == {}
    assert read(zipped({name: b"x"})) == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_what_is_no_regular_file(read: Read, kind: bytes) -> None:
    member = tarfile.TarInfo("repo/female/512/0.jpg")
    member.type, member.linkname = kind, "/etc/passwd"
    assert read(tarred([(member, b"")])) == {}


def test_bounds(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (tarred(FILES), zipped(FILES)):
        with monkeypatch.context() as small:
            small.setattr(archive, "MOST_BYTES", 3)
            assert read(content) == {"male/512/2.PNG": b"two"}
        for name, value in (("MOST_PICTURES", 1), ("MOST_MEMBERS", 3), ("MOST_UNPACKED", 10)):
            with monkeypatch.context() as small:
                small.setattr(archive, name, value)
                assert "can't be used" in refused(read, content)


def test_a_small_archive_that_unpacks_without_end(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_UNPACKED", 2**20)
    assert "more than is plausible" in refused(read, tarred({"repo/filler": bytes(2**21), **FILES}))


@pytest.mark.parametrize("content", [b"", b"hello" * 1000, b"\x1f\x8b", b"PK\3\4" + bytes(100)])
def test_what_is_no_archive(read: Read, content: bytes) -> None:
    assert "can't be used" in refused(read, content)


@pytest.mark.parametrize("make", [tarred, zipped])
def test_half_an_archive(read: Read, make: Callable[[dict[str, bytes]], bytes]) -> None:
    content = make({f"repo/female/512/{n}.jpg": io.BytesIO(bytes(range(256)) * 50).read() for n in range(50)})
    assert "can't be used" in refused(read, content[: len(content) // 2])
