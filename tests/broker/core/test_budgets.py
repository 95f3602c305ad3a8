"""Who is over a budget: first delayed, then told to slow down, then cut; and who is not feels nothing of it."""

from msgspec.structs import replace
from tests.broker.core.desk import Desk, Person
from tests.broker.core.memory_store import LOBBY

from hubbub.broker.core import frames, holding
from hubbub.broker.core.budgets import KEPT_BUDGETS, Budget, Budgets, Kind, Price, add_up
from hubbub.broker.core.context import Settings
from hubbub.broker.core.holding import IN_FLIGHT_SECONDS
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.rules import PRICES
from hubbub.broker.core.state import Account, Log
from hubbub.common.codec import array, encode
from hubbub.common.commands import Hello, History, Login, Logout, Ping, Post, Whois
from hubbub.common.errors import Code
from hubbub.common.limits import PING_SECONDS, SILENT_SECONDS
from hubbub.common.replies import Acked, Closing, Error, Page, Pong, Resend, Welcome

SMALL = Limits(
    posts_burst=10,
    posts_a_second=10,
    bot_posts_burst=100,
    bot_posts_a_second=100,
    queries_burst=20,
    queries_a_second=10,
    pages_burst=3,
    pages_a_second=1,
    refusals_before_cut=5,
)


def small(**changes: float) -> Desk:
    """A desk with small budgets."""
    return Desk(Settings("hub", events_port=5001, limits=replace(SMALL, **changes)))


def meets(desk: Desk, name: str) -> Person:
    """Somebody logs in, and has the budgets full."""
    person = desk.meets(name)
    desk.passes(3.0)
    return person.forgets()


def post(n: int) -> Post:
    return Post(n, LOBBY, "x")


def spends(person: Person) -> Person:
    """Post in single frames all that the budget holds."""
    return person.writes(*[[post(n)] for n in range(1, 11)]).forgets()


def flooded(person: Person) -> bool:
    """Whether a person was told, last of all, that they are cut for flooding."""
    told = person.unread[-1] if person.unread else None
    return (
        isinstance(told, Closing)
        and told.code == Code.FLOODING
        and told.retry_after == frames.REST_SECONDS
    )


def slow_down(after: float, *, id: int) -> Error:
    return Error(id=id, code=Code.SLOW_DOWN, text="", retry_after=after)


# Delayed.


def test_a_post_over_the_budget_waits_until_the_budget_has_filled() -> None:
    desk = small()
    alice = spends(meets(desk, "Alice"))
    alice.sends(post(11)).gets()
    desk.passes(0.05)
    alice.gets()
    desk.passes(0.1)
    alice.gets(Acked(11, LOBBY, 11))


def test_what_follows_a_frame_that_waits_waits_behind_it() -> None:
    desk = small()
    alice = spends(meets(desk, "Alice"))
    alice.sends(post(11)).sends(Whois(5, "Alice")).sends(Logout(6)).gets()
    desk.passes(0.2)
    assert [type(reply).__name__ for reply in alice.unread] == ["MemberList", "Acked", "Bye"]


def test_a_frame_over_the_budget_of_bytes_waits() -> None:
    desk = small(bytes_burst=64 * 1024, bytes_a_second=20 * 1024)
    alice = meets(desk, "Alice")
    text = "x" * 8000
    alice.sends(*[Post(n, LOBBY, text) for n in range(1, 8)]).forgets()
    alice.sends(*[Post(n, LOBBY, text) for n in (8, 9)]).gets()
    desk.passes(0.9)
    alice.gets(Acked(8, LOBBY, 8, count=2))


def test_a_frame_larger_than_the_budget_goes_through_when_the_budget_is_full() -> None:
    desk = small()
    alice = meets(desk, "Alice")
    alice.sends(*[post(n) for n in range(1, 31)]).gets(Acked(1, LOBBY, 1, count=30))
    alice.sends(post(31)).gets(Resend(31, Code.SLOW_DOWN, 2.1))


