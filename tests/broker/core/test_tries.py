"""How often passwords and codes may be tried and names taken: by account, by address, and as the operator says."""

from tests.broker.core.accounts import PASSWORD, comes, links, open_desk, sets_password
from tests.broker.core.wire import Way, refused

from hubbub.broker.core.limits import MOST, Limits
from hubbub.common.errors import Code


def test_a_guesser_of_passwords_is_slowed_down_without_hashing_whether_there_is_the_name() -> None:
    desk = open_desk(limits=Limits(address_tries_burst=MOST // 100))
    sets_password(desk.meets("Alice"))
    for name in ("Alice", "Nobody"):
        for _ in range(10):
            comes(desk, name, password="wrong").gets(refused(Code.BAD_CREDENTIALS, id=2))
        desk.passwords_wait = True
        comes(desk, name, password="wrong").gets(refused(Code.SLOW_DOWN, id=2, retry_after=30.0))
        comes(desk, name.upper(), password=PASSWORD).gets(
            refused(Code.SLOW_DOWN, id=2, retry_after=30.0)
        )
        assert not desk.passwords
        desk.passwords_wait = False
    desk.passes(30)
    comes(desk, "Alice", password=PASSWORD).gets_welcome()


def test_a_guesser_at_an_address_is_slowed_down_whatever_names_are_tried() -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"))
    here = "192.0.2.7"
    for n in range(30):
        way = Way(password="wrong") if n % 2 else Way(code="aaaa-bbbb-cccc-dddd")
        code = Code.BAD_CREDENTIALS if n % 2 else Code.BAD_CODE
        mallory = desk.connects("Mallory", address=here).hello()
        mallory.logs_in(f"name{n}", **way).gets(refused(code, id=2))
    mallory.logs_in("Alice", password=PASSWORD)
    mallory.gets(refused(Code.SLOW_DOWN, id=2, retry_after=10.0))
    mallory.logs_in("Alice", code="aaaa-bbbb-cccc-dddd")
    mallory.gets(refused(Code.SLOW_DOWN, id=2, retry_after=10.0))
    comes(desk, "Alice", password=PASSWORD).gets_welcome()


def test_who_knows_the_password_or_has_a_code_spends_no_tries() -> None:
    desk = open_desk(limits=Limits(password_tries_burst=1, address_tries_burst=1))
    alice = sets_password(desk.meets("Alice"))
    here = "192.0.2.7"
    for n in range(3):
        one, two = (desk.connects(f"{n}{i}", address=here).hello() for i in (1, 2))
        one.logs_in("Alice", password=PASSWORD).gets_welcome()
        two.logs_in("Alice", code=links(alice)).gets_welcome()


def test_a_person_whose_name_is_guessed_at_comes_in_by_the_key_and_by_a_code() -> None:
    desk = open_desk(limits=Limits(password_tries_burst=1))
    alice = sets_password(desk.meets("Alice"))
    comes(desk, "Alice", password="wrong").gets(refused(Code.BAD_CREDENTIALS, id=2))
    comes(desk, "Alice", password=PASSWORD).gets(refused(Code.SLOW_DOWN, id=2, retry_after=30.0))
    desk.meets("Alice")
    comes(desk, "Alice", code=links(alice)).gets_welcome()
    desk.passes(30)
    sets_password(desk.meets("Alice"), "driftwood over marzipan")


def test_new_names_from_one_address_are_bounded_and_those_that_are_there_come_in() -> None:
    desk = open_desk(limits=Limits(registrations_burst=3, registrations_a_minute=6))
    here = "192.0.2.7"
    for n in range(3):
        desk.meets(f"name{n}", address=here)
    newcomer = desk.connects("four", address=here).hello().logs_in("four")
    newcomer.gets(refused(Code.SLOW_DOWN, id=2, retry_after=10.0))
    desk.meets("name0", address=here)
    desk.meets("five", address="192.0.2.8")
    desk.passes(10)
    newcomer.logs_in("four").gets_welcome()


def test_other_bounds_hold_as_soon_as_the_operator_says() -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"))
    desk.core.reconfigure(open_desk(limits=Limits(password_tries_burst=1)).core.context.settings)
    comes(desk, "Alice", password="wrong").gets(refused(Code.BAD_CREDENTIALS, id=2))
    comes(desk, "Alice", password="wrong").gets(refused(Code.SLOW_DOWN, id=2, retry_after=30.0))
