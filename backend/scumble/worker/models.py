"""Warm models: least recently used ones leave when a memory budget is reached, all of them when nobody works."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

Model = TypeVar("Model")


class ModelCache:
    """Models by key, for one device. Not thread-safe: a worker has one thread that runs operations.

    Parameters
    ----------
    budget
        Bytes of parameters and buffers to keep at most; a single larger model is still kept while it is in use.
    """

    def __init__(self, budget: int = 4 * 1024**3) -> None:
        self.budget = budget
        self._models: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self.used_at = time.monotonic()

    def get(self, key: str, load: Callable[[], Model]) -> Model:
        self.used_at = time.monotonic()
        if key in self._models:
            self._models.move_to_end(key)
        else:
            loaded = load()
            self._models[key] = (loaded, size_of(loaded))
            while len(self._models) > 1 and self.bytes > self.budget:
                self._models.popitem(last=False)
        model: Model = self._models[key][0]
        return model

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self._models.values())

    @property
    def names(self) -> list[str]:
        return list(self._models)

    def free(self) -> None:
        """Forget every model and give the device's cached memory back."""
        self._models.clear()
        import gc
        import sys

        gc.collect()
        torch = sys.modules.get("torch")
        if torch is None:
            return
        for kind, there in (("cuda", torch.cuda), ("mps", torch.backends.mps), ("xpu", getattr(torch, "xpu", None))):
            if there is not None and there.is_available():
                getattr(torch, kind).empty_cache()


def size_of(model: Any) -> int:
    """Bytes of a torch module's parameters and buffers; 0 for anything else."""
    if not hasattr(model, "parameters") or not hasattr(model, "buffers"):
        return 0
    return sum(t.numel() * t.element_size() for group in (model.parameters(), model.buffers()) for t in group)
