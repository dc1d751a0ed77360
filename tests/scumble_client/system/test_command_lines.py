"""Command lines on every system, and launchers whose paths have what paths may have."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scumble_client.system.command_lines import join, launcher, split
from scumble_client.system.kind import LINUX, MACOS, WINDOWS
from tests.support.needs import posix
from tests.support.systems import SYSTEMS, pretend

PYTHON = r"C:\Users\Jürgen & Åsa (50% off)\Scumble!\env\Scripts\python.exe"


def as_cmd_reads(line: str, arguments: str) -> str:
    """The command that cmd.exe makes of a line of a batch file; it must not contain anything that it acts upon.

    A doubled per cent sign is one, `%*` what the file was called with; outside of quotation marks `& | < > ^ ( )` have a meaning.
    """
    read = re.sub(r"%(%|\*|[^%]*%)", lambda found: {"%": "%", "*": arguments}.get(found[1], ""), line)
    own = read[: len(read) - len(arguments)]
    outside = "".join(own.split('"')[::2])
    assert not set("&|<>^()") & set(outside), line
    return read


class TestLauncher:
    @pytest.mark.parametrize(
        "python", [PYTHON, r"C:\a b\%PATH%\python.exe", r"C:\%1\python.exe", "C:\\^\\;,=\\python.exe"]
    )
    def test_on_windows_the_path_is_what_it_was(self, python: str) -> None:
        made = launcher("scumble", [python, "-m", "scumble.cli"], WINDOWS)
        assert made.name == "scumble.bat"
        lines = made.text.split("\r\n")
        assert lines[0] == "@echo off"
        [line] = [line for line in lines if "scumble.cli" in line]
        assert split(as_cmd_reads(line, 'run "a b"'), WINDOWS) == [python, "-m", "scumble.cli", "run", "a b"]

    @given(st.lists(st.text(st.sampled_from("ab &|<>^()%!'`ü\\;,="), min_size=1), min_size=1))
    def test_so_is_any_word(self, words: list[str]) -> None:
        [line] = [
            line for line in launcher("x", words, WINDOWS).text.split("\r\n") if line.endswith(" %*") and '"' in line
        ]
        assert split(as_cmd_reads(line, "z"), WINDOWS) == [*words, "z"]

    def test_windows_reads_it_as_utf_8_and_the_terminal_has_its_own_characters_again_afterwards(self) -> None:
        made = launcher("scumble", [PYTHON], WINDOWS)
        lines = made.content.decode("utf-8").split("\r\n")
        assert not made.content.startswith(b"\xef\xbb\xbf")
        ran = lines.index(next(line for line in lines if PYTHON.replace("%", "%%") in line))
        assert lines[ran - 1] == "chcp 65001 >nul"
        assert "chcp %SCUMBLE_CODES%" in lines[ran + 2]
        assert lines[ran + 1 :: 2][:2] == ['set "SCUMBLE_CODE=%ERRORLEVEL%"', "exit /b %SCUMBLE_CODE%"]

    @pytest.mark.parametrize("platform", [LINUX, MACOS])
    def test_elsewhere_it_is_for_a_shell(self, platform: str) -> None:
        made = launcher("scumble", ["/a b/python", "-m", "scumble.cli"], platform)
        assert (made.name, made.mode) == ("scumble", 0o755)
        assert made.text == "#!/bin/sh\nexec '/a b/python' -m scumble.cli \"$@\"\n"

    @posix
    @pytest.mark.parametrize("folder", ["a b", "Jürgen & Åsa", "50% $HOME", 'it\'s "so"', "a;b`c\\d!"])
    def test_a_shell_runs_it(self, tmp_path: Path, folder: str) -> None:
        (tmp_path / folder).mkdir()
        python = tmp_path / folder / "python"
        python.symlink_to(sys.executable)
        made = launcher("scumble", [str(python), "-c", "import sys; print(sys.argv[1:]); sys.exit(7)"])
        file = tmp_path / made.name
        file.write_bytes(made.content)
        file.chmod(made.mode)
        ran = subprocess.run([file, "a b", "$x"], capture_output=True, text=True, timeout=60, env={**os.environ})
        assert (ran.returncode, ran.stdout) == (7, "['a b', '$x']\n")

    @pytest.mark.parametrize("platform", SYSTEMS)
    @pytest.mark.parametrize("word", ["a\nb", "a\r", "a\0"])
    def test_what_no_line_can_hold_is_refused(self, word: str, platform: str) -> None:
        with pytest.raises(ValueError, match="a"):
            launcher("x", [word], platform)

    def test_quotation_marks_are_refused_where_no_path_has_them(self) -> None:
        with pytest.raises(ValueError, match="b"):
            launcher("x", ['a"b'], WINDOWS)
        assert 'a"b' in launcher("x", ['a"b'], LINUX).text


class TestWords:
    @given(st.lists(st.text(st.sampled_from('ab \\"\t:é'), min_size=1), min_size=1))
    def test_windows_reads_what_windows_writes(self, words: list[str]) -> None:
        assert split(subprocess.list2cmdline(words), WINDOWS) == words

    @pytest.mark.parametrize("platform", SYSTEMS)
    @given(words=st.lists(st.text(st.sampled_from("ab '\\\"\t:é$"), min_size=1), min_size=1))
    def test_what_was_joined_is_split_again(self, words: list[str], platform: str) -> None:
        assert split(join(words, platform), platform) == words

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (
                r'"C:\Program Files\Python\python.exe" -m scumble.daemon',
                [r"C:\Program Files\Python\python.exe", "-m", "scumble.daemon"],
            ),
            (r"C:\Python\python.exe -m scumble.daemon", [r"C:\Python\python.exe", "-m", "scumble.daemon"]),
            (r'C:\x\ "a b"\ c', ["C:\\x\\", "a b\\", "c"]),
        ],
    )
    def test_on_windows(self, monkeypatch: pytest.MonkeyPatch, text: str, words: list[str]) -> None:
        pretend(monkeypatch, WINDOWS)
        assert split(text) == words

    @pytest.mark.parametrize("platform", SYSTEMS)
    def test_no_end(self, platform: str) -> None:
        with pytest.raises(ValueError, match="closing"):
            split('"no end', platform)
