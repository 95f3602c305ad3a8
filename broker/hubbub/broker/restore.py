"""A backup put into the place of what is in a data folder: checked as a whole before anything is touched, and then in one step (`replacing`)."""

import secrets
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from hubbub.broker.backup import check
from hubbub.broker.errors import BrokerError
from hubbub.broker.folder import DATABASE, DataFolder
from hubbub.broker.replacing import new_content
from hubbub.broker.store import backups
from hubbub.broker.store.connections import UNREADABLE
from hubbub.broker.store.findings import Report
from hubbub.common.limits import EPOCH_BYTES


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: when it was backed up (Unix milliseconds), what it holds, the log's new epoch, where that is which was there before."""

    taken: int
    holds: Report
    epoch: bytes
    kept: Path | None


def restore(file: Path, data: Path) -> Restored:
    """Let the content of a backup take the place of what is in the data folder, which is made if there is none.

    Its log gets another epoch, so that clients, who may have seen more of the old one, start their cursors again instead of misreading it.
    Raises BrokerError, having changed nothing: a broker runs on the folder, or the file is not a whole backup that this hubbub understands.
    """
    file = file.absolute()
    try:
        _read(file)
        with DataFolder.open(data) as folder, new_content(folder.path) as staged:
            database = staged / DATABASE
            database.touch(mode=0o600)
            shutil.copyfile(file, database)
            backup = _read(database, file)  # from now on of the copy: nobody else has it
            holds = check(database, file, f"hubbub-broker verify {shlex.quote(str(file))}")
            epoch = secrets.token_bytes(EPOCH_BYTES)
            backups.make_runnable(database, epoch)
            kept = folder.replace(staged, backup.key)
    except UNREADABLE as error:
        raise BrokerError(f"cannot restore {file}: {error}") from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise BrokerError(f"cannot restore {file}: {error.strerror}{where}") from error
    return Restored(backup.taken, holds, epoch, kept)


def _read(path: Path, origin: Path | None = None) -> backups.Backup:
    """Return what makes it a backup. Raises BrokerError if it is none, OSError if it cannot be read."""
    origin = origin or path
    backups.check_file(path)
    path.open("rb").close()  # says better than SQLite why a file cannot be read
    try:
        connection = backups.open_readable(path)
        try:
            backup = backups.read_backup(connection, origin)
        finally:
            connection.close()
    except UNREADABLE as error:
        raise BrokerError(f"{origin} is no backup, or it is damaged ({error})") from error
    if backup is None:
        raise BrokerError(f"{origin} is a broker's database and no backup: it has no key")
    return backup
