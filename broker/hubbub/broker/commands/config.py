"""`hubbub-broker config`."""

import os
from pathlib import Path

import click

from hubbub.broker.commands import options

_EPILOG = """\b
Examples:
  hubbub-broker config
  HUBBUB_LIMITS_POSTS_A_SECOND=50 hubbub-broker --bind 0.0.0.0 config
      what would hold with these
  hubbub-broker config --reference
      all keys, with what is allowed and why

Nothing of it is secret. Exit codes: 0 done; 1 the configuration is wrong, stderr says where."""


@click.command("config", context_settings=options.HELP, epilog=_EPILOG)
@options.data
@click.option(
    "--config",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration. Default: hubbub.toml in the data folder, if it is there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--reference", is_flag=True, help="Print the table of all keys, in Markdown.")
@click.pass_context
def print_config(
    context: click.Context, data: Path, file: Path | None, as_json: bool, reference: bool
) -> None:
    """Print the configuration that holds, and where each value is from.

    It is that of a broker started here and now, with the same options before the word config: read from its file, from variables, from options.
    A broker that runs has read them when it was started, or at its last SIGHUP.
    """
    from hubbub.broker import config_printing  # noqa: PLC0415 - nothing is loaded for --help
    from hubbub.broker.config_sources import Sources  # noqa: PLC0415 - nothing is loaded for --help

    if reference:
        click.echo(config_printing.reference())
        return
    before = context.parent.params.get("config") if context.parent else None
    effective = Sources(data, file or before, context.obj or {}, os.environ).load()
    as_text = config_printing.as_json if as_json else config_printing.as_toml
    click.echo(as_text(effective))
