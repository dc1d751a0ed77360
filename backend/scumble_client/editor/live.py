"""Live mode's pace: when to look at the layers, and when to submit, so that requests never outrun their results."""

from typing import Optional

SHORTEST, LONGEST = 0.1, 2.0
SHARE = 0.1
"""Looking at the layers takes at most this share of the editor's time."""

PATIENCE = 1.0
"""Seconds that a job has at least before a newer one replaces it, or else a steady hand would never see a result."""


REST = 0.6
"""Seconds without a change after which the hand rests."""


class Pace:
    """Times are seconds of a clock that the caller reads, so that a test can set it.

    From a timer: where `may_look`, look at the inputs, and tell `looked` what was seen (any value that differs when
    the inputs do) and how long looking took; submit where it says so; tell `ended` when that job has ended.

    Parameters
    ----------
    two_steps
        Whether what is submitted while the hand moves is `rough`, and the same once more as it should be when it rests.
    """

    def __init__(self, two_steps: bool = False) -> None:
        self._two_steps = two_steps
        self.rough = two_steps
        self._changed = 0.0
        self._sent: Optional[object] = None
        self._next = 0.0
        self._submitted: Optional[float] = None
        self._patience = PATIENCE

    def may_look(self, now: float) -> bool:
        return now >= self._next

    def looked(self, now: float, seen: object, cost: float) -> bool:
        """Whether to submit what was seen: it is new, and the last job has ended or had its time."""
        self._next = now + min(max(cost / SHARE, SHORTEST), LONGEST)
        if seen == self._sent:
            if not self.rough or self._submitted is not None or now - self._changed < REST:
                return False
            self.rough, self._submitted = False, now
            return True
        # what takes longer was for a hand that rested: it moves again
        at_once = self._two_steps and not self.rough
        if self._submitted is not None and not at_once and now - self._submitted < self._patience:
            return False
        self._sent, self._submitted = seen, now
        self._changed, self.rough = now, self._two_steps
        return True

    def ended(self, now: float, again: bool = False) -> None:
        """The last job has ended. `again`: without a result, so that the same inputs are to be sent once more."""
        if self._submitted is not None and not again and self.rough == self._two_steps:
            self._patience = max(PATIENCE, 2 * (now - self._submitted))
        self._submitted = None
        if again:
            self._sent = None
        else:
            self._next = min(self._next, now)
