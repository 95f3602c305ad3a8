"""People: who is online, and who somebody is."""

from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect, Send
from hubbub.broker.core.sessions import Session
from hubbub.common.commands import Who, Whois
from hubbub.common.errors import Code
from hubbub.common.limits import ROSTER_NAMES
from hubbub.common.replies import MemberInfo, MemberList, Roster


def who(context: Context, session: Session, command: Who, now: Now) -> list[Effect]:
    """Tell who is online. A pending delta goes out first, so that roster and version fit."""
    pending = context.presence(now, at_once=True)
    roster = context.roster
    names = roster.names(ROSTER_NAMES)
    reply = Roster(id=command.id, version=roster.version, online=len(roster), names=names)
    return [*pending, Send(session.peer.routing_id, (reply,))]


def whois(context: Context, session: Session, command: Whois, now: Now) -> list[Effect]:
    """Look one person up. The answer is the one line that the lobby's `member_list` has for them."""
    account = context.state.account_named(command.name)
    if account is None or not account.committed:
        return refuse(
            session, command, Code.UNKNOWN_USER, f"nobody here is called {command.name[:64]!r}"
        )
    member = MemberInfo(name=account.name, online=account.number in context.roster)
    lobby = context.state.lobby.log.id
    reply = MemberList(id=command.id, room=lobby, members=[member], more=False)
    return [Send(session.peer.routing_id, (reply,))]
