"""A folder that is watched: which of its pictures are whole, and not done yet.

It is looked at, not listened to: what systems tell of changes does not reach network shares, and never says that a file is finished. A
picture is taken when its inputs have stayed the same for a while; one that can't be read then may still be on its way, and
is tried again before it is given up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .batch_folder import Item, LeftOut

LOOK = 1.0
"""Seconds from one look to the next."""

SETTLED = 2.0
"""Seconds for which a picture and what belongs to it must have stayed the same."""

PATIENCE = 15.0
"""Seconds after which a picture that can't be read is not taken for half-written any more."""


@dataclass
class _Seen:
    """A picture as it was at the last looks."""

    key: str
    since: float
    """When it was first seen so."""

    tried: float = 0.0
    """When it was last begun; 0 for not yet."""

    unsure: bool = False
    """Whether it could not be read, and may be half-written."""

    over: bool = False
    """Whether it is done, or given up."""


class Watch:
    """Pictures as they come.

    Parameters
    ----------
    scan
        What the folder holds now.
    key
        Of a picture: what changes when it, its mask or another input does.
    leave_out
        Is told once of everything that is no input.
    clock
        Seconds, as `time.monotonic`.
    """

    def __init__(
        self,
        scan: Callable[[], tuple[list[Item], list[LeftOut]]],
        key: Callable[[Item], str],
        leave_out: Callable[[LeftOut], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scan, self._key, self._leave_out, self._clock = scan, key, leave_out, clock
        self._seen: dict[str, _Seen] = {}
        self._told: set[LeftOut] = set()

    def items(self) -> Iterator[Item | None]:
        """For ever: a picture that is whole, or None while there is none; what is yielded counts as begun."""
        looked = -LOOK
        while True:
            now = self._clock()
            if now - looked < LOOK:
                yield None
                continue
            looked = now
            for item in self._ready(now):
                self._seen[item.name].tried = now
                yield item

    def may_be_unfinished(self, item: Item) -> bool:
        """Of one that can't be read: whether it is worth another look. If not, it is given up, until it changes."""
        seen = self._seen.get(item.name)
        if seen is None:
            return False  # it was taken away meanwhile
        unsure = self._clock() - seen.since < PATIENCE
        seen.over, seen.unsure = not unsure, unsure
        return unsure

    def finished(self, item: Item, key: str) -> None:
        """It is done, or has failed for another reason than being half-written; again only when it changes.

        `key` is what it was begun with: where it has changed meanwhile, or was taken away, that is another one.
        """
        seen = self._seen.get(item.name)
        if seen is not None and seen.key == key:
            seen.over = True

    def _ready(self, now: float) -> list[Item]:
        items, left_out = self._scan()
        for one in left_out:
            if one not in self._told:
                self._told.add(one)
                self._leave_out(one)
        found = []
        names = {item.name for item in items}
        for name in [name for name in self._seen if name not in names]:
            del self._seen[name]  # it was taken away: what comes under its name is another one
        for item in items:
            key = self._key(item)
            seen = self._seen.get(item.name)
            if seen is None or seen.key != key:
                self._seen[item.name] = _Seen(key, now)
            elif not seen.over and self._due(seen, now):
                found.append(item)
        return found

    @staticmethod
    def _due(seen: _Seen, now: float) -> bool:
        if not seen.tried:
            return now - seen.since >= SETTLED
        return seen.unsure and now - seen.since >= PATIENCE  # what is begun and not over is on its way
