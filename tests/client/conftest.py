"""A real broker, and people who enter it over real, encrypted sockets."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.client.watching import Enter

from hubbub.broker.broker import Broker
from hubbub.client import Client


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker.temporary() as broker:
        yield broker


@pytest.fixture
def enter(broker: Broker, tmp_path: Path) -> Iterator[Enter]:
    """Let people in, each with a home of their own; they leave at the end."""
    with ExitStack() as stack:

        def let_in(name: str, home: str | None = None, **options: Any) -> Client:
            folder = tmp_path / (home or name)
            return stack.enter_context(Client(broker.address, name=name, home=folder, **options))

        yield let_in
