"""Fetching one file over HTTP so that a bad line costs time and nothing else.

What has arrived is kept in `FILE.part` and continued by a Range request; the final name appears only when size and
digest are right. Beside it, `FILE.part.json` says which version of the file the part is of.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, SSLError

from scumble_client.errors import ScumbleError
from scumble_client.version import __version__

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and, where it is known, how many there will be. It may raise to stop."""

_CHUNK = 2**16
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class Fingerprint:
    """What a file was found to be; digests in hexadecimal."""

    size: int
    sha256: str
    md5: str


@dataclass(frozen=True)
class Expected:
    """What is known of the file beforehand."""

    size: int | None = None
    sha256: str | None = None
    sha256_prefix: str | None = None
    md5: str | None = None

    @property
    def has_digest(self) -> bool:
        return bool(self.sha256 or self.sha256_prefix or self.md5)

    def mismatch(self, found: Fingerprint) -> str | None:
        """What about a file is not as expected, as part of a sentence; None where all is right."""
        if self.size is not None and found.size != self.size:
            return f"it has {found.size} bytes instead of {self.size}"
        if self.sha256 is not None and found.sha256 != self.sha256:
            return "its SHA-256 is not the one on record"
        if self.sha256_prefix is not None and not found.sha256.startswith(self.sha256_prefix):
            return "its SHA-256 does not begin as published"
        if self.md5 is not None and found.md5 != self.md5:
            return "its MD5 is not the published one"
        return None


@dataclass(frozen=True)
class Patience:
    """How long to try."""

    attempts: int = 6
    """Attempts in a row that bring nothing new before giving up."""

    stall_timeout: float = 30.0
    """Seconds without a byte after which a connection counts as broken."""

    sleep: Callable[[float], None] = time.sleep


class _BrokenOffError(Exception):
    """The attempt ended early; another may go on from there. `wait`: seconds that the server asked for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class _RefusedError(Exception):
    """No further attempt can help."""


def fingerprint(path: Path) -> Fingerprint:
    """Read a file."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    return Fingerprint(size, sha256.hexdigest(), md5.hexdigest())


