"""What tests need of the system, each with the reason that is shown where they are skipped: the one place that knows.

Single tests take the marks; whole files stand in `FILES`, by which tests/conftest.py leaves them out before they are imported.
"""

from __future__ import annotations

import os
import sys

import pytest

POSIX = os.name == "posix"
LINUX = sys.platform.startswith("linux")
ROOT = POSIX and os.geteuid() == 0

WHY_POSIX = "modes, owners, signals and sockets that lie in folders: Linux and macOS have them"
WHY_LINUX = "/proc, /dev/shm and /dev/full: only Linux has them"
WHY_ROOT = "needs root: it gives files away, mounts a disk, or becomes another user"
WHY_SHELL = "stands in for a program with a shell script, which Windows does not run"
WHY_LINKS = "makes symbolic links, which take a right of their own on Windows"

posix = pytest.mark.skipif(not POSIX, reason=WHY_POSIX)
linux = pytest.mark.skipif(not LINUX, reason=WHY_LINUX)
root = pytest.mark.skipif(not ROOT, reason=WHY_ROOT)
links = pytest.mark.skipif(not POSIX, reason=WHY_LINKS)
shell = pytest.mark.skipif(not POSIX, reason=WHY_SHELL)

FILES = {
    "editors": (LINUX, "Krita and GIMP are driven under Xvfb, in Debian's packages"),
    "soak": (LINUX, WHY_LINUX),
    "cli/test_batch.py": (LINUX, WHY_LINUX),
    "cli/test_daemon.py": (LINUX, WHY_LINUX),
    "cli/test_doctor.py": (LINUX, WHY_LINUX),
    "cli/test_keys.py": (POSIX, WHY_POSIX),
    "cli/test_run.py": (POSIX, WHY_POSIX),
    "cli/test_run_input.py": (LINUX, WHY_LINUX),
    "cli/test_streams.py": (POSIX, WHY_POSIX),
    "daemon/pools/test_local.py": (POSIX, WHY_POSIX),
    "daemon/pools/test_ray.py": (LINUX, WHY_LINUX),
    "daemon/pools/test_remote.py": (LINUX, "a cable between network namespaces: only Linux has them"),
    "daemon/test_folders.py": (LINUX, WHY_LINUX),
    "daemon/test_lifecycle.py": (LINUX, WHY_LINUX),
    "daemon/test_security.py": (POSIX, WHY_POSIX),
    "imaging/io/test_damaged_files.py": (LINUX, WHY_LINUX),
    "inpainting/test_memory.py": (LINUX, WHY_LINUX),
    "installers/test_gimp.py": (POSIX, WHY_SHELL),
    "installers/test_krita.py": (POSIX, WHY_SHELL),
    "installers/test_krita_python.py": (POSIX, WHY_SHELL),
    "releasing": (POSIX, "the same bytes on each system are not promised: modes come from the checkout"),
    "scumble_client/editor/test_own_faces.py": (POSIX, WHY_POSIX),
    "scumble_client/setup/test_pythons.py": (POSIX, WHY_SHELL),
    "scumble_client/setup/test_setting_up.py": (LINUX, WHY_LINUX),
    "scumble_client/test_client.py": (POSIX, WHY_POSIX),
    "scumble_client/test_frame.py": (LINUX, "its figures of memory are Linux' own"),
    "scumble_client/test_hostile_daemon.py": (POSIX, WHY_POSIX),
    "scumble_client/test_paths.py": (POSIX, WHY_POSIX),
    "scumble_client/test_protocol_page.py": (POSIX, WHY_POSIX),
    "scumble_client/test_zmtp.py": (POSIX, WHY_POSIX),
    "worker/test_process.py": (LINUX, WHY_LINUX),
}
"""Folders and files below tests/ that need a system: whether it is one, and what of it they need."""


def missing(path: str) -> str:
    """Why a file below tests/ is left out here; empty where it is not."""
    return next(
        (why for one, (here, why) in FILES.items() if not here and (path == one or path.startswith(f"{one}/"))), ""
    )
