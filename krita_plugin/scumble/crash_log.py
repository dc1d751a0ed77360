"""What happens to an exception: Krita would open a window over the artist's work, so nothing may escape from here."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, TypeVar, cast

from .scumble_client.editor import crash_log

if TYPE_CHECKING:
    from .scumble_client.errors import ScumbleError


Method = TypeVar("Method", bound=Callable[..., Any])

LOG_FILE = "krita.log"


def as_error(error: BaseException) -> ScumbleError:
    """Any exception as a ScumbleError; a defect is written to the log, and the error says where that is."""
    return crash_log.as_error(error, LOG_FILE, "plugin")


def guarded(method: Method) -> Method:
    """For slots and what Krita calls: an exception becomes a sentence (`self.studio` shows it)."""

    @functools.wraps(method)
    def call(self: Any, *arguments: Any) -> Any:
        try:
            return method(self, *arguments)
        except Exception as error:
            self.studio.fail(as_error(error))
            return None

    return cast(Method, call)