def part_path(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def download(
    url: str,
    target: Path,
    expected: Expected,
    *,
    title: str,
    again: str,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> Fingerprint:
    """Fetch `url` to `target`, going on from an earlier part where the server allows it.

    Parameters
    ----------
    title
        What messages call the file.
    again
        The command that an artist types to try again, for the hints.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file cannot be had or is not the expected one, `internal` where it cannot be
        stored. What has arrived is kept for the next time, unless it is wrong.
    """
    patience = patience or Patience()
    transfer = _Transfer(url, target, expected, progress, patience)
    try:
        found = transfer.run()
        part_path(target).replace(target)
        transfer.forget_version()
        return found
    except _RefusedError as error:
        hint = f"Check the address {url}, or try again later: {again}."
        raise ScumbleError("weights_missing", f"{title} could not be downloaded: {error}.", hint) from error
    except _BrokenOffError as error:
        hint = f"Check the network and the proxy; then this goes on where it stopped: {again}."
        raise ScumbleError("weights_missing", f"{title} could not be downloaded: {error}.", hint) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = f"Free some space on the disk of {target.parent}; then this goes on where it stopped: {again}."
            raise ScumbleError("internal", f"The disk is full: {title} does not fit.", hint) from error
        message = f"{title} could not be stored: {error.strerror or error}."
        raise ScumbleError("internal", message, f"Allow yourself to write to {target.parent}.") from error


class _Transfer:
    """One download: attempts until the part is whole and right."""

    def __init__(
        self, url: str, target: Path, expected: Expected, progress: Progress | None, patience: Patience
    ) -> None:
        self.url = url
        self.part = part_path(target)
        self.version_file = target.with_name(self.part.name + ".json")
        self.expected = expected
        self.progress = progress
        self.patience = patience
        self.may_resume = True

    def run(self) -> Fingerprint:
        pool = _pool(self.url)
        started_over = False
        try:
            while True:
                resumed = self._size() > 0
                self._fetch_all(pool)
                found = fingerprint(self.part)
                wrong = self.expected.mismatch(found)
                if wrong is None:
                    return found
                self._discard()
                # The beginning may have been of another version; a whole download settles that.
                if not resumed or started_over:
                    raise _RefusedError(f"what arrived is not what was published ({wrong})")
                started_over, self.may_resume = True, False
        finally:
            pool.clear()

    def forget_version(self) -> None:
        with contextlib.suppress(OSError):
            self.version_file.unlink()

    def _fetch_all(self, pool: urllib3.PoolManager) -> None:
        furthest, failures = self._size(), 0
        while True:
            try:
                self._attempt(pool)
                return
            except _BrokenOffError as error:
                size = self._size()
                failures = 0 if size > furthest else failures + 1
                furthest = max(furthest, size)
                if failures >= self.patience.attempts:
                    raise
                self.patience.sleep(max(min(2.0**failures, _LONGEST_WAIT), error.wait))

    def _attempt(self, pool: urllib3.PoolManager) -> None:
        have, version = self._size(), self._read_version()
        if self.expected.size is not None and have >= self.expected.size:
            return
        headers = {"User-Agent": f"scumble/{__version__}", "Accept-Encoding": "identity"}
        validator = version.get("etag") or version.get("modified")
        # Without a validator only a digest can tell whether the two halves belong together.
        resuming = have > 0 and self.may_resume and bool(validator or self.expected.has_digest)
        if resuming:
            headers["Range"] = f"bytes={have}-"
            if validator:
                headers["If-Range"] = validator
        timeout = urllib3.Timeout(connect=self.patience.stall_timeout, read=self.patience.stall_timeout)
        retries = urllib3.Retry(
            total=10, connect=0, read=0, status=0, other=0, redirect=10, respect_retry_after_header=False
        )
        try:
            response = pool.request(
                "GET", self.url, headers=headers, preload_content=False, timeout=timeout, retries=retries
            )
        except HTTPError as error:
            raise _network_failure(error, self.url) from error
        try:
            if self.url.startswith("https:") and str(response.geturl() or "").startswith("http:"):
                raise _RefusedError("the server led to an address without encryption")
            start = self._start(response, have, version, resuming)
            if start is not None:
                self._receive(response, start)
        finally:
            response.close()

    def _start(
        self, response: urllib3.BaseHTTPResponse, have: int, version: dict[str, Any], resuming: bool
    ) -> int | None:
        """Where in the file the body begins; None where the part is whole already."""
        status = response.status
        if status == 200:
            return 0
        if status == 206 and resuming:
            first, total = _content_range(response.headers.get("Content-Range", ""))
            known = version.get("total") or self.expected.size
            if first == have and total is not None and known in (None, total):
                return have
            self._start_over()
            raise _BrokenOffError("the server sent another piece than it was asked for")
        if status == 416 and resuming:
            _, total = _content_range(response.headers.get("Content-Range", ""))
            if total == have:
                return None
            self._start_over()
            raise _BrokenOffError("the server's file is shorter than what had arrived")
        if status in _RETRIED:
            wait = response.headers.get("Retry-After", "")
            raise _BrokenOffError(
                f"the server answered {status}", min(float(wait), _LONGEST_WAIT) if wait.isdigit() else 0
            )
        raise _RefusedError(f"the server answered {status}")

    def _receive(self, response: urllib3.BaseHTTPResponse, start: int) -> None:
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        if total is not None and self.expected.size is not None and total != self.expected.size:
            raise _RefusedError(f"the server offers {total} bytes instead of {self.expected.size}")
        goal = total or self.expected.size
        free = shutil.disk_usage(self.part.parent).free
        if goal is not None and goal - start > free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if start == 0:
            self._write_version(response, total)
        done = start
        with self.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            self._report(done, goal)
            for chunk in self._chunks(response):
                file.write(chunk)
                done += len(chunk)
                if goal is not None and done > goal:
                    raise _RefusedError(f"the server sent more than {goal} bytes")
                self._report(done, goal)
            _sync(file)
        if goal is not None and done < goal:
            raise _BrokenOffError(f"the connection ended after {done} of {goal} bytes")

    def _chunks(self, response: urllib3.BaseHTTPResponse) -> Any:
        try:
            yield from response.stream(_CHUNK, decode_content=False)
        except HTTPError as error:
            raise _network_failure(error, self.url) from error

    def _report(self, done: int, total: int | None) -> None:
        if self.progress:
            self.progress(done, total)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.forget_version()

    def _start_over(self) -> None:
        """After a server has shown that it cannot continue a file."""
        self._discard()
        self.may_resume = False

    def _read_version(self) -> dict[str, Any]:
        try:
            version = json.loads(self.version_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return version if isinstance(version, dict) and version.get("url") == self.url else {}

    def _write_version(self, response: urllib3.BaseHTTPResponse, total: int | None) -> None:
        etag = response.headers.get("ETag", "")
        version = {
            "url": self.url,
            # A weak ETag may stand for different bytes, so it cannot vouch for a continued download.
            "etag": "" if etag.startswith("W/") else etag,
            "modified": response.headers.get("Last-Modified", ""),
            "total": total,
        }
        self.version_file.write_text(json.dumps(version), encoding="utf-8")


def _content_range(value: str) -> tuple[int | None, int | None]:
    """First byte and whole length of a Content-Range header, each None where it is not given."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", value.strip())
    if not found:
        return None, None
    first, total = found.groups()
    return (int(first) if first else None), (int(total) if total != "*" else None)


def _network_failure(error: HTTPError, url: str) -> Exception:
    host = urlsplit(url).hostname
    reason = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(reason, NameResolutionError):
        return _RefusedError(f"{host} was not found, so there may be no connection to the internet")
    if isinstance(reason, SSLError):
        return _RefusedError(f"the connection to {host} is not secure ({reason})")
    return _BrokenOffError(f"the connection to {host} broke off ({type(reason).__name__})")


def _pool(url: str) -> urllib3.PoolManager:
    """Goes through the proxy that the environment or the system names."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.PoolManager()
    credentials = urlsplit(proxy)
    headers = None
    if credentials.username:
        login = f"{unquote(credentials.username)}:{unquote(credentials.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=login)
    return urllib3.ProxyManager(proxy, proxy_headers=headers)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
