"""What a trainer is: a name, the collections of pictures that it reads, settings, and a function that leaves a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from scumble_client.errors import ScumbleError


class TrainerSettings(BaseModel):
    """Base of each trainer's settings: every field has a default and a help text (`description`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


S = TypeVar("S", bound=TrainerSettings)


@dataclass(frozen=True)
class Run:
    """One call of a trainer.

    Attributes
    ----------
    data
        The folder with the collections (`NAME.tar` and `NAME.csv`).
    folder
        Where checkpoints, figures and the finished file are kept; what lies there is gone on with.
    minutes
        After so long the training ends early, with a checkpoint and what it has come to; None for no limit.
    """

    data: Path
    folder: Path
    seed: int = 0
    device: str = "cpu"
    minutes: float | None = None
    say: Callable[[str], None] = print
    started: float = field(default_factory=time.monotonic)

    @property
    def time_is_up(self) -> bool:
        return self.minutes is not None and time.monotonic() - self.started > 60 * self.minutes


@dataclass(frozen=True)
class Trainer(Generic[S]):
    """A model that can be trained. `train` returns the finished file; stopped and called again, it goes on."""

    help: str
    collections: tuple[str, ...]
    settings: type[S]
    train: Callable[[Run, S], Path]

    def validate(self, raw: Mapping[str, str]) -> S:
        """Settings out of a command line; ScumbleError `invalid_parameter` names the first that is wrong."""
        try:
            return self.settings.model_validate(dict(raw))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "settings"
            if first["type"] == "extra_forbidden":
                known = ", ".join(self.settings.model_fields) or "none"
                raise ScumbleError(
                    "invalid_parameter", f"This trainer has no setting “{where}”.", f"It has: {known}."
                ) from None
            raise ScumbleError(
                "invalid_parameter", f"The setting “{where}” can't be {first['input']!r}.", f"{first['msg']}."
            ) from None
