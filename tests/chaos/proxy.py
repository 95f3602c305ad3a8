"""The network between clients and broker: three ports in a row, each led on to the broker's. It can be cut and slowed down.

While there is no broker nothing listens, so that clients are refused as they would be. The broker may come back on other ports; the clients' stay.
"""

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

HOST: Final = "127.0.0.1"
PORTS: Final = 3
CHUNK: Final = 64 * 1024
SMALL_BUFFER: Final = 16 * 1024
"""The system would swallow megabytes for a client that does not read, and nothing would be dropped in a run of a minute."""
TRIES: Final = 50

_Result = TypeVar("_Result")
Pair = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Proxy:
    """Runs in a thread of its own while the `with` block runs. `lag`: seconds that every piece of data waits."""

    def __init__(self) -> None:
        self.lag = 0.0
        self._held = _three_in_a_row()
        self.port: int = self._held[0].getsockname()[1]
        self._target = 0
        self._servers: list[asyncio.Server] = []
        self._pairs: set[Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-proxy", daemon=True)

    @property
    def address(self) -> str:
        """The broker's address, as clients are told."""
        return f"{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call(self._end())
        self._thread.join()
        for held in self._held:
            held.close()

    def opens(self, target: int) -> None:
        """Lead on to the broker whose first port is `target`."""
        self._target = target
        self._call(self._listen())

    def closes(self) -> None:
        """The broker is gone: refuse whoever comes."""
        self._call(self._listen_no_more())

    def cut(self, share: float, chance: random.Random) -> int:
        """Cut about this share of the connections, without a goodbye; return how many."""
        return self._call(self._cut(lambda: chance.random() < share))

    # In the proxy's thread.

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._started.set()
        await self._over.wait()

    def _call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        for offset in range(PORTS):
            listener = _bound(self.port + offset)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
            self._servers.append(await asyncio.start_server(self._accepting(offset), sock=listener))

    async def _listen_no_more(self) -> None:
        for server in self._servers:
            for listener in server.sockets:
                self._loop.remove_reader(listener.fileno())
        # asyncio leaks a connection whose server is closed between its being accepted and the next turn.
        await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def _cut(self, chosen: Callable[[], bool]) -> int:
        pairs = [pair for pair in self._pairs if chosen()]
        for pair in pairs:
            for side in pair:
                _abort(side)
        return len(pairs)

    async def _end(self) -> None:
        await self._listen_no_more()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the last connections are closed in the next turn
        self._over.set()

    def _accepting(
        self, offset: int
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._lead_on(reader, writer, offset))
            self._tasks.add(task)
            # Not in the task: one that is cancelled before its first step never gets there.
            task.add_done_callback(lambda _: _abort(writer))
            task.add_done_callback(self._tasks.discard)

        return accepted

    async def _lead_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, offset: int
    ) -> None:
        with contextlib.suppress(OSError):
            async with _connected(self._target + offset) as (there, back):
                await self._join(reader, back, there, writer)

    async def _join(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Carry bytes both ways until either side ends; what came before that end is still delivered."""
        pair = (writer, back)
        self._pairs.add(pair)
        ways = [
            asyncio.create_task(self._carry(reader, back)),
            asyncio.create_task(self._carry(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._pairs.discard(pair)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if self.lag:
                await asyncio.sleep(self.lag)
            writer.write(data)
            await writer.drain()


def _abort(writer: asyncio.StreamWriter) -> None:
    """End a connection at once; one that is ending already is let be (asyncio could not bear it)."""
    if not writer.transport.is_closing():
        writer.transport.abort()


@contextlib.asynccontextmanager
async def _connected(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, port, limit=CHUNK)
    try:
        yield reader, writer
    finally:
        _abort(writer)


def _bound(port: int) -> socket.socket:
    """A socket bound to a port beside the one that holds it, not listening."""
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


def _three_in_a_row() -> list[socket.socket]:
    """Hold three ports in a row for as long as the kit runs; nothing listens on these sockets."""
    for _ in range(TRIES):
        with contextlib.ExitStack() as opened:
            held = [opened.enter_context(_bound(0))]
            first: int = held[0].getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                held += [opened.enter_context(_bound(first + more)) for more in range(1, PORTS)]
                opened.pop_all()
                return held
    raise OSError(f"no {PORTS} free ports in a row on {HOST}")
