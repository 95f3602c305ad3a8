"""Waking the loop from other threads and from signal handlers: a pipe among what it polls."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from io import FileIO


class Waker:
    """`wake` is safe from any thread and any signal handler; `fd` becomes readable, until `rest` is called by the loop."""

    def __init__(self) -> None:
        # Not bare descriptors: a wake that comes after `close` would go to whoever has the number then.
        self._reading, self._writing = map(_end, os.pipe(), ("rb", "wb"))
        self.fd = self._reading.fileno()

    def wake(self) -> None:
        """Let the loop's poll return. One pending wake is as good as many, and after `close` it is none."""
        with contextlib.suppress(ValueError, OSError):
            self._writing.write(b"\0")

    def wait(self, seconds: float) -> None:
        """Return when it is woken, or after so long."""
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        poller.poll(seconds * 1000)
        self.rest()

    def rest(self) -> None:
        """Swallow what woke the loop; more wakes than that wake it again."""
        self._reading.read(4096)

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let any signal that Python handles wake the loop too. Main thread only."""
        before = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        """Release both ends."""
        self._reading.close()
        self._writing.close()


def _end(fd: int, mode: str) -> FileIO:
    """Return an end of the pipe that never waits: at once it reads or writes what it can, be it nothing."""
    os.set_blocking(fd, False)
    return FileIO(fd, mode)
