"""The operator's commands to watch a running broker: how it is, and who used which power."""

from pathlib import Path

import click

from hubbub.broker.commands import options

_STATS = """\b
Examples:
  hubbub-broker stats
  watch hubbub-broker stats

Exit codes: 0 done; 1 no broker runs."""


@click.command(context_settings=options.HELP, epilog=_STATS)
@options.data
@options.as_json
def stats(data: Path, as_json: bool) -> None:
    """Show how a running broker is.

    For how long it has run, what memory it has, how many are connected, how much is stored and how much waits.
    """
    from hubbub.broker.operator import looking  # noqa: PLC0415 - nothing is loaded for --help

    looking.stats(data, json=as_json)


_AUDIT = """\b
Examples:
  hubbub-broker audit
  hubbub-broker audit --last 1000 --json
  hubbub-broker audit --last 0 --follow
      what happens from now on, until Ctrl-C

With --json: one object a line. Exit codes: 0 done; 1 no broker runs; 130 stopped by Ctrl-C."""


@click.command(context_settings=options.HELP, epilog=_AUDIT)
@click.option(
    "--last",
    metavar="N",
    type=click.IntRange(0, 1_000_000),
    default=50,
    help="How many entries, the latest ones. Default: 50.",
)
@click.option("--follow", is_flag=True, help="Go on, and print each new one.")
@options.data
@options.as_json
def audit(last: int, follow: bool, data: Path, as_json: bool) -> None:
    """Print who used which power, over whom, and why.

    It is what the chat's owners read in their room `audit`. Nobody can change it. Times are UTC.
    """
    from hubbub.broker.operator import looking  # noqa: PLC0415 - nothing is loaded for --help

    looking.audit(data, last, follow=follow, json=as_json)
