"""Finished results, on disk until their client says that it has them, so that nothing computed is lost.

A result is one file that describes it, and one file for each buffer. The folder outlives the daemon; it is bounded
in size, and the oldest result goes first.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble_client import wire

from .removal import Remover

log = logging.getLogger(__name__)


SETTLE = 0.5
"""Seconds after which a large result that shares its pixels with an input is copied: most are fetched sooner."""
SMALL = 8 * 1024**2
"""Bytes that are copied at once."""

Held = tuple[str, bytes, Path]
"""Job, buffer and where it is: something that is not on the disk yet."""


@dataclass
class Kept:
    """One result: its body, its buffers' paths, bytes in all."""

    body: dict[str, Any]
    paths: dict[bytes, Path]
    size: int
    time: float


class Spool:
    """Results by job. `limit` is in bytes; the newest result is kept even if it alone is larger."""

    def __init__(self, folder: Path, limit: int, remover: Remover | None = None) -> None:
        self.folder, self.limit = folder, limit
        self._remover = Remover() if remover is None else remover
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._held: list[tuple[float, Held]] = []
        self.dropped = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._read()

    def __contains__(self, job: str) -> bool:
        return job in self._kept

    @property
    def size(self) -> int:
        """Bytes of all results."""
        return sum(kept.size for kept in self._kept.values())

    def results(self) -> Mapping[str, Kept]:
        return self._kept

    def get(self, job: str) -> Kept | None:
        return self._kept.get(job)

    def add(self, job: str, body: dict[str, Any], paths: Mapping[bytes, Path], when: float) -> None:
        """Keep a result. `paths` has its buffers by digest; files that lie outside the folder stay where they are.

        A full disk costs the result its safety, not its life: it is then known until this process ends.
        """
        size = sum(path.stat().st_size for path in paths.values())
        self._kept[job] = Kept(body, dict(paths), size, when)
        self._record(job)
        while len(self._kept) > 1 and self.size > self.limit:
            oldest = next(iter(self._kept))
            log.warning("the spool is full: the result of %s, which nobody fetched, is dropped", oldest)
            self.dropped += 1
            self.drop(oldest)

    def hold(self, job: str, name: bytes, source: Path) -> Path:
        """Keep a buffer that lies elsewhere, and may be dropped there; where it now is. Raises OSError.

        A small one is copied to the disk. A large one gets a second name in its own folder, which takes no time;
        `unsettled` tells of it when nobody has fetched it soon.
        """
        if source.stat().st_size <= SMALL:
            try:
                return self.adopt(job, name, source)
            except OSError as error:
                log.warning("a result can't be kept on disk: %s", error)
        second = source.with_name(f"{job}-{name.hex()[:16]}.px")
        try:
            os.link(source, second)
        except OSError:
            shutil.copyfile(source, second)
        self._held.append((time.monotonic(), (job, name, second)))
        return second

    def unsettled(self, at_once: bool = False) -> list[Held]:
        """Buffers to be copied to the disk now, by `adopt` and then `settle`; each is told of once."""
        due = time.monotonic() - (0 if at_once else SETTLE)
        ready = [held for since, held in self._held if since <= due and held[0] in self._kept]
        self._held = [(since, held) for since, held in self._held if since > due]
        return ready

    def settle(self, held: Held, copy: Path) -> None:
        """The copy takes the place of what was held; one that nobody needs any more is removed."""
        job, name, second = held
        kept = self._kept.get(job)
        if kept is None or kept.paths[name] != second:
            self._remover.remove([copy])
        else:
            self._remover.remove([second])
            kept.paths[name] = copy
            self._record(job)

    def adopt(self, job: str, name: bytes, source: Path) -> Path:
        """Copy a buffer that lies elsewhere into the spool (from any thread). Raises OSError."""
        path = self.folder / f"{job}-{name.hex()[:16]}.px"
        try:
            shutil.copyfile(source, path)
        except OSError:
            self._remover.remove([path])
            raise
        return path

    def _record(self, job: str) -> None:
        """Write the file that describes a result."""
        kept = self._kept[job]
        try:
            part = self.folder / f"{job}.part"
            files = {name: path.name for name, path in kept.paths.items() if path.parent == self.folder}
            part.write_bytes(wire.pack({"body": kept.body, "time": kept.time, "files": list(files.items())}))
            part.replace(self.folder / f"{job}.result")
        except OSError as error:
            log.warning("the result of %s is not on disk: %s", job, error)

    def drop(self, job: str) -> bool:
        """Forget a result; False if there was none."""
        kept = self._kept.pop(job, None)
        if kept is None:
            return False
        # (On Windows the last of them while they are still being sent.)
        self._remover.remove([self.folder / f"{job}.result", *kept.paths.values()])
        return True

    def _read(self) -> None:
        """What an earlier daemon left: whole results are kept, everything else is removed."""
        found: list[tuple[float, str, dict[str, Any], dict[bytes, Path]]] = []
        for path in self.folder.glob("*.result"):
            try:
                record = wire.unpack(path.read_bytes())
                body = record["body"]
                paths = {name: self.folder / Path(file).name for name, file in record["files"]}
                if set(paths) != set(body["buffers"]) or not all(p.is_file() for p in paths.values()):
                    raise ValueError("its pixels are missing")
                found.append((float(record["time"]), path.stem, body, paths))
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                log.warning("removing a damaged result, %s: %s", path.name, error)
                self._remover.remove([path])
        for when, job, body, paths in sorted(found, key=lambda f: f[:2]):
            self._kept[job] = Kept(body, paths, sum(p.stat().st_size for p in paths.values()), when)
        used = {p for kept in self._kept.values() for p in kept.paths.values()}
        for path in self.folder.iterdir():
            if path.suffix != ".result" and path not in used:
                self._remover.remove([path])
