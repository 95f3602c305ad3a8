"""Compares what all clients wrote down with what the broker stored, and names whatever does not fit. Pure: journals and books in, faults out.

    the book        seqs without holes, digests as computed anew from the bytes, no message twice, private ones with both parties and nobody else
    what was sent   acked: there, where the ack said, once; kept in an outbox file: there, once; refused: not there; cut off by a kill: at most once;
                    never answered, though nobody killed its sender: a fault
    what was seen   from where reading began on, without a hole, in the order of the book, and nothing that is not in it
    the end         every log that is read, to its last event, with the digest computed anew

An earlier book (of before a restore) is judged by the same rules; an ack counts if any book bears it out, a refusal if the present one does.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos import journal as j
from tests.chaos.book import Book, Row

from hubbub.common.digest import EMPTY, extend
from hubbub.common.names import LOBBY


@dataclass(slots=True)
class Verdict:
    """What was found. `lost`, `doubled` and the others count faults; `faults` names them, the first ones first."""

    faults: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    acked: int = 0
    stored: int = 0
    compared: int = 0
    """Digests of a client at its end held against the book's."""
    outlived: int = 0
    """Messages without an outcome in the life that sent them, which a later life brought home from its outbox file."""

    def add(self, kind: str, text: str) -> None:
        """Add a fault."""
        self.kinds[kind] += 1
        self.faults.append(f"{kind}: {text}")


LOST, DOUBLED, ORDER, DIGEST = "lost", "doubled", "order", "digest"
OVERHEARD, INCOMPLETE, INVENTED, TROUBLE = "overheard", "incomplete", "invented", "trouble"
KINDS = (LOST, DOUBLED, ORDER, DIGEST, OVERHEARD, INCOMPLETE, INVENTED, TROUBLE)

Life = tuple[str, int]
"""A client's name and the number of its life."""


def check(
    journals: Mapping[Life, Iterable[j.AnyEntry]], books: Sequence[Book], last: Mapping[str, int]
) -> Verdict:
    """Judge a run. `books`: one for each epoch, the present one last; `last`: the life of each client that lived to the end."""
    verdict = Verdict()
    for book in books:
        check_book(book, verdict)
    shelf = Shelf(books)
    verdict.stored = len(shelf.places[-1])
    for (name, number), entries in sorted(journals.items(), key=lambda item: item[0]):
        life = LifeCheck(name, number, shelf, verdict)
        for entry in entries:
            life.take(entry)
        life.end(is_last=last.get(name) == number)
    return verdict


def check_book(book: Book, verdict: Verdict) -> None:
    """Whether a book is sound by itself."""
    for title, rows in book.logs():
        digest = EMPTY
        for expected, row in enumerate(rows, 1):
            digest = extend(digest, row.event)
            if row.seq != expected:
                verdict.add(LOST, f"{title}: {expected} is missing, {row.seq} comes next")
                break
            if row.own_seq not in (None, row.seq):
                verdict.add(ORDER, f"{title}: at {row.seq} stands an event of {row.own_seq}")
            if row.digest not in (None, digest):
                verdict.add(DIGEST, f"{title}: at {row.seq} the digest is not that of the bytes")
                break
    _check_copies(book, verdict)


def _check_copies(book: Book, verdict: Verdict) -> None:
    """Whether each message is there once; a private one once with each party."""
    copies = Counter(row.what for rows in book.rooms.values() for row in rows if _is_message(row))
    for id, count in copies.items():
        if count > 1:
            verdict.add(DOUBLED, f"{id} is in the rooms {count} times")
    private: Counter[tuple[str, str]] = Counter()
    parties: dict[str, frozenset[str]] = {}
    for name, rows in book.inboxes.items():
        for row in rows:
            private[row.what, name] += 1
            parties[row.what] = row.parties or frozenset()
            if name not in parties[row.what]:
                verdict.add(OVERHEARD, f"{row.what} is in the inbox of {name}, who is no party")
    for (id, name), count in private.items():
        if count > 1:
            verdict.add(DOUBLED, f"{id} is in the inbox of {name} {count} times")
    for id, names in parties.items():
        for name in names:
            if not private[id, name]:
                verdict.add(LOST, f"{id} is not in the inbox of {name}")


