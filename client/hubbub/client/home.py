"""The folder of one user's keys: who I am, which brokers I know, and as whom I was there.

    device.key        my key pair; brokers know me by it. Two lines of hex: public, secret
    brokers/NAME      one file a broker: its address and its public key in hex
    visits/NAME       the same for the last visit of a person: the address and the name used; the file's time is that of the visit

All 0600 in a 0700 folder. Owns the files, never a connection.
"""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from platformdirs import user_config_dir

from hubbub.client.errors import HomeUnusable
from hubbub.client.sockets import KeyPair, new_key_pair
from hubbub.common.addresses import Address
from hubbub.common.limits import KEY_BYTES
from hubbub.common.private_files import (
    create_private,
    make_private_folder,
    read_private,
    replace_private,
)

VARIABLE: Final = "HUBBUB_HOME"


@dataclass(frozen=True, slots=True)
class KnownBroker:
    """A broker whose key is pinned. Times are of the wall clock, in seconds."""

    address: Address
    key: bytes
    since: float
    """When the key was pinned."""
    name: str
    """The name last used there; empty if none was."""
    visited: float
    """When somebody last entered a name there, or `since`."""


class Home:
    """One folder: that given, else that of the variable HUBBUB_HOME, else the platform's for configuration."""

    def __init__(
        self, folder: str | Path | None = None, make_keys: Callable[[], KeyPair] = new_key_pair
    ) -> None:
        """Name the folder; nothing is read or written yet. Raises HomeUnusable if the user has none."""
        try:
            given = folder or os.environ.get(VARIABLE) or user_config_dir("hubbub", appauthor=False)
            self.folder = Path(given).expanduser()
        except RuntimeError:  # as in a container, for a user without an entry in its passwd
            raise HomeUnusable(
                f"this user has no home folder: name one by --home or {VARIABLE}"
            ) from None
        self._make_keys = make_keys

    def device_key(self) -> KeyPair:
        """Return the device's key, made at its first use; clients that start at once agree on one. Raises HomeUnusable."""
        path = self.folder / "device.key"
        with _usable(path):
            make_private_folder(self.folder)
            try:
                text = read_private(path)
            except FileNotFoundError:
                keys = self._make_keys()
                text = create_private(path, f"{keys.public.hex()}\n{keys.secret.hex()}\n".encode())
        return _key_pair(path, text)

    def own_key(self) -> bytes | None:
        """Return the device's public key; None if it was not needed yet. Raises HomeUnusable."""
        path = self.folder / "device.key"
        text = _read(path)
        return None if text is None else _key_pair(path, text).public

    def pinned(self, address: Address) -> bytes | None:
        """Return the pinned key of the broker at this address; None if there is none. Raises HomeUnusable."""
        path = self._pin(address)
        text = _read(path)
        if text is None:
            return None
        return _hex_lines(path, text.partition(b"\n")[2], 1, f"run: hubbub forget {address}")[0]

    def brokers(self) -> list[KnownBroker]:
        """Return the brokers whose keys are pinned, the one visited last first. Raises HomeUnusable."""
        folder = self.folder / "brokers"
        with _usable(folder):
            try:
                names = [path.name for path in folder.iterdir()]
            except FileNotFoundError:
                return []
        # What a crash left half-written begins with a dot; what a person put there is no pin.
        found = (
            self._broker(Address(unquote(m[1]), int(m[2]))) for m in map(_PIN.fullmatch, names) if m
        )
        known = [broker for broker in found if broker is not None]
        return sorted(known, key=lambda broker: broker.visited, reverse=True)

    def pin(self, address: Address, key: bytes) -> None:
        """Trust this key at this address from now on. Raises HomeUnusable."""
        self._write(self._pin(address), f"{address}\n{key.hex()}\n")

    def forget(self, address: Address) -> bool:
        """Forget the broker at this address, and the visits there; False if it was not known. Raises HomeUnusable."""
        pin, visit = self._pin(address), self._visit(address)
        with _usable(pin):
            was_known = pin.exists()
            pin.unlink(missing_ok=True)
            visit.unlink(missing_ok=True)
        return was_known

    def visited(self, address: Address, name: str) -> None:
        """Remember the name that a person uses at this address. Raises HomeUnusable."""
        self._write(self._visit(address), f"{address}\n{name}\n")

    def last_name(self, address: Address) -> str:
        """Return the name last used at this address; empty if none was, or it cannot be read: it is a help, no more."""
        try:
            text = _read(self._visit(address)) or b""
        except HomeUnusable:
            return ""
        return text.decode(errors="replace").partition("\n")[2].strip()

    def _broker(self, address: Address) -> KnownBroker | None:
        key = self.pinned(address)
        if key is None:  # forgotten just now
            return None
        since = _time(self._pin(address))
        visited = max(since, _time(self._visit(address)))
        return KnownBroker(address, key, since, self.last_name(address), visited)

    def _pin(self, address: Address) -> Path:
        return self.folder / "brokers" / _file_name(address)

    def _visit(self, address: Address) -> Path:
        return self.folder / "visits" / _file_name(address)

    def _write(self, path: Path, text: str) -> None:
        with _usable(path):
            make_private_folder(self.folder)
            make_private_folder(path.parent)
            replace_private(path, text.encode())


_ELSEWHERE: Final = frozenset({errno.EACCES, errno.EROFS, errno.ENOTDIR})
"""What is wrong with the place, not with the files."""

_PIN: Final = re.compile(r"([^.,][^,]*),([0-9]{1,5})")


def _file_name(address: Address) -> str:
    # An IPv6 address has colons, which some file systems forbid; quoted, no two addresses share a name.
    return f"{quote(address.host.lower(), safe='')},{address.port}"


def _read(path: Path) -> bytes | None:
    """Return what the file holds, None if there is none."""
    with _usable(path):
        try:
            return read_private(path)
        except FileNotFoundError:
            return None


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _key_pair(path: Path, text: bytes) -> KeyPair:
    lost = "restore the file from a backup, or remove it; without it the names you own are lost"
    public, secret = _hex_lines(path, text, 2, lost)
    return KeyPair(public, secret)


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = (
            f"; name another folder by --home or {VARIABLE}" if error.errno in _ELSEWHERE else ""
        )
        raise HomeUnusable(
            f"cannot use {error.filename or path}: {error.strerror}{remedy}"
        ) from error


def _hex_lines(path: Path, text: bytes, count: int, remedy: str) -> list[bytes]:
    try:
        keys = [bytes.fromhex(line.decode("ascii")) for line in text.split()]
    except ValueError:
        keys = []
    if len(keys) != count or any(len(key) != KEY_BYTES for key in keys):
        raise HomeUnusable(f"cannot read a key in {path}: {remedy}")
    return keys
