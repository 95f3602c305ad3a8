"""`hubbub-broker verify`."""

import json
import sys
from pathlib import Path

import click

from hubbub.broker import phrases
from hubbub.broker.commands import options
from hubbub.broker.store.findings import Report

_EPILOG = """\b
Examples:
  hubbub-broker verify
  hubbub-broker verify --logs
      the folder, with a line for each room and inbox
  hubbub-broker verify /mnt/backups/monday.hubbub
      a backup

`hubbub verify ROOM` of a client prints the same digest for the same events. No digest covers people's keys and what was answered to their
writes: of these the form is checked. Exit codes: 0 all is well; 1 it is not, or cannot be read."""


@click.command(context_settings=options.HELP, epilog=_EPILOG)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@options.data
@click.option(
    "--logs",
    is_flag=True,
    help="Print a line for each room and each inbox: first, last, count, digest.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def verify(file: Path | None, data: Path, logs: bool, as_json: bool) -> None:
    """Check every row of the data, or of a backup.

    Also while a broker runs. Computes the digests of all rooms and inboxes from the stored events, and compares what one table says of another. Whatever was changed, lost,
    added or moved is named: which room, which number.
    """
    from hubbub.broker.verify import verify as read_all  # noqa: PLC0415 - nothing is loaded for --help

    report = read_all(data, file)
    if as_json:
        click.echo(json.dumps(_json(report)))
    else:
        _print(report, logs=logs)
    sys.exit(1 if report.faults else 0)


def _print(report: Report, *, logs: bool) -> None:
    if logs:
        width = max((len(log.where) for log in report.logs), default=0)
        for log in report.logs:
            span = f"{log.first}..{log.last}" if log.count else "empty"
            click.echo(f"{log.where:<{width}}  {span:>12}  {log.count:>9,}  {log.digest.hex()}")
    for fault in report.faults:
        click.echo(f"FAULT: {fault}")
    holds = phrases.holding(report.messages, report.rooms, report.people)
    verdict = "All is well"
    if report.faults:
        verdict = phrases.counted(len(report.faults), "fault", "faults")
    click.echo(f"{verdict}: {holds}, epoch {report.epoch.hex()}.")


def _json(report: Report) -> dict[str, object]:
    return {
        "ok": not report.faults,
        "epoch": report.epoch.hex(),
        "messages": report.messages,
        "names": report.people,
        "logs": [
            {
                "log": log.where,
                "first": log.first,
                "last": log.last,
                "count": log.count,
                "digest": log.digest.hex(),
            }
            for log in report.logs
        ],
        "faults": [
            {
                "where": fault.where,
                "seq": fault.seq,
                "last": fault.seq if fault.last is None else fault.last,
                "fault": fault.what,
            }
            for fault in report.faults
        ],
    }
