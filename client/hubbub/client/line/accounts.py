"""One's own name from within the chat: a new password, asked for unseen; devices, and codes for them; and the links that let newcomers in.

A password is in no action, no line and no history: it goes from the terminal to the client, and is forgotten.
"""

from collections.abc import Callable
from typing import Final
from unicodedata import category

from hubbub.client.client import Client
from hubbub.client.line import actions, authority
from hubbub.client.line.authority import When
from hubbub.client.line.lines import Line, command, notice
from hubbub.client.line.qr import qr_lines
from hubbub.client.line.terminal import ChatTerminal
from hubbub.common.codes import grouped, normalise
from hubbub.common.durations import spell
from hubbub.common.errors import HubbubError
from hubbub.common.links import JoinLink

NEW: Final = "New password: "
AGAIN: Final = "The same again: "


class Accounts:
    """Carries out what a person asks for about their own name. While `is_asking`, what is typed next is an answer: it belongs to `answer`."""

    def __init__(
        self, client: Client, terminal: ChatTerminal, when: When, show: Callable[[Line], None]
    ) -> None:
        self._client = client
        self._terminal = terminal
        self._when = when
        self._show = show
        self._first: str | None = None
        self.is_asking = False

    def carry_out(self, action: actions.AccountAction) -> None:
        """Do it and show the answer. Raises HubbubError."""
        match action:
            case actions.ChangePassword():
                self._ask(NEW)
            case actions.LinkDevice():
                self._link()
            case actions.ListDevices():
                for text in authority.devices(self._client.account.devices(), self._when):
                    self._show(notice(text))
            case actions.RemoveDevice(number):
                self._client.account.remove_device(number)
                self._show(notice(f"Device {number} may use your name no longer."))

    # The password.

    def _ask(self, question: str) -> None:
        self.is_asking = True
        self._terminal.ask_unseen(question)

    def answer(self, typed: str) -> None:
        """Take what was typed unseen. Raises HubbubError if that is no new password; then, and after the last answer, what is typed is seen again."""
        first, self._first = self._first, None
        typed = typed.strip("\r\n")  # pasted with its line's end, which is not typed elsewhere
        if typed and first is None:
            self._first = typed
            self._ask(AGAIN)
            return
        self.is_asking = False
        self._terminal.ask_unseen(None)
        if not typed:
            self._show(notice("Your password is as it was."))
        elif typed != first:
            raise HubbubError("That was not the same twice: your password is as it was.")
        elif any(category(character) == "Cc" for character in typed):
            raise HubbubError("A password is one line of what can be typed: yours is as it was.")
        else:
            self._client.account.set_password(typed)
            name, where = self._client.name, self._client.address
            text = (
                f"Your password is set. Elsewhere, hubbub chat {where} --name {name} asks for it."
            )
            self._show(notice(text))

    def give_up(self) -> None:
        """The person leaves, or the input has ended: no answer will come."""
        if self.is_asking:
            self.is_asking, self._first = False, None
            self._terminal.ask_unseen(None)

    # Codes.

    def _link(self) -> None:
        made = self._client.account.link()
        letters = normalise(made.code)
        where = self._place(letters)
        for line in (
            notice(f"Once, within {spell(made.seconds)}, another device may use your name by"),
            command(f"hubbub chat {where} --name {self._client.name}"),
            notice(f"or, where it is asked for a password or code, by {grouped(letters)}"),
        ):
            self._show(line)
        self._warn_if_here()

    def invite(self, *, as_qr: bool) -> None:
        """Make an invite for one newcomer and show it, on request as a QR code too. Raises HubbubError."""
        made = self._client.moderation.make_invite()
        letters = normalise(made.code)
        link = self._place(letters)
        for line in (
            notice(f"One newcomer may come in until {self._when(made.expires)}, by"),
            command(f"hubbub chat {link}"),
            notice(f"or, where an invite code is asked for, by {grouped(letters)}"),
        ):
            self._show(line)
        self._warn_if_here()
        if as_qr:
            for line in qr_lines(link, self._terminal.columns):
                self._show(line)

    def _place(self, code: str) -> str:
        """Return what leads to the broker with a code: a join link, or without encryption the mere address."""
        key, address = self._client.server_key, self._client.address
        return str(address if key is None else JoinLink(address, key, code))

    def _warn_if_here(self) -> None:
        if self._client.address.is_loopback:
            text = f"{self._client.address.host} leads there from this machine only; from others, put the broker's own address in its place."
            self._show(notice(text))
