"""`scumble completion`: what each shell reads, and what Tab brings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import command


def shell(*arguments: str, **variables: str) -> str:
    environment = {**os.environ, **variables}
    return subprocess.run(command(*arguments), env=environment, capture_output=True, text=True, check=True).stdout


def completed(line: str) -> list[str]:
    """What bash would offer for the last word."""
    words = line.split(" ")
    given = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_SCUMBLE_COMPLETE": "complete_bash"}
    return shell(**given).split()


@pytest.mark.parametrize(
    ("name", "words"),
    [("bash", "complete -o default"), ("zsh", "#compdef scumble"), ("fish", "complete --command scumble")],
)
def test_what_a_shell_reads(name: str, words: str) -> None:
    script = shell("completion", name)
    assert words in script
    assert "_SCUMBLE_COMPLETE" in script
    if shutil.which(name):
        subprocess.run([name, "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("scumble ba", ["batch"]),
        ("scumble run inp", ["inpaint"]),
        ("scumble batch inpaint --wa", ["--watch"]),
        ("scumble run inpaint --set mask_f", ["mask_from="]),
        ("scumble weights pull lpips", ["lpips-squeeze"]),
        ("scumble install g", ["gimp"]),
        ("scumble keys re", ["revoke"]),
        ("scumble run inpaint --image ", []),  # files are the shell's own business
        ("scumble run nonsense --set x", []),
    ],
)
def test_what_tab_brings(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


def test_in_bash_itself(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("there is no bash here")
    (tmp_path / "scumble").write_text(f'#!/bin/sh\nexec {sys.executable} -m scumble.cli "$@"\n')
    (tmp_path / "scumble").chmod(0o755)
    script = (
        'eval "$(scumble completion bash)"; COMP_WORDS=(scumble run inp); COMP_CWORD=2; '
        '_scumble_completion scumble; echo "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([bash, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "inpaint\n"
