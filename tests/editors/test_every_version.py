"""The list of what every version of the editors must pass names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import EVERY_VERSION

HERE = Path(__file__).parent


@pytest.mark.parametrize("one", EVERY_VERSION)
def test_what_is_listed_is_there(one: str) -> None:
    file, _, name = one.partition("::")
    text = (HERE / file).read_text("utf-8")
    assert re.search(rf"^def {name or 'test_'}", text, re.MULTILINE)
