"""The configuration as it is printed: as a file with the source of each value, for programs, and the table of all keys that CONFIGURATION.md holds."""

import json
from typing import Final

from msgspec import structs

from hubbub.broker.config import Config, registration_at
from hubbub.broker.config_keys import KEYS, SECTIONS, Key, written
from hubbub.broker.config_sources import Effective, Setting
from hubbub.broker.interfaces import listening_address
from hubbub.common.addresses import Address

_ABSENT: Final = {
    "broker.advertise": "none",
    "broker.registration": 'by `bind`: `"open"` on loopback, otherwise `"invite"`',
}
"""What holds without a value, for the reference."""

_LOOPBACK: Final = "Listening on this machine only: everybody has the budgets of bots; names_per_key and the bounds on registrations do not count."


def as_toml(effective: Effective) -> str:
    """Return a file that says the same, with the source of each value behind it."""
    lines = [f"# Read from {effective.file}" if effective.file else "# No file was read."]
    for section in SECTIONS:
        lines += ["", f"[{section}]"]
        if section == "limits" and listening_address(effective.config.broker.bind).is_loopback:
            lines.append(f"# {_LOOPBACK}")
        lines += [_line(key, _effective(key, effective)) for key in _keys_of(section)]
    return "\n".join(lines)


def as_json(effective: Effective) -> str:
    """Return the same for programs: the file, and by table and key the value and its source."""
    tables: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    for key in KEYS.values():
        setting = _effective(key, effective)
        value = str(setting.value) if isinstance(setting.value, Address) else setting.value
        tables[key.section][key.name] = {"value": value, "source": setting.source}
    file = str(effective.file) if effective.file else None
    return json.dumps({"file": file, "config": tables}, indent=2)


def reference() -> str:
    """Return the tables of all keys, in Markdown."""
    lines = []
    for section in structs.fields(Config):
        head = ["key", "allowed", "default", "SIGHUP", "what it is, and why"]
        lines += ["", f"### [{section.name}]", "", (section.type.__doc__ or "").strip(), ""]
        lines += [_row(head), _row(["---"] * len(head))]
        lines += [_row(_cells(key)) for key in _keys_of(section.name)]
    return "\n".join(lines[1:])


def _keys_of(section: str) -> list[Key]:
    return [key for key in KEYS.values() if key.section == section]


def _effective(key: Key, effective: Effective) -> Setting:
    """Return what holds for a key, also where that follows from another."""
    setting = effective.settings[str(key)]
    if str(key) == "broker.registration" and setting.value is None:
        bind = listening_address(effective.config.broker.bind)
        return Setting(registration_at(bind), f"{setting.source}, by bind")
    return setting


def _line(key: Key, setting: Setting) -> str:
    if setting.value is None:
        return f"# {key.name} is not set  # {setting.source}"
    return f"{key.name} = {written(setting.value)}  # {setting.source}"


def _cells(key: Key) -> list[str]:
    default = _ABSENT.get(str(key)) or f"`{written(key.default)}`"
    live = "yes" if key.is_live else "restart"
    return [f"`{key.name}`", key.allowed, default, live, key.reason]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
