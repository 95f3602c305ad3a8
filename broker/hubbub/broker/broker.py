"""`Broker`: puts folder, store, keys, sockets, core and loop together, and runs them.

Broker(parse("127.0.0.1:5000"), data=Path("data")).run()      a program: until SIGTERM or SIGINT

with Broker.temporary() as broker:                            a test or a notebook: in a thread of its own
    Client(str(broker.address), name="Alice", home=...)
"""

import contextlib
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from hubbub.broker.auth import Auth
from hubbub.broker.config import registration_at
from hubbub.broker.core.context import Registration, Settings
from hubbub.broker.core.core import Core
from hubbub.broker.core.limits import LIMITS, PASSWORDS, Limits, Passwords
from hubbub.broker.core.records import Decree
from hubbub.broker.core.roles import Role
from hubbub.broker.errors import BindError
from hubbub.broker.folder import DataFolder
from hubbub.broker.keys import KeyPair, make_secret
from hubbub.broker.loop import Loop, read_clock
from hubbub.broker.operator.service import Operator, Whereabouts, operator_socket
from hubbub.broker.selftest import check_refusals
from hubbub.broker.sequencer import LocalSequencer
from hubbub.broker.sockets import open_sockets
from hubbub.broker.store.connections import Durability
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.broker.wake import Waker
from hubbub.common.addresses import Address
from hubbub.common.codec import VERSIONS, DoorAnswer, encode
from hubbub.common.commands import MakeInvite
from hubbub.common.errors import InvalidAddress
from hubbub.common.limits import CODE_BYTES
from hubbub.common.replies import InviteMade

ANY_PORT = Address("127.0.0.1", 0)


def _check_addresses(bind: Address, advertise: Address | None, *, insecure: bool) -> None:
    if insecure and not bind.is_loopback:
        raise BindError(
            f"--insecure is for measurements on this machine only: bind to 127.0.0.1, not {bind.host}"
        )
    if advertise is not None and advertise.is_wildcard:
        raise InvalidAddress(
            f"clients cannot use {advertise.host}: advertise an address that leads them here"
        )


def _advertised(advertise: Address | None, bound: Address) -> Address | None:
    """Return the address to advertise, with the port that was found if it has none."""
    if advertise is None or advertise.port:
        return advertise
    return Address(advertise.host, bound.port)


def _effective(limits: Limits, bound: Address) -> Limits:
    return limits.on_loopback() if bound.is_loopback else limits


