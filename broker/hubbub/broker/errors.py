"""Exceptions of the broker.

HubbubError
└── BrokerError         the broker cannot start or go on; the text is one line that says what to do
    ├── ConfigError     the configuration: which file, variable or flag, which key, what is allowed
    ├── FolderError     the data folder: foreign, not writable, in use, a newer schema, damaged
    ├── BindError       the address cannot be listened on
    ├── SecurityError   ZeroMQ here cannot keep what hubbub promises
    ├── StorageError    a commit or read failed; what is on disk is what the store says when it has recovered
    ├── NotRunning      an operator's command finds no broker that answers
    └── Refused         the broker refuses what an operator's command asks
"""

import shlex
from pathlib import Path

from hubbub.common.errors import HubbubError


class BrokerError(HubbubError):
    """The broker cannot start or go on."""


class ConfigError(BrokerError):
    """The configuration cannot be read, or has a key or value that there is not."""


class FolderError(BrokerError):
    """The data folder cannot be used."""


class BindError(BrokerError):
    """The address cannot be listened on."""


class SecurityError(BrokerError):
    """ZeroMQ as installed, or as it behaves in the self-test, is not safe to run on."""


class StorageError(BrokerError):
    """A commit or a read failed. What is on disk is what the store says when it has recovered."""


class NotRunning(BrokerError):
    """No broker runs on the data folder, or it does not answer."""


class Refused(BrokerError):
    """The broker refuses what the operator asks. `code` is an error code of the protocol."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def way_back(folder: Path) -> str:
    """Return what an operator types to put a backup into the place of what is damaged there."""
    return f"hubbub-broker restore FILE --data {shlex.quote(str(folder))}"
