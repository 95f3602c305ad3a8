"""What a broker's operator does in tests of others, as their commands do it: over the socket in the data folder."""

from pathlib import Path
from typing import TypeVar

from hubbub.broker.operator.asking import running
from hubbub.broker.operator.requests import AnyRequest
from hubbub.common.commands import MakeInvite, SetRole
from hubbub.common.fields import RoleName
from hubbub.common.replies import Done, InviteMade

_T = TypeVar("_T")


def asked(data: Path, request: AnyRequest, kind: type[_T]) -> _T:
    """Ask the broker that runs on this folder."""
    with running(data) as broker:
        return broker.ask(request, kind)


def appoint(data: Path, name: str, role: RoleName = "owner") -> None:
    """Give somebody a role in the whole chat."""
    asked(data, SetRole(1, name=name, role=role), Done)


def invite_code(data: Path, uses: int = 1) -> str:
    """Return an invite code."""
    return asked(data, MakeInvite(1, uses=uses), InviteMade).code
