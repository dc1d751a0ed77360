"""Which pool computes: `scumble serve --pool local | ray | tcp://HOST:PORT`."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any

import zmq

from scumble.daemon import security
from scumble.daemon.folders import Folders
from scumble_client.errors import ScumbleError
from scumble_client.paths import config_dir
from scumble_client.system.sockets import lie_in_folders

from .base import Pool
from .local import LocalPool
from .ray import RayPool, check_installed
from .remote import RemotePool
from .remote_link import RemoteLink

LOCAL, RAY = "local", "ray"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `scumble serve` that say where jobs are computed."""
    parser.add_argument(
        "--pool",
        default=LOCAL,
        metavar="local|ray|tcp://HOST:PORT",
        help="where jobs run: on this machine, a Ray cluster, or another machine",
    )
    parser.add_argument(
        "--address",
        default=os.environ.get("RAY_ADDRESS", "auto"),
        metavar="HOST:PORT",
        help="with --pool ray: the cluster's head; auto: the cluster that this machine is a node of",
    )
    parser.add_argument(
        "--cores", type=int, default=4, help="with --pool ray: cores for one worker, where there is no GPU"
    )
    parser.add_argument(
        "--pool-key",
        default="",
        metavar="KEY",
        help="with --pool tcp://…: that machine's key, as `scumble keys make` prints it there",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        help="with --pool tcp://…: seconds for which jobs wait when that machine is gone",
    )


def check(options: argparse.Namespace) -> None:
    """Refuse what can't be, before anything is opened. Raises ScumbleError `invalid_parameter`."""
    if options.pool == RAY:
        check_installed()
    elif options.pool.startswith("tcp://"):
        _check_remote(options.pool, options.pool_key)
    elif options.pool != LOCAL:
        raise ScumbleError(
            "invalid_parameter",
            f"There is no pool “{options.pool}”.",
            "Choose --pool local, --pool ray or --pool tcp://HOST:PORT.",
        )
    if not 0 < options.patience <= 600:
        raise ScumbleError(
            "invalid_parameter", "Patience is from 1 to 600 seconds.", "Leave --patience out for a minute."
        )
    if options.cores < 1:
        raise ScumbleError("invalid_parameter", "A worker needs at least one core.", "Choose --cores 1 or more.")


def _check_remote(endpoint: str, key: str) -> None:
    if not re.fullmatch(r"tcp://(\[[0-9a-fA-F:.%]+\]|[\w.-]+):\d{1,5}", endpoint):
        raise ScumbleError(
            "invalid_parameter", f"“{endpoint}” is no address of a machine.", "Write it like tcp://192.168.1.5:7878"
        )
    if not zmq.has("curve"):
        raise ScumbleError("unauthorized", "This libzmq has no CURVE encryption.", "Install pyzmq from PyPI.")
    if not security.is_key(key):
        raise ScumbleError(
            "unauthorized" if not key else "invalid_parameter",
            "The key of that machine is missing." if not key else "That is no public key.",
            "Run there: scumble keys make; and give what it prints here: --pool-key KEY",
        )


def choose(
    options: argparse.Namespace, context: zmq.Context[Any], folders: Folders, results: list[Path], token: str
) -> Pool:
    """The pool that the options ask for. `results`: where to put them, in order of choice; `token`: workers' password."""
    endpoint = f"ipc://{folders.runtime / 'workers.ipc'}" if lie_in_folders() else "tcp://127.0.0.1:*"
    idle = options.free_after * 60
    if options.pool == RAY:
        return RayPool(
            context,
            endpoint,
            options.address,
            options.device,
            options.cores,
            results,
            idle,
            folders.log,
            token,
        )
    if options.pool.startswith("tcp://"):
        keys = security.Keys(config_dir() / "keys")
        link = RemoteLink(context, options.pool, options.pool_key.encode(), keys.server())
        return RemotePool(link, results, options.patience)
    return LocalPool(context, endpoint, options.device, results, idle, folders.log, token)
