"""People who log in at the same moment or each at their own, and are complete when they listen to the lobby and know who is there, as the library's clients are."""

import time
from collections.abc import Sequence

import zmq
from bench.servers import BenchError, Target
from bench.sessions import Sessions
from bench.wire import ANSWER_SECONDS, KeyPair, Socket, connect_many


class Logins:
    """So many people: their keys, and what connects them to a broker."""

    def __init__(self, context: "zmq.Context[Socket]", count: int) -> None:
        self._context = context
        self._keys = [KeyPair.new() for _ in range(count)]
        self._sessions: Sessions | None = None
        self._events: Socket | None = None
        self._is_known = False

    def enter(self, target: Target, times: Sequence[float]) -> None:
        """Log in, each at their time (monotonic, ascending), and return when all are complete. Raises BenchError when they do not become so."""
        self._sessions = sessions = Sessions(
            self._context, target, self._keys, "guest", resuming=self._is_known
        )
        entered = complete = 0
        end = max(times[-1], time.monotonic()) + ANSWER_SECONDS
        while complete < len(times):
            now = time.monotonic()
            if now > end:
                raise BenchError(f"only {complete} of {len(times)} are complete")
            while entered < len(times) and times[entered] <= now:
                sessions.enter(entered)
                entered += 1
            due = times[entered] if entered < len(times) else end
            for number, reply in sessions.take(due - now):
                match reply["type"]:
                    case "welcome":
                        self._listen(target, sessions.events_keys[number], reply["rooms"][0])
                    case "subscribed":
                        sessions.send(number, {"type": "who", "id": 3})
                    case "roster":
                        complete += 1
        self._is_known = True

    def _listen(self, target: Target, keys: KeyPair, lobby: dict[str, bytes]) -> None:
        if self._events is None:
            self._events = self._context.socket(zmq.XSUB)
            self._events.send(b"\x01" + lobby["room"])  # on each connection to come
        connect_many(self._events, target, [keys])

    def told_to_return(self) -> list[float]:
        """Leave a broker that says it ends; return in how many seconds they shall come back, ascending."""
        assert self._sessions is not None, "they are in"
        waits = [float(closing["retry_after"]) for closing in self._sessions.each("closing")]
        self.leave()
        return sorted(waits)

    def leave(self) -> None:
        """Drop all connections."""
        if self._sessions is not None:
            self._sessions.close()
        if self._events is not None:
            self._events.close(linger=0)
        self._sessions = self._events = None
