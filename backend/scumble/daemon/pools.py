"""Which pool computes: `scumble serve --pool local | ray | tcp://HOST:PORT`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import zmq

from scumble.workers.local import LocalPool
from scumble.workers.pool import Pool
from scumble.workers.ray_pool import RayPool, check_installed
from scumble_client.errors import ScumbleError

from .folders import Folders

LOCAL, RAY = "local", "ray"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `scumble serve` that say where jobs are computed."""
    parser.add_argument(
        "--pool", default=LOCAL, metavar="local|ray", help="where jobs run: on this machine, or on a Ray cluster"
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


def check(options: argparse.Namespace) -> None:
    """Refuse what can't be, before anything is opened. Raises ScumbleError `invalid_parameter`."""
    if options.pool == RAY:
        check_installed()
    elif options.pool != LOCAL:
        raise ScumbleError(
            "invalid_parameter", f"There is no pool “{options.pool}”.", "Choose --pool local or --pool ray."
        )
    if options.cores < 1:
        raise ScumbleError("invalid_parameter", "A worker needs at least one core.", "Choose --cores 1 or more.")


def choose(
    options: argparse.Namespace, context: zmq.Context[Any], folders: Folders, results: list[Path], token: str
) -> Pool:
    """The pool that the options ask for. `results`: where to put them, in order of choice; `token`: workers' password."""
    endpoint = f"ipc://{folders.runtime / 'workers.ipc'}" if os.name == "posix" else "tcp://127.0.0.1:*"
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
    return LocalPool(context, endpoint, options.device, results, idle, folders.log, token)
