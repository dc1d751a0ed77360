"""Every picture that the repository carries has a row that says where it comes from and under which licence."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.daemon import ROOT

SUFFIXES = {
    *(
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".bmp",
        ".jxl",
        ".avif",
        ".heic",
        ".jp2",
        ".exr",
    ),
    *(
        ".hdr",
        ".psd",
        ".kra",
        ".ora",
        ".xcf",
        ".ico",
        ".pdf",
        ".mp4",
        ".webm",
        ".ppm",
        ".pgm",
        ".npz",
        ".npy",
        ".tar",
        ".zip",
    ),
}
"""Of pictures, and of what pictures are packed into."""

STARTS = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"8BPS", b"gimp xcf", b"\xff\x0a", b"\0\0\0\x0cJXL "),
    *(b"\x76\x2f\x31\x01", b"PK\x03\x04", b"%PDF", b"\x1f\x8b", b"BM"),
)
"""First bytes of pictures and archives, whatever their name is."""

FREE = re.compile(r"\b(CC0-1\.0|public domain|MIT)\b")


def is_picture(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(32)
    binary = b"\0" in head or any(byte > 0x7F for byte in head)
    found = (
        (head.startswith(STARTS) and binary) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or head[4:8] == b"ftyp"
    )
    return found or path.suffix.lower() in SUFFIXES


def carried() -> list[Path]:
    """Tracked files, and new ones that git would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def rows(table: Path) -> dict[Path, list[str]]:
    """The cells of a SOURCES.md by the file that they are about."""
    found = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if line.startswith("|") and Path(cells[0]).suffix:
            found[table.parent / cells[0]] = cells[1:]
    return found


def test_every_picture_has_a_row_and_every_row_a_picture() -> None:
    files = carried()
    pictures = {path for path in files if is_picture(path)}
    named = {path: cells for table in files if table.name == "SOURCES.md" for path, cells in rows(table).items()}
    assert pictures == set(named)
    for path, cells in named.items():
        assert len(cells) >= 3, path
        assert all(cells), path
        assert any(FREE.search(cell) for cell in cells), path


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("sheet.jpg", b"\xff\xd8\xff\xe0"),
        ("card.md", b"\x89PNG\r\n\x1a\n"),
        ("noext", b"RIFF\x10\0\0\0WEBPVP8 "),
        ("faces.npz", b"anything"),
        ("a.dat", b"\0\0\0\x1cftypavif"),
    ],
)
def test_a_picture_is_known_whatever_its_name(tmp_path: Path, name: str, start: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(start)
    assert is_picture(path)


def test_text_is_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("BM is not the start of a picture here.\n")
    assert not is_picture(path)
