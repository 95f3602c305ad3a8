"""People: who is online."""

from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context
from hubbub.broker.core.effects import Effect, Send
from hubbub.broker.core.sessions import Session
from hubbub.common.commands import Who
from hubbub.common.limits import ROSTER_NAMES
from hubbub.common.replies import Roster


def who(context: Context, session: Session, command: Who, now: Now) -> list[Effect]:
    """Tell who is online. A pending delta goes out first, so that roster and version fit."""
    pending = context.presence(now, at_once=True)
    roster = context.roster
    names = roster.names(ROSTER_NAMES)
    reply = Roster(id=command.id, version=roster.version, online=len(roster), names=names)
    return [*pending, Send(session.peer.routing_id, (reply,))]
