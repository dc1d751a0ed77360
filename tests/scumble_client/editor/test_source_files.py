"""Files that a document names without this machine's folders, and how they are found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble_client.editor.roles import Source
from scumble_client.editor.source_files import file_digest, folder_of, from_document, locate, portable, read_source_file
from scumble_client.errors import ScumbleError

ROLE = {"name": "style", "title": "A style"}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """The folder of a document."""
    folder = tmp_path / "somebody" / "pictures"
    folder.mkdir(parents=True)
    return folder


def _file(path: Path, content: str = "painted") -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return Source("file", name=path.name, path=str(path), digest=file_digest(str(path)))


def _kept(source: Source, document: Path | None) -> Source:
    return from_document(portable(source, None if document is None else str(document)))


@pytest.mark.parametrize("place", ["style.png", "maps/deep/style.png"])
def test_a_file_beside_or_below_the_document_moves_with_it(document: Path, tmp_path: Path, place: str) -> None:
    kept = _kept(_file(document / place), document)
    moved = tmp_path / "elsewhere"
    document.rename(moved)
    found, note = locate(kept, ROLE, str(moved))
    assert (found.path, note) == (str(moved / place), "")


def test_a_file_from_far_away_is_found_once_it_lies_beside_the_document(document: Path, tmp_path: Path) -> None:
    kept = _kept(_file(tmp_path / "far" / "style.png"), document)
    assert str(tmp_path) not in str(kept)
    with pytest.raises(ScumbleError) as caught:
        locate(kept, ROLE, str(document))
    assert str(caught.value) == (
        "The file “style.png” for “Style” was not found. Put it beside the picture, or choose it anew."
    )
    _file(document / "style.png")
    assert locate(kept, ROLE, str(document))[0].path == str(document / "style.png")


def test_this_machine_remembers_where_the_file_lies(document: Path, tmp_path: Path) -> None:
    far = _file(tmp_path / "far" / "style.png")
    for folder in (None, document):
        found, note = locate(_kept(far, folder), ROLE, None if folder is None else str(folder), far.path)
        assert (found, note) == (far, "")


def test_the_content_decides_where_several_files_have_the_name(document: Path, tmp_path: Path) -> None:
    far = _file(tmp_path / "far" / "style.png")
    _file(document / "style.png", "another")
    assert locate(_kept(far, document), ROLE, str(document), far.path)[0] == far


def test_a_file_that_has_changed_is_taken_and_that_is_said(document: Path) -> None:
    kept = _kept(_file(document / "style.png"), document)
    new = _file(document / "style.png", "painted over")
    assert locate(kept, ROLE, str(document)) == (new, "“style.png” is not the same file as then.")


def test_an_absolute_path_of_before_is_followed_or_the_name_is(document: Path, tmp_path: Path) -> None:
    old = from_document(Source("file", path=str(tmp_path / "far" / "style.png")))
    _file(tmp_path / "far" / "style.png")
    assert locate(old, ROLE, str(document))[0].path == str(tmp_path / "far" / "style.png")
    (tmp_path / "far" / "style.png").rename(document / "style.png")
    assert locate(old, ROLE, str(document))[0].path == str(document / "style.png")


def test_a_windows_path_of_before_gives_its_name(document: Path) -> None:
    old = from_document(Source("file", path="C:\\Users\\somebody\\style.png"))
    _file(document / "style.png")
    assert locate(old, ROLE, str(document))[0].path == str(document / "style.png")


def test_a_file_that_was_just_chosen_has_no_digest_yet(document: Path, tmp_path: Path) -> None:
    far = _file(tmp_path / "far" / "style.png")
    found = read_source_file(Source("file", path=far.path), ROLE, None, "", lambda path: Path(path).read_text())
    assert found == ("painted", far, "")


def test_a_folder_is_no_file(document: Path) -> None:
    (document / "style.png").mkdir()
    with pytest.raises(ScumbleError, match="was not found"):
        locate(Source("file", name="style.png"), ROLE, str(document))


def test_a_document_that_was_never_saved_has_no_folder(tmp_path: Path) -> None:
    assert folder_of("") is None
    assert folder_of(str(tmp_path / "a.kra")) == str(tmp_path)
