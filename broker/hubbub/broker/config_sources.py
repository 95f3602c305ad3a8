"""Where the configuration comes from: the defaults, then `hubbub.toml`, then variables HUBBUB_…, then flags. Later ones win, key by key.

Whatever is wrong anywhere is a ConfigError of one line: which file, variable or flag, which key, what is allowed. Nothing is taken in part.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from hubbub.broker.config import Config
from hubbub.broker.config_keys import (
    KEYS,
    PREFIX,
    SECTIONS,
    VARIABLES,
    Key,
    NotAllowed,
    did_you_mean,
)
from hubbub.broker.errors import ConfigError
from hubbub.broker.folder import CONFIG, FOLDER_VARIABLE
from hubbub.common.addresses import shown
from hubbub.common.private_files import read_guarded

FILE_VARIABLE: Final = "HUBBUB_CONFIG"
MOST_BYTES: Final = 1 << 20
"""Of a file; with every key and many comments it has some kB."""
_OTHERS: Final = frozenset({FILE_VARIABLE, FOLDER_VARIABLE, "HUBBUB_HOME", "HUBBUB_BROWSE"})
"""Variables that are no keys: which file and folder, and the client's, which may run in the same environment."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it comes from: `default`, `file`, or the name of the variable or flag."""

    value: Any
    source: str = "default"


@dataclass(frozen=True, slots=True)
class Effective:
    """The configuration that holds, and how it came about. `file`: the one that was read, if there was one."""

    config: Config
    settings: Mapping[str, Setting]
    file: Path | None

    def changed(self, before: "Effective") -> list[Key]:
        """Return the keys whose values are others than before."""
        return [
            key
            for name, key in KEYS.items()
            if self.settings[name].value != before.settings[name].value
        ]


@dataclass(frozen=True, slots=True)
class Sources:
    """What `load` reads. `flags`: by `Key.argument`, as typed; `file` None: that of the variable, or the one in `folder` if it is there."""

    folder: Path
    file: Path | None
    flags: Mapping[str, str | bool]
    environment: Mapping[str, str]

    def load(self) -> Effective:
        """Read all of it, the file anew each time. Raises ConfigError."""
        file, table = self._read_file()
        settings = {name: Setting(key.default) for name, key in KEYS.items()}
        if file is not None:
            settings |= _from_table(file, table)
        settings |= self._from_environment()
        for key in KEYS.values():
            if (given := self.flags.get(key.argument)) is not None and key.flag is not None:
                settings[str(key)] = _setting(key, given, key.flag, is_text=True)
        return Effective(_config(settings), settings, file)

    def _read_file(self) -> tuple[Path | None, dict[str, object]]:
        named = self.environment.get(FILE_VARIABLE)
        file = self.file or (Path(named) if named else None)
        is_needed = file is not None
        file = (file or self.folder / CONFIG).absolute()
        try:
            text = read_guarded(file, MOST_BYTES).decode()
            return file, tomllib.loads(text)
        except (FileNotFoundError, NotADirectoryError) as error:
            if is_needed:
                raise ConfigError(f"{file}: {error.strerror}") from None
            return None, {}
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise ConfigError(f"{file}: this is no UTF-8 (at line {line})") from None
        except ValueError as error:
            # tomllib's own, or that of int, which reads no 5,000 digits.
            raise ConfigError(f"{file}: this is no TOML: {' '.join(str(error).split())}") from None
        except RecursionError:
            raise ConfigError(f"{file}: lists or tables within each other too deep") from None

    def _from_environment(self) -> dict[str, Setting]:
        """An empty variable is as good as none: a composition of containers cannot leave one out."""
        settings = {}
        for variable, text in sorted(self.environment.items()):
            if not variable.startswith(PREFIX) or variable in _OTHERS or not text:
                continue
            key = VARIABLES.get(variable)
            if key is None:
                hint = _variable_like(variable)
                raise ConfigError(f"the variable {shown(variable)} sets no key{hint}")
            settings[str(key)] = _setting(key, text, variable, is_text=True)
        return settings


def _from_table(file: Path, table: dict[str, object]) -> dict[str, Setting]:
    settings = {}
    for section, values in table.items():
        if section not in SECTIONS:
            raise ConfigError(f"{file}: {_unknown_section(section, values)}")
        if not isinstance(values, dict):
            raise ConfigError(f"{file}: {section} is a table: write [{section}] above its keys")
        for name, value in values.items():
            key = KEYS.get(f"{section}.{name}")
            if key is None:
                hint = _key_like(section, name)
                raise ConfigError(f"{file}: there is no key {shown(f'{section}.{name}')}{hint}")
            settings[str(key)] = _setting(key, value, "file", place=str(file))
    return settings


def _unknown_section(section: str, values: object) -> str:
    word = shown(section)
    if isinstance(values, dict):
        known = {name: f"[{name}]" for name in SECTIONS}
        return f"there is no table [{word[1:-1]}]{did_you_mean(section, known)}"
    homes = [str(key) for key in KEYS.values() if section in (key.name, key.argument)]
    hint = f"; did you mean {homes[0]}?" if homes else _key_like("", section)
    return f"there is no key {word} outside of a table{hint}"


def _key_like(section: str, name: str) -> str:
    """Compare the names alone: that of the table would make all in it alike. Of two, the one in this table."""
    known = {key.name: str(key) for key in KEYS.values()}
    return did_you_mean(
        name, known | {key.name: str(key) for key in KEYS.values() if key.section == section}
    )


def _variable_like(variable: str) -> str:
    known = {name.removeprefix(PREFIX): name for name in (*VARIABLES, *_OTHERS)}
    return did_you_mean(variable.removeprefix(PREFIX).upper().removeprefix("BROKER_"), known)


def _setting(
    key: Key, value: object, source: str, *, is_text: bool = False, place: str = ""
) -> Setting:
    try:
        return Setting(key.read(value, is_text=is_text), source)
    except NotAllowed as error:
        where = f"{place}: {key}" if place else source
        raise ConfigError(f"{where}: {error}") from None


def _config(settings: Mapping[str, Setting]) -> Config:
    tables = {}
    for section in structs.fields(Config):
        own = [key for key in KEYS.values() if key.section == section.name]
        tables[section.name] = section.type(**{key.name: settings[str(key)].value for key in own})
    return Config(**tables)
