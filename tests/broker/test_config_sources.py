"""Where the configuration comes from, which source wins, and what is told of a wrong one: always one line, never a traceback."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbub.broker.config import Config
from hubbub.broker.config_keys import KEYS
from hubbub.broker.config_sources import MOST_BYTES, Effective, Sources
from hubbub.broker.errors import ConfigError
from hubbub.common.addresses import Address


class Operator:
    """Somebody who writes a file, sets variables and types flags."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "hubbub.toml"

    def writes(self, text: str) -> "Operator":
        self.file.write_text(text, encoding="utf-8")
        self.file.chmod(0o644)
        return self

    def loads(
        self,
        named: Path | None = None,
        flags: Mapping[str, str | bool] | None = None,
        /,
        **env: str,
    ) -> Effective:
        return Sources(self.folder, named, flags or {}, env).load()

    def is_refused(self, named: Path | None = None, /, **env: str) -> str:
        """Return the one line that says why."""
        with pytest.raises(ConfigError) as caught:
            self.loads(named, **env)
        text = str(caught.value)
        assert text.isprintable()
        return text


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_nothing_said_is_the_default(operator: Operator) -> None:
    effective = operator.loads()
    assert effective.config == Config()
    assert effective.file is None
    assert {setting.source for setting in effective.settings.values()} == {"default"}
    assert list(effective.settings) == list(KEYS)


def test_a_folder_that_is_not_there_yet_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "new" / "data", tmp_path / "file"):
        assert Sources(folder, None, {}, {}).load().config == Config()


def test_a_flag_wins_over_a_variable_that_wins_over_the_file(operator: Operator) -> None:
    operator.writes('[broker]\nname = "file"\n[log]\nlevel = "error"\nformat = "json"\n')
    effective = operator.loads(
        None, {"name": "flag"}, HUBBUB_NAME="variable", HUBBUB_LOG_LEVEL="debug"
    )
    told = {name: (setting.value, setting.source) for name, setting in effective.settings.items()}
    assert told["broker.name"] == ("flag", "--name")
    assert told["log.level"] == ("debug", "HUBBUB_LOG_LEVEL")
    assert told["log.format"] == ("json", "file")
    assert told["log.times"] == (False, "default")
    assert effective.config.broker.name == "flag"
    assert effective.config.log.level == "debug"
    assert effective.file == operator.file


def test_every_kind_of_value_comes_from_a_variable(operator: Operator) -> None:
    config = operator.loads(
        HUBBUB_BIND="[::]:7000",
        HUBBUB_ADVERTISE="chat.example.org",
        HUBBUB_ANNOUNCE="false",
        HUBBUB_INSECURE="1",
        HUBBUB_REGISTRATION="closed",
        HUBBUB_LIMITS_POSTS_A_SECOND="50",
        HUBBUB_LIMITS_DELAY_SECONDS="0.5",
        HUBBUB_PASSWORDS_TIME_COST="3",
    ).config
    assert config.broker.bind == Address("::", 7000)
    assert config.broker.advertise == Address("chat.example.org", 0)
    assert (config.broker.announce, config.broker.insecure) == (False, True)
    assert config.broker.registration == "closed"
    assert (config.limits.posts_a_second, config.limits.delay_seconds) == (50, 0.5)
    assert config.passwords.time_cost == 3


def test_every_kind_of_value_comes_from_the_file(operator: Operator) -> None:
    operator.writes(
        '[broker]\nbind = "eth0"\nannounce = false\n[limits]\nposts_burst = 3_000\ndelay_seconds = 0\n'
    )
    config = operator.loads().config
    assert config.broker.bind == Address("eth0", 5000)
    assert config.broker.announce is False
    assert (config.limits.posts_burst, config.limits.delay_seconds) == (3000, 0.0)


def test_a_switch_that_was_typed_is_a_flag(operator: Operator) -> None:
    operator.writes("[broker]\nannounce = true\n")
    effective = operator.loads(None, {"announce": False, "insecure": True})
    assert effective.settings["broker.announce"].source == "--no-announce"
    assert not effective.config.broker.announce
    assert effective.config.broker.insecure


def test_an_empty_variable_is_as_good_as_none(operator: Operator) -> None:
    assert operator.loads(HUBBUB_NAME="", HUBBUB_LIMITS_POSTS_BURST="").config == Config()


