"""`hubbub chat`: the line client, from the question where the broker is to the farewell."""

import os
import signal
import sys
from pathlib import Path
from typing import Final

import click

from hubbub.client.commands import options
from hubbub.client.discovery import Search
from hubbub.client.home import Home
from hubbub.client.line.chooser import offers
from hubbub.client.line.entry import ask_place, check_place, enter
from hubbub.client.line.terminal import Terminal
from hubbub.common.links import Place

_EPILOG: Final = """\b
Examples:
  hubbub chat                              lists the brokers around and asks
  hubbub chat 127.0.0.1:5000 --name Alice  asks nothing
  tail -f log | hubbub chat 127.0.0.1 --name log
                                           says each line as it comes

Exit codes: 0 the chat is over, and all that was typed is stored; 1 it could not begin, ended otherwise, or a line from a pipe was not carried
out, and stderr says why; 130 ended by Ctrl-C before it began."""


@click.command(context_settings=options.HELP, epilog=_EPILOG)
@click.argument("place", metavar="[ADDRESS]", type=options.PLACE, required=False)
@click.option(
    "--name",
    metavar="NAME",
    help="Your name. The first who uses a name owns it, by a key kept in the home folder.",
)
@options.home
@click.option(
    "--trust",
    metavar="FINGERPRINT",
    help="Trust a new broker only if its key has this fingerprint.",
)
@click.option(
    "--accept-new",
    is_flag=True,
    help="Trust a new broker whatever its key is; a changed key is still refused.",
)
@click.option(
    "--code",
    metavar="CODE",
    help="An invite code, or a code that /link shows on another device of yours. Needed once; a join link may hold it.",
)
@click.option("--times", is_flag=True, help="Show when each line came.")
@click.option(
    "--bell", is_flag=True, help="Ring when you are mentioned or somebody writes to you privately."
)
@options.browse
@options.insecure
def chat(  # noqa: PLR0913 - an argument an option
    *,
    place: Place | None,
    name: str | None,
    home: Path | None,
    trust: str | None,
    accept_new: bool,
    code: str | None,
    times: bool,
    bell: bool,
    browse: bool,
    insecure: bool,
) -> None:
    """Talk to the others on a broker.

    ADDRESS is HOST:PORT, or HOST alone for port 5000, or a join link. Without it you are asked; on a terminal the brokers that you know and those
    on the local network are listed first, to choose from.

    What you type goes to everybody in the room, `@name: text` to one person only; /help lists what else there is, /exit leaves. Input may come from
    a pipe: its lines are said one after the other, and the program ends when all have been stored.

    The first device to use a name owns it. From another one you are asked for the name's password, or for a code that /link shows; by a broker that
    takes newcomers by invitation only, for an invite code. A pipe is asked for the latter only, or gives a code by --code.

    A broker on this machine is trusted at first sight. Of any other you are shown the fingerprint of its key and asked once; a pipe needs
    --trust, --accept-new or a join link. If the key changes later, nothing is sent. Broker and client of other versions understand each other as long as
    they have one version of the protocol in common; otherwise you are told which of them to update.
    """
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, signal.default_int_handler)  # said farewell as with Ctrl-C
    folder = Home(home)
    asks = place is None and os.isatty(0)
    search = Search() if asks and browse else None
    # Loads prompt-toolkit: nobody should wait for it who only wants --help, and the search goes on meanwhile.
    from hubbub.client.line import start  # noqa: PLC0415 - see above

    terminal = Terminal.of_process()
    if place is None:
        place = ask_place(terminal, folder, offers(folder, search) if asks else [])
    else:
        check_place(place, folder)
    further = {"trust": trust, "accept_new": accept_new, "insecure": insecure, "code": code}
    with enter(terminal, place, name, folder, further) as client:
        done = start.run(client, terminal, times=times, bell=bell)
    if not done and not terminal.interactive:
        sys.exit(1)
