"""What an operation is built on: its description, its context, the layer that it makes, and the registry that finds it.

Everything that an add-on needs is named here.
"""

from .base import Operation, Output, Parameters, Role
from .context import Context
from .new_layer import NewLayer
from .registry import find, operations

__all__ = ["Context", "NewLayer", "Operation", "Output", "Parameters", "Role", "find", "operations"]
