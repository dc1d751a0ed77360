"""Pictures out of an archive from elsewhere (tar, however it is packed, or zip), read without trusting it.

Nothing is unpacked to the disk, so no name in it leads anywhere; sizes and counts are bounded before memory is taken.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from scumble.imaging.io.files import READABLE
from scumble_client.errors import ScumbleError

MOST_PICTURES = 2_000
MOST_BYTES = 32 * 2**20
"""Of one picture."""

MOST_MEMBERS = 100_000
MOST_UNPACKED = 4 * 2**30
"""Bytes of all members together, also of those that are passed over: a small archive may unpack without end."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes of the archive that have been read, and all of them. It may raise to stop."""


def pictures_in(archive: Path, folders: Sequence[str], progress: Progress | None = None) -> Iterator[tuple[str, bytes]]:
    """Path and content of the pictures that lie directly in `folders`.

    The archive's outermost folder, which has the version in its name, does not count: `female/512` means
    `ANYTHING/female/512`. What is no regular file, or has no suffix of a picture, is passed over.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is no archive, is damaged, or holds more than is plausible.
    """
    size = archive.stat().st_size
    try:
        with archive.open("rb") as file:
            zipped = file.read(4) == b"PK\3\4"
            file.seek(0)
            members = _of_zip(file) if zipped else _of_tar(file)
            yield from _chosen(members, folders, lambda: progress(min(file.tell(), size), size) if progress else None)
    except ScumbleError:
        raise
    except (
        OSError,
        EOFError,
        ValueError,
        tarfile.TarError,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise _refused(f"it is damaged, or no archive ({type(error).__name__})") from error
    except Exception as error:  # the decompressors have errors of their own
        if type(error).__module__.split(".")[0] not in ("zlib", "lzma", "_lzma", "bz2", "gzip"):
            raise
        raise _refused(f"it is damaged ({type(error).__name__})") from error


Member = tuple[str, int, Callable[[], IO[bytes] | None]]
"""Name, bytes as it claims, and a function that opens it; None for what is no regular file."""


def _of_tar(file: IO[bytes]) -> Iterator[Member]:
    with tarfile.open(fileobj=file, mode="r|*") as tar:
        for member in tar:
            # by default arguments: the next one is read before the last is forgotten
            yield member.name, member.size, lambda m=member: tar.extractfile(m) if m.isreg() else None  # type: ignore[misc]


def _of_zip(file: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            linked = (info.external_attr >> 16) & 0o170000 == 0o120000
            plain = not info.is_dir() and not linked
            yield info.filename, info.file_size, lambda i=info, p=plain: archive.open(i) if p else None  # type: ignore[misc]


def _chosen(
    members: Iterator[Member], folders: Sequence[str], report: Callable[[], None]
) -> Iterator[tuple[str, bytes]]:
    pictures, unpacked = 0, 0
    for number, (name, size, open_member) in enumerate(members):
        unpacked += max(size, 0)
        if number >= MOST_MEMBERS or unpacked > MOST_UNPACKED:
            raise _refused("it unpacks to more than is plausible")
        report()
        inner = _inner(name)
        if inner is None or str(inner.parent) not in folders or inner.suffix.lower() not in READABLE:
            continue
        if size > MOST_BYTES:
            continue
        opened = open_member()
        if opened is None:
            continue
        pictures += 1
        if pictures > MOST_PICTURES:
            raise _refused(f"it holds more than {MOST_PICTURES:,} pictures")
        with opened:
            data = opened.read(MOST_BYTES + 1)  # what it claims need not be so
        if len(data) <= MOST_BYTES:
            yield str(inner), data


def _inner(name: str) -> PurePosixPath | None:
    """The path below the outermost folder; None where there is none, or it is not plain."""
    parts = name.replace("\\", "/").split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        return None
    return PurePosixPath(*parts[1:])


def _refused(reason: str) -> ScumbleError:
    return ScumbleError(
        "weights_missing",
        f"The archive of faces can't be used: {reason}.",
        "Try again, so that it is downloaded anew; where that does not help, please report it.",
    )
