"""What the tests of the doors share: a house with people, and everybody's Telegram."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.handlers.telegram_phones import Phones, phones


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Phones]:
    """On the engine that the module names."""
    async with phones(tmp_path) as made:
        yield made