def test_variables_of_the_client_and_of_others_are_not_the_broker_s(operator: Operator) -> None:
    others = {"HUBBUB_HOME": "/data", "HUBBUB_BROWSE": "0", "HUBBUBBLE": "1", "PATH": "/bin"}
    assert operator.loads(**others).config == Config()


def test_a_file_by_another_name_is_read_instead(operator: Operator, tmp_path: Path) -> None:
    operator.writes('[broker]\nname = "folder"\n')
    named = [tmp_path / "flag.toml", tmp_path / "variable.toml"]
    for file in named:
        file.write_text(f'[broker]\nname = "{file.stem}"\n')
    assert operator.loads(HUBBUB_CONFIG=str(named[1])).config.broker.name == "variable"
    both = operator.loads(named[0], HUBBUB_CONFIG=str(named[1]))
    assert (both.config.broker.name, both.file) == ("flag", named[0])


def test_a_file_that_was_named_must_be_there(operator: Operator, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    for told in (
        operator.is_refused(missing),
        operator.is_refused(HUBBUB_CONFIG=str(missing)),
    ):
        assert told == f"{missing}: No such file or directory"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[limits]\nposts_a_second = 0",
            "limits.posts_a_second: 0 is not a whole number from 1 to 1,000,000",
        ),
        (
            '[limits]\nposts_a_second = "50"',
            "limits.posts_a_second: '50' is not a whole number from 1 to 1,000,000",
        ),
        (
            "[limits]\nposts_a_second = true",
            "limits.posts_a_second: true is not a whole number from 1 to 1,000,000",
        ),
        (
            "[limits]\nposts_a_second = 1.5",
            "limits.posts_a_second: 1.5 is not a whole number from 1 to 1,000,000",
        ),
        (
            "[limits.posts_a_second]\nx = 1",
            "limits.posts_a_second: a table is not a whole number from 1 to 1,000,000",
        ),
        (
            "[limits]\ndelay_seconds = nan",
            f"limits.delay_seconds: nan is not {KEYS['limits.delay_seconds'].allowed}",
        ),
        (
            '[broker]\nname = "two\\nlines"',
            r"broker.name: 'two\nlines' is not a text of 1 to 64 characters that can be printed",
        ),
        (
            '[broker]\ndurability = "disc"',
            'broker.durability: \'disc\' is not "disk" or "process"',
        ),
        ("[broker]\nannounce = 1", "broker.announce: 1 is not true or false"),
        (
            "[broker]\nbind = 5000",
            'broker.bind: 5000 is not an address: "HOST:PORT", "[IPv6]:PORT" or "HOST"',
        ),
        (
            '[broker]\nbind = "::1"',
            "broker.bind: cannot read the address '::1': write IPv6 in brackets, [::1]:5000",
        ),
        (
            '[broker]\nregistration = "invited"',
            'broker.registration: \'invited\' is not "open", "invite" or "closed"',
        ),
        (
            "[log]\nlevel = 2020-01-01",
            'log.level: 2020-01-01 is not "debug", "info", "warning" or "error"',
        ),
        (
            "[limits]\npost_a_second = 5",
            "there is no key 'limits.post_a_second'; did you mean limits.posts_a_second?",
        ),
        (
            "[limits]\nxyzzy = 5",
            "there is no key 'limits.xyzzy'; `hubbub-broker config --reference` lists all keys",
        ),
        ("[limit]\nposts_a_second = 5", "there is no table [limit]; did you mean [limits]?"),
        (
            'bind = "0.0.0.0"',
            "there is no key 'bind' outside of a table; did you mean broker.bind?",
        ),
        (
            'log_level = "info"',
            "there is no key 'log_level' outside of a table; did you mean log.level?",
        ),
        ("limits = 5", "limits is a table: write [limits] above its keys"),
        ("[[limits]]\nposts_burst = 5", "limits is a table: write [limits] above its keys"),
        (
            "[log]\nlevel\n",
            "this is no TOML: Expected '=' after a key in a key/value pair (at line 2, column 6)",
        ),
        (
            '[log]\nlevel = "info"\nlevel = "info"\ntimes = 1',
            "this is no TOML: Cannot overwrite a value (at line 3, column 15)",
        ),
        (
            "[limits]\nposts_burst = 0x" + "f" * 5000,
            "limits.posts_burst: so large a number is not a whole number from 1 to 1,000,000",
        ),
        (
            "[log]\nname = 5",
            "there is no key 'log.name'; did you mean broker.name?",
        ),
        ("[log]\nlevel = " + "[" * 5000, "lists or tables within each other too deep"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_file_key_and_what_is_allowed(
    operator: Operator, text: str, told: str
) -> None:
    assert operator.writes(text).is_refused() == f"{operator.file}: {told}"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "HUBBUB_LIMITS_POSTS_A_SECOND",
            "many",
            "HUBBUB_LIMITS_POSTS_A_SECOND: 'many' is not a whole number from 1 to 1,000,000",
        ),
        ("HUBBUB_ANNOUNCE", "no", "HUBBUB_ANNOUNCE: 'no' is not true or false"),
        (
            "HUBBUB_REGISTRATION",
            "null",
            'HUBBUB_REGISTRATION: \'null\' is not "open", "invite" or "closed"',
        ),
        (
            "HUBBUB_BROKER_BIND",
            "x",
            "the variable 'HUBBUB_BROKER_BIND' sets no key; did you mean HUBBUB_BIND?",
        ),
        (
            "HUBBUB_LIMIT_POSTS_BURST",
            "5",
            "the variable 'HUBBUB_LIMIT_POSTS_BURST' sets no key; did you mean HUBBUB_LIMITS_POSTS_BURST?",
        ),
        (
            "HUBBUB_bind",
            "x",
            "the variable 'HUBBUB_bind' sets no key; did you mean HUBBUB_BIND?",
        ),
    ],
)
def test_what_is_wrong_with_a_variable_is_told_with_its_name(
    operator: Operator, variable: str, value: str, told: str
) -> None:
    assert operator.is_refused(**{variable: value}) == told


