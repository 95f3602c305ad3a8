"""Worker threads: they do what takes long or may wait for a disk, so that the loop never does."""

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Worker(Generic[Result]):
    """One thread that does jobs in order, or several that each take the next, and hand their results to the loop's thread. An exception is a result too."""

    def __init__(self, name: str, wake: Callable[[], None], *, threads: int = 1) -> None:
        """Start the threads. `wake` is called, in them, after each job."""
        self._jobs: SimpleQueue[Callable[[], Result] | None] = SimpleQueue()
        self._results: deque[Result | Exception] = deque()
        self._wake = wake
        self._threads = [
            threading.Thread(target=self._work, name=name, daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Callable[[], Result]) -> None:
        """Queue a job."""
        self._jobs.put(job)

    def results(self) -> list[Result | Exception]:
        """Take the results that are there, in the order in which the jobs were done."""
        taken = []
        while self._results:
            taken.append(self._results.popleft())
        return taken

    def close(self) -> None:
        """Finish the jobs that are queued and end the threads."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            result: Result | Exception
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - the loop decides what an exception means
                result = error
            self._results.append(result)
            self._wake()
