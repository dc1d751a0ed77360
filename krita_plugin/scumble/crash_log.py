"""What happens to an exception: Krita would open a window over the artist's work, so nothing may escape from here."""

import functools

from .scumble_client.editor import crash_log

LOG_FILE = "krita.log"


def as_error(error):
    """Any exception as a ScumbleError; a defect is written to the log, and the error says where that is."""
    return crash_log.as_error(error, LOG_FILE, "plugin")


def guarded(method):
    """For slots and what Krita calls: an exception becomes a sentence (`self.studio` shows it)."""

    @functools.wraps(method)
    def call(self, *arguments):
        try:
            return method(self, *arguments)
        except Exception as error:
            self.studio.fail(as_error(error))
            return None

    return call