class Broker:
    """A broker that is bound and ready. Its sockets are served only while `run` runs, in one thread.

    `bind` with port 0 looks for three free ports in a row; `address` is what was found. `is_new`: nothing has ever happened here. Raises InvalidAddress, FolderError, BindError or SecurityError; then nothing
    stays open. Use it as a context manager, or call `close`.
    """

    def __init__(  # noqa: PLR0913 - each is one decision of the operator's, and all are named
        self,
        bind: Address,
        *,
        data: Path,
        name: str = "hubbub",
        insecure: bool = False,
        advertise: Address | None = None,
        max_pages: int | None = None,
        durability: Durability = "disk",
        limits: Limits = LIMITS,
        passwords: Passwords = PASSWORDS,
        registration: Registration | None = None,
    ) -> None:
        """`limits` hold as they stand off loopback; on it everybody has the bots' budgets (`Limits.on_loopback`); `registration` says who may take a new name, None: on loopback everybody, elsewhere whoever has an invite code; `advertise` is the broker's address as clients must use it, where that is not the one they connected to (a router between; port 0: the same port); `max_pages` bounds the database (SQLite pages of 4 KiB), None: the disk does; `durability` is what an ack survives: a power cut, or the end of this process only."""
        _check_addresses(bind, advertise, insecure=insecure)
        with contextlib.ExitStack() as opened:
            folder = opened.enter_context(DataFolder.open(data))
            folder.check_database()
            store = SqliteStore.open(folder.database, max_pages=max_pages, durability=durability)
            opened.callback(store.close)
            state = store.load()
            self._keys = KeyPair.from_secret(
                folder.server_key(None if state.position else make_secret)
            )
            sockets = open_sockets(self._keys, insecure=insecure)
            opened.callback(sockets.close)
            waker = Waker()
            opened.callback(waker.close)
            check_refusals(sockets, self._keys, insecure=insecure)
            self.address = sockets.bind(bind)
            self.advertised = _advertised(advertise, self.address)
            settings = self._settings = self._decided(name, limits, passwords, registration)
            self.is_new = not state.position
            core = self._core = Core(settings, state, read_clock(), secrets.token_bytes)
            auth = Auth(core.admits, core.bars, settings.limits)
            door = encode(DoorAnswer(broker=name, key=self._keys.public, versions=list(VERSIONS)))
            requests = opened.enter_context(operator_socket(sockets.context, folder.path))
            place = Whereabouts(self.address, self.advertised, self._keys.public)
            operator = Operator(core, requests, place)
            order = LocalSequencer()
            self._loop = Loop(core, sockets, auth, store, order, door, waker, operator)
            self.store = store
            self._waker = waker
            self._opened = opened.pop_all()

    def _decided(
        self, name: str, limits: Limits, passwords: Passwords, registration: Registration | None
    ) -> Settings:
        return Settings(
            broker_name=name,
            events_port=(self.advertised or self.address).port + 1,
            events_host=self.advertised.host if self.advertised else "",
            software=f"hubbub {version('hubbub')}",
            limits=_effective(limits, self.address),
            passwords=passwords,
            registration=registration or registration_at(self.address),
        )

    @property
    def fingerprint(self) -> str:
        """The server's public key as people compare it."""
        return self._keys.fingerprint

    @property
    def public_key(self) -> bytes:
        """The server's public key, raw: 32 bytes."""
        return self._keys.public

    @property
    def registration(self) -> Registration:
        """Who may take a new name."""
        return self._settings.registration

    @property
    def is_for_others(self) -> bool:
        """Whether more than this machine reaches it."""
        return not self.address.is_loopback or self.advertised is not None

    @property
    def has_owner(self) -> bool:
        """Whether the operator has made anybody an owner of the chat. Before `run` only."""
        accounts = self._core.context.state.accounts.values()
        return any(account.role is Role.OWNER for account in accounts)

    def invite(self, uses: int, seconds: int) -> InviteMade:
        """Make an invite code for so many newcomers that is good for so many seconds. Before `run` only. Raises StorageError."""
        now = read_clock()
        order = MakeInvite(id=0, uses=uses, seconds=seconds)
        decree = Decree(None, order, now.wall, secrets.token_bytes(CODE_BYTES))
        batch = self._core.apply([self._core.context.submit(decree).submission])
        self.store.commit(batch.changes)
        self._core.committed(batch, now)  # what it would tell, nobody is there to hear
        [(_, made)] = batch.answers
        assert isinstance(made, InviteMade), "the operator may make invites"
        return made

    def reconfigure(
        self,
        *,
        limits: Limits | None = None,
        passwords: Passwords | None = None,
        registration: Registration | None = None,
    ) -> None:
        """Go by these from the loop's next turn on; None: as before. What they forbid and is there already stays. One thread at a time, any."""
        now = self._settings
        self._settings = replace(
            now,
            limits=now.limits if limits is None else _effective(limits, self.address),
            passwords=passwords or now.passwords,
            registration=registration or now.registration,
        )
        self._loop.reconfigure(self._settings)

    def run(self) -> None:
        """Serve until `stop`."""
        self._loop.run()

    def run_until_signal(self) -> None:
        """Serve until SIGTERM or SIGINT. Main thread only."""
        with self.stopped_by_signals():
            self.run()

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT stop it inside the `with` block: `run` returns, at once if it has not begun. Main thread only."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with self._waker.on_signals():
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Let `run` commit what was taken, tell the sessions and return. Safe from any thread."""
        self._loop.stop()

    def close(self) -> None:
        """Release sockets, store and folder; `run` must have returned or never begun. May be called twice."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @classmethod
    @contextlib.contextmanager
    def temporary(  # noqa: PLR0913 - as above
        cls,
        bind: Address = ANY_PORT,
        *,
        data: Path | None = None,
        insecure: bool = False,
        name: str = "hubbub",
        max_pages: int | None = None,
        limits: Limits = LIMITS,
        passwords: Passwords = PASSWORDS,
        registration: Registration = "open",
    ) -> Iterator[Self]:
        """Serve in a thread of its own while the `with` block runs, on free ports, without signal handlers.

        Without `data` the folder is a temporary one, removed at the end.
        """
        folder = Path(tempfile.mkdtemp(prefix="hubbub-")) if data is None else data
        try:
            with cls(
                bind,
                data=folder,
                insecure=insecure,
                name=name,
                max_pages=max_pages,
                limits=limits,
                passwords=passwords,
                registration=registration,
            ) as broker:
                thread = threading.Thread(target=broker.run, name="hubbub-broker", daemon=True)
                thread.start()
                try:
                    yield broker
                finally:
                    broker.stop()
                    thread.join()
        finally:
            if data is None:
                shutil.rmtree(folder, ignore_errors=True)
