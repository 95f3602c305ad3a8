"""Announcing a broker on the local network by mDNS, so that `hubbub` without an address finds it.

What is told, to everybody on the networks of this machine: the broker's name, its addresses and port, the fingerprint of its key and the versions of the
protocol that it speaks. The door tells the same to whoever asks. Nothing leaves the local network: mDNS is multicast to the link.

The announcement lives in a thread of its own and never holds up the broker: whatever fails is logged in one line, and tried again.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from unicodedata import category

from zeroconf import Error, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from hubbub.broker.entries import Entry
from hubbub.broker.interfaces import IPAddress, own_addresses, usable
from hubbub.common.addresses import Address
from hubbub.common.codec import VERSIONS

log: Final = logging.getLogger("hubbub.broker")

SERVICE: Final = "_hubbub._tcp.local."
DEFAULT_NAME: Final = "hubbub"
AGAIN_SECONDS: Final = 30.0
"""How often the machine's addresses are looked at again, and what failed is tried again."""
GOODBYE_SECONDS: Final = 0.5
"""Goodbyes take a quarter of a second; nobody waits longer for them."""
_LABEL_BYTES: Final = 56
"""DNS allows 63, and a number is put behind a name that another broker has."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is announced. `label` is what people choose by; see `label`."""

    label: str
    port: int
    fingerprint: str
    versions: Sequence[int]

    def service(self, addresses: Sequence[IPAddress]) -> ServiceInfo:
        """Return it as zeroconf wants it."""
        # Not the machine's own name: that belongs to the system's responder, which would see a conflict.
        host = f"hubbub-{self.fingerprint.replace('-', '')[:12]}.local."
        return ServiceInfo(
            SERVICE,
            f"{self.label}.{SERVICE}",
            addresses=[address.packed for address in addresses],
            port=self.port,
            properties={"v": ",".join(map(str, self.versions)), "fp": self.fingerprint},
            server=host,
        )


def label(name: str, machine: str) -> str:
    """Return what a broker is called on the network: its name; with the default one, which says nothing, also the machine's."""
    machine = machine.partition(".")[0]
    text = f"{name} on {machine}" if name == DEFAULT_NAME and machine else name
    # A dot would divide the name in two for others.
    kept = "".join(c for c in text.replace(".", "-") if category(c)[0] != "C")
    cut = " ".join(kept.split()).encode()[:_LABEL_BYTES].decode(errors="ignore").strip()
    return cut or DEFAULT_NAME


def announcer(address: Address, name: str, fingerprint: str) -> "Announcer":
    """Begin to announce the broker that listens at `address` and has this name, on each network of this machine where it does so."""
    notice = Notice(label(name, socket.gethostname()), address.port, fingerprint, VERSIONS)
    return Announcer(notice, lambda: usable(address, own_addresses()))


class Announcer:
    """Announces a broker until it is closed. A context manager.

    `addresses` is asked, in the announcer's thread, where the broker can be reached, now and every half a minute: machines move.
    """

    def __init__(self, notice: Notice, addresses: Callable[[], Sequence[IPAddress]]) -> None:
        """Begin."""
        self._notice = notice
        self._addresses = addresses
        self._has_complained = False
        self._end: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="hubbub-announcer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Say goodbye; return within half a second, whatever the network does. May be called twice."""
        if not self._end.done():
            self._end.set_result(None)
        self._thread.join(GOODBYE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # In the announcer's thread.

    def _run(self) -> None:
        try:
            asyncio.run(self._announce())
        except Exception as error:  # noqa: BLE001 - the edge of the thread: a broker that nobody finds is a broker all the same
            self._complain(error)

    async def _announce(self) -> None:
        # What fails in a task of zeroconf's; asyncio itself would print it with its traceback.
        asyncio.get_running_loop().set_exception_handler(
            lambda _, told: self._complain(_told_by(told))
        )
        end = asyncio.wrap_future(self._end)
        while not end.done():
            try:
                if addresses := self._addresses():
                    await self._announce_at(addresses, end)
                    continue
            # What zeroconf raises without a network.
            except (Error, OSError, RuntimeError) as error:
                self._complain(error)
            await asyncio.wait({end}, timeout=AGAIN_SECONDS)

    async def _announce_at(
        self, addresses: Sequence[IPAddress], end: "asyncio.Future[None]"
    ) -> None:
        """Announce the broker at these addresses until they change, or the end."""
        service = self._notice.service(addresses)
        async with AsyncZeroconf(interfaces=[str(address) for address in addresses]) as mdns:
            joining = asyncio.create_task(_register(mdns, service))
            either: set[asyncio.Future[Any]] = {joining, end}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not joining.done():
                joining.cancel()
                return
            telling = joining.result()  # three times, while we wait
            self._told(service)
            while not end.done() and self._addresses() == addresses:
                await asyncio.wait({end}, timeout=AGAIN_SECONDS)
            telling.cancel()

    def _told(self, service: ServiceInfo) -> None:
        name = service.name.removesuffix(f".{SERVICE}")
        text = "Announced on the local network as {name!r}: there, `hubbub` alone finds it."
        log.info(Entry("announced", text, name=name))
        self._has_complained = False

    def _complain(self, error: Exception) -> None:
        """Warn once, until it works; there is no network each time that a machine sleeps."""
        level = logging.DEBUG if self._has_complained else logging.WARNING
        text = "Not announced on the local network: {reason}"
        log.log(level, Entry("not_announced", text, reason=str(error) or type(error).__name__))
        self._has_complained = True


def _told_by(context: dict[str, Any]) -> Exception:
    error = context.get("exception")
    return error if isinstance(error, Exception) else RuntimeError(context["message"])


async def _register(mdns: AsyncZeroconf, service: ServiceInfo) -> "asyncio.Future[None]":
    """Ask whether the name is free, take another one if it is not, and begin to tell it; return what ends when it is told."""
    return asyncio.ensure_future(await mdns.async_register_service(service, allow_name_change=True))
