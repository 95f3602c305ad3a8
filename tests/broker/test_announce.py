"""Announcing a broker, on loopback only: what a client's search finds, and what becomes of a broker whose network fails."""

import gc
import ipaddress
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from time import monotonic

import pytest
from tests.abilities import need_multicast, one_network
from tests.processes import PATIENCE

from hubbub.broker import announce
from hubbub.broker.announce import Announcer, Notice, announcer, label
from hubbub.broker.entries import Entry
from hubbub.broker.interfaces import IPAddress
from hubbub.client.announcements import Found
from hubbub.client.discovery import Search
from hubbub.common.addresses import Address
from hubbub.common.fingerprint import fingerprint

pytestmark = one_network

LOOPBACK: list[IPAddress] = [ipaddress.ip_address("127.0.0.1")]
PRINT = fingerprint(os.urandom(32))
NAME = f"lab {PRINT[:4]}"
"""Ours: other tests may announce brokers on this machine at the same time."""


def notice(name: str = NAME) -> Notice:
    return Notice(name, 5000, PRINT, [1, 2])


@pytest.fixture
def search() -> Iterator[Search]:
    need_multicast()
    with Search(["127.0.0.1"]) as search:
        yield search


def await_found(search: Search, *names: str) -> list[Found]:
    """Collect until exactly these of ours are found."""
    begun = monotonic()
    seconds = 0.0
    while True:
        found = [broker for broker in search.collect(seconds) if broker.fingerprint == PRINT]
        if [broker.name for broker in found] == [*names]:
            return found
        seconds = monotonic() - begun + 0.02
        assert seconds < PATIENCE, found


class Heard(logging.Handler):
    """Keeps what is logged, and lets a test wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, str]] = []
        self.news = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        assert isinstance(record.msg, Entry)
        assert record.exc_info is None
        with self.news:
            self.events.append((record.levelname, record.msg.event))
            self.news.notify()

    def wait_for(self, *events: tuple[str, str]) -> None:
        with self.news:
            assert self.news.wait_for(lambda: self.events[: len(events)] == [*events], PATIENCE)


@pytest.fixture
def heard() -> Iterator[Heard]:
    logger, handler = logging.getLogger("hubbub.broker"), Heard()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.mark.slow
def test_a_broker_is_found_while_it_is_announced_and_no_longer(search: Search) -> None:
    with Announcer(notice(), lambda: LOOPBACK):
        [broker] = await_found(search, NAME)
        assert broker == Found(NAME, Address("127.0.0.1", 5000), PRINT)
    await_found(search)


@pytest.mark.slow
def test_a_broker_takes_another_name_when_one_has_it(search: Search) -> None:
    with ExitStack() as announcers:
        for count in (1, 2):
            announcers.enter_context(Announcer(notice(), lambda: LOOPBACK))
            await_found(search, NAME, *[f"{NAME}-2"][: count - 1])


@pytest.mark.slow
def test_a_broker_is_announced_once_its_machine_has_a_network(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announce, "AGAIN_SECONDS", 0.01)
    asked = threading.Event()
    networks: list[Sequence[IPAddress]] = [[]]

    def addresses() -> Sequence[IPAddress]:
        asked.set()
        return networks[-1]

    with Announcer(notice(), addresses):
        assert asked.wait(PATIENCE)
        networks.append(LOOPBACK)
        await_found(search, NAME)
        networks.append([])
        await_found(search)


@pytest.mark.slow
def test_a_network_that_fails_costs_one_warning(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announce, "AGAIN_SECONDS", 0.01)
    need_multicast()
    networks = [LOOPBACK]

    def addresses() -> Sequence[IPAddress]:
        if not networks:
            raise OSError("Network is down")
        return networks[-1]

    with Announcer(notice(), addresses):
        heard.wait_for(("INFO", "announced"))
        network = networks.pop()
        complaints = [("WARNING", "not_announced"), ("DEBUG", "not_announced")]
        heard.wait_for(("INFO", "announced"), *complaints)
        networks.append(network)
        with heard.news:
            again = ("INFO", "announced")
            assert heard.news.wait_for(lambda: heard.events[-1] == again, PATIENCE)


def broken() -> Sequence[IPAddress]:
    raise LookupError("a fault of ours")


# zeroconf leaves a socket that it has no use for to the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "addresses", [broken, lambda: [ipaddress.ip_address("2001:db8::99")]], ids=["fault", "foreign"]
)
def test_whatever_fails_is_one_line_and_no_reason_to_stop(
    heard: Heard, addresses: Callable[[], Sequence[IPAddress]]
) -> None:
    with Announcer(notice(), addresses):
        heard.wait_for(("WARNING", "not_announced"))
    gc.collect()


@pytest.mark.slow
def test_the_end_waits_for_no_network() -> None:
    stuck, asked = threading.Event(), threading.Event()

    def addresses() -> Sequence[IPAddress]:
        asked.set()
        stuck.wait()
        return []

    announcer = Announcer(notice(), addresses)
    assert asked.wait(PATIENCE)
    announcer.close()  # or this test would hang
    announcer.close()
    stuck.set()


def test_the_end_may_come_while_others_are_asked_for_the_name(heard: Heard) -> None:
    need_multicast()
    begun = threading.Event()

    def addresses() -> Sequence[IPAddress]:
        begun.set()
        return LOOPBACK

    with Announcer(notice(), addresses):
        assert begun.wait(PATIENCE)
    assert heard.events == []


def test_a_broker_on_loopback_has_nothing_to_announce() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        with announcer(Address(host, 5000), "lab", PRINT) as one:
            assert one._addresses() == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("lab", "lab"),
        ("hubbub", "hubbub on box"),
        ("chat.example.org", "chat-example-org"),
        ("K\u00fcche", "K\u00fcche"),
        ("\u00fc" * 64, "\u00fc" * 28),
        ("\u200b\x1b", "hubbub"),
    ],
)
def test_a_label_is_the_name_and_says_which_machine_if_it_says_nothing(
    name: str, shown: str
) -> None:
    assert label(name, "box.example.org") == shown


def test_a_label_does_without_a_machine_that_has_no_name() -> None:
    assert label("hubbub", "") == "hubbub"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chat.example.org", "K\u00fcche \u6771\u4eac", "x" * 200])
def test_any_label_can_be_announced(search: Search, name: str) -> None:
    shown = label(f"{PRINT[:9]} {name}", "box")
    with Announcer(notice(shown), lambda: LOOPBACK):
        await_found(search, shown)
