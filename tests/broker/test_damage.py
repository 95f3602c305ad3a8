"""Whatever becomes of the bytes of a database: `verify` says so or refuses in one line, a broker refuses in one line or runs, and nothing is a traceback."""

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.broker.chronicle import small_town

from hubbub.broker.core.state import State
from hubbub.broker.errors import BrokerError
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.broker.verify import verify

TRIES = 150


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("whole") / "data"
    small_town(data)
    return data


def one_byte(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= chance.randrange(1, 256)


def some_bytes(content: bytearray, chance: random.Random) -> None:
    place, count = chance.randrange(len(content)), chance.randrange(2, 200)
    content[place : place + count] = chance.randbytes(len(content[place : place + count]))


def swapped_pages(content: bytearray, chance: random.Random) -> None:
    first, second = (4096 * chance.randrange(len(content) // 4096) for _ in range(2))
    page = content[first : first + 4096]
    content[first : first + 4096] = content[second : second + 4096]
    content[second : second + 4096] = page


def cut_off(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


@pytest.mark.slow
@pytest.mark.parametrize("how", [one_byte, some_bytes, swapped_pages, cut_off])
def test_no_damage_ends_in_a_traceback(
    whole: Path, tmp_path: Path, how: Callable[[bytearray, random.Random], None]
) -> None:
    data = tmp_path / "data"
    noticed, refusals = 0, []
    for seed in range(TRIES):
        shutil.copytree(whole, data)
        content = bytearray((whole / "hubbub.db").read_bytes())
        how(content, random.Random(seed))
        (data / "hubbub.db").write_bytes(content)
        try:
            noticed += bool(verify(data).faults)
        except BrokerError as error:
            noticed += 1
            refusals.append(str(error))
        try:
            with closing(SqliteStore.open(data / "hubbub.db")) as store:
                State(store.load())
        except BrokerError as error:
            refusals.append(str(error))
        shutil.rmtree(data)
    assert noticed > TRIES / 25  # most bytes of a small database are free space
    assert not [refusal for refusal in refusals if "\n" in refusal]
