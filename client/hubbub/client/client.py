"""The client that programs use: synchronous, from any thread. (Signatures first; bodies follow.)"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self

from hubbub.client.results import History, LogPosition, Member, People, Room
from hubbub.client.updates import Update
from hubbub.common.fields import Data


class Client:
    """One person's session with a broker."""

    name: str
    """One's name as the broker writes it (NFKC)."""
    created: bool
    """Whether the name was new to the broker."""

    def __init__(  # noqa: PLR0913 - keyword-only, each with a default that suits most
        self,
        address: str = "127.0.0.1:5000",
        *,
        name: str,
        home: str | Path | None = None,
        insecure: bool = False,
        trust: str | None = None,
        accept_new: bool = False,
        confirm: Callable[[str], bool] | None = None,
        timeout: float = 10.0,
    ) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    def post(
        self, room: str, text: str, data: Data | None = None, *, timeout: float | None = None
    ) -> int:
        raise NotImplementedError

    def post_nowait(self, room: str, text: str, data: Data | None = None) -> Future[int]:
        raise NotImplementedError

    def tell(
        self, name: str, text: str, data: Data | None = None, *, timeout: float | None = None
    ) -> int:
        raise NotImplementedError

    def tell_nowait(self, name: str, text: str, data: Data | None = None) -> Future[int]:
        raise NotImplementedError

    def history(
        self,
        room: str | None = None,
        *,
        with_: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
        timeout: float | None = None,
    ) -> History:
        raise NotImplementedError

    def create(self, room: str, description: str = "", *, timeout: float | None = None) -> None:
        raise NotImplementedError

    def join(self, room: str, *, timeout: float | None = None) -> None:
        raise NotImplementedError

    def leave(self, room: str, *, timeout: float | None = None) -> None:
        raise NotImplementedError

    def rooms(self, *, timeout: float | None = None) -> list[Room]:
        raise NotImplementedError

    def members(self, room: str, *, timeout: float | None = None) -> list[Member]:
        raise NotImplementedError

    def who(self, *, timeout: float | None = None) -> People:
        raise NotImplementedError

    def digest(self, room: str | None = None, *, timeout: float | None = None) -> LogPosition:
        """How far `room` was read; None: the private messages."""
        raise NotImplementedError

    def events(self, timeout: float | None = None) -> Iterator[Update]:
        """Yield updates; ends after `Ended`, after close(), or when none came for `timeout` seconds."""
        raise NotImplementedError

    def next_event(self, timeout: float | None = None) -> Update | None:
        """Return the next update; None when none came within `timeout` seconds. Raises Closed when there will be none."""
        raise NotImplementedError

    def flush(self, timeout: float | None = None) -> None:
        """Return when everything written so far has been answered. Raises OutcomeUnknown."""
        raise NotImplementedError

    def close(self, timeout: float | None = None) -> None:
        """Wait for what is unanswered (at most `timeout`), log out, free everything. Raises OutcomeUnknown if something was left."""
        raise NotImplementedError
