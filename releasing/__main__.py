"""`make release`: wheel, sdist, an archive for each editor that carries the wheel, and the sums of them all.

They are built out of the commit, not out of the working tree, in a folder of their own; every date in them is the commit's.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"

_ARCHIVES = (
    "import sys; from pathlib import Path; from scumble.installers.release import write_release;"
    " write_release(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))"
)


def main(arguments: list[str] | None = None) -> int:
    """Make the release's files; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m releasing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where to (default: dist)")
    parser.add_argument("--commit", default="HEAD", help="of what (default: HEAD)")
    given = parser.parse_args(arguments)
    if _git("status", "--porcelain", "--untracked-files=no").strip():
        print("What is not committed is not in it.", file=sys.stderr)
    for path in release(given.commit, given.out):
        print(f"{path.stat().st_size / 1e6:7.2f} MB  {path}")
    return 0


def release(commit: str, out: Path) -> list[Path]:
    """Make a commit's files in `out`, in which nothing else of a release stays; they."""
    with tempfile.TemporaryDirectory(prefix="scumble-release-") as made:
        source, built = Path(made) / "source", Path(made) / "built"
        when = int(_git("log", "-1", "--format=%ct", commit))
        with tarfile.open(fileobj=io.BytesIO(_git_bytes("archive", "--format=tar", commit))) as tree:
            tree.extractall(source, filter="data")
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(when), "PYTHONPATH": str(source / "backend")}
        environment |= {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(source)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        [wheel] = built.glob("*.whl")
        pins = source / "constraints.txt"
        words = [str(built), str(wheel), str(pins), str(when)]
        subprocess.run([sys.executable, "-c", _ARCHIVES, *words], env=environment, check=True, cwd=made)
        files = sorted(built.iterdir())
        lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
        (built / SUMS).write_text("".join(lines), "ascii", newline="\n")
        out.mkdir(parents=True, exist_ok=True)
        for old in [*out.glob("scumble-*"), *out.glob(SUMS)]:
            old.unlink()
        return [Path(shutil.copy(file, out)) for file in [*files, built / SUMS]]


def _git(*words: str) -> str:
    return _git_bytes(*words).decode()


def _git_bytes(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True).stdout


if __name__ == "__main__":
    sys.exit(main())
