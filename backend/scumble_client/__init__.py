"""What an editor needs to talk to Scumble's daemon: the standard library alone, Python 3.8 and newer."""

from .client import Client, Event, Job
from .errors import ScumbleError
from .request import Pixels, Request, Result, ResultLayer
from .version import PROTOCOL, __version__

__all__ = [
    "PROTOCOL",
    "Client",
    "Event",
    "Job",
    "Pixels",
    "Request",
    "Result",
    "ResultLayer",
    "ScumbleError",
    "__version__",
]
