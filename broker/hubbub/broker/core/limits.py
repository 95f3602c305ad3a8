"""Every bound that the operator may set, each with its unit, its default and the reason for it; bounds of the protocol itself are in `hubbub.common.limits`.

The tables [limits] and [passwords] of `hubbub.toml` are these structs. To add a bound: a field with a description here. Configuration, its
document and their errors follow from it; CONFIGURATION.md is written anew by `hubbub-broker config --reference`.

A budget is a bucket: `…_burst` fits in at once, `…_a_second` or `…_a_minute` is what comes back.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from hubbub.common.limits import KIB, MIB

MOST: Final = 1_000_000
"""Of anything that is counted and has no reason of its own to be fewer."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one client, device, account, address or room may cost the others."""

    posts_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Writes of one account at once: the outbox of somebody who was offline, nearly four frames of 512.",
        ),
    ] = 2_000
    posts_a_second: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Writes of one account from then on, a second: far above any typist, and a hundredth of a bot's.",
        ),
    ] = 200
    bytes_burst: Annotated[
        int,
        Meta(
            ge=64 * KIB,
            le=1024 * MIB,
            description="Bytes of one account's frames at once: 64 frames of the largest size. Not below one such frame, which could never be sent.",
        ),
    ] = 4 * MIB
    bytes_a_second: Annotated[
        int,
        Meta(
            ge=1 * KIB,
            le=1024 * MIB,
            description="Bytes of one account's frames from then on, a second: 128 texts of the largest size.",
        ),
    ] = 1 * MIB
    bot_posts_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=10 * MOST,
            description="The same as `posts_burst` for an account marked as a bot, and for everybody on loopback: all there are one machine's.",
        ),
    ] = 100_000
    bot_posts_a_second: Annotated[
        int,
        Meta(
            ge=1,
            le=10 * MOST,
            description="The same as `posts_a_second` for bots and on loopback: so many that it stops a mistake only.",
        ),
    ] = 20_000
    bot_bytes_burst: Annotated[
        int,
        Meta(
            ge=64 * KIB,
            le=4096 * MIB,
            description="The same as `bytes_burst` for bots and on loopback, in bytes.",
        ),
    ] = 64 * MIB
    bot_bytes_a_second: Annotated[
        int,
        Meta(
            ge=1 * KIB,
            le=4096 * MIB,
            description="The same as `bytes_a_second` for bots and on loopback, in bytes: so many that it stops a mistake only.",
        ),
    ] = 32 * MIB
    bot_queries_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=10 * MOST,
            description="The same as `queries_burst` for bots and on loopback.",
        ),
    ] = 10_000
    bot_queries_a_second: Annotated[
        int,
        Meta(
            ge=1,
            le=10 * MOST,
            description="The same as `queries_a_second` for bots and on loopback: each takes the broker some tens of microseconds.",
        ),
    ] = 2_000
    queries_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Questions and orders of one account at once (who, whois, away …), each at the cost that PROTOCOL.md lists; and of one connection before its login.",
        ),
    ] = 200
    queries_a_second: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Questions and orders of one account from then on, a second: more than people and their clients ask.",
        ),
    ] = 50
    pages_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Pages of history and of lists for one account at once, apart from its other questions, so that catching up never waits for them: 400,000 events.",
        ),
    ] = 400
    pages_a_second: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Pages of history and of lists for one account from then on, a second: about what a client can take in.",
        ),
    ] = 100
    delay_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=1.5,
            description="For so long, in seconds, a session over its budget is merely held back; then it is told `slow_down`. A client in a hurry for a moment notices nothing; one that hears nothing for 2 s would send everything again.",
        ),
    ] = 1.0
    refusals_before_cut: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Frames refused of one connection that goes on regardless of `slow_down` before it is cut: a client that heeds it never comes near, since what it had sent before it could hear of it does not count.",
        ),
    ] = 100
    sessions_per_account: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Live sessions of one account: its devices and programs, each several times.",
        ),
    ] = 32
    devices_per_account: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000,
            description="Keys by which one account can be used: a person's devices, and the programs of a bot that runs on many machines. They are listed in one frame.",
        ),
    ] = 64
    names_per_key: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Names that one device key may own: a family at one computer. Does not count on loopback, where a test may make thousands.",
        ),
    ] = 8
    rooms_per_account: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000,
            description="Rooms beside the lobby that one account can be a member of. A welcome lists them all in one frame: 0.8 MB at worst.",
        ),
    ] = 1_000
    rooms_made_per_account: Annotated[
        int,
        Meta(
            ge=0,
            le=MOST,
            description="Rooms that one account may make; 0: none. Rooms stay, so one account shall not use up the names.",
        ),
    ] = 100
    members_per_room: Annotated[
        int,
        Meta(
            ge=2,
            le=MOST,
            description="Members of a room other than the lobby: as many as `connections` of them could listen.",
        ),
    ] = 10_000
    subscriptions_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Subscriptions and ends of them by one session at once: all of 1,000 rooms a few times over. Each costs 1.1 kB, also refused; beyond, it is ended.",
        ),
    ] = 4_096
    subscriptions_a_second: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Subscriptions and ends of them by one session from then on, a second.",
        ),
    ] = 100
    frames_per_message: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="ZeroMQ frames of one message from a client, of which one is right: with more the sender is disconnected. 300,000 of them held the loop for 0.6 s.",
        ),
    ] = 4
    connections: Annotated[
        int,
        Meta(
            ge=8,
            le=MOST,
            description="Connections in all, two a client; the newest beyond them is shut. Never more than three quarters of the descriptors that the system allows.",
        ),
    ] = 10_000
    connections_per_address: Annotated[
        int,
        Meta(
            ge=2,
            le=MOST,
            description="Connections from one address (of IPv6: one /64), the newest beyond it is shut: a company or a host of containers behind one router.",
        ),
    ] = 2_000
    handshakes_burst: Annotated[
        int,
        Meta(
            ge=2,
            le=MOST,
            description="Handshakes from one address at once: all clients behind one router coming back after a restart.",
        ),
    ] = 2_000
    handshakes_a_second: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="Handshakes from one address from then on, a second: one costs 0.5 ms of CPU, also refused, so this is a twentieth of a core.",
        ),
    ] = 100
    strikes_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Connections from one address (of IPv6: one /64) that are cut for abuse, at once; then nobody new is let in from there. Not few: a faulty program must be noticed before it locks out its whole machine, and loopback counts like any address. As many again may be owed.",
        ),
    ] = 20
    strikes_a_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="The same from then on, a minute: what abuse from one address costs the others in the long run. The dearest holds the loop for a tenth of a second, so this is a hundredth of its time.",
        ),
    ] = 6
    unread_bytes: Annotated[
        int,
        Meta(
            ge=1 * MIB,
            le=1024 * MIB,
            description="Bytes that a connection may have sent without a whole message of them: ZeroMQ holds a multipart message in memory until its end, and tells nobody. On events, and while nothing whole waits to be read, 256 KiB. Not below 1 MiB, since a client may have half of that under way.",
        ),
    ] = 4 * MIB
    password_tries_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Wrong passwords for one account at once: who has several tries them all.",
        ),
    ] = 10
    password_tries_a_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Wrong passwords for one account from then on, a minute: a million a year, and `minimum_score` asks for passwords that take more.",
        ),
    ] = 2
    address_tries_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Wrong passwords and codes from one address at once, for whatever accounts: some people behind one router.",
        ),
    ] = 30
    address_tries_a_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Wrong passwords and codes from one address from then on, a minute. A code has 80 bits: nobody finds one so.",
        ),
    ] = 6
    registrations_burst: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="New names from one address at once: a classroom. Does not count on loopback.",
        ),
    ] = 50
    registrations_a_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST,
            description="New names from one address from then on, a minute: names stay, so nobody shall use them up.",
        ),
    ] = 10
    hashes_waiting: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Passwords that wait to be hashed; more get `busy`. At two workers and 21 ms each (measured) it is a wait of 0.7 s.",
        ),
    ] = 64

    def on_loopback(self) -> "Limits":
        """Return what holds where all clients are on this machine: the bots' budgets for everybody, and no bound on new names."""
        return structs.replace(
            self,
            posts_burst=self.bot_posts_burst,
            posts_a_second=self.bot_posts_a_second,
            bytes_burst=self.bot_bytes_burst,
            bytes_a_second=self.bot_bytes_a_second,
            queries_burst=self.bot_queries_burst,
            queries_a_second=self.bot_queries_a_second,
            names_per_key=MOST,
            registrations_burst=MOST,
            registrations_a_minute=MOST,
        )


