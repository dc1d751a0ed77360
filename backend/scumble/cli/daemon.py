"""`scumble status` and `stop`: the daemon seen from the command line."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from rich.table import Table

from scumble.scripting import connect
from scumble_client.paths import ConnectionFile

from .console import duration, out, print_json, size


def status(as_json: bool) -> None:
    """Ask the daemon, without starting one."""
    with connect(name="scumble status", launch=False) as daemon:
        found = daemon.status()
    print_json(found) if as_json else show(found)


def show(found: dict[str, Any]) -> None:
    """The status for people."""
    out.print(f"Scumble {found['version']}, running for {duration(found['uptime'])} (pid {found['pid']})")
    for endpoint in found["endpoints"]:
        out.print(f"  {endpoint}")
    out.print(f"  log: {found['log']}")
    for warning in found["warnings"]:
        out.print(f"  {warning}", style="yellow")
    table = Table("worker", "device", "state", "memory", "models", box=None)
    for worker in found["workers"]:
        memory = size(worker.get("memory", 0))
        if "device_total" in worker:
            memory += f", {size(worker['device_memory'])} of {size(worker['device_total'])} on the device"
        table.add_row(
            worker["worker"], worker["name"], worker["state"], memory, ", ".join(worker.get("models", [])) or "none"
        )
    out.print(table if found["workers"] else "  no worker yet: the first job starts one")
    queue = Table("job", "operation", "for", "state", "", box=None)
    for job in found["jobs"]:
        queue.add_row(job["job"][:8], job["operation"], job["client"], job["state"], f"{job['fraction']:.0%}")
    out.print(queue if found["jobs"] else "  no jobs")
    kept = found["results"]
    if kept:
        out.print(f"  {len(kept)} results wait to be fetched ({size(found['spool']['bytes'])})")
        for result in kept[-5:]:
            when = datetime.fromtimestamp(result["time"], tz=timezone.utc).astimezone()
            out.print(f"    {result['job'][:8]} {result['operation']} of {when:%Y-%m-%d %H:%M}")
    for name, one in found.get("fetching", {}).items():
        so_far = f"{size(one['done'])} of {size(one['total'])}" if one.get("total") else "begun"
        out.print(f"  fetching {name}: {so_far}")
    buffers = found["buffers"]
    out.print(f"  layers in memory: {buffers['count']} ({size(buffers['bytes'])} of {size(buffers['limit'])})")


def stop() -> None:
    """Ask the daemon to end, and wait until it has."""
    if ConnectionFile.read() is None:
        out.print("The daemon is not running.")
        return
    with connect(name="scumble stop", launch=False) as daemon:
        daemon.stop()
    out.print("Stopped.")
