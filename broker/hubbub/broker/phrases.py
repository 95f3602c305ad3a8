"""Counts and times as the operator reads them."""

from datetime import UTC, datetime


def counted(number: int, one: str, many: str) -> str:
    """Return "1 room", "1,234 rooms"."""
    return f"{number:,} {one if number == 1 else many}"


def holding(messages: int, rooms: int, people: int) -> str:
    """Say what a log holds."""
    said = counted(messages, "message", "messages")
    return f"{said}, {counted(rooms, 'room', 'rooms')}, {counted(people, 'name', 'names')}"


def moment(milliseconds: int) -> str:
    """Return a time as people read it, in UTC."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
