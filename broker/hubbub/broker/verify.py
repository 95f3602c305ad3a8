"""All of a broker's data, or of a backup, read and checked, while a broker runs on it or not."""

import contextlib
from pathlib import Path

from hubbub.broker.errors import BrokerError
from hubbub.broker.folder import find_database, read_server_key
from hubbub.broker.store import backups
from hubbub.broker.store.audit import audit
from hubbub.broker.store.connections import UNREADABLE, advice
from hubbub.broker.store.findings import Report


def verify(data: Path, backup: Path | None = None) -> Report:
    """Return what the data folder holds, or the backup, and what is wrong with it. Raises BrokerError if it cannot be read at all."""
    path = backup or find_database(data)
    try:
        with contextlib.closing(backups.open_readable(path)) as connection:
            if backup is None:
                read_server_key(data)
            else:
                backups.read_backup(connection, path)
            return audit(connection)
    except UNREADABLE as error:
        raise BrokerError(advice(error, path)) from error
