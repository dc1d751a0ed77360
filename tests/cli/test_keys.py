"""`scumble keys`: who may connect from other machines."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import zmq

from tests.support.commands import Call
from tests.support.daemon import Folders
from tests.support.pictures import put


@pytest.fixture
def key() -> str:
    public = b"-"
    while public.startswith(b"-"):  # a command line would take it for an option; the daemon makes none of these
        public, _ = zmq.curve_keypair()
    return public.decode("ascii")


def folder(folders: Folders) -> Path:
    return folders.base / "config" / "keys"


def test_make_prints_the_public_key_and_keeps_it(alone: Call, folders: Folders) -> None:
    public = alone("keys", "make").done().out
    assert len(public) == 41
    assert alone("keys", "make").done().out == public
    secret = folder(folders) / "server.key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert public.strip() in secret.read_text()
    assert secret.read_text().split()[1] not in public


def test_who_is_allowed_is_listed_until_it_is_revoked(alone: Call, key: str) -> None:
    assert alone("keys", "list").done().out == ""
    assert alone("keys", "allow", "tablet", key).done().out == "tablet may connect.\n"
    assert alone("keys", "list").done().out == f"tablet  {key}\n"
    assert alone("keys", "revoke", "tablet").done().out == "tablet may no longer connect.\n"
    assert alone("keys", "list").done().out == ""


@pytest.mark.parametrize("name", ["../tablet", "a b", ".hidden", "", "x" * 65])
def test_a_name_that_is_no_file_s_name(alone: Call, folders: Folders, key: str, name: str) -> None:
    alone("keys", "allow", name, key).refused()
    assert not list(folders.base.rglob("*.key"))


@pytest.mark.parametrize("wrong", ["short", "x" * 39 + "\N{SNOWMAN}", "\\" * 40])
def test_what_is_no_key(alone: Call, folders: Folders, wrong: str) -> None:
    assert "no public key" in alone("keys", "allow", "tablet", wrong).refused()
    assert not list(folders.base.rglob("*.key"))


@pytest.mark.parametrize("arguments", [("allow",), ("allow", "tablet"), ("revoke",), ("nope",)])
def test_what_is_not_complete(alone: Call, arguments: tuple[str, ...]) -> None:
    line = alone("keys", *arguments).refused()
    assert "keys make | keys list | keys allow NAME KEY | keys revoke NAME" in line


def test_revoking_what_was_never_allowed(alone: Call) -> None:
    assert "no key called “nobody”" in alone("keys", "revoke", "nobody").refused()


def test_a_secret_that_others_can_read_is_not_used(alone: Call, folders: Folders) -> None:
    alone("keys", "make").done()
    (folder(folders) / "server.key").chmod(0o644)
    assert "chmod 600" in alone("keys", "make").refused(3)


@pytest.mark.parametrize("arguments", [("make",), ("allow", "tablet")])
def test_a_folder_that_can_t_be_made(alone: Call, folders: Folders, key: str, arguments: tuple[str, ...]) -> None:
    put(folders.base, "config", b"")
    line = alone("keys", *arguments, *([key] if "allow" in arguments else [])).refused(3)
    assert str(folder(folders)) in line
    assert "SCUMBLE_CONFIG_DIR" in line
