"""The folders with the editors that `root.sh` builds: which ones the tests run in, and the command that runs inside one.

`SCUMBLE_TEST_KRITA` and `SCUMBLE_TEST_GIMP` name the root, or `host` for the machine's own editor; left out, the newest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.support.daemon import ROOT

SCRIPT = Path(__file__).with_name("root.sh")
NEWEST = {"krita": "krita-experimental", "gimp": "gimp-forky"}
HOST = "host"

# The caller's child stays the same process all the way, so that it can be ended by its number. What the tests and the
# editor share is at the same path inside: the folder of temporary files, and what the daemon is started from.
_ENTER = """
root=$1 shared=$2; shift 2
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 1
IFS=:
for folder in $shared; do
  mkdir -p "$root$folder" && mount --rbind "$folder" "$root$folder" || exit 1
done
unset IFS
exec /usr/sbin/chroot "$root" "$@"
"""


def wanted(editor: str) -> str:
    """The root's name, or `host`."""
    return os.environ.get(f"SCUMBLE_TEST_{editor.upper()}") or NEWEST[editor]


@cache
def build(editor: str) -> tuple[Path | None, str]:
    """The root of the wanted editor, built if need be; or None and the reason why there is none."""
    name = wanted(editor)
    if name == HOST:
        return Path("/"), ""
    done = subprocess.run([str(SCRIPT), name], capture_output=True, text=True, timeout=1500, check=False)
    if done.returncode == 0:
        return Path(done.stdout.strip().splitlines()[-1]), ""
    lines = done.stderr.strip().splitlines()
    return None, lines[-1] if lines else f"{SCRIPT.name} ended with {done.returncode}"


def inside(root: Path, command: list[str]) -> list[str]:
    """The command line that runs `command` in the root; the machine's own is `/`."""
    if root == Path("/"):
        return command
    shared: list[Path] = []
    for one in (tempfile.gettempdir(), ROOT, sys.prefix, sys.base_prefix):
        folder = Path(one).resolve()
        if not any(folder.is_relative_to(other) for other in shared) and not folder.is_relative_to("/usr"):
            shared.append(folder)
    words = ["unshare", "-m", "--propagation", "private", "sh", "-c", _ENTER, "sh"]
    return [*words, str(root), ":".join(map(str, shared)), *command]