def test_the_sessions_of_an_account_share_its_budget() -> None:
    desk = small()
    phone, laptop = desk.meets("Alice"), meets(desk, "Alice")
    spends(phone)
    laptop.forgets().sends(post(1)).gets()
    desk.passes(0.2)
    laptop.gets(Acked(1, LOBBY, 11))


def test_a_bot_has_a_budget_of_its_own_from_the_moment_it_is_marked() -> None:
    desk = small()
    robot = spends(meets(desk, "Robot"))
    account = desk.core.context.state.account_like("Robot")
    assert account is not None
    account.is_bot = True
    desk.passes(1.0)
    robot.sends(*[post(n) for n in range(11, 91)]).gets(Acked(11, LOBBY, 11, count=80))


def test_other_limits_hold_at_once_for_what_is_spent_too() -> None:
    desk = small()
    alice, stranger = spends(meets(desk, "Alice")), desk.connects().hello()
    stranger.sends(*[Ping(id) for id in range(1, 11)]).sends(*[Ping(id) for id in range(11, 20)])
    stranger.forgets().sends(Ping(20)).gets()
    limits = replace(SMALL, posts_a_second=1000, queries_a_second=1000)
    desk.core.reconfigure(Settings("hub", events_port=5001, limits=limits))
    desk.passes(0.2)
    alice.sends(post(11)).gets(Acked(11, LOBBY, 11))
    stranger.gets(Pong(20)).sends(Ping(21)).gets(Pong(21))


def test_catching_up_has_a_budget_apart_from_posts() -> None:
    desk = small(posts_a_second=1)
    alice = spends(meets(desk, "Alice"))
    alice.sends(post(11), post(12)).gets(Resend(11, Code.SLOW_DOWN, 2.0))
    alice.sends(History(9, LOBBY, limit=1))
    [page] = alice.unread
    assert isinstance(page, Page)


def test_a_page_over_the_budget_waits_and_posts_do_not_pay_for_it() -> None:
    desk = small()
    alice = meets(desk, "Alice")
    for id in range(1, 4):
        alice.sends(History(id, LOBBY))
    alice.forgets().sends(History(4, LOBBY)).gets()
    desk.passes(1.1)
    alice.gets(Page(4, LOBBY, [], False, 0, bytes(16)))


def test_a_session_is_alive_while_its_pings_are_held() -> None:
    desk = small(posts_a_second=1, delay_seconds=60)
    alice = spends(meets(desk, "Alice"))
    alice.sends(*[post(n) for n in range(11, 21)])
    for id in range(4):
        desk.passes(PING_SECONDS)
        alice.sends(Ping(id)) if id < 2 else None
    assert 4 * PING_SECONDS > SILENT_SECONDS
    assert not alice.is_cut


# Refused.


def test_a_post_is_sent_back_when_the_wait_would_be_too_long() -> None:
    desk = small(posts_a_second=1)
    alice = spends(meets(desk, "Alice"))
    alice.sends(*[post(n) for n in range(11, 16)]).gets(Resend(11, Code.SLOW_DOWN, 5.0))
    desk.passes(5.1)
    alice.sends(*[post(n) for n in range(11, 16)]).gets(Acked(11, LOBBY, 11, count=5))


def test_posts_that_waited_too_long_are_sent_back_once() -> None:
    desk = small()
    alice = spends(meets(desk, "Alice"))
    alice.writes(*[[post(n)] for n in range(11, 41)]).gets()
    desk.passes(3.0)
    [back] = [reply for reply in alice.unread if isinstance(reply, Resend)]
    alice.unread.remove(back)
    assert back.code == Code.SLOW_DOWN
    assert alice.unread == [Acked(n, LOBBY, n) for n in range(11, back.n)]
    assert 19 <= back.n <= 22, "ten a second, for the second that each may wait"


def test_a_question_is_refused_with_the_time_to_ask_again() -> None:
    desk = small(queries_a_second=2)
    alice = desk.meets("Alice")
    alice.sends(*[Whois(id, "Alice") for id in range(1, 17)])
    alice.sends(*[Whois(id, "Alice") for id in range(17, 21)]).forgets()
    alice.sends(*[Whois(id, "Alice") for id in range(21, 24)])
    alice.gets(*[slow_down(1.5, id=id) for id in range(21, 24)])
    desk.passes(1.6)
    alice.sends(Whois(24, "Alice"))
    assert [type(reply).__name__ for reply in alice.unread] == ["MemberList"]


