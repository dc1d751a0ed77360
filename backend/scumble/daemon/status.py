"""What `scumble status` shows of a broker."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from scumble_client.version import __version__

if TYPE_CHECKING:
    from .broker import Broker
    from .jobs import Client


def describe(broker: Broker, stranger: Client | None = None) -> dict[str, Any]:
    """What `scumble status` shows. A client on another machine (`stranger`) hears of its own jobs only.

    Who knows a job's name may fetch its result.
    """
    jobs = [j for j in broker.jobs.values() if j.state == "running"] + list(broker.queue)
    jobs += [j for j in broker.jobs.values() if j.state == "waiting"]
    if stranger is not None:
        jobs = [j for j in jobs if j.client == stranger]
    results = [] if stranger is not None else list(broker.spool.results().items())[-1000:]
    return {
        "version": __version__,
        "pid": os.getpid(),
        "uptime": time.monotonic() - broker.started,
        "idle_exit": broker.settings.idle_exit,
        "endpoints": broker.settings.endpoints,
        "log": str(broker.settings.log_path),
        "warnings": broker.settings.warnings,
        "pool": broker.settings.pool,
        "workers": broker.pool.status(),
        "jobs": [
            {
                "job": j.id,
                "operation": j.submission.operation,
                "client": j.client.name,
                "state": j.state,
                "priority": j.submission.priority,
                "fraction": j.fraction,
                "message": j.message,
                "age": time.time() - j.submitted,
            }
            for j in jobs[:1000]
        ],
        "buffers": {"count": len(broker.buffers), "bytes": broker.buffers.bytes, "limit": broker.buffers.limit},
        "spool": {"bytes": broker.spool.size, "limit": broker.spool.limit, "dropped": broker.spool.dropped},
        "results": [
            {
                "job": job,
                "operation": kept.body.get("request", {}).get("operation", ""),
                "bytes": kept.size,
                "time": kept.time,
            }
            for job, kept in results
        ],
    }
