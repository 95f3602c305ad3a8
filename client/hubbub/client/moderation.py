"""`Client.moderation`: who may come in, speak and stay; roles; the settings of rooms."""

from typing import Final

from hubbub.client import calls, orders
from hubbub.client.calling import Calling
from hubbub.client.checks import (
    check_description,
    check_name,
    check_reason,
    check_seconds,
    check_span,
)
from hubbub.client.paging import all_bans, read_deeds
from hubbub.client.results import Bans, Invite
from hubbub.client.updates import Audited
from hubbub.common.commands import (
    Add,
    Ban,
    Configure,
    Kick,
    Lockdown,
    MakeInvite,
    Mute,
    Query,
    SetRole,
    Unban,
)
from hubbub.common.fields import BanKind, HistoryShown, LockdownLevel, RoleName
from hubbub.common.limits import RESTRAINT_SECONDS, SLOW_SECONDS

WEEK_SECONDS: Final = 7 * 24 * 3600


class Moderation:
    """What moderators and owners do, in a room or in the whole chat.

    Every call waits until it is on the broker's disk, and in force; done twice it does no more than once. Raises Forbidden where one's role is too low, or
    not above that of the other person; NotMember, UnknownUser, and as the calls of `Client` do. A `reason` is one line of at most 200
    characters, for people; it is told. `seconds` are whole, ten years at most.
    """

    def __init__(self, calling: Calling) -> None:
        self._calling = calling

    # People in rooms.

    def add(self, room: str, name: str, *, timeout: float | None = None) -> None:
        """Make a person a member of a room, without asking them."""
        self._order_in(room, Add(0, room=b"", name=check_name(name)), timeout)

    def kick(
        self,
        name: str,
        room: str | None = None,
        *,
        seconds: int = 0,
        reason: str = "",
        timeout: float | None = None,
    ) -> None:
        """Put a person out of a room; without a room, or of the lobby: out of the chat. They may not come back for so long; 0: they may at once."""
        check_seconds(seconds)
        order = Kick(0, name=check_name(name), seconds=seconds, reason=check_reason(reason))
        if room is None:
            self._order(order, timeout)
        else:
            self._order_in(room, order, timeout)

    def mute(
        self,
        room: str,
        name: str,
        *,
        seconds: int = RESTRAINT_SECONDS,
        reason: str = "",
        timeout: float | None = None,
    ) -> None:
        """Let a person read a room and say nothing there, for so long or until `unmute`."""
        check_seconds(seconds, least=1)
        reason = check_reason(reason)
        order = Mute(0, room=b"", name=check_name(name), seconds=seconds, reason=reason)
        self._order_in(room, order, timeout)

    def unmute(self, room: str, name: str, *, timeout: float | None = None) -> None:
        """Let a person speak again in a room."""
        self._order_in(room, Mute(0, room=b"", name=check_name(name), seconds=0), timeout)

    def set_role(
        self, name: str, role: RoleName, room: str | None = None, *, timeout: float | None = None
    ) -> None:
        """Make a person member, moderator or owner of a room; without a room: member or moderator of the whole chat, whose owners the operator makes."""
        order = SetRole(0, name=check_name(name), role=role)
        if room is None:
            self._order(order, timeout)
        else:
            self._order_in(room, order, timeout)

    def configure(
        self,
        room: str,
        *,
        description: str | None = None,
        private: bool | None = None,
        read_only: bool | None = None,
        history: HistoryShown | None = None,
        slow: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change a room's settings, described at `Room`; those left out stay. `slow` is in seconds, six hours at most."""
        if description is not None:
            check_description(description)
        if slow is not None:
            check_seconds(slow, most=SLOW_SECONDS)
        order = Configure(
            0,
            room=b"",
            description=description,
            private=private,
            read_only=read_only,
            history=history,
            slow=slow,
        )
        self._order_in(room, order, timeout)

    # The whole chat.

    def make_invite(
        self, uses: int = 1, seconds: int = WEEK_SECONDS, *, timeout: float | None = None
    ) -> Invite:
        """Make a code that lets so many newcomers in, 10,000 at most, within so many seconds."""
        check_seconds(seconds, least=1)
        order = MakeInvite(0, uses=uses, seconds=seconds)
        made: Invite = self._calling.call(orders.order, order, timeout=timeout)
        return made

    def ban(
        self,
        kind: BanKind,
        subject: str,
        *,
        seconds: int = 0,
        reason: str = "",
        timeout: float | None = None,
    ) -> None:
        """Keep an account (by name), a key (64 hex digits), an address or a network out of the chat for so long; 0: until `unban`. Open connections end."""
        check_seconds(seconds)
        reason = check_reason(reason)
        self._order(Ban(0, kind=kind, subject=subject, seconds=seconds, reason=reason), timeout)

    def unban(self, kind: BanKind, subject: str, *, timeout: float | None = None) -> None:
        """Lift a ban."""
        self._order(Unban(0, kind=kind, subject=subject), timeout)

    def bans(self, *, timeout: float | None = None) -> Bans:
        """Return the bans, by kind and subject, and the level of lockdown."""
        return all_bans(self._calling.ask(orders.bans, timeout=timeout))

    def lockdown(self, level: LockdownLevel, *, timeout: float | None = None) -> None:
        """Say who may come and speak: "normal", "no_new_accounts", "accounts_only", "moderators_speak". Each level includes those before it."""
        self._order(Lockdown(0, level=level), timeout)

    def audit(
        self,
        room: str = "audit",
        *,
        before: int | None = None,
        limit: int = 100,
        timeout: float | None = None,
    ) -> list[Audited]:
        """Return the last `limit` entries of the audit room, or the last with a seq below `before`, oldest first. Only owners of the chat are in that room."""
        check_span(before, None)
        return read_deeds(
            self._calling.ask(calls.stored, room, timeout=timeout), room, before, limit
        )

    def _order(self, order: Query, timeout: float | None) -> None:
        self._calling.call(orders.order, order, timeout=timeout)

    def _order_in(self, room: str, order: Query, timeout: float | None) -> None:
        self._calling.call(orders.order_in, room, order, timeout=timeout)
