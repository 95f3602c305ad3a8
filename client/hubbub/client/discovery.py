"""Brokers on the local network, found by mDNS, where they announce themselves.

    for broker in find(1.5):
        print(broker.name, broker.address, broker.fingerprint)

Anybody on the network can announce anything. So all of it is checked and bounded (`announcements`), and none of it is trusted: a fingerprint from here
tells brokers apart in a list, and vouches for nothing. Without a network, or where mDNS cannot be used, nothing is found and nothing is raised.
"""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from time import monotonic
from types import TracebackType
from typing import Final, Self

from hubbub.client.announcements import Found

_log: Final = logging.getLogger(__name__)

_END_SECONDS: Final = 1.0


class Search:
    """A search in a thread of its own, until it is closed. Begin it early, and collect when the brokers are needed. A context manager."""

    def __init__(self, interfaces: Sequence[str] | None = None) -> None:
        """Begin. `interfaces`: addresses of this machine from which to search, None: all. Brokers on loopback are found only from there."""
        self._interfaces = interfaces
        self._begun = monotonic()
        self._lock = threading.Lock()
        self._found: dict[str, Found] = {}
        self._end: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="hubbub-search", daemon=True)
        self._thread.start()

    def collect(self, seconds: float) -> list[Found]:
        """Return what was found in the first `seconds` of the search, or until now if they are over; sorted by name."""
        self._thread.join(max(0.0, self._begun + seconds - monotonic()))
        with self._lock:
            return sorted(self._found.values())

    def close(self) -> None:
        """End the search, within a second. May be called twice."""
        if not self._end.done():
            self._end.set_result(None)
        self._thread.join(_END_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # In the search's thread.

    def _run(self) -> None:
        # Here, for its 60 ms: whoever begins a search has other things to load meanwhile.
        from hubbub.client.browsing import browse  # noqa: PLC0415 - see above

        try:
            browse(self._interfaces, self._tell, self._end)
        except Exception as error:  # noqa: BLE001 - the edge of the thread: networks fail in many ways, and then nothing is found
            _log.debug("no search by mDNS: %s", error)

    def _tell(self, instance: str, found: Found | None) -> None:
        """Note what is announced as `instance`; None: it is gone."""
        with self._lock:
            if found is None:
                self._found.pop(instance, None)
            else:
                self._found[instance] = found


def find(seconds: float, interfaces: Sequence[str] | None = None) -> list[Found]:
    """Search for so long and return the brokers found, at most 64, sorted by name. Raises nothing; see `Search` for `interfaces`."""
    with Search(interfaces) as search:
        return search.collect(seconds)
