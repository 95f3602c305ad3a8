"""A client's beginning and its end: whom to talk to, the login, logging out, and what becomes of a client that nobody closed."""

import logging
import os
import platform
import threading
import warnings
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Final

from hubbub.client.checks import check_code, check_password, device_label
from hubbub.client.door import nobody_listens
from hubbub.client.errors import Closed, ConnectError, NobodyListens, Refused, WrongKey
from hubbub.client.home import Home
from hubbub.client.link import Credentials
from hubbub.client.pump import PUMP_THREAD, Pump
from hubbub.client.reach import by_ipv6, check_address
from hubbub.client.results import LoggedIn
from hubbub.client.target import Target
from hubbub.client.tickets import new_future
from hubbub.client.trust import Trust, changed, keep, server_key
from hubbub.common.fingerprint import fingerprint
from hubbub.common.links import JoinLink, Place, address_of, parse_place
from hubbub.common.names import fold

_log = logging.getLogger(__name__)

ABANDONED_SECONDS: Final = 2.0
"""How long a client that nobody closed may take to have its writes answered, when it is collected or the interpreter ends."""
CLIENT_NAME: Final = "hubbub python"


def credentials(password: str | None, code: str | None, device: str | None) -> Credentials:
    """Return what is said of oneself at the first login. Raises BadCode, TooLarge, BadText, or TypeError."""
    if password is not None:
        check_password(password)
    if code is not None:
        code = check_code(code)
    label = device_label(platform.node() if device is None else device)
    return Credentials(password, code, label)


def target(
    address: str | Place, name: str, home: Home, insecure: bool, trust: Trust, proof: Credentials
) -> Target:
    """Return what `Client` is asked for as the pump needs it: keys read or made, the broker's key known. Raises as `Client` does."""
    typed = parse_place(address) if isinstance(address, str) else address
    place = address_of(typed)
    check_address(place, insecure=insecure)
    if isinstance(typed, JoinLink):
        trust = replace(trust, key=typed.key)
        if not proof.prove:
            proof = replace(proof, code=typed.code or None)
    keys = home.device_key()
    key = None if insecure else server_key(home, place, trust)
    return Target(place, keys, key, name, CLIENT_NAME, by_ipv6(place), proof)


def owner(target: Target) -> str:
    """Return whom an outbox file belongs to, who logs in so."""
    broker = (
        "a broker without encryption"
        if target.server_key is None
        else f"the broker {fingerprint(target.server_key)}"
    )
    return f"{fold(target.name)} at {broker}"


def log_in(pump: Pump, target: Target, home: Home, timeout: float) -> LoggedIn:
    """Start the pump, wait until one is in, and pin the broker's key; if one is not, the pump is stopped. Raises ConnectError, HomeUnusable.

    Later the client ends with WrongKey, if the broker should come back with another key.
    """
    key, address = target.server_key, target.address  # not the target: it has a password in it
    if key is not None:
        pump.turned_away = _Doubt(pump, lambda: changed(home, address, key))
    with ExitStack() as failed:
        pump.start()
        failed.callback(pump.stop)
        login = _await_login(pump, target, home, timeout)
        if key is not None:
            keep(home, address, key)
        failed.pop_all()
        return login


def _await_login(pump: Pump, target: Target, home: Home, timeout: float) -> LoggedIn:
    try:
        return pump.opening.result(timeout)
    except TimeoutError:
        raise ConnectError(
            f"the broker at {target.address} did not let us in within {timeout:g} s"
        ) from None
    except NobodyListens:
        raise nobody_listens(
            target.address
        ) from None  # asks the resolver: not in the pump's thread
    except Refused as error:
        if target.server_key is None:
            raise
        raise changed(home, target.address, target.server_key) or error from error


class _Doubt:
    """Looks for the reason why a client is turned away, in a thread of its own, since that asks the broker's door; ends the client by it."""

    def __init__(self, pump: Pump, reason: Callable[[], WrongKey | None]) -> None:
        self._pump = pump
        self._reason = reason
        self._thread = threading.Thread()

    def __call__(self) -> None:
        """Look, unless it does already."""
        if not self._thread.is_alive():
            self._thread = threading.Thread(target=self._look, name="hubbub-doubt", daemon=True)
            with suppress(RuntimeError):  # no more threads: we are turned away again soon
                self._thread.start()

    def _look(self) -> None:
        reason = self._reason()
        if reason is not None:
            self._pump.submit(new_future(), lambda session: session.end(reason))


def close(pump: Pump, seconds: float) -> int | None:
    """End a session as `Client.close` says; returns how many writes have no answer, None if that is not known."""
    ticket = new_future()
    pump.submit(ticket, lambda session: session.close(ticket))
    try:
        with suppress(TimeoutError, Closed):  # too slow: the caller is told; or over already
            ticket.result(seconds)
    finally:
        left = pump.stop()
    return left


def abandoned(pump: Pump, name: str, pid: int) -> None:
    """Nobody closed the client, and it is garbage or the interpreter ends."""
    if os.getpid() != pid:
        return
    if (
        threading.current_thread().name == PUMP_THREAD
    ):  # this client's or another's: it must not wait
        threading.Thread(target=abandoned, args=(pump, name, pid), name="hubbub-end").start()
        return
    left = close(pump, ABANDONED_SECONDS)
    text = f"the client of {name} was not closed: use it in a with statement"
    if left != 0:
        _log.warning("%s; %s of its writes have no answer", text, "some" if left is None else left)
    warnings.warn(text, ResourceWarning, stacklevel=2)
