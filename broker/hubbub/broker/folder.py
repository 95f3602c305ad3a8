"""The one thing that an operator keeps: the data folder, 0700, for one broker at a time.

    hubbub.db           the log and all that follows from it; beside it SQLite's -wal and -shm
    server.key          the CURVE secret key, hex: who has it can pretend to be this broker
    hubbub.toml         the configuration, if the operator wrote one; no part of a backup
    operator.sock       the operator's socket, while a broker runs
    hubbub.lock         locked while a broker runs; holds its process id
    replaced-TIME/      what a restored backup took the place of; for the operator to remove

Nothing of a folder that is not hubbub's is touched, and a key that is there is never replaced.
"""

import contextlib
import fcntl
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import platformdirs

from hubbub.broker import replacing
from hubbub.broker.errors import FolderError, way_back
from hubbub.common.limits import KEY_BYTES
from hubbub.common.private_files import create_private, make_private_folder, read_private

DATABASE: Final = "hubbub.db"
CONFIG: Final = "hubbub.toml"
FOLDER_VARIABLE: Final = "HUBBUB_DATA"
_KEY: Final = "server.key"
_LOCK: Final = "hubbub.lock"
SOCKET: Final = "operator.sock"
_MARKS: Final = {DATABASE, _LOCK}
"""One of them makes a folder hubbub's. The lock is the first file of a new one, the database may come alone from a backup."""
_IGNORED: Final = {"lost+found", ".DS_Store", CONFIG}
"""What systems leave in folders that are as good as empty, and what the operator may write before the first start."""
_OTHER_KEY: Final = "with another key every client would refuse this broker"


def default_folder() -> Path:
    """Return where the broker's data is kept unless a flag says otherwise: in the folder of the variable HUBBUB_DATA, or among the user's data. It may not exist yet."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    # On macOS the client's home is one above.
    return platformdirs.user_data_path("hubbub") / "broker"


class DataFolder:
    """An open data folder: nobody else opens it until it is closed, or this process has ended in whatever way."""

    def __init__(self, path: Path, lock: int) -> None:
        """Take over `lock`, the descriptor of the locked lock file. Callers use `open`."""
        self.path = path
        self._lock: int | None = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Create the folder if there is none, check it, lock it.

        Raises FolderError if it is a file, somebody else's, writable by others, not writable by us, not empty and not hubbub's, or in use
        by another broker. Others' leave to read it is taken away.
        """
        path = path.absolute()
        try:
            make_private_folder(path)
            _check_ours(path)
            lock = _lock(path / _LOCK)
            try:
                replacing.complete(path)
            except BaseException:
                os.close(lock)
                raise
        except OSError as error:
            raise FolderError(f"the data folder {path} cannot be used: {_reason(error)}") from error
        try:
            path.chmod(0o700)
        except OSError as error:
            os.close(lock)
            raise FolderError(
                f"others can read the data folder and its mode cannot be changed: {_reason(error)}"
            ) from error
        return cls(path, lock)

    @property
    def database(self) -> Path:
        """The path of the database, which may not exist yet."""
        return self.path / DATABASE

    def check_database(self) -> None:
        """Raise FolderError if there was a database and it is gone: a new one would be another, empty chat under the same key."""
        key = self.path / _KEY
        if key.exists() and not (self.database.exists() and self.database.stat().st_size):
            raise FolderError(
                f"the database {self.database} is gone: restore it from a backup: {way_back(self.path)}"
                f" (or remove {shlex.quote(str(key))} too, to begin anew)"
            )

    def server_key(self, make: Callable[[], bytes] | None) -> bytes:
        """Return the broker's secret key, 32 bytes; if there is none it is what `make` returns, on disk before it is returned.

        `make` None: the database has been used, so there was one. Raises FolderError if the file is missing, damaged, can be read by
        others, or cannot be written; ValueError if `make` gives other than 32 bytes.
        """
        file = self.path / _KEY
        if make is not None and not os.path.lexists(file):
            made = make()
            if len(made) != KEY_BYTES:
                raise ValueError(f"a key has {KEY_BYTES} bytes")
            try:
                create_private(file, key_file(made))
            except OSError as error:
                raise _unusable(file, error) from error
        return read_server_key(self.path)

    def replace(self, staged: Path, key: bytes) -> Path | None:
        """Let the files in `staged`, and this key, take the place of what is here as one step; see `replacing`. Raises OSError."""
        create_private(staged / _KEY, key_file(key))
        return replacing.replace(self.path, staged)

    def close(self) -> None:
        """Let another broker open the folder. May be called twice."""
        if self._lock is not None:
            # The file stays: whoever removed it could remove one that another broker has just locked.
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        """Return the folder itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def find_database(path: Path) -> Path:
    """Return the database in a data folder that a broker may be using. Raises FolderError if there is none."""
    if replacing.is_cut_off(path):
        DataFolder.open(path).close()
    database = path.absolute() / DATABASE
    if not database.exists():
        raise FolderError(f"there is no broker's data in {path}: name its folder by --data")
    return database


def told(folder: Path, *words: str) -> str:
    """Return a call of `hubbub-broker` with these words as it is typed for this folder."""
    elsewhere = () if folder == default_folder() else ("--data", str(folder))
    return shlex.join(["hubbub-broker", *words, *elsewhere])


def is_own(name: str) -> bool:
    """Whether a file of this name in a data folder is the broker's, or would be taken for it."""
    return name.startswith((*_MARKS, _KEY, SOCKET, CONFIG, *replacing.PREFIXES))


def read_server_key(path: Path) -> bytes:
    """Return the secret key in a data folder, 32 bytes. Raises FolderError if it is missing, damaged, or others can read it."""
    file = path.absolute() / _KEY
    lost = f"restore it from a backup: {way_back(path)}; {_OTHER_KEY}"
    try:
        text = read_private(file)
    except FileNotFoundError:
        raise FolderError(f"the key {file} is missing: {lost}") from None
    except OSError as error:
        raise _unusable(file, error) from error
    with contextlib.suppress(ValueError):
        key = bytes.fromhex(text.decode("ascii"))
        if len(key) == KEY_BYTES:
            return key
    raise FolderError(f"the key {file} is damaged: {lost}")


def key_file(key: bytes) -> bytes:
    """Return what the file of a key holds."""
    return key.hex().encode() + b"\n"


def _unusable(file: Path, error: OSError) -> FolderError:
    return FolderError(f"the key {file} cannot be used: {_reason(error)}")


def _check_ours(path: Path) -> None:
    names = {entry.name for entry in path.iterdir()}
    if names - _IGNORED and not names & _MARKS:
        raise FolderError(
            f"{path} is not empty and not hubbub's: name a new folder, or an empty one"
        )


def _lock(file: Path) -> int:
    """Return the descriptor of the locked file. Raises FolderError if another process has locked it, and OSError."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(descriptor, 0o600)
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except BlockingIOError:
        # Empty for a moment after the other has started.
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "just starting"
        os.close(descriptor)
        raise FolderError(
            f"the data folder {file.parent} is in use by another broker (process {holder}): end that one, or name another folder by --data"
        ) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _reason(error: OSError) -> str:
    where = f" ({shlex.quote(error.filename)})" if isinstance(error.filename, str) else ""
    return f"{error.strerror}{where}"
