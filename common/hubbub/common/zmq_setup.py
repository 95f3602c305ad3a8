"""What must hold before a process opens its first ZeroMQ socket; broker and client both start here.

Owns nothing and opens nothing: with `hubbub.common` otherwise free of sockets, this is its one module that knows zmq.
"""

import ctypes
import os
from typing import Final

import zmq

from hubbub.common.errors import HubbubError

OLDEST_LIBZMQ: Final = (4, 3, 5)
"""Earlier ones have known remote faults."""

_prepared_in: int | None = None


class ZmqUnusable(HubbubError):
    """The installed libzmq cannot carry hubbub; the text says why."""


def prepare_zmq() -> None:
    """Check libzmq and seed its random numbers. Call it before the first socket of the process; later calls do nothing.

    libzmq draws automatic routing ids and reconnect waits from rand() and never seeds it: unseeded, the ids can be guessed (and
    whoever claims the next one aborts a ROUTER's process), and all clients of a lost broker return in lockstep.

    Raises ZmqUnusable when libzmq is older than 4.3.5 or was built without CURVE.
    """
    global _prepared_in  # noqa: PLW0603 - the C library's seed is one per process, so is this
    if _prepared_in == os.getpid():
        return
    _check(zmq.zmq_version_info(), zmq.has("curve"))
    ctypes.CDLL(None).srand(int.from_bytes(os.urandom(4), "little") & 0x7FFFFFFF)
    _prepared_in = os.getpid()


def _check(version: tuple[int, int, int], curve: bool) -> None:
    if version < OLDEST_LIBZMQ:
        raise ZmqUnusable(
            f"libzmq {'.'.join(map(str, version))} is too old: hubbub needs 4.3.5 or later (pip install -U pyzmq)"
        )
    if not curve:
        raise ZmqUnusable(
            "this libzmq has no CURVE encryption: install pyzmq's own wheel (pip install -U pyzmq)"
        )
