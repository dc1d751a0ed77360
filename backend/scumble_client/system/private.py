"""What of the user's files others may see or change: by owner and mode, where files have them.

On Windows all passes: the user's own folders have access lists that say the same.
"""

import os
import stat
from pathlib import Path
from typing import Optional

from .kind import is_posix


def why_not_private(path: Path, platform: Optional[str] = None) -> str:
    """What is wrong with what lies at a path, as the end of a sentence; empty where it is this user's own to change, or not there.

    A link is wrong, what is another user's, and what others may write to; a socket is as open as its folder.
    """
    if not is_posix(platform):
        return ""
    try:
        info = path.lstat()
    except OSError:
        return ""
    if stat.S_ISLNK(info.st_mode):
        return "is a link to another place"
    if info.st_uid != os.getuid():
        return "belongs to another user"
    if not stat.S_ISSOCK(info.st_mode) and stat.S_IMODE(info.st_mode) & 0o022:
        return "may be changed by other users"
    return ""


def seen_by_others(path: Path, platform: Optional[str] = None) -> bool:
    """Whether others may read it, or look into it. Raises OSError where there is nothing."""
    return is_posix(platform) and bool(path.stat().st_mode & 0o077)


def close_folder(folder: Path, platform: Optional[str] = None) -> None:
    """Keep others out of a folder of this user's, if they are not kept out already. Raises OSError."""
    if seen_by_others(folder, platform):
        folder.chmod(0o700)


def is_program(path: Path, platform: Optional[str] = None) -> bool:
    """Whether everybody may run a file. Raises OSError where there is none."""
    every = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    return not is_posix(platform) or path.stat().st_mode & every == every
