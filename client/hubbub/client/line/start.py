"""A chat from the first question to the farewell, on the terminal or pipe of this process."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from hubbub.client.client import Client
from hubbub.client.line.chat import Chat
from hubbub.client.line.terminal import Terminal


def run(client: Client, terminal: Terminal, *, times: bool, bell: bool) -> bool:
    """Chat until the person leaves; return whether every typed line was carried out. Raises as `Chat.run` does."""
    if not _is_for_people(os.environ):
        try:
            return Chat(client, terminal, times=times).run()
        finally:
            terminal.close()  # it may have ended while a password was asked for
    # prompt-toolkit takes its time to load, and a pipe needs none of it.
    from hubbub.client.line.completion import Vocabulary  # noqa: PLC0415 - see above
    from hubbub.client.line.live import LiveTerminal  # noqa: PLC0415 - see above

    vocabulary = Vocabulary()
    with LiveTerminal(vocabulary, terminal.typed_ahead(), bell=bell) as live:
        return Chat(client, live, vocabulary, times=times).run()


def _is_for_people(environment: Mapping[str, Any]) -> bool:
    """Whether a line can be edited and redrawn here."""
    return (
        all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
        and environment.get("TERM", "dumb") != "dumb"
    )
