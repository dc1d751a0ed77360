"""What stopped a set-up: a sentence, what to do, and a kind by which the process knows whether to try again."""

from ..errors import ScumbleError

NETWORK = "network"
"""The kind that may go away by itself."""


class SetupError(ScumbleError):
    """`kind` is a word for the process and for tests; the artist reads message and hint."""

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__("unreachable" if kind == NETWORK else "internal", message, hint)
        self.kind = kind
