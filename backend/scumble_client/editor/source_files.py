"""Picture files that roles are read from: kept in a document without this machine's folders, and found again.

A document goes to other people; where its author's files lie is not their business. So a file is kept by its name, by
the digest of its content, and by its place relative to the document where it lies beside or below it.
"""

import hashlib
import os
import re
from typing import Any, Callable, List, Mapping, Optional, Tuple, TypeVar

from ..errors import ScumbleError
from .roles import Source, label

PIECE = 1 << 20
"""Bytes that are read at once."""

_ABSOLUTE = re.compile(r"[\\/]|[A-Za-z]:")
_SHARE = re.compile(r"[\\/]{2}")

T = TypeVar("T")


def folder_of(path: str) -> Optional[str]:
    """The folder of a document of this path; None for one that was never saved."""
    return os.path.dirname(os.path.abspath(path)) if path else None


def file_digest(path: str) -> str:
    """SHA-256 of a file's content, in hexadecimal digits. Raises OSError."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            piece = file.read(PIECE)
            if not piece:
                return found.hexdigest()
            found.update(piece)


def portable(source: Source, folder: Optional[str]) -> Source:
    """How a source is kept in a document that lies in `folder`.

    Of a file: its name and digest, and the path from the folder (with `/`) where the file lies in it or below it.
    """
    if source.kind != "file":
        return Source(source.kind, source.id, source.name)
    return Source("file", name=_name(source), path=_below(source.path, folder), digest=source.digest)


def from_document(source: Source) -> Source:
    """A source out of a document, which may come from anywhere.

    Documents of before have absolute paths. A network share is not asked, since its server would learn who has opened
    the document; nor is what lies beside the document's folder.
    """
    if source.kind != "file":
        return source
    path = source.path
    if _SHARE.match(path) or (not _ABSOLUTE.match(path) and _escapes(path)):
        path = ""
    return Source("file", name=_name(source), path=path, digest=source.digest)


def _name(source: Source) -> str:
    """The file's name, whichever system its path is of."""
    return re.split(r"[\\/]", source.path or source.name)[-1]


def _below(path: str, folder: Optional[str]) -> str:
    if not path or not _ABSOLUTE.match(path):
        return path  # it came out of this document
    if folder is None:
        return ""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # on another drive
        return ""
    return "" if _escapes(relative) else relative.replace(os.sep, "/")


def _escapes(path: str) -> bool:
    return bool(_ABSOLUTE.match(path)) or ".." in re.split(r"[\\/]", path)


def locate(source: Source, role: Mapping[str, Any], folder: Optional[str], remembered: str = "") -> Tuple[Source, str]:
    """The file that a source means, by its absolute path and with its present digest; and a sentence for the artist.

    It is looked for where the document says (older ones have an absolute path), beside the document, and where a file
    of this content was used from last on this machine (`remembered`). The first one with the same content is taken;
    where there is none, the first one of that name, and the sentence says that it has changed.

    Raises
    ------
    ScumbleError
        `missing_input` where it is nowhere, with what to do.
    """
    name = _name(source)
    changed: Optional[Source] = None
    for path in _candidates(source, name, folder, remembered):
        try:
            digest = file_digest(path)
        except OSError:
            continue
        found = Source("file", name=name, path=path, digest=digest)
        if not source.digest or digest == source.digest:
            return found, ""
        changed = changed or found
    if changed:
        return changed, f"“{name}” is not the same file as then."
    raise ScumbleError(
        "missing_input",
        f"The file “{name}” for “{label(role)}” was not found.",
        "Put it beside the picture, or choose it anew.",
    )


def _candidates(source: Source, name: str, folder: Optional[str], remembered: str) -> List[str]:
    """Absolute paths."""
    paths = []
    if _ABSOLUTE.match(source.path):
        paths.append(source.path)
    elif source.path and folder is not None:
        paths.append(os.path.join(folder, *source.path.split("/")))
    if folder is not None:
        paths.append(os.path.join(folder, name))
    paths.append(remembered)
    return list(dict.fromkeys(path for path in paths if path))


def read_source_file(
    source: Source,
    role: Mapping[str, Any],
    folder: Optional[str],
    remembered: str,
    read: Callable[[str], T],
) -> Tuple[T, Source, str]:
    """`locate`, and what `read` makes of the file: what it gives, the source, a sentence. Raises ScumbleError."""
    found, note = locate(source, role, folder, remembered)
    return read(found.path), found, note
