"""The folder with GIMP 3: building it, and the command that runs a program inside it with private mounts."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "root.sh"

# The caller's child stays the same process all the way, so that it can be ended by its number. What the tests and GIMP
# share lies in the folder of temporary files, which is at the same path inside.
_ENTER = """
root=$1 temporary=$2; shift 2
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
mkdir -p "$root$temporary" && mount --rbind "$temporary" "$root$temporary" &&
exec /usr/sbin/chroot "$root" "$@"
"""


def build() -> tuple[Path | None, str]:
    """The root, built if need be; or None and the reason why there is none."""
    done = subprocess.run([str(SCRIPT)], capture_output=True, text=True, timeout=900, check=False)
    if done.returncode == 0:
        return Path(done.stdout.strip().splitlines()[-1]), ""
    lines = done.stderr.strip().splitlines()
    return None, lines[-1] if lines else f"{SCRIPT.name} ended with {done.returncode}"


def inside(root: Path, command: list[str]) -> list[str]:
    """The command line that runs `command` in the root."""
    return [
        "unshare",
        "-m",
        "--propagation",
        "private",
        "sh",
        "-c",
        _ENTER,
        "sh",
        str(root),
        tempfile.gettempdir(),
        *command,
    ]