def test_strangers_pay_for_logins_whatever_session_they_begin() -> None:
    desk = small(queries_a_second=1)
    robot = desk.connects("Robot")
    for id in (1, 2):
        robot.sends(Hello(id, [1]), Login(id, "Robot", desk.new_events_key(), robot.producer))
        robot.sends(Logout(id))
    welcomes = [reply for reply in robot.unread if isinstance(reply, Welcome)]
    assert len(welcomes) == 1
    assert slow_down(2.0, id=2) in robot.unread


def test_posts_in_the_frame_of_a_login_are_paid_by_the_account() -> None:
    desk = small()
    spends(meets(desk, "Alice"))
    other = desk.connects("Alice")
    login = Login(2, "Alice", desk.new_events_key(), other.producer)
    other.sends(Hello(1, [1]), login, post(1))
    assert other.unread[-1] == Resend(1, Code.SLOW_DOWN, 0.1)


# Cut.


def test_a_client_that_goes_on_regardless_is_cut_and_its_account_rests() -> None:
    desk = small(posts_a_second=1)
    honest, rude = meets(desk, "Honest"), spends(meets(desk, "Rude"))
    number = 11
    rude.sends(post(number), post(number + 1))
    rude.gets(Resend(11, Code.SLOW_DOWN, 2.0))
    desk.passes(IN_FLIGHT_SECONDS + 0.1)
    for _ in range(4):
        number += 2
        rude.sends(post(number), post(number + 1)).gets()
    rude.sends(post(number + 2))
    assert flooded(rude)
    rude.forgets().sends(post(11)).gets()  # not cut yet: the closing has time to leave
    desk.passes(0.2)
    assert rude.is_cut
    assert desk.struck == [rude.connection]
    assert "client_flooded" in desk.logged
    again = desk.connects("Rude").hello().logs_in("Rude")
    again.gets(slow_down(9.8, id=2))
    honest.sends(Ping(1))
    desk.passes(10.0)
    again.hello().logs_in("Rude").gets_welcome()
    honest.forgets().sends(post(1)).gets(Acked(1, LOBBY, 11))


def test_a_client_that_asks_on_regardless_is_cut() -> None:
    desk = small()
    rude = desk.meets("Rude")
    for id in range(1, 500):
        if rude.is_cut:
            break
        rude.sends(Whois(id, "Rude"), Whois(id, "Rude"))
        desk.passes(0.02)
    assert rude.is_cut
    assert flooded(rude)
    assert desk.core.context.sessions.of(1) == []


def test_a_stranger_that_goes_on_regardless_is_cut() -> None:
    desk = small()
    rude = desk.connects()
    for id in range(1, 500):
        if rude.is_cut:
            break
        desk.takes(rude, array([encode(Ping(id))]) if id % 2 else b"\xc1")
        desk.passes(0.02)
    assert rude.is_cut


def test_whoever_sends_nothing_but_what_cannot_be_read_is_cut() -> None:
    """However short the waits are that it is told: a frame that cannot be read costs little, so it soon may send one again."""
    desk = small(queries_burst=20, queries_a_second=50)
    rude = desk.connects()
    for _ in range(20 + SMALL.refusals_before_cut):
        assert not rude.unread or not isinstance(rude.unread[-1], Closing)
        desk.takes(rude, b"\xc1")
    assert flooded(rude)
    desk.passes(0.2)
    assert rude.is_cut
    assert desk.struck == [rude.connection]


def test_a_client_is_not_cut_for_what_it_sent_before_it_could_hear() -> None:
    desk = small(refusals_before_cut=1)
    alice = spends(meets(desk, "Alice"))
    alice.writes(*[[post(n)] for n in range(11, 523)])
    desk.passes(1.5)
    assert not alice.is_cut
    [n] = [reply.n for reply in alice.unread if isinstance(reply, Resend)]
    for _ in range(100):
        alice.forgets().sends(*[post(n + more) for more in range(30)])
        desk.passes(1.1)
        for reply in alice.unread:
            if isinstance(reply, Resend):
                desk.passes(reply.retry_after)
            elif isinstance(reply, Acked):
                n += reply.count
    assert not alice.is_cut
    assert n > 500


