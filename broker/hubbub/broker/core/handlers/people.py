"""People: who is online, who somebody is, and who is away."""

from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect, Send
from hubbub.broker.core.handlers.reading import member_info
from hubbub.broker.core.naming import check_line
from hubbub.broker.core.permissions import may_be_heard
from hubbub.broker.core.sessions import Session
from hubbub.common.commands import Away, Who, Whois
from hubbub.common.errors import Code
from hubbub.common.limits import AWAY_BYTES, ROSTER_NAMES
from hubbub.common.replies import MemberList, Noted, Roster


def who(context: Context, session: Session, command: Who, now: Now) -> list[Effect]:
    """Tell who is online now. The others hear of those who have just come with the next delta, all at once: everybody who comes asks this, and to tell everybody
    of each of them is quadratic (half of what the return of 1,000 people cost)."""
    roster = context.roster
    names = roster.names(ROSTER_NAMES)
    reply = Roster(
        id=command.id,
        version=roster.version,
        online=len(roster),
        names=names,
        away=roster.away_among(names),
    )
    return [Send(session.peer.routing_id, (reply,))]


def away(context: Context, session: Session, command: Away, now: Now) -> list[Effect]:
    """Note that a person is away, or back; the others hear of it with the next delta. What they say of it reaches everybody, as what is said in the lobby does."""
    assert session.account is not None, "away is legal in a live session only"
    text = command.text
    if refusal := check_line("what one says of being away", text or "", AWAY_BYTES):
        return refuse(session, command, refusal.code, refusal.text)
    if text and (refusal := may_be_heard(context.state, session.account, now.wall)):
        return refuse(session, command, refusal.code, refusal.text)
    context.roster.speak(session.account.number, text, again=command.again)
    return [Send(session.peer.routing_id, (Noted(id=command.id),)), *context.presence(now)]


def whois(context: Context, session: Session, command: Whois, now: Now) -> list[Effect]:
    """Look one person up. The answer is the one line that the lobby's `member_list` has for them."""
    account = context.state.account_named(command.name)
    if account is None or not account.committed:
        return refuse(
            session, command, Code.UNKNOWN_USER, f"nobody here is called {command.name[:64]!r}"
        )
    lobby = context.state.lobby.log.id
    member = member_info(context, account.number, account.name, lobby)
    reply = MemberList(id=command.id, room=lobby, members=[member], more=False)
    return [Send(session.peer.routing_id, (reply,))]
