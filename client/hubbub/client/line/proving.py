"""How somebody comes in whose key the broker does not know: by an invite code, by the password of the name, or by a code from another device of theirs.

What was wrong is said, and asked for again a few times; of a pipe, once. Passwords, and the codes that stand for one, are typed unseen.
"""

import sys
from collections.abc import Callable
from textwrap import wrap
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
        self._invite: Proof = {}
        """The invite code that was answered last: good for another name too."""
        self._unseen: Proof = {}
        """The password, or the code from another device, that was answered last: good for one name."""
        self._is_newcomer = True
        """Whether it was an invite code that was asked for last, if anything was."""
        self._hint = ""
        """What was told last of an empty answer."""

    @property
    def _proof(self) -> Proof:
        return self._unseen or self._invite

    def enter(self, log_in: LogIn) -> Client | None:
        """Log in by one name, asking as long as it helps. None: the person takes another name. Raises what the broker refused in the end."""
        self._unseen, self._is_newcomer, self._hint = {}, True, ""
        for left in range(TRIES, -1, -1):
            try:
                return self._log_in(log_in)
            except LoginRefused as error:
                if not left or not self._may_ask(error):
                    raise
                if self._ask(error):
                    continue
                if not self._terminal.interactive:
                    raise
            if not self._may_rename:
                sys.exit(1)  # the person has been told why
            return None
        raise AssertionError("the last try returns or raises")

    def _log_in(self, log_in: LogIn) -> Client:
        """Log in by what was answered. What was answered unseen and reads like a code may be a password: any sixteen letters do."""
        try:
            return log_in(self._proof)
        except BadCode as error:
            if "code" not in self._unseen:
                raise
            try:
                return log_in({"password": self._unseen["code"]})
            except BadCredentials:
                raise error from None

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

    def _ask(self, error: LoginRefused) -> bool:
        """Say what is wrong and ask; return whether anything was answered."""
        if not isinstance(error, BadCode):  # of a wrong code, the same is asked again
            self._is_newcomer = isinstance(error, InviteRequired)
        elif not self._unseen:
            self._invite = {}
        self._tell(f"{error}.")
        if not self._is_newcomer:
            self._explain("another name" if self._may_rename else "leave")
            return self._ask_secret()
        self._explain("the name is yours already, and has a password")
        code = (self._answer(self._terminal.ask(INVITE)) or "").strip()
        if code and (self._terminal.interactive or _is_code(code)):
            self._invite = {"code": code}
            return True
        return self._terminal.interactive and self._ask_secret()

    def _ask_secret(self) -> bool:
        self._is_newcomer = False
        secret = self._answer(self._terminal.ask_secret(UNSEEN)) or ""
        if not secret.strip():
            return False
        # As it was typed: spaces around it are part of a password.
        self._unseen = {"code" if _is_code(secret) else "password": secret}
        return True

    def _explain(self, meaning: str) -> None:
        """Say what Enter alone means, unless it was said just before."""
        if meaning != self._hint:
            self._tell(f"Enter alone: {meaning}.")
        self._hint = meaning

    def _tell(self, text: str) -> None:
        """Say something to a person, with no word cut in two at the edge."""
        if self._terminal.interactive:
            for row in wrap(text, self._terminal.columns, break_on_hyphens=False):
                self._terminal.show(row)

    def _answer(self, typed: str | None) -> str | None:
        """Return an answer; the end of a person's input ends the program: they know."""
        if typed is None and self._terminal.interactive:
            sys.exit(1)
        return typed and typed.removesuffix("\r")


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
