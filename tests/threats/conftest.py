"""A broker, an honest person and one who is not; each file of this folder is a row of the table of threats."""

import os
from collections.abc import Iterator

import pytest
from tests.stranger import Stranger

from hubbub.broker.broker import Broker


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.temporary() as broker:
        yield broker


@pytest.fixture
def alice(broker: Broker) -> Iterator[Stranger]:
    with Stranger("127.0.0.1", broker.address.port, f"Alice-{os.urandom(4).hex()}") as alice:
        yield alice


@pytest.fixture
def mallory(broker: Broker) -> Iterator[Stranger]:
    with Stranger("127.0.0.1", broker.address.port, f"Mallory-{os.urandom(4).hex()}") as mallory:
        yield mallory
