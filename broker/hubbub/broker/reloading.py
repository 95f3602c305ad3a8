"""SIGHUP: the configuration read again while the broker runs. What can change at once does, what cannot is named, and a broken file changes nothing.

The signal's handler only queues; file and log are the business of a thread of its own, and the loop takes the new settings in its own turn.
"""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Final, Self

from hubbub.broker.broker import Broker
from hubbub.broker.config import registration_at
from hubbub.broker.config_sources import Effective, Sources
from hubbub.broker.entries import Entry
from hubbub.broker.errors import ConfigError
from hubbub.broker.logs import set_level
from hubbub.broker.workers import Worker

log: Final = logging.getLogger("hubbub.broker")


@contextmanager
def hangups_held() -> Iterator[None]:
    """Hold SIGHUP back until the end of the `with` block: a broker that is just starting would be ended by it. Threads made meanwhile hold it
    back for good, so that the main one hears it. Main thread only."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


class Reloader:
    """Heeds SIGHUP from `__enter__` to `__exit__`, which restores what it meant before. Main thread only."""

    def __init__(self, broker: Broker, sources: Sources, running: Effective) -> None:
        """`running` is what the broker was started with."""
        self._broker = broker
        self._sources = sources
        self._started = running
        self._running = running
        self._terminal = next((fd for fd in (0, 1, 2) if os.isatty(fd)), None)

    def __enter__(self) -> Self:
        self._worker: Worker[None] = Worker("hubbub-config", lambda: None)
        self._before = signal.signal(signal.SIGHUP, self._hang_up)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGHUP, self._before)
        self._worker.close()

    def _hang_up(self, _number: int, _frame: FrameType | None) -> None:
        """Read the configuration again; but if a terminal that the broker was started on is gone, that is what the signal says, and nobody could end it by Ctrl-C."""
        if self._terminal is not None and not os.isatty(self._terminal):
            self._broker.stop()
        else:
            self._worker.submit(self._reload)

    def _reload(self) -> None:
        try:
            loaded = self._sources.load()
        except ConfigError as error:
            text = "The configuration stays as it is: {reason}"
            log.error(Entry("config_refused", text, reason=str(error)))
            return
        config = loaded.config
        self._broker.reconfigure(
            limits=config.limits,
            passwords=config.passwords,
            registration=config.broker.registration or registration_at(self._broker.address),
        )
        set_level(config.log.level)
        self._tell(loaded)
        self._running = loaded

    def _tell(self, loaded: Effective) -> None:
        live = [str(key) for key in loaded.changed(self._running) if key.is_live]
        text = "The configuration was read again; changed: {changed}"
        log.info(Entry("config_loaded", text, changed=", ".join(live) or "nothing"))
        fixed = [str(key) for key in loaded.changed(self._started) if not key.is_live]
        if fixed:
            text = (
                "Changed in the configuration, and heeded when the broker is started again: {keys}"
            )
            log.warning(Entry("config_unapplied", text, keys=", ".join(fixed)))
