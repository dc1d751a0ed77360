"""The store: where weights lie on this machine, in what state they are, and how missing ones come there."""

from __future__ import annotations

import contextlib
import difflib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs
from filelock import FileLock

from scumble_client.errors import ScumbleError

from .download import Expected, Fingerprint, Patience, Progress, download, fingerprint, part_path
from .manifest import Manifest, WeightsEntry, load_manifest

State = Literal["embedded", "present", "partial", "damaged", "missing"]

Builder = Callable[[Path, Path, WeightsEntry, Progress | None], None]
"""Makes an entry's folder out of its archive: archive, folder, entry, and a progress function (bytes of the archive).

It changes the folder at once or not at all, and raises ScumbleError `weights_missing` where the archive is no use."""

DIGESTS_FILE = "digests.json"
ACCEPTED_FILE = "accepted.json"
"""Names of the entries whose non-commercial licence the user has accepted."""

TRUSTED_FILE = "trusted.json"
"""SHA-256 of the files that are programs and that the user has allowed to run."""


@dataclass(frozen=True)
class Status:
    """How things stand with one entry, without reading its file."""

    weights: WeightsEntry
    state: State
    """`embedded` and `present`: usable. `partial`: a download was interrupted. `damaged`: the size is wrong."""

    path: Path
    """Where the file lies or will lie."""

    bytes_here: int
    """Of the file, or of the part that has arrived."""


@dataclass(frozen=True)
class Check:
    """What `verify` found."""

    weights: WeightsEntry
    ok: bool
    repaired: bool
    message: str
    """One sentence."""


