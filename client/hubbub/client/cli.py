"""The program `hubbub`: its commands, and how all of them end. A module of `hubbub.client.commands` has what each takes and prints.

Whatever goes wrong ends in one line on stderr and exit code 1. To add a command: its module, and its line at the end of this one.
"""

import contextlib
import os
import sys
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from hubbub.client.commands import brokers, chat, completion, ping, verify, whoami
from hubbub.client.commands.options import HELP, known_places
from hubbub.client.line.screen import harmless
from hubbub.common.errors import HubbubError
from hubbub.common.links import is_link

_EPILOG: Final = """\b
Examples:
  hubbub                         lists the brokers around, asks which and who
  hubbub 127.0.0.1:5000          asks who you are
  hubbub 127.0.0.1 --name Alice  asks nothing
  hubbub ping 127.0.0.1          tells whether a broker is well
  echo done | hubbub 127.0.0.1 --name job
                                 says it and leaves

A join link, hubbub://HOST:PORT/KEY, does wherever an ADDRESS does. Exit codes: 0 done; 1 it could not be done, and stderr says why; 2 it was
called wrongly; 130 ended by Ctrl-C. `hubbub-broker` starts a broker."""

INTERRUPTED: Final = 130
"""The exit code of a program that Ctrl-C has ended, as shells count."""


class _Commands(click.Group):
    """Takes `hubbub` and `hubbub ADDRESS` for `hubbub chat`; turns what goes wrong on purpose, and a full disk, into one line and exit code 1."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().main(*arguments, **options)
        except OSError as error:
            click.echo(f"hubbub: cannot read or write: {error.strerror}", err=True)
            with contextlib.suppress(OSError, AttributeError):  # it is None if it never was open
                sys.stdout.close()  # or the interpreter's end tries to write the rest, in vain
        sys.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # as added, what is needed most first

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if self._is_chat(ctx, args):
            args = ["chat", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return super().shell_complete(ctx, incomplete) + known_places(ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args[0].startswith("-") or getattr(error, "possibilities", None):
                raise  # an option, or nearly a command
            hint = f"If it is a broker: hubbub chat {harmless(args[0])}"
            raise click.UsageError(f"{error.format_message()} {hint}", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HubbubError as error:
            click.echo(f"hubbub: {harmless(str(error))}", err=True)
        except KeyboardInterrupt:
            if os.isatty(0):
                click.echo()  # behind the ^C
            sys.exit(INTERRUPTED)
        sys.exit(1)

    def _is_chat(self, ctx: click.Context, args: list[str]) -> bool:
        """Whether the command is left out: nothing is said at all, an address comes first, or an option that only `chat` has."""
        if not args:
            return not ctx.resilient_parsing  # a shell wants to know the commands
        option = args[0].partition("=")[0]
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        chats = {name for parameter in chat.chat.params for name in parameter.opts}
        return _is_place(args[0]) or option in chats - own


def _is_place(word: str) -> bool:
    """Whether it can only be meant as an address or a join link: no command has a dot or a colon."""
    if word.startswith("-"):
        return False
    return is_link(word) or "." in word or ":" in word or word == "localhost"


@click.group(
    cls=_Commands, epilog=_EPILOG, context_settings=HELP, subcommand_metavar="[COMMAND] [ARGS]..."
)
@click.version_option(package_name="hubbub", prog_name="hubbub")
def main() -> None:
    """Chat on a hubbub broker. Without a command: `hubbub chat`."""


for command in (
    chat.chat,
    ping.ping,
    verify.verify,
    brokers.brokers,
    brokers.forget,
    whoami.whoami,
    completion.completion,
):
    main.add_command(command)
