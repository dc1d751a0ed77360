"""The small memory that makes live painting quick.

What a photograph is to the networks (where its faces are, its latents, the Jacobian there) is remembered by the content of
its pixels, so that after the first stroke only the strokes are solved.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scumble.operations.context import Context

T = TypeVar("T")

REMEMBERED = 24
"""Things that are remembered: six for a photograph, which together take 5 to 12 MB."""


class PhotographCache:
    """The last few things that were worked out, by a key."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._found: OrderedDict[str, Any] = OrderedDict()

    def get(self, key: str, make: Callable[[], T]) -> T:
        if key not in self._found:
            self._found[key] = make()
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        self._found.move_to_end(key)
        value: T = self._found[key]
        return value


def photograph_cache(context: Context) -> PhotographCache:
    """The worker's memory of photographs, for a device: where memory ran out, the next job may be on another."""
    return context.models.get(f"photographs of faces, {context.device}", PhotographCache)


def digest(*parts: NDArray[Any] | str | bytes | float) -> str:
    """A name for this content."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            state.update(f"{part.shape} {part.dtype} ".encode())
            state.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        elif isinstance(part, bytes):
            state.update(f"{len(part)} ".encode() + part)
        else:
            state.update(f"{part} ".encode())
    return state.hexdigest()
