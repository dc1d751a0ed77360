"""What an operation is built on: its description, its context, the layer that it makes, and the registry that finds it.

Everything that an add-on needs is named here.
"""

from .base import Operation, Output, Parameters, Preset, Role, hints
from .context import Context
from .new_layer import NewLayer
from .registry import find, operations
from .weight_file import weight_file

__all__ = [
    "Context",
    "NewLayer",
    "Operation",
    "Output",
    "Parameters",
    "Preset",
    "Role",
    "find",
    "hints",
    "operations",
    "weight_file",
]
