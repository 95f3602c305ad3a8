"""Fixtures that start real brokers and clients; see `tests/processes.py`."""

import fcntl
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import settings
from tests.processes import ROOT, Town
from tests.stranger import Enter, Stranger

from hubbub.broker.broker import Broker
from hubbub.broker.operator.asking import running
from hubbub.common.commands import SetRole
from hubbub.common.replies import Done

# The same examples each time: a red run is a change's fault. `make test ARGS=--hypothesis-profile=default` looks for new ones.
settings.register_profile("hubbub", derandomize=True, database=None, deadline=None)
settings.load_profile("hubbub")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A place for one broker and its people, all of them ended after the test."""
    with ExitStack() as stack:
        yield Town(tmp_path, stack)


@pytest.fixture(params=["encrypted", "insecure"])
def enter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Enter]:
    """Let clients written from PROTOCOL.md alone enter a broker; they are closed after the test."""
    insecure = request.param == "insecure"
    with (
        Broker.temporary(data=tmp_path / "data", insecure=insecure) as broker,
        ExitStack() as stack,
    ):

        def make(name: str, **credentials: str) -> Stranger:
            host, port = broker.address.host, broker.address.port
            client = Stranger(host, port, name, insecure=insecure, **credentials)
            stack.push(client).login()
            return client

        yield make


@pytest.fixture
def appoint(enter: Enter, tmp_path: Path) -> Callable[[str], None]:
    """Make somebody an owner of the chat that `enter` leads to, as its operator."""

    def own(name: str) -> None:
        with running(tmp_path / "data") as broker:
            broker.ask(SetRole(1, name, "owner"), Done)

    return own


@pytest.fixture
def unused_port() -> Iterator[int]:
    """The first of three ports in a row that nobody listens on and nobody else gets: bound, not listening."""
    while True:
        with ExitStack() as held, suppress(OSError, OverflowError):  # one of them is in use
            port = 0
            for _ in range(3):
                bound = held.enter_context(socket.socket())
                bound.bind(("127.0.0.1", port))
                port = bound.getsockname()[1] + 1
            yield port - 3
            return


@pytest.fixture
def one_network() -> Iterator[None]:
    """Wait until no other test, in whatever process, announces or searches by mDNS."""
    with (ROOT / "pyproject.toml").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
