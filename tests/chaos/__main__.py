"""`make chaos`: a real broker and real clients under faults, and a proof that nothing was lost, doubled, disordered or overheard.

Faults come from a seed, which is printed: the same seed gives the same plan (how far each process is when a fault falls is the machine's business).
Exit code 0: nothing was wrong. Otherwise the first faults are named, and the folder with journals, logs and database is kept.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.breaking import BREAKS
from tests.chaos.checker import faults_shown
from tests.chaos.director import Director, Options
from tests.chaos.plan import Kind
from tests.chaos.table import table


def main() -> int:
    """Run once, print the table; return the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended
    folder = Path(tempfile.mkdtemp(prefix="hubbub-chaos-"))
    print(f"seed {options.seed}", flush=True)
    is_well = False
    try:
        report = Director(options, folder).run()
        is_well = not report.verdict.faults
        print(table(report))
        for fault in faults_shown(report.verdict):
            print(f"  {fault}")
    except KeyboardInterrupt:
        is_well = True  # nothing to look at
        return 130
    finally:
        if is_well:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"kept: {folder}")
    return 0 if is_well else 1


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="make chaos", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument("--seed", type=int, help="of the plan; without it another each time")
    parser.add_argument(
        "--minutes", type=float, help="how long faults go on: 1; with --posts at most: 10"
    )
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument(
        "--posts", type=int, help="go on until so many are acked, at full speed, in place of time"
    )
    parser.add_argument(
        "--kills", type=int, help="so many kills of the broker, evenly spread over posts or time"
    )
    parser.add_argument(
        "--loss", type=float, default=0.0, help="the share of event frames that each client loses"
    )
    parser.add_argument(
        "--hwm",
        type=int,
        default=3,
        help="frames that PUB keeps for whoever does not read; then it drops",
    )
    parser.add_argument(
        "--faults",
        type=_kinds,
        default=tuple(Kind),
        help=f"which ones, with commas between: {', '.join(Kind)}, or none; default: all",
    )
    parser.add_argument("--break", dest="broken", choices=BREAKS, help="break the broker first")
    given = parser.parse_args()
    minutes = given.minutes or (10.0 if given.posts else 1.0)
    return Options(
        seed=random.randrange(10**6) if given.seed is None else given.seed,
        seconds=minutes * 60,
        clients=given.clients,
        posts=given.posts,
        kills=given.kills,
        loss=given.loss,
        hwm=given.hwm,
        kinds=given.faults,
        broken=given.broken,
    )


def _kinds(text: str) -> tuple[Kind, ...]:
    try:
        return () if text == "none" else tuple(Kind(kind) for kind in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
