"""What pip and uv print, as progress; and what they say when they fail, as a sentence for an artist."""

import os
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Deque, Set

from .problem import NETWORK, SetupError

KEPT = 60
"""Lines that are looked through for what went wrong."""

_UNITS = {"b": 1, "bytes": 1, "kb": 1e3, "kib": 1024, "mb": 1e6, "mib": 1024**2, "gb": 1e9, "gib": 1024**3}
_SIZE = re.compile(r"\(([0-9.]+) ?([A-Za-z]+)\)")
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


@dataclass
class Fetching:
    """How far the packages are. `line` takes what pip or uv has printed."""

    package: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    """Of the package that is being fetched; 0 where it is not known."""
    finished_bytes: int = 0
    """Of the packages that were fetched before it."""
    wanted: Set[str] = field(default_factory=set)
    fetched: Set[str] = field(default_factory=set)
    installing: bool = False
    last: Deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))

    def line(self, text: str) -> None:
        words = text.strip()
        progress = _PROGRESS.fullmatch(words)
        if progress:
            if self.package:
                self.bytes_done, self.bytes_total = int(progress.group(1)), int(progress.group(2))
            return
        self.last.append(words)
        if words.startswith("Collecting "):
            self.wanted.add(_plain(re.split(r"[\s\[<>=!~(;]", words[11:], maxsplit=1)[0]))
        elif words.startswith(("Downloading ", "Using cached ")):
            self._fetch(words)
        elif words.startswith("Processing ") and words.endswith(".whl"):
            self._take(words[11:])
        elif words.startswith("Downloaded "):  # uv's
            self.fetched.add(_plain(words.split()[1]))
            self._settle()
        elif words.startswith(("Installing collected packages", "Prepared ", "Installed ")):
            self._settle()
            self.installing = True

    def _fetch(self, words: str) -> None:
        self._settle()
        rest = words.split(" ", 2 if words.startswith("Using") else 1)[-1]
        name = rest.rpartition(" (")[0].rpartition("/")[2] or rest
        if name.endswith(".metadata"):
            self.package = ""
            return
        self.package = _plain(re.split(r"-\d", name, maxsplit=1)[0])
        self.wanted.add(self.package)
        self.fetched.add(self.package)
        size = _SIZE.search(rest)
        total = int(float(size.group(1)) * _UNITS.get(size.group(2).lower(), 1)) if size else 0
        cached = words.startswith("Using")
        self.bytes_done, self.bytes_total = (total if cached else 0), total

    def _take(self, path: str) -> None:
        """A file that lies on this machine."""
        self._settle()
        name = _plain(re.split(r"-\d", os.path.basename(path), maxsplit=1)[0])
        self.wanted.add(name)
        self.fetched.add(name)
        try:
            self.finished_bytes += os.path.getsize(path)
        except OSError:
            pass  # it is named relative to the home folder

    def _settle(self) -> None:
        """The package of before is here."""
        if self.package:
            self.finished_bytes += max(self.bytes_done, self.bytes_total)
        self.package, self.bytes_done, self.bytes_total = "", 0, 0

    @property
    def all_bytes(self) -> int:
        """Bytes that have come until now."""
        return self.finished_bytes + self.bytes_done

    @property
    def for_graphics(self) -> bool:
        """Whether what is being fetched is the build for NVIDIA's cards."""
        return any(name.startswith("nvidia-") for name in self.wanted)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


_SIGNS = (
    (
        r"No space left on device|Errno 28|not enough space|os error 112|Disk quota exceeded",
        "disk_full",
        "The disk is full, so the set-up stopped; what it had written was removed.",
        "Make room, or choose a folder on another disk.",
    ),
    (
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch|Expected sha256",
        "damaged",
        "A package arrived damaged: its check sum is not the one that its index names.",
        "Try again. If it stays so, something between here and the index changes files: a proxy, a scanner, or the index itself.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError|invalid peer certificate",
        "certificate",
        "The package index can't be trusted: its certificate is not valid here.",
        "Look at this machine's date; behind a proxy of a company, give pip its certificate: pip config set global.cert FILE",
    ),
    (
        r"407 Proxy|ProxyError|Tunnel connection failed|[Cc]annot connect to proxy",
        "proxy",
        "The proxy does not let the set-up through.",
        "Look at the proxy in the system's settings, or tell pip: pip config set global.proxy http://USER:PASSWORD@HOST:PORT",
    ),
    (
        r"\b40[137] (Client )?Error|HTTP status client error \(40[13]|401 Unauthorized|403 Forbidden",
        "refused",
        "The package index refuses access.",
        "Look at the address and the password in pip's configuration: pip config list",
    ),
    (
        r"Name or service not known|name resolution|Name resolution|getaddrinfo|NewConnectionError|ConnectTimeout|ReadTimeout|"
        r"Read timed out|Connection refused|Connection reset|Connection broken|Connection aborted|IncompleteRead|RemoteDisconnected|"
        r"Max retries exceeded|incomplete-download|Download failed|not enough bytes|Network is unreachable|dns error|"
        r"error sending request|client error \(Connect\)|operation timed out|ProtocolError|50[0234] (Server )?Error",
        NETWORK,
        "The line to the package index broke.",
        "Look at the connection, and try again: what was fetched whole is not fetched again.",
    ),
    (
        r"No matching distribution found for (?P<what>[^\s(;]+)|"
        r"no matching distributions available for your environment:\s*(?P<what3>[^\s(;]+)|"
        r"Because (?P<what2>[a-z0-9-]+)\S* was not found|no wheels with a matching",
        "no_package",
        "The package index has no {what} for this Python and this system.",
        "Look at pip's configuration (pip config list), or choose another Python.",
    ),
    (
        r"Permission denied|Errno 13|Access is denied",
        "denied",
        "The folder can't be written.",
        "Choose another one.",
    ),
)


def failure(lines: "Deque[str]", tool: str) -> SetupError:
    """What went wrong, out of the last lines of pip or uv."""
    text = "\n".join(lines)
    for pattern, code, message, hint in _SIGNS:
        found = re.search(pattern, text)
        if found:
            named = [one for one in found.groupdict().values() if one]
            return SetupError(code, message.format(what=named[0].strip(".,") if named else "package"), hint)
    said = [line for line in lines if line.lower().startswith("error")] or list(lines)[-1:]
    detail = re.sub(r"^(ERROR|error):\s*", "", said[-1]) if said else "it said nothing"
    return SetupError("", f"{tool} could not install the engine: {detail.rstrip('.')}.", "The log has all of it.")