def _is_message(row: Row) -> bool:
    return " " not in row.what  # ids have none, the names of other events do


class Shelf:
    """All books, and where in them a message is."""

    def __init__(self, books: Sequence[Book]) -> None:
        self.books = {book.epoch: book for book in books}
        self.places = [_places(book) for book in books]

    def holds(self, id: str) -> bool:
        """Whether a message is in any book."""
        return any(id in places for places in self.places)

    def holds_now(self, id: str) -> bool:
        """Whether a message is in the present book. What an earlier one took, a restored one may have reason to refuse."""
        return id in self.places[-1]

    def bears_out(self, id: str, log: str | None, seq: int) -> bool:
        """Whether a message is, in any book, where its ack says."""
        return any((log, seq) == places.get(id) for places in self.places)


def _places(book: Book) -> dict[str, tuple[str | None, int]]:
    """Where each message is: its room and seq; of a private one the seq in its sender's inbox."""
    places: dict[str, tuple[str | None, int]] = {}
    for name, rows in book.inboxes.items():
        places |= {row.what: (None, row.seq) for row in rows if _sender(row) == name}
    for name, rows in book.rooms.items():
        places |= {row.what: (name, row.seq) for row in rows if _is_message(row)}
    return places


def _sender(row: Row) -> str:
    return row.what.partition("-")[0]


