"""The keys of the configuration: each is documented, has one name everywhere, and takes what it says that it takes."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.processes import ROOT

from hubbub.broker.cli import main
from hubbub.broker.config import FIXED
from hubbub.broker.config_keys import KEYS, VARIABLES, Key, NotAllowed, written
from hubbub.broker.config_sources import _OTHERS
from hubbub.broker.core.limits import LIMITS
from hubbub.client.commands.options import BROWSE
from hubbub.client.home import VARIABLE

DOCUMENT = ROOT / "CONFIGURATION.md"
every_key = pytest.mark.parametrize("key", KEYS.values(), ids=str)


@every_key
def test_a_key_says_what_it_is_and_what_is_allowed(key: Key) -> None:
    assert len(key.reason) > 20
    assert key.reason.endswith(".")
    assert "|" not in key.reason + key.allowed, "it stands in a table"
    assert key.allowed


@every_key
def test_a_key_takes_its_own_default_as_it_is_written(key: Key) -> None:
    if key.default is None:
        return
    text = written(key.default)
    is_quoted = text.startswith('"')
    value = text[1:-1] if is_quoted else text.replace("_", "")
    assert key.read(value, is_text=True) == key.default
    assert key.read(value if is_quoted else key.default) == key.default


@pytest.mark.parametrize("key", [key for key in KEYS.values() if key.meta.le is not None], ids=str)
def test_a_key_with_bounds_takes_both_and_nothing_beyond(key: Key) -> None:
    least, most = key.meta.ge, key.meta.le
    assert least is not None
    assert most is not None
    assert (key.read(least), key.read(most)) == (least, most)
    for value in (least - 1, most + 1, 10**30, -(10**30), float("nan"), float("inf"), True, "1"):
        with pytest.raises(NotAllowed, match=r"is not a (whole )?number from"):
            key.read(value)
    for text in ("", "many", "nan", "0x10", "null"):
        with pytest.raises(NotAllowed, match=r"is not a (whole )?number from"):
            key.read(text, is_text=True)


@every_key
@pytest.mark.parametrize("value", [{}, [], {"a": 1}, [1], object(), b"a", None])
def test_no_key_takes_a_table_a_list_or_what_toml_has_not(key: Key, value: object) -> None:
    with pytest.raises(NotAllowed):
        key.read(value)


def test_every_variable_is_that_of_one_key_and_none_of_the_client_s() -> None:
    assert len(VARIABLES) == len(KEYS)
    assert {VARIABLE, BROWSE} == _OTHERS - {"HUBBUB_DATA", "HUBBUB_CONFIG"}
    assert not set(VARIABLES) & _OTHERS


def test_keys_that_need_a_restart_are_keys() -> None:
    assert set(KEYS) > FIXED


def test_every_flag_of_a_running_broker_is_that_of_a_key() -> None:
    flags = {option.name: option.opts[-1] for option in main.params}
    for name in ("data", "config", "version"):
        del flags[name]
    assert flags == {key.argument: key.flag for key in KEYS.values() if key.flag is not None}


def test_bots_and_loopback_have_budgets_that_are_no_smaller() -> None:
    here = LIMITS.on_loopback()
    for name in ("posts_burst", "posts_a_second", "bytes_burst", "bytes_a_second"):
        assert getattr(here, name) == getattr(LIMITS, f"bot_{name}") > getattr(LIMITS, name)
    assert here.names_per_key > LIMITS.names_per_key
    assert here.connections_per_address == LIMITS.connections_per_address


def test_document_shows_a_file_that_is_one(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    [example] = [part.partition("```")[0] for part in text.split("```toml\n")[1:]]
    file = tmp_path / "hubbub.toml"
    file.write_text(example)
    result = CliRunner().invoke(main, ["config", "--config", str(file)], env={})
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("# file\n") == example.count(" = ")


def test_document_shows_the_errors_that_one_gets(tmp_path: Path) -> None:
    shown = [
        line
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if line.startswith("hubbub-broker: ")
    ]
    file = tmp_path / "hubbub.toml"
    told = []
    for line in ("posts_a_second = 0", "post_a_second = 500"):
        file.write_text(f"[limits]\n{line}\n")
        told.append(CliRunner().invoke(main, ["config", "--config", str(file)]).stderr.strip())
    assert told == [line.replace("/srv/chat/hubbub.toml", str(file)) for line in shown]