class Passwords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How passwords are hashed, by Argon2id, and which are taken. A hash made with other parameters is renewed at its owner's next login."""

    time_cost: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Passes over the memory. With `memory_kib` and `parallelism` what OWASP recommends at least.",
        ),
    ] = 2
    memory_kib: Annotated[
        int,
        Meta(
            ge=8 * KIB,
            le=1024 * KIB,
            description="KiB of memory for one hash, 19 MiB: what makes guessing on graphics cards dear. `workers` times as much is in use at once.",
        ),
    ] = 19_456
    parallelism: Annotated[
        int,
        Meta(
            ge=1,
            le=16,
            description="Lanes of one hash, each a thread; more hashes at once are the better use of cores.",
        ),
    ] = 1
    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=16,
            description="Threads that hash: so many logins by password at once, and no more cores, whatever is asked.",
        ),
    ] = 2
    minimum_score: Annotated[
        int,
        Meta(
            ge=0,
            le=4,
            description="What zxcvbn must say of a new password: 0 anything, 1 over 1,000 guesses, 2 over a million, 3 over 10^8, 4 over 10^10. Behind the bounds on tries a million is enough.",
        ),
    ] = 2


LIMITS: Final = Limits()
PASSWORDS: Final = Passwords()
"""The defaults."""
