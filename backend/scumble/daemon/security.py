"""Who may connect: PLAIN with the connection file's token on loopback TCP, CURVE with known keys from elsewhere."""

from __future__ import annotations

import logging
import os
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zmq
from zmq.utils import z85

from scumble_client.errors import ScumbleError
from scumble_client.system.private import seen_by_others

if TYPE_CHECKING:
    from zmq.auth.thread import ThreadAuthenticator

log = logging.getLogger(__name__)

LOOPBACK_DOMAIN, WORKER_DOMAIN, REMOTE_DOMAIN = "loopback", "workers", "remote"
SERVER_KEY = "server.key"
ALLOWED = "allowed"


class Keys:
    """The CURVE keys of this machine: `server.key` (secret, 0600) and `allowed/NAME.key` (public, one per client)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def server(self) -> tuple[bytes, bytes]:
        """Public and secret key (Z85); made on first use."""
        path = self.folder / SERVER_KEY
        if not path.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            public = b"-"
            while public.startswith(b"-"):  # a command line would take it for an option
                public, secret = zmq.curve_keypair()
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(public + b"\n" + secret + b"\n")
        if seen_by_others(path):
            raise ScumbleError(
                "unauthorized", f"Others can read the secret key {path}.", f"Take that away: chmod 600 {path}"
            )
        public, secret = path.read_bytes().split()
        return public, secret

    def allow(self, name: str, public: str) -> None:
        """Let the holder of a key in. `name` is for people; letters, digits, `.`, `-` and `_`."""
        if not re.fullmatch(r"[\w.-]{1,64}", name) or name.startswith("."):
            raise ScumbleError("invalid_parameter", f"“{name}” can't name a key.", "Use letters, digits, - and _.")
        if not is_key(public):
            raise ScumbleError(
                "invalid_parameter",
                "That is no public key.",
                "A key is 40 characters long, as printed by: scumble keys make",
            )
        folder = self.folder / ALLOWED
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"{name}.key").write_text(public + "\n", "ascii")

    def revoke(self, name: str) -> None:
        path = self.folder / ALLOWED / f"{name}.key"
        if name not in self.allowed():
            raise ScumbleError("invalid_parameter", f"There is no key called “{name}”.", "List them: scumble keys list")
        path.unlink()

    def allowed(self) -> dict[str, str]:
        """Public keys (Z85) by name."""
        folder = self.folder / ALLOWED
        paths = sorted(folder.glob("*.key")) if folder.is_dir() else []
        return {path.stem: path.read_text("ascii").strip() for path in paths}


def is_key(text: str) -> bool:
    """Whether this is a CURVE key in Z85."""
    try:
        return len(text) == 40 and len(z85.decode(text)) == 32
    except (ValueError, KeyError, struct.error):
        return False


class KnownKeys:
    """pyzmq's hook for CURVE. The list is read at each connection, so that `keys revoke` needs no restart."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def callback(self, domain: str, key: bytes) -> bool:
        """`key` is Z85-encoded already."""
        public = key.decode("ascii")
        known = domain == REMOTE_DOMAIN and public in self.keys.allowed().values()
        if not known:
            log.warning("refused the unknown CURVE key %s", public)
        return known


def _refusals_only() -> logging.Logger:
    """A logger for pyzmq's authenticator: of all that it says, with passwords in it, only the refusals get through."""

    def refusal(record: logging.LogRecord) -> bool:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return str(record.msg).startswith("DENIED")

    logger = logging.getLogger("scumble.zap")
    logger.setLevel(logging.DEBUG)
    logger.filters = []
    logger.addFilter(refusal)
    return logger


def start_authenticator(
    context: zmq.Context[Any], passwords: dict[str, dict[str, str]], keys: Keys
) -> ThreadAuthenticator:
    """Answer ZAP requests in a thread. Start it before any TCP socket is bound."""
    from zmq.auth.thread import ThreadAuthenticator

    authenticator = ThreadAuthenticator(context, log=_refusals_only())
    authenticator.start()
    for domain, known in passwords.items():
        authenticator.configure_plain(domain=domain, passwords=known)
    authenticator.configure_curve_callback(domain=REMOTE_DOMAIN, credentials_provider=KnownKeys(keys))
    return authenticator


def check_listen(endpoint: str, keys: Keys) -> None:
    """Refuse to open a door that anyone could go through. Raises ScumbleError `unauthorized`."""
    if not re.fullmatch(r"tcp://(\*|\[[0-9a-fA-F:.%]+\]|[\w.-]+):(\d+|\*)", endpoint):
        raise ScumbleError(
            "invalid_parameter", f"“{endpoint}” is no address to listen on.", "Write it like tcp://192.168.1.5:7878"
        )
    if not zmq.has("curve"):
        raise ScumbleError("unauthorized", "This libzmq has no CURVE encryption.", "Install pyzmq from PyPI.")
    if not keys.allowed():
        raise ScumbleError(
            "unauthorized",
            "No client's key is allowed, so nobody could connect from another machine.",
            "On the client run: scumble keys make; then here: scumble keys allow NAME KEY",
        )
