"""Weights of the networks: the manifest of what there is, the store of what is here, downloads that survive a bad line."""

from .download import Expected, Fingerprint, Patience, Progress, download, fingerprint
from .manifest import Manifest, WeightsEntry, load_manifest, parse_manifest
from .store import Check, State, Status, WeightStore, default_directory

__all__ = [
    "Check",
    "Expected",
    "Fingerprint",
    "Manifest",
    "Patience",
    "Progress",
    "State",
    "Status",
    "WeightStore",
    "WeightsEntry",
    "default_directory",
    "download",
    "fingerprint",
    "load_manifest",
    "parse_manifest",
]
