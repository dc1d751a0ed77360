"""One thread for torch in every test of this folder."""

from tests.support.threads import one_thread

__all__ = ["one_thread"]
