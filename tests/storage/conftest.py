"""Every test of the casebook runs on both databases."""

import pytest

from tests.databases import engine as engine


@pytest.fixture(autouse=True)
def _on_both(engine: str) -> str:
    return engine
