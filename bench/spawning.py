"""Processes of ours that are many clients together: spawned, heard, ended."""

import multiprocessing
import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from bench.servers import BenchError

PROCESSES: Final = 2
"""So many share the clients of a server."""
PATIENCE_SECONDS: Final = 120.0
"""After which a child that says nothing has failed."""
_spawned = multiprocessing.get_context("spawn")

Pipe = Connection
"""An end of what two processes talk through. A text that comes from a child is what went wrong with it."""


@contextmanager
def spawned(
    be: "Callable[..., None]", parts: Iterable[tuple[object, ...]]
) -> "Iterator[list[Pipe[Any, Any]]]":
    """Run `be(*part, pipe)` for each part, each in a process of its own, while the `with` block runs; yield our ends of their pipes once each has sent None.

    Raises BenchError when one does not come so far.
    """
    children, pipes = [], []
    try:
        for part in parts:
            ours, theirs = _spawned.Pipe()
            pipes.append(ours)
            child = _spawned.Process(target=_be, args=(be, part, theirs), daemon=True)
            child.start()
            children.append(child)
            theirs.close()
        for pipe in pipes:
            heard(pipe)
        yield pipes
    finally:
        for child in children:
            child.terminate()
            child.join()
        for pipe in pipes:
            pipe.close()


def heard(pipe: "Pipe[Any, Any]") -> Any:
    """Return what a child says next. Raises BenchError when that is what went wrong with it."""
    try:
        said = pipe.recv() if pipe.poll(PATIENCE_SECONDS) else "they took too long"
    except EOFError:
        said = "their process ended"
    if isinstance(said, str):
        raise BenchError(f"the clients are not there: {said}")
    return said


def _be(be: Callable[..., None], part: tuple[object, ...], pipe: "Pipe[Any, Any]") -> None:
    allow_files()
    try:
        be(*part, pipe)
    except (BenchError, OSError) as error:
        pipe.send(str(error) or type(error).__name__)


def allow_files() -> int:
    """Let this process open as many files as the system allows it; return how many."""
    with suppress(ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
