"""Asking a running broker over the operator's socket: the other end, in the process of a command."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import zmq

from hubbub.broker.errors import NotRunning, Refused
from hubbub.broker.folder import find_database, told
from hubbub.broker.operator import requests as r
from hubbub.broker.operator.socket_file import find
from hubbub.common.replies import BanInfo, Error
from hubbub.common.zmq_setup import prepare_zmq

ANSWER_SECONDS: Final = 15.0
"""A broker that is alive has committed by then, however many write."""

ASKED: Final = 0
"""The id of every request: a command has one at a time."""

_T = TypeVar("_T")


class Broker:
    """A running broker, as its operator's commands ask it. One request at a time."""

    def __init__(self, dealer: "zmq.Socket[bytes]", monitor: "zmq.Socket[bytes]") -> None:
        """Take a connected DEALER and its monitor. Callers use `running`."""
        self._dealer = dealer
        self._monitor = monitor

    def ask(self, request: r.AnyRequest, kind: type[_T]) -> _T:
        """Return the answer, which is of this kind. Raises Refused, or NotRunning when the broker ends meanwhile or stands still."""
        self._dealer.send(msgspec.msgpack.encode(request))
        poller = zmq.Poller()
        poller.register(self._dealer, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        ready = dict(poller.poll(round(ANSWER_SECONDS * 1000)))
        if self._dealer not in ready:
            reason = "has ended" if ready else f"has not answered for {ANSWER_SECONDS:.0f} s"
            raise NotRunning(f"the broker {reason}: whether it did this is not known")
        answer = r.ANSWERS.decode(self._dealer.recv())
        if isinstance(answer, Error):
            raise Refused(answer.code, answer.text)
        assert isinstance(answer, kind), "a broker of this version answers so"
        return answer

    def users(self) -> Iterator[r.User]:
        """Yield all accounts."""
        after = 0
        while True:
            page = self.ask(r.ListUsers(ASKED, after), r.Users)
            yield from page.users
            if not (after := page.after):
                return

    def rooms(self) -> Iterator[r.Room]:
        """Yield all rooms."""
        after = 0
        while True:
            page = self.ask(r.ListRooms(ASKED, after), r.Rooms)
            yield from page.rooms
            if not (after := page.after):
                return

    def invites(self) -> Iterator[r.Invite]:
        """Yield all invites that are good still."""
        after = b""
        while True:
            page = self.ask(r.ListInvites(ASKED, after), r.Invites)
            yield from page.invites
            if not (after := page.after):
                return

    def bans(self) -> Iterator[BanInfo]:
        """Yield all bans that hold."""
        after = None
        while True:
            page = self.ask(r.ListBans(ASKED, after), r.Bans)
            yield from page.bans
            if (after := page.after) is None:
                return

    def user(self, name: str) -> r.UserShown:
        """Return all there is to say of a person. Raises Refused if there is none."""
        return self.ask(r.ShowUser(ASKED, name), r.UserShown)

    def room_id(self, name: str) -> bytes:
        """Return the id of a room. Raises Refused if there is none."""
        return self.ask(r.FindRoom(ASKED, name), r.RoomFound).room


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """Connect to the broker that runs on a data folder. Raises NotRunning, and FolderError if the folder is none of hubbub's."""
    path = _alive(folder)
    prepare_zmq()
    with (
        zmq.Context() as context,
        context.socket(zmq.DEALER) as dealer,
        _watched(dealer) as monitor,
    ):
        dealer.linger = 0
        dealer.connect(f"ipc://{path}")
        yield Broker(dealer, monitor)


@contextlib.contextmanager
def _watched(dealer: "zmq.Socket[bytes]") -> Iterator["zmq.Socket[bytes]"]:
    """Give a socket that becomes readable when the connection is lost."""
    with dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
        try:
            yield monitor
        finally:
            dealer.disable_monitor()


def _alive(folder: Path) -> Path:
    """Return the path of the socket, once somebody has been seen to listen on it: ZeroMQ would wait for that in silence."""
    try:
        path = find(folder)
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
    except OSError as error:
        raise _absent(folder, error) from None
    return path


def _absent(folder: Path, error: OSError) -> NotRunning:
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotRunning(
            f"{folder} is another user's: give this command as the user that runs the broker, or as root"
        )
    find_database(folder)
    return NotRunning(f"no broker runs on {folder}: start it by {told(folder)}")
