import os
import threading
from pathlib import Path

import pytest

from hubbub.client.errors import HomeUnusable
from hubbub.client.home import Home, KnownBroker
from hubbub.client.sockets import KeyPair
from hubbub.common.addresses import Address, parse

KEY = b"k" * 32
ADDRESS = parse("127.0.0.1:5000")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_device_key_is_made_once_and_private(home: Home) -> None:
    keys = home.device_key()
    assert home.device_key() == keys
    assert (len(keys.public), len(keys.secret)) == (32, 32)
    assert mode(home.folder) == 0o700
    assert mode(home.folder / "device.key") == 0o600


def test_a_secret_is_not_shown(home: Home) -> None:
    keys = home.device_key()
    assert keys.secret.hex() not in repr(keys)
    assert repr(keys.secret) not in repr(keys)


def test_clients_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    together = threading.Barrier(4)
    made = []

    def start(number: int) -> None:
        def make_keys() -> KeyPair:
            together.wait()  # all have seen that there is no key yet
            return KeyPair(bytes([number]) * 32, bytes([number]) * 32)

        made.append(Home(tmp_path, make_keys).device_key())

    threads = [threading.Thread(target=start, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len({keys.public for keys in made}) == 1


@pytest.mark.parametrize("content", ["", "not hex\nat all\n", "00\n00\n", "aa" * 32 + "\n"])
def test_a_broken_key_file_is_refused_and_left(home: Home, content: str) -> None:
    home.device_key()
    path = home.folder / "device.key"
    path.write_text(content)
    with pytest.raises(HomeUnusable, match=r"device\.key: .* the names you own are lost"):
        home.device_key()
    assert path.read_text() == content


def test_a_key_that_others_can_read_is_refused(home: Home) -> None:
    home.device_key()
    (home.folder / "device.key").chmod(0o644)
    with pytest.raises(HomeUnusable, match="chmod 600"):
        home.device_key()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable, match="file"):
        Home(tmp_path / "file" / "home").device_key()


def test_brokers_are_pinned_apart_and_forgotten(home: Home) -> None:
    other = parse("127.0.0.1:5003")
    assert home.pinned(ADDRESS) is None
    home.pin(ADDRESS, KEY)
    home.pin(other, b"o" * 32)
    assert (home.pinned(ADDRESS), home.pinned(other)) == (KEY, b"o" * 32)
    home.pin(ADDRESS, b"n" * 32)
    assert home.pinned(ADDRESS) == b"n" * 32
    assert home.forget(ADDRESS)
    assert not home.forget(ADDRESS)
    assert (home.pinned(ADDRESS), home.pinned(other)) == (None, b"o" * 32)


def test_pins_are_private(home: Home) -> None:
    home.pin(ADDRESS, KEY)
    [pin] = (home.folder / "brokers").iterdir()
    assert (mode(pin), mode(pin.parent)) == (0o600, 0o700)


def test_a_broken_pin_is_forgotten_on_purpose(home: Home) -> None:
    home.pin(ADDRESS, KEY)
    [pin] = (home.folder / "brokers").iterdir()
    pin.write_text(f"{ADDRESS}\nnot hex\n")
    with pytest.raises(HomeUnusable, match=f"run: hubbub forget {ADDRESS}"):
        home.pinned(ADDRESS)
    assert home.forget(ADDRESS)
    assert home.pinned(ADDRESS) is None


def test_every_address_has_a_file_name_of_its_own(home: Home) -> None:
    addresses = [
        Address("::1", 5000),
        Address("1:2:3:4:5:6:7:8", 5000),
        Address("1-2-3-4-5-6-7-8", 5000),
        Address("chat.example", 5000),
        Address("fe80::1%eth0", 5000),
        Address("..", 5000),
    ]
    for number, address in enumerate(addresses):
        home.pin(address, bytes([number]) * 32)
    assert [home.pinned(address) for address in addresses] == [
        bytes([number]) * 32 for number in range(len(addresses))
    ]
    names = [pin.name for pin in (home.folder / "brokers").iterdir()]
    assert not [name for name in names if ":" in name or "/" in name]


def test_host_names_are_the_same_in_any_case(home: Home) -> None:
    home.pin(Address("Chat.Example", 5000), KEY)
    assert home.pinned(Address("chat.example", 5000)) == KEY


def test_a_key_is_not_made_by_looking_for_it(home: Home) -> None:
    assert home.own_key() is None
    assert not home.folder.exists()
    assert home.device_key().public == home.own_key()


def test_known_brokers_are_listed_by_the_last_visit(home: Home) -> None:
    assert home.brokers() == []
    first, second, third = (Address(host, 5000) for host in ("::1", "chat.example", "127.0.0.1"))
    for time, address in enumerate((first, second, third), 1):
        home.pin(address, bytes([time]) * 32)
        home.visited(address, f"Alice {time}")
    for file, time in (("%3A%3A1", 3000), ("chat.example", 1000), ("127.0.0.1", 2000)):
        os.utime(home.folder / "visits" / f"{file},5000", (time, time))
        os.utime(home.folder / "brokers" / f"{file},5000", (500, 500))
    (home.folder / "brokers" / ".127.0.0.1,5000.abcdefgh").write_text("left by a crash")
    (home.folder / "brokers" / "notes.txt").write_text("of a person")
    assert home.brokers() == [
        KnownBroker(first, b"\1" * 32, 500, "Alice 1", 3000),
        KnownBroker(third, b"\3" * 32, 500, "Alice 3", 2000),
        KnownBroker(second, b"\2" * 32, 500, "Alice 2", 1000),
    ]


def test_a_name_is_remembered_until_its_broker_is_forgotten(home: Home) -> None:
    assert home.last_name(ADDRESS) == ""
    home.pin(ADDRESS, KEY)
    for name in ("Älice", "Bob"):
        home.visited(ADDRESS, name)
        assert home.last_name(ADDRESS) == name
    assert mode(home.folder / "visits" / "127.0.0.1,5000") == 0o600
    home.forget(ADDRESS)
    assert home.last_name(ADDRESS) == ""


def test_a_user_without_a_home_is_told_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "HUBBUB_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 5)  # whom no passwd lists
    with pytest.raises(HomeUnusable, match="name one by --home or HUBBUB_HOME"):
        Home()


def test_the_folder_is_given_or_named_by_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_HOME", str(tmp_path / "named"))
    assert Home().folder == tmp_path / "named"
    assert Home(tmp_path / "given").folder == tmp_path / "given"
    monkeypatch.delenv("HUBBUB_HOME")
    assert Home().folder.name == "hubbub"
