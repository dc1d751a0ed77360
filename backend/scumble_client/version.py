"""The version of Scumble and of the protocol it speaks."""

__version__ = "0.1.0"

PROTOCOL = 1
"""Version of the wire protocol (`docs/protocol.md`). It changes when an old client would misread a new daemon."""
