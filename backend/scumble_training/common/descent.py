"""One step down the gradient: bounded, and undone before it is made where the gradient is not finite."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from scumble_client.errors import ScumbleError

PATIENCE = 50
"""So many steps in a row without a finite gradient are no accident."""


class Descent:
    """Steps of one optimizer, or of several together.

    A loss or a gradient that is not finite (a square root at zero, an overflow of bfloat16) would turn every weight, the optimizer's moments
    and the averaged weights into NaN, and the next checkpoint would hold nothing else. Such a step is left out.

    Parameters
    ----------
    optimizers
        Of all that the steps change.
    bound
        The largest L2 norm of the whole gradient; a larger one is scaled down to it (Pascanu et al. 2013, *On the difficulty of training
        recurrent neural networks*, algorithm 1). None: as it is.
    """

    def __init__(self, *optimizers: torch.optim.Optimizer, bound: float | None = None) -> None:
        self.optimizers = optimizers
        self.bound = math.inf if bound is None else bound
        self.left_out = 0
        """Steps that have been left out since the last that was made."""

    def step(self, loss: Tensor, rate: float | None = None) -> bool:
        """Go one step down from a scalar loss, at this rate of learning (None: the optimizer's own); whether it was made.

        ScumbleError `invalid_parameter` after 50 steps in a row that had to be left out.
        """
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group in groups if rate is not None else ():
            group["lr"] = rate
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        changed = [parameter for group in groups for parameter in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(changed, self.bound)
        if bool(torch.isfinite(norm)) and bool(torch.isfinite(loss.detach())):
            for optimizer in self.optimizers:
                optimizer.step()
            self.left_out = 0
            return True
        self.left_out += 1
        if self.left_out >= PATIENCE:
            raise ScumbleError(
                "invalid_parameter",
                f"The training has lost its way: {self.left_out} steps in a row had no usable gradient.",
                "Go on from its last checkpoint with a lower rate of learning.",
            )
        return False