# What is held.


def held(desk: Desk) -> int:
    return desk.core._frames._holding.bytes


def test_nothing_is_held_of_a_client_that_is_lost() -> None:
    desk = small()
    alice = spends(meets(desk, "Alice"))
    alice.writes([post(11)], [post(12)])
    assert held(desk) > 0
    alice.vanishes()
    assert held(desk) == 0
    desk.passes(2.0)
    log = desk.core.context.state.lobby.log
    assert log.seq == 10, "not acknowledged, so its client sends it again"


def test_what_is_held_goes_nowhere_when_its_client_is_back_on_another_connection() -> None:
    desk = small()
    alice = spends(meets(desk, "Alice"))
    alice.sends(post(11))
    back = desk.connects("Alice", routing_id=alice.routing_id)
    back.hello().logs_in("Alice").gets_welcome()
    desk.passes(2.0)
    back.gets()
    assert desk.core.context.state.lobby.log.seq == 10
    assert held(desk) == 0


def test_a_client_with_more_than_a_window_under_way_is_cut() -> None:
    desk = small(delay_seconds=60, posts_a_second=1)
    rude = spends(meets(desk, "Rude"))
    n, most = 11, holding.HELD_BYTES_A_CONNECTION // holding.FRAME_BYTES
    while n < most and not rude.unread:
        rude.sends(post(n))
        assert held(desk) <= holding.HELD_BYTES_A_CONNECTION
        n += 1
    assert n > 600, "a window of 512 fits in"
    rude.writes(*[[post(more)] for more in range(n, n + 10)])
    assert flooded(rude)
    assert held(desk) == 0


def test_frames_are_refused_at_once_when_too_many_are_held_and_others_go_on() -> None:
    desk = small(delay_seconds=60)
    crowd = [spends(desk.meets(f"Robot{number}")) for number in range(40)]
    honest = desk.meets("Honest")
    text = "x" * 8000
    for robot in crowd:
        for n in range(11, 111):
            robot.sends(Post(n, LOBBY, text))
    assert held(desk) <= holding.HELD_BYTES
    assert sum(bool(robot.unread) for robot in crowd) > 10
    for robot in crowd:
        for reply in robot.unread:
            assert isinstance(reply, Resend), "there is no room, and that is not their fault"
            assert reply.code == Code.SLOW_DOWN
    seq = desk.core.context.state.lobby.log.seq
    honest.forgets().sends(post(1)).gets(Acked(1, LOBBY, seq + 1))


# The figures.


def test_costs_add_up_by_kind() -> None:
    posts, page = Price(Kind.POSTS), Price(Kind.PAGES)
    free = Price(Kind.QUERIES, 0)
    assert list(add_up([(posts, 1)])) == [posts]
    prices = [(posts, 2), (page, 1), (Price(Kind.POSTS, 5), 1), (free, 9)]
    assert list(add_up(prices)) == [Price(Kind.POSTS, 7), page]


def test_a_budget_is_paid_for_all_kinds_or_for_none() -> None:
    budget = Budget(SMALL, is_bot=False)
    costs = [Price(Kind.POSTS, 5), Price(Kind.PAGES, 2)]
    assert budget.take(costs, 0.0) == 0.0
    assert budget.take(costs, 0.0) == 1.0
    assert budget.take([Price(Kind.POSTS, 5)], 0.0) == 0.0


def test_budgets_that_are_full_are_forgotten_when_others_are_made() -> None:
    budgets = Budgets(SMALL)
    for number in range(3 * KEPT_BUDGETS):
        account = Account(number, f"Robot{number}", 0, Log(bytes(16)), committed=True)
        budgets.of(account, float(number)).take([Price(Kind.POSTS, 10)], float(number))
    assert len(budgets) < KEPT_BUDGETS + 10


def test_every_command_that_is_carried_out_has_a_price() -> None:
    assert all(price.amount > 0 for price in PRICES.values())
