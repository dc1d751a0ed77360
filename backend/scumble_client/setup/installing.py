"""Packages from an index that may break off: asked for again while something is won, fetched anew where one came damaged."""

import time
from collections import deque
from dataclasses import replace
from typing import Callable, Mapping

from .commands import CancelError
from .environment import Environment, Packages, Tools
from .indexes import complaint
from .problem import NETWORK
from .reading import Fetching, failure

TRIES = 4
"""How often the packages are asked for while the line breaks, each time with something won."""


def install(
    environment: Environment,
    packages: Packages,
    configuration: Mapping[str, str],
    tools: Tools,
    heard: Callable[[Fetching], None],
    said: Callable[[str], None],
    tick: Callable[[Fetching], None] = lambda fetching: None,
) -> None:
    """Install packages into an environment. Raises SetupError, CancelError; what it had installed by then stays there.

    Parameters
    ----------
    configuration
        The environment's (`Environment.configuration`).
    heard
        Called after each line of pip's or uv's. What it raises ends the installing.
    said
        Called with a sentence, without its full stop, where it begins again.
    tick
        Called several times a second.
    """
    before, fresh = 0, packages.fresh
    for attempt in range(TRIES):
        fetching = Fetching()

        def line(text: str, fetching: Fetching = fetching) -> None:
            fetching.line(text)
            heard(fetching)

        asked = replace(packages, fresh=fresh)
        code = environment.install(asked, configuration, line, lambda f=fetching: tick(f))  # type: ignore[misc]
        if code == 0:
            return
        problem = failure(fetching.last, environment.tool)
        if problem.kind in ("no_package", ""):
            answer = complaint(configuration)
            problem = failure(deque([answer]), environment.tool) if answer else problem
        if problem.kind == "damaged" and not fresh:  # what came damaged was kept, and would be taken again
            fresh = True
            said("A package was damaged; fetching anew")
            continue
        won = fetching.all_bytes > before
        before = max(before, fetching.all_bytes)
        if problem.kind != NETWORK or not won or attempt == TRIES - 1:
            raise problem
        said("The line broke; going on in a moment")
        _wait(2.0 * (attempt + 1), tools)


def _wait(seconds: float, tools: Tools) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if tools.cancelled():
            raise CancelError
        time.sleep(0.1)
