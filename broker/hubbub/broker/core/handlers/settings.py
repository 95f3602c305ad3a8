"""The settings of rooms."""

from typing import Any

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.naming import check_line, place
from hubbub.broker.core.permissions import Power, shown
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.codec import encode
from hubbub.common.commands import Configure
from hubbub.common.errors import Code
from hubbub.common.events import RoomChanged
from hubbub.common.limits import DESCRIPTION_BYTES


def check_configure(command: Configure) -> Refusal | None:
    """Refuse a description that no room can have."""
    return check_line("a description", command.description or "", DESCRIPTION_BYTES)


def apply_configure(
    state: State, batch: Batch, actor: Account | None, order: Configure, decree: Decree
) -> Refusal | None:
    """Change the settings that are given and that are other ones now."""
    room = place(state, actor, Power.CONFIGURE, order.room, decree.time)
    if isinstance(room, Refusal):
        return room
    if room.everybody and (order.private or order.history == "since_joined"):
        text = f"the {room.name} holds everybody: it cannot be private, and nobody joined it"
        return Refusal(Code.LOBBY_IS_FOR_ALL, text)
    changed = _changed(room, order)
    if not changed:
        return None
    _change(batch, room, changed)
    by = actor.name if actor else ""
    event = RoomChanged(seq=room.log.seq + 1, time=decree.time, by=by, **changed)
    batch.append_event(room, encode(event))
    detail = ", ".join(
        name if name == "description" else f"{name}={value}".lower()
        for name, value in changed.items()
    )
    deed = Deed(action="configure", subject=room.name, room=room.name, detail=detail)
    note(state, batch, actor, deed, decree.time)
    return None


def _changed(room: Room, order: Configure) -> dict[str, Any]:
    """Return what of an order's settings is not so already, by the names that commands and events have for them."""
    present = {
        "description": room.description,
        "private": room.private,
        "read_only": room.read_only,
        "history": shown(since_joined=room.since_joined),
        "slow": room.slow,
    }
    wanted = {name: getattr(order, name) for name in present}
    return {
        name: value
        for name, value in wanted.items()
        if value is not None and value != present[name]
    }


def _change(batch: Batch, room: Room, changed: dict[str, Any]) -> None:
    """Who was invited while anybody could join has no claim to a room that became private."""
    room.description = changed.get("description", room.description)
    room.private = changed.get("private", room.private)
    room.read_only = changed.get("read_only", room.read_only)
    room.slow = changed.get("slow", room.slow)
    if "history" in changed:
        room.since_joined = changed["history"] == "since_joined"
    if "slow" in changed:
        room.posted.clear()
    if changed.get("private"):
        for account in room.invited:
            batch.changes.invited[room.number, account] = None
        room.invited.clear()
    batch.changes.rooms.append(room.row())
