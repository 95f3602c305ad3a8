"""`make fuzz`: much damaged input against codec, core and the operator's socket. The same seed sends the same."""

import argparse
import sys
import traceback
from secrets import randbelow
from typing import Final

import zmq
from tests.fuzz.siege import Siege

COUNT: Final = 200_000
A_SIEGE: Final = 5_000
"""Then another begins, with the next seed: so a fault is found again in seconds."""
SHOWN_BYTES: Final = 400


def main() -> int:
    """Go through so many; return the exit code."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=randbelow(10**9), help="of the first siege")
    parser.add_argument("--count", type=int, default=COUNT, help="frames, requests and the like")
    options = parser.parse_args()
    for done in range(0, options.count, A_SIEGE):
        seed = options.seed + done // A_SIEGE
        count = min(A_SIEGE, options.count - done)
        if not stands(seed, count):
            return 1
        print(f"seed {seed}: {done + count:,} of {options.count:,}", flush=True)
    return 0


def stands(seed: int, count: int) -> bool:
    """Besiege a core; say what is wrong if anything is."""
    with zmq.Context() as context:
        siege = Siege(seed, context)
        try:
            siege.goes_on(count)
        except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
            traceback.print_exc()
            print(f"\nbehind {siege.sent:,} and {siege.payload[:SHOWN_BYTES]!r}", file=sys.stderr)
            print(f'again: make fuzz ARGS="--seed {seed} --count {siege.sent + 1}"', file=sys.stderr)  # fmt: skip
            return False
        finally:
            siege.desk.close()
    return True


if __name__ == "__main__":
    sys.exit(main())
