"""What makes a fill look right, for every trainer: LPIPS, a judge that sees with the same network, a penalty on a weave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor

from .descent import Descent
from .lpips import Lpips, chosen
from .projected_judge import ProjectedJudge, doubt, persuasion
from .trainer import TrainerSettings
from .training_loop import Stateful
from .weave import weave_error


class LpipsFiles(TrainerSettings):
    """Settings of a trainer that looks through LPIPS's network: where its published weights lie."""

    lpips_network: str = Field("", description="File of SqueezeNet 1.1; empty: the one that was pulled.")
    lpips_heads: str = Field("", description="File of LPIPS' heads (squeeze.pth); empty: the one that was pulled.")

    def chosen_lpips(self, device: str) -> Lpips:
        """Raises ScumbleError as `lpips.load` does."""
        return chosen(self.lpips_network, self.lpips_heads).to(device)


class LpipsSettings(LpipsFiles):
    """Settings of a trainer that can learn with LPIPS."""

    lpips: float = Field(0.0, ge=0, description="Weight of LPIPS, whose published weights it needs.")
    weave: float = Field(
        0.0, ge=0, description="Weight of what repeats with the period of an unshuffled output; beside LPIPS: 10."
    )

    def loaded_lpips(self, device: str) -> Lpips | None:
        """None where it has no weight. Raises ScumbleError as `lpips.load` does."""
        return self.chosen_lpips(device) if self.lpips else None


class LooksSettings(LpipsSettings):
    """Settings of a trainer that can learn with LPIPS and with a judge that looks through its network."""

    judge: float = Field(
        0.0, ge=0, description="Weight of a judge's verdict; it sees with LPIPS' network, and needs it."
    )
    judge_from: int = Field(300, ge=0, description="The step from which it counts; it learns from half of that on.")
    judge_rate: float = Field(4e-4, gt=0, description="The judge's rate of learning.")


class Looks:
    """Terms of a loss, by name, each with its weight in `weights`."""

    def __init__(self, settings: LooksSettings, device: str) -> None:
        self.settings = settings
        self.lpips = settings.loaded_lpips(device)
        self.judge = ProjectedJudge().to(device) if self.lpips is not None and settings.judge else None
        judged = [] if self.judge is None else list(self.judge.parameters())
        self.judges = torch.optim.Adam(judged, settings.judge_rate, (0.0, 0.99)) if judged else None
        self.descent = Descent(self.judges) if self.judges is not None else None
        self.weights = {"lpips": settings.lpips, "weave": settings.weave, "judge": settings.judge}

    @property
    def parts(self) -> dict[str, Stateful]:
        """What a checkpoint has to hold beside the network that is trained."""
        if self.judge is None or self.judges is None:
            return {}
        return {"judge": self.judge, "judges": self.judges}

    def terms(self, found: Tensor, truth: Tensor, hole: Tensor, step: int) -> dict[str, Tensor]:
        """Of (B, 3, H, W) twice in 0 to 1 and the (B, 1, H, W) hole; the judge learns, too. `doubt` is told, and has no weight."""
        terms: dict[str, Tensor] = {}
        if self.settings.weave:
            terms["weave"] = weave_error((found - truth) * hole, hole)
        if self.lpips is None:
            return terms
        maps = self.lpips.maps(found)
        with torch.no_grad():
            true = self.lpips.maps(truth)
        terms["lpips"] = self.lpips.apart(maps, true, hole).mean()
        if self.judge is not None and step >= self.settings.judge_from // 2:
            terms["doubt"] = self._learn(true, maps, hole)
            if step >= self.settings.judge_from:
                self.judge.requires_grad_(False)
                terms["judge"] = persuasion(self.judge(maps), hole)
                self.judge.requires_grad_(True)
        return terms

    def _learn(self, true: Sequence[Tensor], maps: Sequence[Tensor], hole: Tensor) -> Tensor:
        assert self.judge is not None
        assert self.descent is not None
        found = doubt(self.judge(true), self.judge([m.detach() for m in maps]), hole)
        self.descent.step(found)
        return found.detach()

    def weighted(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The sum of those terms that have a weight; 0 where none has."""
        found = [self.weights[name] * value for name, value in terms.items() if name in self.weights]
        return torch.stack(found).sum() if found else torch.zeros(())