class WeightStore:
    """Weights on this machine.

    Parameters
    ----------
    directory
        Where downloads go; by default the environment variable SCUMBLE_WEIGHTS, else the user's data folder.
    manifest
        What there is; by default the manifest that comes with Scumble.
    patience
        How long downloads try.
    builders
        By architecture: who builds the entries that are folders. Without one, they can be looked at but not pulled.
    again
        What the hints of a failed download tell to do for trying again; by default, the command.
    """

    def __init__(
        self,
        directory: Path | None = None,
        manifest: Manifest | None = None,
        patience: Patience | None = None,
        builders: Mapping[str, Builder] | None = None,
        again: str = "",
    ) -> None:
        self.directory = directory or default_directory()
        self.manifest = manifest if manifest is not None else load_manifest()
        self._patience = patience or Patience()
        self._builders = builders or {}
        self._again = again

    def list(self) -> list[Status]:
        """Every entry of the manifest, in its order."""
        return [self.status(entry.name) for entry in self.manifest]

    def status(self, name: str) -> Status:
        """The state of one entry; `invalid_parameter` for a name that the manifest does not have."""
        entry = self._entry(name)
        path = self._place(entry)
        if entry.built_from:
            return self._status_of_folder(entry, path)
        size = _size(path)
        if size is not None:
            known = entry.size or self._recorded(entry)[1]
            whole = size == known if known is not None else size > 0
            usable: State = "embedded" if entry.embedded else "present"
            return Status(entry, usable if whole else "damaged", path, size)
        part = None if entry.embedded else _size(part_path(path))
        return Status(entry, "missing" if part is None else "partial", path, part or 0)

    def _status_of_folder(self, entry: WeightsEntry, path: Path) -> Status:
        """A folder is whole when it has the size that was noted after it was built."""
        if path.is_dir():
            size = sum(_size(file) or 0 for file in _files(path))
            if size:
                return Status(entry, "present" if size == self._recorded(entry)[1] else "damaged", path, size)
        archive = self._archive(entry)
        here = _size(archive)
        part = _size(part_path(archive)) if here is None else here
        return Status(entry, "missing" if part is None else "partial", path, part or 0)

    def path(self, name: str) -> Path:
        """The file of an entry, for loading; or its folder.

        Raises
        ------
        ScumbleError
            `weights_missing` where it is not there or damaged, with the command that mends it as the hint.
        """
        status = self.status(name)
        if status.state in ("embedded", "present"):
            return status.path
        entry = status.weights
        if entry.embedded:
            message = f"{entry.title} should have come with Scumble, but its file is {status.state}."
            raise ScumbleError("weights_missing", message, "Install Scumble again.")
        if status.state == "damaged":
            message = f"The file of {entry.title} is damaged."
            mend = self._way_to_get(entry) if entry.manual else f"Mend it with: {_verify_command(entry)}"
            raise ScumbleError("weights_missing", message, mend)
        state = "only partly downloaded" if status.state == "partial" else "not on this machine yet"
        message = f"{entry.title} is {state}."
        raise ScumbleError("weights_missing", message, self._way_to_get(entry))

    def digest(self, name: str) -> str:
        """The SHA-256 of an entry's file (of a folder: of its files' names and contents) as it was checked last; read from the file where nothing is on record."""
        path = self.path(name)
        entry = self._entry(name)
        known = None if entry.built_from else entry.sha256
        known = known or self._recorded(entry)[0]
        if known:
            return known
        found = _fingerprint(path)
        self._note(entry, found)
        return found.sha256

    def may_run(self, name: str, sha256: str | None = None) -> bool:
        """Whether a program (TorchScript) is the published one of an entry, or one that the user has allowed.

        Only a whole SHA-256 tells: others have been forged (MD5), or can be (a few of its digits).

        Parameters
        ----------
        sha256
            Of the bytes that are to run, in hexadecimal; without it, of the file as it is now.
        """
        entry = self._entry(name)
        if entry.built_from:
            return False
        found = sha256 or fingerprint(self.path(name)).sha256
        return found == entry.sha256 or found in self._trusted()

    def trust(self, name: str) -> str:
        """Allow the file that is here now, and no other in its place, to run as a program; its SHA-256. Raises ScumbleError."""
        entry, path = self._entry(name), self.path(name)
        if entry.built_from:
            raise ScumbleError(
                "invalid_parameter", f"{entry.title} is no program.", "It needs no permission: nothing of it is run."
            )
        with self._alone(entry):
            found = fingerprint(path).sha256
            self._add_string(self.directory / TRUSTED_FILE, found)
        return found

    def _trusted(self) -> set[str]:
        return _strings(self.directory / TRUSTED_FILE)

    def _add_string(self, path: Path, added: str) -> None:
        """Into a file with a list of them. Raises OSError."""
        with FileLock(f"{path}.lock"):
            temporary = path.with_name(f"{path.name}.part")
            temporary.write_text(json.dumps(sorted({*_strings(path), added}), indent=2) + "\n", encoding="utf-8")
            temporary.replace(path)

    def pull(self, name: str, accept_non_commercial: bool = False, progress: Progress | None = None) -> Path:
        """Make sure that an entry's file is here, by downloading what is missing of it.

        A file that is here already is not read again; `verify` does that. Of two processes that pull the same file,
        one waits for the other.

        Raises
        ------
        ScumbleError
            `bad_request` for a non-commercial licence that was not accepted, `weights_missing` where the download
            fails, `internal` where the file cannot be stored.
        """
        entry = self._entry(name)
        if entry.embedded or self.status(name).state == "present":
            return self.path(name)
        if entry.manual:
            terms = "For non-commercial use only. " if entry.non_commercial else ""
            message = f"{entry.title} has to be fetched by hand."
            raise ScumbleError("weights_missing", message, terms + self._way_to_get(entry))
        if entry.non_commercial and not self.accepted(name):
            if not accept_non_commercial:
                message = f"{entry.title} may be used non-commercially only (licence: {entry.licence})."
                raise ScumbleError("bad_request", message, f"If that is what you do: {_pull_command(entry)}")
            self._accept(entry)
        with self._alone(entry):
            if self.status(name).state != "present":
                self._fetch(entry, progress)
        return self.path(name)

    def accepted(self, name: str) -> bool:
        """Whether an entry's terms need no question: they allow commercial use, or were accepted here once."""
        return not self._entry(name).non_commercial or name in _strings(self.directory / ACCEPTED_FILE)

    def _accept(self, entry: WeightsEntry) -> None:
        # Where it can't be noted, the question comes again.
        with contextlib.suppress(OSError):
            self.directory.mkdir(parents=True, exist_ok=True)
            self._add_string(self.directory / ACCEPTED_FILE, entry.name)

    def put(self, name: str, write: Callable[[Path], None]) -> Path:
        """Make an entry's file of what the user has already: `write` is given the path to write it to; where the file lies then.

        It is there whole or not at all.

        Raises
        ------
        ScumbleError
            `invalid_parameter` for what comes with Scumble or is built as a folder, `weights_missing` where what was written
            is not what is published, `internal` where it can't be stored; and what `write` raises.
        """
        entry = self._entry(name)
        if entry.embedded or entry.built_from:
            raise ScumbleError("invalid_parameter", f"{entry.title} is no file that can be added.", "Pull it.")
        path = self._place(entry)
        temporary = path.with_name(f"{path.name}.added.part")
        with self._alone(entry):
            try:
                write(temporary)
                found = fingerprint(temporary)
                wrong = Expected(
                    None if entry.manual else entry.size, entry.sha256, entry.sha256_prefix, entry.md5
                ).mismatch(found)
                if wrong is not None:
                    raise ScumbleError(
                        "weights_missing", f"This is not {entry.title}: {wrong}.", "Look for another file."
                    )
                temporary.replace(path)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    hint = f"Free some space on the disk of {self.directory}, and try again."
                    raise ScumbleError("internal", f"The disk is full: {entry.title} does not fit.", hint) from error
                message = f"{entry.title} could not be stored: {error.strerror or error}."
                raise ScumbleError("internal", message, f"Allow yourself to write to {self.directory}.") from error
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
        self._record(entry.file, found)
        return path

    def verify(
        self, repair: bool = False, names: Iterable[str] | None = None, progress: Progress | None = None
    ) -> Sequence[Check]:
        """Read files and compare their digests; with `repair`, download anew what is damaged, partial or missing.

        Without `names`, everything that is on this machine is checked, so what was never downloaded stays out. A file
        whose digest is published nowhere is compared with the digest of its first download.
        """
        chosen = [self._entry(name) for name in names] if names is not None else list(self.manifest)
        checks = []
        for entry in chosen:
            status = self.status(entry.name)
            if names is None and status.state == "missing" and not entry.embedded:
                continue
            checks.append(self._verify(entry, status, repair, progress))
        return checks

    def _verify(self, entry: WeightsEntry, status: Status, repair: bool, progress: Progress | None) -> Check:
        problem: str | None = f"it is {status.state}"
        if status.state in ("embedded", "present"):
            found = _fingerprint(status.path)
            problem = self._expected_here(entry).mismatch(found)
            if problem is None:
                self._note(entry, found)
        if problem is None:
            return Check(entry, True, False, f"{entry.title} is as it should be.")
        if entry.embedded:
            return Check(entry, False, False, f"{entry.title} came with Scumble, but {problem}; install Scumble again.")
        if entry.manual:
            return Check(entry, False, False, f"{entry.title}: {problem}. {self._way_to_get(entry)}")
        if not repair:
            mend = _verify_command(entry) if status.state == "damaged" or status.path.exists() else _pull_command(entry)
            return Check(entry, False, False, f"{entry.title}: {problem}; mend it with: {mend}")
        if status.state == "missing" and entry.non_commercial:
            # Whoever has the file or a part of it accepted the licence; here nobody has.
            return Check(entry, False, False, f"{entry.title}: {problem}; get it with: {_pull_command(entry)}")
        try:
            with self._alone(entry):
                self._fetch(entry, progress)
        except ScumbleError as error:
            return Check(entry, False, False, str(error))
        return Check(entry, True, True, f"{entry.title} was downloaded again: {problem}.")

    def _fetch(self, entry: WeightsEntry, progress: Progress | None) -> None:
        """Download an entry's file; of an archive, build its folder. Only while nobody else does."""
        if not entry.built_from:
            self._record(entry.file, self._download(entry, self._place(entry), progress))
            return
        builder = self._builders.get(entry.architecture)
        if builder is None:
            message = f"{entry.title} is built by the command line."
            raise ScumbleError("weights_missing", message, self._way_to_get(entry))
        archive, folder = self._archive(entry), self._place(entry)
        # It is here where building it was interrupted. What it is was checked when it came.
        if not archive.exists():
            self._record(archive.name, self._download(entry, archive, progress))
        try:
            builder(archive, folder, entry, progress)
        except ScumbleError as error:
            if error.code == "weights_missing":
                archive.unlink(missing_ok=True)
            raise
        self._record(entry.file, _fingerprint(folder))
        with contextlib.suppress(OSError):
            archive.unlink()

    def _download(self, entry: WeightsEntry, target: Path, progress: Progress | None) -> Fingerprint:
        assert entry.url is not None
        return download(
            entry.url,
            target,
            Expected(entry.size, entry.sha256, entry.sha256_prefix, entry.md5),
            title=entry.title,
            again=self._again or _pull_command(entry),
            progress=progress,
            patience=self._patience,
        )

    def remove_folder(self, name: str) -> bool:
        """Take away the folder that was built for an entry, and what is left of its archive; whether there was one.

        Raises ScumbleError `internal` where it can't be removed.
        """
        entry = self._entry(name)
        assert entry.built_from
        folder, archive = self._place(entry), self._archive(entry)
        there = folder.is_dir()
        if not there and not archive.exists() and not part_path(archive).exists():
            return False
        with self._alone(entry):
            try:
                if there:
                    shutil.rmtree(folder)
                for file in (archive, part_path(archive)):
                    file.unlink(missing_ok=True)
            except OSError as error:
                message = f"{entry.title} could not be removed: {error.strerror or error}."
                raise ScumbleError("internal", message, f"Allow yourself to write to {self.directory}.") from error
        return there

    def _entry(self, name: str) -> WeightsEntry:
        if name in self.manifest:
            return self.manifest[name]
        close = difflib.get_close_matches(name, list(self.manifest.entries), 1)
        hint = f"Did you mean {close[0]}?" if close else "See what there is with: scumble weights list"
        raise ScumbleError("invalid_parameter", f"There are no weights called “{name}”.", hint)

    def _way_to_get(self, entry: WeightsEntry) -> str:
        if not entry.manual:
            return f"Get it with: {_pull_command(entry)}"
        return f"Download it from {entry.url}, then: scumble weights convert FILE --out {self._place(entry)}"

    def _place(self, entry: WeightsEntry) -> Path:
        return (self.manifest.directory if entry.embedded else self.directory) / entry.file

    def _archive(self, entry: WeightsEntry) -> Path:
        """Where the archive of a folder lies until that is built."""
        return self.directory / f"{entry.file}.archive"

    def _expected_here(self, entry: WeightsEntry) -> Expected:
        """What a file that is here must be: what the source publishes or, where it doesn't, what the first download was like.

        The record does not bind a new download: where nothing is published, the source may have a newer version.
        """
        recorded, recorded_size = self._recorded(entry)
        if entry.built_from:
            return Expected(recorded_size, recorded)
        if entry.has_digest:
            return Expected(entry.size, entry.sha256, entry.sha256_prefix, entry.md5)
        return Expected(entry.size or recorded_size, recorded)

    def _recorded(self, entry: WeightsEntry) -> tuple[str | None, int | None]:
        """SHA-256 and size of the entry's file when it was downloaded or checked."""
        if entry.embedded:
            return None, None
        record = self._records().get(entry.file)
        if not isinstance(record, dict):
            return None, None
        sha256, size = record.get("sha256"), record.get("size")
        return (sha256 if isinstance(sha256, str) else None), (size if isinstance(size, int) else None)

    def _note(self, entry: WeightsEntry, found: Fingerprint) -> None:
        if not entry.embedded:
            self._record(entry.file, found)

    def _record(self, file: str, found: Fingerprint) -> None:
        new = {"sha256": found.sha256, "size": found.size}
        # A store that may only be read is still a store: the digest is then worked out each time.
        with contextlib.suppress(OSError), FileLock(self.directory / f"{DIGESTS_FILE}.lock"):
            records = self._records()
            if records.get(file) != new:
                text = json.dumps({**records, file: new}, indent=2, sort_keys=True)
                temporary = self.directory / f"{DIGESTS_FILE}.part"
                temporary.write_text(text + "\n", encoding="utf-8")
                temporary.replace(self.directory / DIGESTS_FILE)

    def _records(self) -> dict[str, object]:
        try:
            records = json.loads((self.directory / DIGESTS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return records if isinstance(records, dict) else {}

    @contextlib.contextmanager
    def _alone(self, entry: WeightsEntry) -> Iterator[None]:
        """While this holds, no other process writes the entry's file."""
        lock = FileLock(self.directory / f"{entry.file}.lock")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as error:
            message = f"The folder for weights cannot be written to: {error.strerror or error}."
            hint = f"Allow yourself to write to {self.directory}, or name another folder in SCUMBLE_WEIGHTS."
            raise ScumbleError("internal", message, hint) from error
        try:
            yield
        finally:
            lock.release()


def default_directory() -> Path:
    """SCUMBLE_WEIGHTS, or `weights` in the user's data folder."""
    named = os.environ.get("SCUMBLE_WEIGHTS")
    return Path(named).expanduser() if named else platformdirs.user_data_path("scumble", appauthor=False) / "weights"


def _files(folder: Path) -> list[Path]:
    """The files of a built folder, in order; hidden ones (locks) and those that are being written do not belong to it."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in found if not path.name.startswith(".") and path.suffix != ".part" and path.is_file()]


def _fingerprint(path: Path) -> Fingerprint:
    """Read a file, or the files of a folder."""
    if not path.is_dir():
        return fingerprint(path)
    sha256, size = hashlib.sha256(), 0
    for file in _files(path):
        one = fingerprint(file)
        sha256.update(f"{file.name}\0{one.sha256}\n".encode())
        size += one.size
    return Fingerprint(size, sha256.hexdigest(), "")


def _strings(path: Path) -> set[str]:
    """The strings of a file with a list of them; none where it can't be read."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {one for one in known if isinstance(one, str)} if isinstance(known, list) else set()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _pull_command(entry: WeightsEntry) -> str:
    accept = " --accept-non-commercial" if entry.non_commercial else ""
    return f"scumble weights pull {entry.name}{accept}"


def _verify_command(entry: WeightsEntry) -> str:
    return f"scumble weights verify --repair {entry.name}"