class LifeCheck:
    """Follows the journal of one life."""

    def __init__(self, name: str, number: int, shelf: Shelf, verdict: Verdict) -> None:
        self._name = name
        self._title = f"{name} in life {number}"
        self._shelf = shelf
        self._verdict = verdict
        self._waiting: dict[str, str | None] = {}
        """What was sent and has no outcome: the id, and the room."""
        self._kept: set[str] = set()
        self._cursors: dict[str | None, int] = {}
        self._unread: dict[str | None, str] = {}
        """Faults of rooms that were seen before it was told where reading began."""
        self._book: Book | None = None
        self._drained = False
        self._positions: set[str | None] = set()

    def take(self, entry: j.AnyEntry) -> None:
        """Judge the next entry."""
        match entry:
            case j.Sent() | j.Kept() | j.Acked() | j.Refused() | j.Unknown():
                self._wrote(entry)
            case j.Reading():
                self._reads(entry)
            case j.Left():
                self._cursors.pop(entry.room, None)
                self._unread.pop(entry.room, None)
            case j.Saw():
                self._saw(entry)
            case j.Replaced():
                self._cursors.clear()
                self._unread.clear()
            case j.Trouble():
                self._fault(TROUBLE, entry.what)
            case j.Drained():
                self._drained = True
            case j.At():
                self._stands(entry)

    def _wrote(self, entry: j.Sent | j.Kept | j.Acked | j.Refused | j.Unknown) -> None:
        match entry:
            case j.Sent():
                self._waiting[entry.id] = entry.room
                self._verdict.sent += 1
            case j.Kept():
                self._kept.add(entry.id)
            case j.Acked():
                self._acked(entry)
            case j.Refused():
                self._waiting.pop(entry.id, None)
                if self._shelf.holds_now(entry.id):
                    self._fault(INVENTED, f"{entry.id} was refused ({entry.code}) and is there")
            case j.Unknown():
                pass  # it waits on, and must be known when all is drained

    def _fault(self, kind: str, text: str) -> None:
        self._verdict.add(kind, f"{self._title}: {text}")

    def _acked(self, entry: j.Acked) -> None:
        self._verdict.acked += 1
        if entry.id not in self._waiting:
            self._fault(INVENTED, f"{entry.id} was acked, and was not waiting for that")
            return
        room = self._waiting.pop(entry.id)
        if not self._shelf.bears_out(entry.id, room, entry.seq):
            where = room or "its sender's inbox"
            what = "is elsewhere" if self._shelf.holds(entry.id) else "is not stored"
            self._fault(LOST, f"{entry.id} was acked as {entry.seq} of {where} and {what}")

    def _reads(self, entry: j.Reading) -> None:
        self._book = self._shelf.books.get(entry.epoch)
        if self._book is None:
            self._fault(INVENTED, f"reads a log of epoch {entry.epoch}, which no book has")
        self._cursors[entry.room] = entry.start

    def _saw(self, entry: j.Saw) -> None:
        where = f"{entry.seq} of {entry.room or 'its inbox'}"
        last = self._cursors.get(entry.room)
        if last is None:
            # Fine only if it had been left before the life could ask where reading began.
            self._unread.setdefault(entry.room, f"saw {where}, which it does not read")
            return
        if entry.seq > last + 1:
            self._fault(INCOMPLETE, f"saw {where} after {last}")
        elif entry.seq <= last:
            self._fault(ORDER, f"saw {where} after {last}")
        self._cursors[entry.room] = entry.seq
        rows = self._book.log(self._name, entry.room) if self._book else []
        if not 1 <= entry.seq <= len(rows):
            self._fault(INVENTED, f"saw {entry.what} as {where}, which is not stored")
        elif rows[entry.seq - 1].what != entry.what:
            stored = rows[entry.seq - 1].what
            self._fault(ORDER, f"saw {entry.what} as {where}, where {stored} is stored")
        elif rows[entry.seq - 1].time != entry.time:
            self._fault(
                INVENTED, f"saw {entry.what} as {where}, and another of that name is stored"
            )

    def _stands(self, entry: j.At) -> None:
        self._positions.add(entry.room)
        where = entry.room or "its inbox"
        book = self._shelf.books.get(entry.epoch)
        rows = book.log(self._name, entry.room) if book else []
        if entry.seq != len(rows) or self._cursors.get(entry.room) != entry.seq:
            shown = self._cursors.get(entry.room)
            text = (
                f"ends at {entry.seq} of {where}, having seen {shown}, where {len(rows)} are stored"
            )
            self._fault(INCOMPLETE, text)
            return
        self._verdict.compared += 1
        if entry.digest != digest_of(rows).hex():
            self._fault(DIGEST, f"ends with another digest of {where} than that of the bytes")

    def end(self, *, is_last: bool) -> None:
        """The journal has no more; a life that was not killed must have come to its end."""
        for text in self._unread.values():
            self._fault(INVENTED, text)
        self._check_kept()
        if is_last:
            self._check_end()

    def _check_end(self) -> None:
        if not self._drained:
            self._fault(INCOMPLETE, f"{len(self._waiting)} writes were never answered")
        elif self._waiting:
            first = ", ".join(list(self._waiting)[:3])
            self._fault(LOST, f"{len(self._waiting)} writes have no known outcome: {first} …")
        for room in sorted(self._must_read() - self._positions, key=str):
            self._fault(INCOMPLETE, f"never came to the end of {room or 'its inbox'}")

    def _check_kept(self) -> None:
        for id in self._waiting.keys() & self._kept:
            if self._shelf.holds(id):
                self._verdict.outlived += 1
            else:
                self._fault(LOST, f"{id} was in the outbox file and is not stored")

    def _must_read(self) -> set[str | None]:
        book = list(self._shelf.books.values())[-1]
        return {None, LOBBY} | {room for room, name in book.members if name == self._name}


def digest_of(rows: Iterable[Row]) -> bytes:
    """The digest of a log, computed anew from the stored bytes."""
    digest = EMPTY
    for row in rows:
        digest = extend(digest, row.event)
    return digest


def faults_shown(verdict: Verdict, most: int = 20) -> Iterator[str]:
    """Yield the first faults, and how many more there are."""
    yield from verdict.faults[:most]
    if len(verdict.faults) > most:
        yield f"… and {len(verdict.faults) - most} more"
