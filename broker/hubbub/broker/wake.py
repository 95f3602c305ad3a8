"""Waking the loop from other threads and from signal handlers: a socket pair in its poll set."""

import contextlib
import select
import signal
import socket
from collections.abc import Iterator


class Waker:
    """`wake` is safe from any thread and any signal handler; `fd` becomes readable, until `rest` is called by the loop."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self.fd = self._read.fileno()

    def wake(self) -> None:
        """Let the loop's poll return. One pending wake is as good as many."""
        with contextlib.suppress(BlockingIOError, OSError):
            self._write.send(b"\0")

    def wait(self, seconds: float) -> None:
        """Return when it is woken, or after so long."""
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        poller.poll(seconds * 1000)
        self.rest()

    def rest(self) -> None:
        """Swallow what woke the loop."""
        with contextlib.suppress(BlockingIOError):
            while self._read.recv(4096):
                pass

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let any signal that Python handles wake the loop too. Main thread only."""
        before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        """Release both ends."""
        self._read.close()
        self._write.close()
