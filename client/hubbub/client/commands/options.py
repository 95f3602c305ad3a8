"""What several commands take: where the broker is, the home folder, whether to look around on the network."""

import contextlib
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from hubbub.client.home import VARIABLE, Home
from hubbub.common.addresses import Address
from hubbub.common.errors import HubbubError
from hubbub.common.links import JoinLink, Place, parse_place

HELP: Final = {"help_option_names": ["-h", "--help"]}
"""The context settings of every command."""

BROWSE: Final = "HUBBUB_BROWSE"


def known_places(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the known brokers that begin so, for a shell; none if the home cannot be read, which is no time to say it."""
    with contextlib.suppress(HubbubError):
        known = map(str, (broker.address for broker in Home(ctx.params.get("home")).brokers()))
        return [CompletionItem(address) for address in known if address.startswith(incomplete)]
    return []


class PlaceType(click.ParamType[Place]):
    """A broker's address or join link. Shells complete it by the brokers that are known here."""

    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Place:
        """Read it. Raises InvalidAddress."""
        return value if isinstance(value, Address | JoinLink) else parse_place(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return known_places(ctx, incomplete)


PLACE: Final = PlaceType()

home = click.option(
    "--home",
    metavar="DIR",
    envvar=VARIABLE,
    type=click.Path(path_type=Path),
    help="Where your keys and the brokers that you trust are kept; also HUBBUB_HOME. Default: the folder hubbub among your configuration, on Linux ~/.config/hubbub.",
)

browse = click.option(
    "--browse/--no-browse",
    envvar=BROWSE,
    default=True,
    help="Whether to look for brokers on the local network (mDNS); also HUBBUB_BROWSE, 0 or 1. Default: look.",
)

insecure = click.option(
    "--insecure",
    is_flag=True,
    help="No encryption; for measurements, with a broker that was started so too.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
