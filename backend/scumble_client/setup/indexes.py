"""Where PyTorch comes from: pip's own places, and beside them the index of the builds for this machine's processor or card.

PyPI's build for Linux is one for graphics cards, of several gigabytes; the one for processors is on an index of PyTorch's own. Who
has configured pip with places of their own is asked for nothing else.
"""

import configparser
import os
import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from ..system.kind import is_linux
from .machine import CPU, CUDA, numbers
from .problem import NETWORK, SetupError

BASE = "https://download.pytorch.org/whl"

TAGS = ("cu132", "cu130", "cu129", "cu128", "cu126")
"""The CUDA versions that PyTorch has builds for, the newest first. Not each release has each: the index is asked."""

VARIABLE = "SCUMBLE_TORCH_INDEX"
"""Names the index in place of the one that would be taken; empty for none."""

PYPI = "https://pypi.org/simple"

Fetch = Callable[[str], Optional[str]]


def own_places(configuration: Mapping[str, str]) -> bool:
    """Whether pip was told of packages elsewhere. A mirror of PyPI alone (`index-url`) has no other builds of PyTorch than PyPI."""
    return any(configuration.get(name) for name in ("extra-index-url", "find-links", "no-index"))


def read_configuration(text: str) -> Dict[str, str]:
    """What `pip config list` prints, by option; what is nearer to the call counts more."""
    order = {"site": 0, "global": 1, "user": 1, "download": 2, "install": 3, ":env:": 4}
    found: Dict[str, str] = {}
    rank: Dict[str, int] = {}
    for line in text.splitlines():
        match = re.match(r"([^.=\s]+)\.\.?([\w-]+)='(.*)'$|([^.=\s]+)\.\.?([\w-]+)=\"(.*)\"$", line.strip())
        if not match:
            continue
        section, name, value = [part for part in match.groups() if part is not None]
        name = name.lstrip(".")
        if section in order and order[section] >= rank.get(name, -1):
            found[name], rank[name] = value, order[section]
    return found


def read_files(files: Sequence[Path], environment: Mapping[str, str]) -> Dict[str, str]:
    """What those files and pip's variables say, by option."""
    found: Dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(file.read_text("utf-8"))
        except (OSError, ValueError, configparser.Error):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                found.update(parser.items(section))
    for name, value in environment.items():
        if name.startswith("PIP_"):
            found[name[4:].lower().replace("_", "-")] = value
    return found


def open_address(address: str, configuration: Mapping[str, str], seconds: float = 15.0) -> str:
    """The text at an address, by pip's proxy and certificates. Raises OSError (also urllib's), ValueError."""
    handlers: List[urllib.request.BaseHandler] = []
    if configuration.get("proxy"):
        handlers.append(urllib.request.ProxyHandler(dict.fromkeys(("http", "https"), configuration["proxy"])))
    if configuration.get("cert"):
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=configuration["cert"])))
    with urllib.request.build_opener(*handlers).open(address, timeout=seconds) as answer:
        return str(answer.read().decode("utf-8", "replace"))


def fetcher(configuration: Mapping[str, str]) -> Fetch:
    """A function that gives the text at an address, or None."""

    def fetch(address: str) -> Optional[str]:
        try:
            return open_address(address, configuration)
        except (OSError, ValueError):
            return None

    return fetch


def complaint(configuration: Mapping[str, str]) -> str:
    """What the index of packages answers when it is asked without pip, which says only that there is no package; empty if all is well."""
    address = configuration.get("index-url") or PYPI
    if configuration.get("no-index"):
        return ""
    try:
        open_address(f"{address.rstrip('/')}/pip/", configuration)
    except urllib.error.HTTPError as error:
        return "" if error.code == 404 else f"{error.code} Error: {error.reason}"
    except ssl.SSLError as error:
        return f"SSLError: {error}"
    except OSError as error:
        return f"NewConnectionError: {error}"
    except ValueError:
        return ""
    return ""


def torch_index(
    compute: str,
    cuda: str,
    torch: str,
    configuration: Mapping[str, str],
    fetch: Fetch,
    platform: Optional[str] = None,
    environment: Optional[Mapping[str, str]] = None,
) -> str:
    """The address of the index to look into besides pip's own; empty for none.

    Parameters
    ----------
    compute
        `cpu` or `cuda`.
    cuda
        The newest CUDA that the driver knows; empty where it is not known.
    torch
        The version of PyTorch that is wanted; empty for any.

    Raises
    ------
    SetupError
        Where builds for a graphics card are wanted and none can be had.
    """
    environment = os.environ if environment is None else environment
    if VARIABLE in environment:
        return environment[VARIABLE]
    if own_places(configuration):
        return ""
    if compute == CPU:
        needed = is_linux(platform)  # elsewhere PyPI's build is the one for processors
        return f"{BASE}/cpu" if needed and fetch(f"{BASE}/cpu/torch/") is not None else ""
    assert compute == CUDA, compute
    answered = False
    for tag in TAGS:
        if cuda and numbers(cuda) < (int(tag[2:-1]), int(tag[-1])):
            continue
        page = fetch(f"{BASE}/{tag}/torch/")
        answered = answered or page is not None
        if page is not None and re.search(rf"torch-{re.escape(torch)}(%2B|\+)" if torch else r"torch-\d", page):
            return f"{BASE}/{tag}"
    if answered:
        raise SetupError(
            "no_package",
            f"There is no PyTorch {torch} for CUDA {cuda or 'of this driver'}.",
            "Bring NVIDIA's driver up to date, or set Scumble up for the processor (CPU).",
        )
    raise SetupError(
        NETWORK,
        "PyTorch's builds for graphics cards can't be reached (download.pytorch.org).",
        "Look at the connection or the proxy, or set Scumble up for the processor (CPU).",
    )
