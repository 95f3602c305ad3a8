"""A participant that is a program: a first bot to copy. It welcomes who joins, answers private messages, and opens a conversation.

    python examples/participant.py Bob
    python examples/participant.py Alice --greets --talks-to Bob

It stands on `hubbub.client` alone, runs until SIGTERM or Ctrl-C, and needs a folder for its keys (`--home`, or the variable HUBBUB_HOME): whoever has
them owns the name. To make it yours, change what `Participant` does with what happens. Worth keeping:

- What it says by itself is marked as automatic, and nothing so marked is answered: two programs never talk to each other for ever.
- It writes by the `_nowait` calls, which do not wait for the broker. While that is away the library keeps what was written, sends it once the
  broker is back, and goes on with the events where they stopped. There is nothing to do here for that.
- What others wrote is logged by `%r`: a terminal that shows the log must not execute their escape sequences.
"""

import argparse
import logging
import signal
import sys
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from hubbub.client import (
    Client,
    ConnectionLost,
    ConnectionRestored,
    Ended,
    HubbubError,
    Message,
    NobodyListens,
    OutcomeUnknown,
    PersonJoined,
    PersonLeft,
    PrivateMessage,
    Update,
)

log = logging.getLogger("participant")

AUTOMATIC: Final = {"automatic": True}
"""Travels as the data of a message that nobody typed: programs see it, people see the text alone."""

AGAIN_SECONDS: Final = 2.0
"""Until a broker that was not there at the start is asked again."""
FAREWELL_SECONDS: Final = 1.0
"""How long the end may take. Whoever sent SIGTERM kills what has not ended soon after."""


class Participant:
    """What one person does with what happens. Nothing here waits for the broker but the question at the start of `run`."""

    def __init__(self, chat: Client, *, greets: bool, friend: str | None) -> None:
        self._chat = chat
        self._greets = greets
        self._friend = friend
        self._has_talked = False

    def run(self) -> None:
        """Take part until the client has ended; raises the reason."""
        if self._friend and self._is_online(self._friend):
            self._talk_to(self._friend)
        for update in self._chat.events():
            self._react(update)

    def leave(self) -> None:
        """Say farewell."""
        self._say("Goodbye, everyone!")

    def _react(self, update: Update) -> None:
        match update:
            case PersonJoined(name):
                log.info("%s has joined the chat.", name)
                self._meet(name)
            case PersonLeft(name):
                log.info("%s has left the chat.", name)
            case Message(sender=sender, text=text, own=False):
                log.info("%s: %r", sender, text)
            case PrivateMessage(sender=sender, text=text, data=data) if sender != self._chat.name:
                log.info("Private message from %s: %r", sender, text)
                if not (data or {}).get("automatic"):
                    self._tell(sender, f"Hi {sender}! Only you see this.", automatic=True)
            case ConnectionLost():
                log.info("Connection lost; trying again.")
            case ConnectionRestored():
                log.info("Connected again.")
            case Ended(reason):
                raise reason
            case _:
                pass  # a bot may ignore what does not concern it: rooms, counts, gaps

    def _is_online(self, name: str) -> bool:
        while True:
            with suppress(OutcomeUnknown):  # a question, unlike what is written, is not kept
                return name in self._chat.who().names

    def _meet(self, name: str) -> None:
        if name == self._friend:
            self._talk_to(name)
        elif self._greets:
            self._say(f"Welcome, {name}! Everybody sees this; try @{self._chat.name}: hello")

    def _talk_to(self, friend: str) -> None:
        if self._has_talked:
            return  # who joins just when one asks who is online is found twice
        self._has_talked = True
        self._say("Hello, everyone!")
        # Not automatic: this one is meant to be answered, and it is the friend's answer that is not.
        self._tell(friend, f"Hi {friend}!", automatic=False)

    def _say(self, text: str) -> None:
        log.info("> %s", text)
        self._chat.post_nowait("lobby", text, AUTOMATIC).add_done_callback(log_refusal)

    def _tell(self, name: str, text: str, *, automatic: bool) -> None:
        log.info("> @%s: %s", name, text)
        data = AUTOMATIC if automatic else None
        self._chat.tell_nowait(name, text, data).add_done_callback(log_refusal)


def log_refusal(written: "Future[int]") -> None:
    """Log why the broker did not take what was written, or that it is not known whether it did."""
    if error := written.exception():
        log.warning("Not sent: %s", error)


def enter(options: argparse.Namespace) -> Client:
    """Join the chat, now or as soon as there is a broker."""
    while True:
        try:
            return Client(
                options.broker,
                name=options.name,
                home=options.home,
                accept_new=options.accept_new,
            )
        except NobodyListens as error:
            log.info("%s Trying again.", error)
            time.sleep(AGAIN_SECONDS)


def take_part(options: argparse.Namespace) -> None:
    """Join, take part, and leave when interrupted."""
    chat = enter(options)
    try:
        log.info("%s is in the chat.", chat.name)
        if options.note:
            log.info("%s", options.note)
        participant = Participant(chat, greets=options.greets, friend=options.talks_to)
        try:
            participant.run()
        except KeyboardInterrupt:
            participant.leave()
    finally:
        with suppress(OutcomeUnknown):  # it was logged
            chat.close(FAREWELL_SECONDS)


def options_given() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Take part in a hubbub chat as a program.")
    parser.add_argument("name", help="what the others call it")
    parser.add_argument("--broker", default="127.0.0.1:5000", metavar="ADDRESS")
    parser.add_argument("--home", metavar="DIR", help="the folder of its keys; also HUBBUB_HOME")
    parser.add_argument(
        "--accept-new",
        action="store_true",
        help="trust a broker at first sight, on another machine too; a changed key is still refused",
    )
    parser.add_argument("--greets", action="store_true", help="welcome everybody who joins")
    parser.add_argument("--talks-to", metavar="NAME", help="begin a conversation with NAME")
    parser.add_argument("--note", metavar="TEXT", help="a line for the log, once in the chat")
    return parser.parse_args()


def main() -> int:
    """Take part until SIGTERM or Ctrl-C (exit code 0), or until the chat is over for a reason (1)."""
    # As Ctrl-C. Explicitly, for SIGINT too: the first process of a container has no other reaction to any signal.
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        take_part(options_given())
    except KeyboardInterrupt:
        log.info("Interrupted.")
    except HubbubError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
