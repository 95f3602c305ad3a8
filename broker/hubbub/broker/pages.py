"""Hot pages: a page of a room that many clients ask for at once is read from the store once.

After a restart, or a publication that was lost, all members of a room miss the same events and ask for the same page. The reader's thread owns this and takes
one query after another, so those that come while the page is being read find it here. Only pages that can never be another are kept (`Fetch.is_final`): what
is published neither changes nor goes. Whatever will remove events (retention, deletion) must empty it.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from hubbub.broker.core.reads import EventsPage, Read, ReadResult
from hubbub.common.limits import MIB

KEPT_BYTES: Final = 8 * MIB
"""The last 30 or so full pages."""
_EVENT_BYTES: Final = 120
"""What Python needs for an event beside its bytes: a tuple, a number, an object's head."""
_PAGE_BYTES: Final = 1000
"""What it needs for a page, be it empty: the query with its numbers, their place in the dict, the page itself. Rather too much than too little."""


class Pages:
    """What `read` answered last, by query; those used longest ago are forgotten."""

    def __init__(self, read: Callable[[Read], ReadResult]) -> None:
        self._read = read
        self._kept: OrderedDict[Read, EventsPage] = OrderedDict()
        self._bytes = 0

    def read(self, query: Read) -> ReadResult:
        """Answer a query whose answer is final. Raises StorageError."""
        kept = self._kept.get(query)
        if kept is not None:
            self._kept.move_to_end(query)
            return kept
        result = self._read(query)
        if isinstance(result, EventsPage):
            self._kept[query] = result
            self._bytes += _size(result)
            while self._bytes > KEPT_BYTES:
                self._bytes -= _size(self._kept.popitem(last=False)[1])
        return result


def _size(page: EventsPage) -> int:
    return sum(len(event) + _EVENT_BYTES for _, event in page.events) + _PAGE_BYTES
