"""Command lines as each system reads them: taken apart, put together, and the files that stand for a program in a terminal."""

import shlex
import subprocess
from dataclasses import dataclass
from typing import List, Optional, Sequence

from .kind import is_windows


def split(text: str, platform: Optional[str] = None) -> List[str]:
    """The words of a command line, by the rules of the platform: a shell's, or those by which Windows' programs read theirs.

    On Windows a backslash is a backslash unless quotation marks follow: 2n of them before one stand for n, and 2n + 1 for n and the
    mark itself. Raises ValueError where a quotation does not end.
    """
    return _split_windows(text) if is_windows(platform) else shlex.split(text)


def join(words: Sequence[str], platform: Optional[str] = None) -> str:
    """The command line of which `split` makes these words again, by the rules of the platform."""
    return subprocess.list2cmdline(list(words)) if is_windows(platform) else " ".join(map(shlex.quote, words))


def _split_windows(text: str) -> List[str]:
    words: List[str] = []
    word: Optional[str] = None
    quoted = False
    at = 0
    while at < len(text):
        slashes = len(text) - at - len(text[at:].lstrip("\\"))
        at += slashes
        mark = text[at : at + 1]
        if mark == '"':
            word = (word or "") + "\\" * (slashes // 2)
            if slashes % 2:
                word += mark
            elif quoted and text[at + 1 : at + 2] == mark:  # two marks in a quotation are one that is meant
                word += mark
                at += 1
            else:
                quoted = not quoted
        elif mark in (" ", "\t") and not quoted:
            if slashes:
                word = (word or "") + "\\" * slashes
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + "\\" * slashes + mark
        at += 1
    if quoted:
        raise ValueError("no closing quotation")
    return words if word is None else [*words, word]


@dataclass(frozen=True)
class Launcher:
    """A file that runs a program, to be called from a terminal."""

    name: str
    text: str
    mode: int

    @property
    def content(self) -> bytes:
        """The file's bytes: UTF-8, without a mark of it, which cmd.exe would take for a command."""
        return self.text.encode("utf-8")


_LINES = {
    True: (
        "@echo off",
        "setlocal DisableDelayedExpansion",  # else an exclamation mark in a path is lost
        'for /f "tokens=2 delims=:." %%c in (\'chcp\') do set "SCUMBLE_CODES=%%c"',
        "chcp 65001 >nul",  # the path below is UTF-8, whatever the terminal's own characters are
        "{command} %*",
        'set "SCUMBLE_CODE=%ERRORLEVEL%"',
        "chcp %SCUMBLE_CODES% >nul",
        "exit /b %SCUMBLE_CODE%",
    ),
    False: ("#!/bin/sh", 'exec {command} "$@"'),
}
"""The launchers' lines, by whether it is Windows. `{command}` is where the words go."""


def launcher(name: str, words: Sequence[str], platform: Optional[str] = None) -> Launcher:
    """The launcher `name` (on Windows: `name`.bat) of a program, with the first of its words; what it is called with follows.

    Raises ValueError for words that no such file can hold: with a line's end, or on Windows a quotation mark, which no path has there.
    """
    windows = is_windows(platform)
    if any(mark in word for word in words for mark in ('\r\n\0"' if windows else "\r\n\0")):
        raise ValueError(words)
    command = " ".join(map(_quoted_for_cmd, words)) if windows else join(words, platform)
    end = "\r\n" if windows else "\n"
    text = "".join(line.replace("{command}", command) + end for line in _LINES[windows])
    return Launcher(f"{name}.bat" if windows else name, text, 0o755)


def _quoted_for_cmd(word: str) -> str:
    """In quotation marks `& | < > ^ ( )` and spaces are themselves; a per cent sign is written twice, also in there.

    Backslashes before the closing mark are doubled for the program, which would take the mark for a part of the word.
    """
    trailing = len(word) - len(word.rstrip("\\"))
    return '"' + word.replace("%", "%%") + "\\" * trailing + '"'
