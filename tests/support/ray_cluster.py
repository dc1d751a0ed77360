"""A Ray cluster of several nodes on this machine, as `ray start` makes them; it is small, and nothing of it is left."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

STORE = 80 * 1024**2
"""Bytes of each node's object store: about the least that Ray takes."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_PRESTART_WORKER_FIRST_DRIVER": "0",
    "RAY_worker_niceness": "0",
    "OMP_NUM_THREADS": "1",
}


class RayCluster:
    """A head without room for jobs, on which the daemon runs, and nodes that can be added and killed."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ray.cluster_utils import Cluster

            logging.getLogger("ray").setLevel(logging.ERROR)
            options = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
            self._cluster = Cluster(initialize_head=True, head_node_args=options)

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add(self, cores: int = 1) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._cluster.add_node(wait=True, num_cpus=cores, object_store_memory=STORE)

    def kill(self, node: Any) -> None:
        """As if its plug were pulled: nothing is told to the others."""
        self._cluster.remove_node(node, allow_graceful=False)

    def stop(self) -> None:
        self._cluster.shutdown()


@contextlib.contextmanager
def ray_cluster(environment: Mapping[str, str]) -> Iterator[RayCluster]:
    """A cluster whose nodes see these variables."""
    added = {**QUIET, **{n: v for n, v in environment.items() if n.startswith("SCUMBLE_") or n == "PYTHONPATH"}}
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        cluster = RayCluster()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
