"""The folder of one user's keys: who I am, and which brokers I know.

    device.key        my key pair; brokers know me by it. Two lines of hex: public, secret
    brokers/NAME      one file a broker: its address and its public key in hex

All 0600 in a 0700 folder. Owns the files, never a connection.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

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


class Home:
    """One folder: that given, else that of the variable HUBBUB_HOME, else the platform's for configuration."""

    def __init__(
        self, folder: str | Path | None = None, make_keys: Callable[[], KeyPair] = new_key_pair
    ) -> None:
        given = folder or os.environ.get(VARIABLE) or user_config_dir("hubbub", appauthor=False)
        self.folder = Path(given).expanduser()
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
        lost = "restore the file from a backup, or remove it; without it the names you own are lost"
        public, secret = _hex_lines(path, text, 2, lost)
        return KeyPair(public, secret)

    def pinned(self, address: Address) -> bytes | None:
        """Return the pinned key of the broker at this address; None if there is none. Raises HomeUnusable."""
        path = self._pin(address)
        with _usable(path):
            try:
                text = read_private(path)
            except FileNotFoundError:
                return None
        return _hex_lines(path, text.partition(b"\n")[2], 1, f"run: hubbub forget {address}")[0]

    def pin(self, address: Address, key: bytes) -> None:
        """Trust this key at this address from now on. Raises HomeUnusable."""
        path = self._pin(address)
        with _usable(path):
            make_private_folder(self.folder)
            make_private_folder(path.parent)
            replace_private(path, f"{address}\n{key.hex()}\n".encode())

    def forget(self, address: Address) -> bool:
        """Forget the broker at this address; False if it was not known. Raises HomeUnusable."""
        path = self._pin(address)
        with _usable(path):
            try:
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def _pin(self, address: Address) -> Path:
        # An IPv6 address has colons, which some file systems forbid; quoted, no two addresses share a name.
        return self.folder / "brokers" / f"{quote(address.host.lower(), safe='')},{address.port}"


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HomeUnusable(f"cannot use {error.filename or path}: {error.strerror}") from error


def _hex_lines(path: Path, text: bytes, count: int, remedy: str) -> list[bytes]:
    try:
        keys = [bytes.fromhex(line.decode("ascii")) for line in text.split()]
    except ValueError:
        keys = []
    if len(keys) != count or any(len(key) != KEY_BYTES for key in keys):
        raise HomeUnusable(f"cannot read a key in {path}: {remedy}")
    return keys
