"""A backup of the data folder, while a broker runs on it or not: one file, written beside its name, checked, and only then given it."""

import contextlib
import errno
import glob
import os
import shlex
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hubbub.broker.errors import BrokerError
from hubbub.broker.folder import find_database, is_own, read_server_key
from hubbub.broker.store import backups
from hubbub.broker.store.audit import audit
from hubbub.broker.store.connections import UNREADABLE, advice
from hubbub.broker.store.findings import Report
from hubbub.common.private_files import sync


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: its size in bytes, and what it holds."""

    size: int
    holds: Report


def back_up(data: Path, file: Path, *, force: bool = False) -> Made:
    """Write a backup of the data folder into `file`, 0600 and synced. `force`: also in place of one that is there.

    Raises BrokerError, leaving nothing behind: `file` exists, cannot be written, or the data is damaged.
    """
    file = file.absolute()
    if not force and os.path.lexists(file):
        raise BrokerError(f"{file} exists: name another file, or say --force to replace it")
    backups.check_file(file)
    database = find_database(data)
    if file.parent.resolve() == database.parent.resolve() and is_own(file.name):
        raise BrokerError(f"{file} is the broker's own: name another file")
    key = read_server_key(data)
    try:
        with _unnamed(file) as copy:
            with contextlib.closing(_open(database)) as source:
                _copy(source, copy, backups.Backup(time.time_ns() // 1_000_000, key), file)
            sync(copy)
            holds = check(copy, database, f"hubbub-broker verify --data {shlex.quote(str(data))}")
            size = copy.stat().st_size
            _give_name(copy, file, force=force)
    except FileExistsError as error:
        raise BrokerError(f"{file} has come to exist meanwhile: name another file") from error
    except OSError as error:
        raise BrokerError(f"cannot write {file}: {error.strerror}") from error
    return Made(size, holds)


def check(copy: Path, origin: Path, command: str) -> Report:
    """Read the whole of a copy of `origin`. Raises BrokerError if anything is wrong with it; `command` tells all that is."""
    try:
        with contextlib.closing(backups.open_readable(copy)) as connection:
            report = audit(connection)
    except UNREADABLE as error:
        raise BrokerError(f"{origin} is damaged ({error}): see {command}") from error
    if report.faults:
        raise BrokerError(f"{origin} is damaged ({report.faults[0]}): see {command}")
    return report


def _open(database: Path) -> sqlite3.Connection:
    try:
        return backups.open_readable(database)
    except UNREADABLE as error:
        raise BrokerError(advice(error, database)) from error


def _copy(source: sqlite3.Connection, copy: Path, backup: backups.Backup, file: Path) -> None:
    """Copy into `copy`, which will be `file`: what fails is told of that one, or of the source."""
    try:
        backups.copy(source, copy, backup)
    except UNREADABLE as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        [(_, _, database)] = source.execute("PRAGMA database_list").fetchall()
        is_ours = code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
        raise BrokerError(advice(error, file if is_ours else Path(database))) from error


@contextlib.contextmanager
def _unnamed(file: Path) -> Iterator[Path]:
    """An empty 0600 file beside `file`, removed at the end if it still has its own name."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    os.close(descriptor)
    copy = Path(name)
    try:
        yield copy
    finally:
        for left in copy.parent.glob(f"{glob.escape(copy.name)}*"):
            left.unlink(missing_ok=True)


def _give_name(copy: Path, file: Path, *, force: bool) -> None:
    if force:
        copy.replace(file)
    else:
        try:
            os.link(copy, file)  # it fails if the name is taken; a rename would replace
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP):
                raise
            copy.rename(file)  # a file system without links, say on a stick
    sync(file.parent)
