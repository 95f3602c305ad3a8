"""Devices: the keys that may use a name, and one-time codes for further ones."""

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.batch import Batch, Expelled
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context
from hubbub.broker.core.effects import Effect, Send
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.sessions import Session
from hubbub.broker.core.state import Account, State
from hubbub.common.codes import hash_of, make
from hubbub.common.commands import Devices, Link, RemoveDevice
from hubbub.common.errors import Code
from hubbub.common.fingerprint import fingerprint
from hubbub.common.limits import CODE_BYTES, LINK_SECONDS
from hubbub.common.replies import DeviceInfo, DeviceList, LinkMade


def devices(context: Context, session: Session, command: Devices, now: Now) -> list[Effect]:
    """Tell which keys may use the own name."""
    account = session.account
    assert account is not None, "devices is legal in a live session only"
    online = {other.peer.key for other in context.sessions.of(account.number)}
    listed = [
        DeviceInfo(
            device=device.number,
            fingerprint=fingerprint(bytes.fromhex(device.key)),
            added=device.added,
            used=device.used,
            label=device.label,
            online=device.key in online,
            current=device.key == session.peer.key,
        )
        for device in sorted(account.devices.values(), key=lambda device: device.number)
    ]
    reply = DeviceList(id=command.id, devices=listed)
    return [Send(session.peer.routing_id, (reply,))]


def link(context: Context, session: Session, command: Link, now: Now) -> list[Effect]:
    """Make a code by which one further device may use the own name."""
    assert session.account is not None, "link is legal in a live session only"
    code = make(context.random(CODE_BYTES))
    context.links.made(session.account.number, hash_of(code), now.monotonic, session.peer.key)
    reply = LinkMade(id=command.id, code=code, seconds=LINK_SECONDS)
    return [Send(session.peer.routing_id, (reply,))]


def check_remove_device(command: RemoveDevice) -> Refusal | None:
    """Refuse nothing: which devices there are, the account knows."""
    return None


def apply_remove_device(
    state: State, batch: Batch, actor: Account | None, order: RemoveDevice, decree: Decree
) -> Refusal | None:
    """Let a key use the actor's name no longer; its sessions end."""
    if actor is None:
        return Refusal(Code.FORBIDDEN, "only whoever has a name removes its devices")
    device = next((d for d in actor.devices.values() if d.number == order.device), None)
    if device is None:
        return Refusal(Code.UNKNOWN_DEVICE, f"you have no device {order.device}")
    if len(actor.devices) == 1 and not actor.password:
        text = "this is the only device of your name, and without a password nothing else would let you in: set one first"
        return Refusal(Code.FORBIDDEN, text)
    drop_device(state, batch, actor, device.key)
    text = "this device was removed: it may not use the name any longer"
    batch.expelled.append(Expelled(actor.number, device.key, Code.DEVICE_REMOVED, text))
    removed = fingerprint(bytes.fromhex(device.key))
    deed = Deed(action="device_removed", subject=actor.name, detail=removed)
    note(state, batch, actor, deed, decree.time)
    return None


def drop_device(state: State, batch: Batch, account: Account, key: str) -> None:
    """Take a key from an account."""
    device = account.devices[key]
    state.remove_device(account, device)
    batch.changes.devices[account.number, device.number] = None
