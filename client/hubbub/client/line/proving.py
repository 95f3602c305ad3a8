"""How somebody comes in whose key the broker does not know: by an invite code, by the password of the name, or by a code from another device of theirs.

What was wrong is said, and asked for again a few times; of a pipe, once. Passwords, and the codes that stand for one, are typed unseen.
"""

import sys
from collections.abc import Callable
from typing import Final

from hubbub.client.client import Client
from hubbub.client.errors import (
    BadCode,
    BadCredentials,
    InviteRequired,
    LoginRefused,
    NameTaken,
    RegistrationClosed,
)
from hubbub.client.line.terminal import Terminal
from hubbub.common.codes import normalise
from hubbub.common.errors import Code, HubbubError, InvalidCode

TRIES: Final = 3
"""Wrong answers until the program ends: the broker lets nobody guess for long."""

INVITE: Final = "Enter invite code: "
UNSEEN: Final = "Enter password or link code: "

_ANSWERABLE: Final = (NameTaken, InviteRequired, RegistrationClosed, BadCredentials, BadCode)
Proof = dict[str, str]
"""Further options of `Client`: a password, or a code."""
LogIn = Callable[[Proof], Client]


class NoAnswer(HubbubError):
    """The input ended before a question was answered."""


class Proving:
    """Asks for what lets a person in. `may_rename`: they are asked for their name too, so that they may take another one."""

    def __init__(self, terminal: Terminal, *, may_rename: bool) -> None:
        self._terminal = terminal
        self._may_rename = may_rename
        self._proof: Proof = {}
        """What was answered last. An invite is good for another name too."""
        self._is_newcomer = True
        """Whether it was an invite code that was asked for last, if anything was."""

    def enter(self, log_in: LogIn) -> Client | None:
        """Log in, asking as long as it helps. None: the person takes another name. Raises what the broker refused in the end."""
        for left in range(TRIES, -1, -1):
            try:
                return log_in(self._proof)
            except LoginRefused as error:
                if not left or not self._may_ask(error):
                    raise
                proof = self._ask(error)
                if proof is None and not self._terminal.interactive:
                    raise
                if proof is None and not self._may_rename:
                    sys.exit(1)  # the person has been told why
                if proof is None:
                    return None
                self._proof = proof
        raise AssertionError("the last try returns or raises")

    def _may_ask(self, error: LoginRefused) -> bool:
        """Whether an answer could help, and there is somebody to give it. What a pipe says next is an invite code if one is wanted, a password only if
        the name came from it too. While the chat is locked down for newcomers, those who are none may say so.
        """
        if self._terminal.interactive:
            is_for_newcomers = error.code == Code.LOCKED_DOWN and not self._proof
            return isinstance(error, _ANSWERABLE) or is_for_newcomers
        return isinstance(error, InviteRequired) or (
            self._may_rename and isinstance(error, NameTaken)
        )

    def _ask(self, error: LoginRefused) -> Proof | None:
        """Say what is wrong and ask; return what was answered, None if nothing was."""
        if not isinstance(error, BadCode):  # of a wrong code, the same is asked again
            self._is_newcomer = isinstance(error, InviteRequired)
        self._tell(f"{error}.")
        if not self._is_newcomer:
            self._tell("Enter alone: another name." if self._may_rename else "Enter alone: leave.")
            return self._ask_secret()
        self._tell("Enter alone: the name is yours already, and has a password.")
        code = self._answer(self._terminal.ask(INVITE))
        if code and (self._terminal.interactive or _is_code(code)):
            return {"code": code}
        return self._ask_secret() if self._terminal.interactive else None

    def _ask_secret(self) -> Proof | None:
        self._is_newcomer = False
        secret = self._answer(self._terminal.ask_secret(UNSEEN))
        if not secret:
            return None
        return {"code": secret} if _is_code(secret) else {"password": secret}

    def _tell(self, text: str) -> None:
        if self._terminal.interactive:
            self._terminal.show(text)

    def _answer(self, typed: str | None) -> str | None:
        """Return an answer; the end of a person's input ends the program: they know."""
        if typed is None and self._terminal.interactive:
            sys.exit(1)
        return typed and typed.strip()


def _is_code(text: str) -> bool:
    try:
        normalise(text)
    except InvalidCode:
        return False
    return True


def ask(terminal: Terminal, question: str) -> str:
    """Return what is answered, without spaces around it. Ends the program if nothing more will be: a person who pressed Ctrl-D knows. Raises NoAnswer."""
    answer = terminal.ask(question)
    if answer is None and terminal.interactive:
        sys.exit(1)
    if answer is None:
        raise NoAnswer("the input ended before the chat began")
    return answer.strip()
