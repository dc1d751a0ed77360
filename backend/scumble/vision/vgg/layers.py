"""The names of VGG-19's layers, for checking parameters without importing torch; and how small a picture it can see."""

LEAST_SIDE = 16
"""Pixels of a picture's shorter side: the deepest layers halve it four times."""

LAYERS = frozenset(
    [
        f"{kind}{block}_{n}"
        for block, count in enumerate((2, 2, 4, 4, 4), 1)
        for n in range(1, count + 1)
        for kind in ("conv", "relu")
    ]
    + [f"pool{block}" for block in range(1, 6)]
)
