"""`scumble keys`: who may connect from other machines."""

from __future__ import annotations

from scumble.daemon.security import Keys
from scumble_client.errors import ScumbleError
from scumble_client.paths import config_dir

from .console import out


def keys(action: str, name: str | None, key: str | None) -> None:
    """Manage who may connect from other machines. Raises ScumbleError."""
    try:
        _keys(action, name, key)
    except OSError as error:
        raise ScumbleError(
            "internal",
            f"The keys in {config_dir() / 'keys'} can't be used: {error.strerror or error}.",
            "Make that folder your own and writable, or set SCUMBLE_CONFIG_DIR to one that is.",
        ) from error


def _keys(action: str, name: str | None, key: str | None) -> None:
    store = Keys(config_dir() / "keys")
    if action == "make":
        public, _ = store.server()
        out.print(public.decode("ascii"))
    elif action == "list":
        for known, public_key in store.allowed().items():
            out.print(f"{known}  {public_key}")
    elif action == "allow" and name and key:
        store.allow(name, key)
        out.print(f"{name} may connect.")
    elif action == "revoke" and name:
        store.revoke(name)
        out.print(f"{name} may no longer connect.")
    else:
        raise ScumbleError(
            "invalid_parameter",
            f"“keys {action}” is not complete.",
            "Use: keys make | keys list | keys allow NAME KEY | keys revoke NAME",
        )
