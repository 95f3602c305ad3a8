"""Decoding in several threads: two clients of a process read at once from their first frame on."""

import subprocess
import sys

LEARNS_NOTHING_MORE = """
import msgspec
import msgspec._utils

from hubbub.common import codec


class Unknown(msgspec.Struct):
    n: int


def learns(struct):
    try:
        msgspec.convert({}, struct)
    except msgspec.ValidationError:
        return False
    except AssertionError:
        return True


def refuse(struct):
    raise AssertionError(f"{struct} is learnt")


msgspec._utils._get_class_mro_and_typevar_mappings = refuse
assert learns(Unknown), "else the others prove nothing"
kinds = [*codec.COMMANDS.values(), *codec.REPLIES.values(), *codec.EVENTS.values()]
print([kind.__name__ for kind in kinds if learns(kind)])
"""


def test_every_struct_is_learnt_before_there_are_threads() -> None:
    """While one thread makes msgspec learn a struct, another that uses it takes the process down."""
    child = subprocess.run(
        [sys.executable, "-c", LEARNS_NOTHING_MORE], capture_output=True, text=True, check=False
    )
    assert (child.stdout.strip(), child.stderr) == ("[]", "")
