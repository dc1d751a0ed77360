"""Checks the documentation, puts its pages together for Zensical, and checks the site that was built of them.

    python -m documentation check           the pages as they lie in the repository; needs nothing but git
    python -m documentation pages FOLDER    all pages, those included that are made from the code, and the site's settings
    python -m documentation built FOLDER    the built site

The exit code is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import built, contents


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m documentation", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("check", "pages", "built"))
    parser.add_argument("folder", nargs="?", type=Path)
    options = parser.parse_args(arguments)
    if (options.what == "check") == bool(options.folder):
        parser.error("`pages` and `built` need a folder, `check` none")
    found = built.faults(options.folder) if options.what == "built" else contents.faults()
    for sentence in found:
        print(sentence)
    if options.what == "pages" and not found:
        _write(options.folder)
    return 1 if found else 0


def _write(folder: Path) -> None:
    from .made import MADE

    repository = os.environ.get("SCUMBLE_REPOSITORY", "")
    commit = os.environ.get("GITHUB_SHA", "main")
    files = f"{repository}/blob/{commit}/" if repository else ""
    contents.write(folder, {place: page() for place, page in MADE.items()}, files)


if __name__ == "__main__":
    sys.exit(main())