def test_what_is_wrong_with_a_flag_is_told_with_its_name(operator: Operator) -> None:
    with pytest.raises(ConfigError) as caught:
        operator.loads(None, {"log_level": "loud"})
    allowed = '"debug", "info", "warning" or "error"'
    assert str(caught.value) == f"--log-level: 'loud' is not {allowed}"


def test_a_variable_draws_on_nobody_s_screen(operator: Operator) -> None:
    assert r"\x1b[2J" in operator.is_refused(**{"HUBBUB_\x1b[2J": "1"})
    assert r"\x1b[2J" in operator.is_refused(HUBBUB_LOG_LEVEL="\x1b[2J")


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_a_file_that_others_can_change_is_refused(operator: Operator, mode: int) -> None:
    operator.writes("").file.chmod(mode)
    way = f"others can change it; if nobody did, run: chmod go-w {operator.file}"
    assert operator.is_refused() == f"{operator.file}: {way}"


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o644])
def test_a_file_that_others_can_read_is_taken(operator: Operator, mode: int) -> None:
    operator.writes("[log]\ntimes = true\n").file.chmod(mode)
    assert operator.loads().config.log.times


def test_what_is_no_small_regular_file_of_text_is_refused(operator: Operator) -> None:
    file = operator.file
    os.mkfifo(file, 0o600)
    assert operator.is_refused() == f"{file}: it is not a regular file"
    file.unlink()
    file.mkdir()
    assert operator.is_refused().startswith(f"{file}: ")
    file.rmdir()
    file.write_bytes(b"# fine\n# \xff\n")
    assert operator.is_refused() == f"{file}: this is no UTF-8 (at line 2)"
    file.write_bytes(b"#" * (MOST_BYTES + 1))
    assert operator.is_refused() == f"{file}: it has more than 1,048,576 bytes"


def test_a_number_without_end_is_refused(operator: Operator) -> None:
    told = operator.writes("[limits]\nposts_burst = " + "9" * 5000).is_refused()
    assert told.startswith(f"{operator.file}: this is no TOML: ")


words = st.sampled_from(
    ["[limits]", "[log]", "\n", "=", "level", "posts_burst", "5", '"info"', "[", "]", ".", "{", "}"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words | st.text(max_size=3), max_size=12).map(" ".join))
def test_any_text_is_a_configuration_or_is_refused_in_one_line(
    operator: Operator, text: str
) -> None:
    operator.file.write_bytes(text.encode("utf-8", "surrogatepass"))
    operator.file.chmod(0o600)
    told = ""
    try:
        operator.loads()
    except ConfigError as error:
        told = str(error)
    assert told.isprintable()
