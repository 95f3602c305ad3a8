"""The file of the operator's socket: where it is, and that nobody but its owner can open it.

It is `operator.sock` in the data folder. Where its path is too long for a socket (107 bytes; 103 on macOS), or the file system can hold none, it is in a folder
of its own at a place for such things, 0700, and `operator.sock` is a symbolic link to it. The file is 0600, and never reachable by others on the way
there: its folder is 0700 before it is made.
"""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from hubbub.broker.errors import FolderError
from hubbub.broker.folder import SOCKET

PATH_BYTES: Final = 103 if sys.platform == "darwin" else 107
_RUNTIME: Final = "hubbub-"
"""What the name of a folder begins with that was made for a socket."""


@contextlib.contextmanager
def listening(folder: Path, listen: Callable[[Path], None]) -> Iterator[Path]:
    """Let `listen` bind a socket, in place of what a dead broker left; yield its path; at the end there is no file.

    The caller holds the lock of the data folder, so whatever socket is there is a dead one's. Raises FolderError if something else, or somebody else's, is there, or
    if no place can be found. `listen` raises OSError when it cannot bind.
    """
    place = folder / SOCKET
    _clear(place)
    try:
        path = _listen(place, listen)
    except OSError as error:
        raise FolderError(f"the operator's socket {place} cannot be made: {error}") from error
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            _remove(place)


def find(folder: Path) -> Path:
    """Return the path of the socket of the broker that has this data folder, as it can be connected to. Raises OSError if there is none."""
    place = folder.absolute() / SOCKET
    place.lstat()
    return place.readlink() if place.is_symlink() else place


def _listen(place: Path, listen: Callable[[Path], None]) -> Path:
    if _fits(place):
        with contextlib.suppress(OSError):  # the file system of the folder may hold no sockets
            listen(place)
            place.chmod(0o600)
            return place
    path = _runtime_folder() / SOCKET
    try:
        listen(path)
        path.chmod(0o600)
        place.symlink_to(path)
    except BaseException:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    return path


def _fits(path: Path) -> bool:
    try:
        return len(str(path).encode()) <= PATH_BYTES
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False


def _runtime_folder() -> Path:
    """Make a private folder with a short path. Raises OSError."""
    wanted = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 - a new folder of our own in it
    made: OSError | None = None
    for where in filter(os.path.isabs, wanted):
        if not _fits(Path(where) / f"{_RUNTIME}xxxxxxxx" / SOCKET):
            continue
        try:
            folder = Path(tempfile.mkdtemp(prefix=_RUNTIME, dir=where))
        except OSError as error:
            made = error
        else:
            folder.chmod(0o700)  # a umask may have taken our own bits away
            return folder
    raise made or OSError("no folder for it has a path that is short enough")


def _clear(place: Path) -> None:
    """Remove what a dead broker left. Raises FolderError if it is anything else."""
    try:
        status = place.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise FolderError(f"the operator's socket {place} cannot be used: {error}") from error
    is_ours = stat.S_ISSOCK(status.st_mode) or stat.S_ISLNK(status.st_mode)
    if not is_ours or status.st_uid != os.geteuid():
        raise FolderError(
            f"{place} is where the operator's socket belongs, and it is not a socket of yours: move it away"
        )
    try:
        _remove(place)
    except OSError as error:
        raise FolderError(f"the old socket {place} cannot be removed: {error}") from error


def _remove(place: Path) -> None:
    """Remove the socket, and if it is elsewhere, its folder too. Raises OSError."""
    if place.is_symlink():
        folder = place.readlink().parent
        if _is_runtime_folder(folder):
            shutil.rmtree(folder, ignore_errors=True)
    place.unlink(missing_ok=True)


def _is_runtime_folder(folder: Path) -> bool:
    """Whether it is one that was made for a socket: nothing else is removed, wherever a link leads."""
    try:
        status = folder.lstat()
        names = {entry.name for entry in folder.iterdir()}
    except OSError:
        return False
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return is_own and folder.name.startswith(_RUNTIME) and names <= {SOCKET}
