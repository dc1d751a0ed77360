"""The one exception that carries an error from wherever it happens to the artist."""

from typing import Any, Dict, Optional

CODES = (
    "bad_request",
    "version_mismatch",
    "unauthorized",
    "unknown_operation",
    "invalid_parameter",
    "missing_input",
    "too_large",
    "weights_missing",
    "out_of_memory",
    "cancelled",
    "worker_died",
    "unreachable",
    "internal",
)
"""Stable codes. All but `unreachable` travel on the wire; that one is the client's own: no daemon answers."""


class ScumbleError(Exception):
    """Something went wrong, said in a way that an artist can act on.

    Parameters
    ----------
    code
        One of `CODES`.
    message
        One sentence that says what is wrong.
    hint
        One sentence that says what to do about it.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        assert code in CODES, code
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def as_dict(self) -> Dict[str, str]:
        """The body of an `error` message."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    @classmethod
    def from_dict(cls, body: Dict[str, Any]) -> "ScumbleError":
        """Read an `error` body; a code that this version does not know becomes `internal`."""
        code: Optional[Any] = body.get("code")
        known = code if isinstance(code, str) and code in CODES else "internal"
        return cls(known, str(body.get("message", "The daemon reported an error.")), str(body.get("hint", "")))

    def __reduce__(self) -> Any:
        return (ScumbleError, (self.code, self.message, self.hint))
