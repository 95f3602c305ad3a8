"""Files and folders that nobody else may read: keys, pins, the broker's data; and files that nobody else may change.

Files are 0600 and folders 0700 whatever the umask. A file appears whole or not at all, under its name and on disk: it is written under a
temporary name (`.NAME.xxxxxxxx`, left behind only by a crash), synced, then linked or renamed, and the folder is synced. As with ssh, what
others could have read or changed is refused, not repaired.

Every function raises OSError and nothing else; `strerror` is one line for people.
"""

import contextlib
import errno
import os
import shlex
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

if sys.platform == "darwin":
    import fcntl


def read_private(path: Path) -> bytes:
    """Return what the file holds.

    Raises FileNotFoundError, and PermissionError if others can read or write the file or it belongs to neither this user nor root.
    """
    with _open_own(path) as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise PermissionError(
                errno.EPERM,
                f"others can read or change it; if nobody did, run: chmod 600 {_quoted(path)}",
                str(path),
            )
        return file.read()


def read_guarded(path: Path, most: int) -> bytes:
    """Return what a file holds that others may read and nobody else may change; `most` bytes.

    Raises FileNotFoundError, and PermissionError if others can write the file or it belongs to neither this user nor root.
    """
    with _open_own(path) as file:
        if os.fstat(file.fileno()).st_mode & 0o022:
            raise PermissionError(
                errno.EPERM,
                f"others can change it; if nobody did, run: chmod go-w {_quoted(path)}",
                str(path),
            )
        content = file.read(most + 1)
        if len(content) > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
        return content


def create_private(path: Path, content: bytes) -> bytes:
    """Create the file unless it exists; return what it holds in the end: `content`, or that of the process that was first.

    Whoever returns from here may rely on the file: it is on disk. Raises what `read_private` raises of a file that is there.
    """
    with _temporary(path, content) as temporary:
        # link, not rename: it is the one that fails if the name is taken.
        try:
            os.link(temporary, path)
        except FileExistsError:
            content = read_private(path)
    # Also after losing the race: the other process may not have come to its own sync yet.
    sync(path.parent)
    return content


def replace_private(path: Path, content: bytes) -> None:
    """Write the file, new or in place of an old one; a reader sees the old content or the new. A symbolic link is replaced itself."""
    with _temporary(path, content) as temporary:
        temporary.replace(path)
    sync(path.parent)


def make_private_folder(path: Path) -> None:
    """Create the folder and its missing parents, all 0700; an existing folder is checked and left as it is.

    Raises NotADirectoryError if something else has the name, and PermissionError if the folder is somebody else's or others can write in it.
    That others can list an existing folder is no fault: what is written in it is 0600.
    """
    for folder in (*reversed(path.parents), path):
        try:
            folder.mkdir(mode=0o700)
        except OSError:
            # Not exist_ok: it may fail in other ways of a folder that is there ("/" on macOS, an automounter), and such a one keeps its mode.
            if folder.exists():
                continue
            raise
        folder.chmod(0o700)  # a umask can only take bits away, but it may take ours
        sync(folder.parent)
    status = path.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder", str(path))
    _check_owner(path, status)
    if status.st_mode & 0o022:
        raise PermissionError(
            errno.EPERM, f"others can write in it; run: chmod 700 {_quoted(path)}", str(path)
        )


@contextlib.contextmanager
def _open_own(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file that belongs to this user or to root."""
    # O_NONBLOCK: opening a FIFO must not wait for its writer. It means nothing for a regular file.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        _check_owner(path, status)
        yield file


def _check_owner(path: Path, status: os.stat_result) -> None:
    # Root can read and change everything anyway.
    if status.st_uid not in (os.geteuid(), 0):
        raise PermissionError(
            errno.EPERM, "it belongs to another user; start as that user or name another", str(path)
        )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


@contextlib.contextmanager
def _temporary(path: Path, content: bytes) -> Iterator[Path]:
    """A synced 0600 file beside `path` with `content`, removed at the end if it still has that name."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(content)
            file.flush()
            _sync(descriptor)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Return when a file's content, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":
        # There fsync stops at the drive's cache. Some file systems do not know the better one.
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)
