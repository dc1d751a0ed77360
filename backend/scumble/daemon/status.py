"""What `scumble status` shows of a daemon."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scumble_client.version import __version__

from .jobs import Client
from .pools.base import Pool
from .result_store import ResultStore
from .scheduler import Scheduler
from .weights_desk import ALL, WeightsDesk


@dataclass
class Settings:
    """What `scumble serve` can set. Seconds and bytes."""

    idle_exit: float = 1800.0
    log_path: Path = Path("scumble.log")
    warnings: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    pool: str = "local"
    buffer_size: int = 4 * 1024**3
    get_weights: str = ALL
    """Who may have weights fetched."""


class Status:
    """Looks at everything, from its start on."""

    def __init__(
        self, scheduler: Scheduler, results: ResultStore, pool: Pool, settings: Settings, weights: WeightsDesk
    ) -> None:
        self._scheduler, self._results, self._pool, self._settings = scheduler, results, pool, settings
        self._weights = weights
        self._started = time.monotonic()

    def describe(self, stranger: Client | None = None) -> dict[str, Any]:
        """A client on another machine (`stranger`) hears of its own jobs only: who knows a job's name may fetch it."""
        settings = self._settings
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime": time.monotonic() - self._started,
            "idle_exit": settings.idle_exit,
            "endpoints": settings.endpoints,
            "log": str(settings.log_path),
            "warnings": settings.warnings,
            "pool": settings.pool,
            "workers": self._pool.status(),
            "jobs": self._scheduler.describe(stranger),
            "fetching": self._weights.describe(),
            "buffers": self._scheduler.describe_buffers(),
            "spool": self._results.describe_spool(),
            "results": [] if stranger is not None else self._results.describe(),
        }
